package walscan

import (
	"encoding/binary"
	"math/bits"

	"github.com/prometheus/prometheus/tsdb/encoding"
)

// samples counts the samples of a record.
func (c *collector) samples(rec []byte) error {
	b := rec[1:]
	if len(b) == 0 {
		return nil
	}
	if len(b) < 16 {
		return encoding.ErrInvalidSize
	}
	first, base := int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
	b = b[16:]
	// As long as both varints and the value are there for sure, they are
	// decoded without a look at the end.
	for len(b) >= 2*8+8 {
		ref, n := varint(b)
		at, m := varint(b[n:])
		if n > 8 || m > 8 {
			break
		}
		n += m
		c.sample(uint64(first+ref), base+at, isStale(binary.BigEndian.Uint64(b[n:])))
		b = b[n+8:]
	}
	d := encoding.Decbuf{B: b}
	for d.Len() > 0 && d.Err() == nil {
		ref, at, v := d.Varint64(), d.Varint64(), d.Be64()
		if d.Err() == nil {
			c.sample(uint64(first+ref), base+at, isStale(v))
		}
	}
	return d.Err()
}

// varint decodes a number from at least 8 bytes. It returns a length above 8
// for a longer one.
func varint(b []byte) (v int64, n int) {
	if b[0] < 0x80 {
		return int64(b[0]>>1) ^ -int64(b[0]&1), 1
	}
	w := binary.LittleEndian.Uint64(b)
	n = bits.TrailingZeros64(^w&0x8080808080808080)/8 + 1
	if n > 8 {
		return 0, n
	}
	w &= 1<<(8*n-1) - 1 // without the end's empty bit
	var u uint64
	for i := range n {
		u |= w >> (8 * i) & 0x7f << (7 * i)
	}
	return int64(u>>1) ^ -int64(u&1), n
}

// samplesV2 counts the samples of a record of version 2.
func (c *collector) samplesV2(rec []byte) error {
	d := encoding.Decbuf{B: rec[1:]}
	if d.Len() == 0 {
		return nil
	}
	ref, base := d.Varint64(), d.Varint64()
	d.Varint64() // start time
	for at := base; ; {
		v := d.Be64()
		if d.Err() != nil {
			return d.Err()
		}
		c.sample(uint64(ref), at, isStale(v))
		if d.Len() == 0 {
			return nil
		}
		ref += d.Varint64()
		at = base + d.Varint64()
		skipStart(&d)
	}
}

// Markers of a sample's start time in records of version 2.
const (
	noStart   = 0
	sameStart = 1
)

// skipStart steps over the start time of a sample.
func skipStart(d *encoding.Decbuf) {
	if marker := d.Byte(); marker != noStart && marker != sameStart {
		d.Varint64()
	}
}
