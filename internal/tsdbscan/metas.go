package tsdbscan

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unsafe"
)

var errTime = errors.New("a sample time is out of range")

// metas decodes the list of chunks at b[i:end].
func (c *cursor) metas(b []byte, i, end int) error {
	c.mint, c.maxt, c.born, c.dies = noTime, -noTime, noTime, -noTime
	c.samples, c.chunkBytes, c.native = 0, 0, false
	n := uint64(b[i])
	if i++; n >= 0x80 {
		n, i = uvarint(b, i-1)
	}
	if i > end || n > uint64(end-i)/3 {
		return errEntry
	}
	var maxt int64
	var ref uint64
	for j := range n {
		var start, length uint64
		var mint int64
		p := i
		if j == 0 {
			start, p = timeUvarint(b, i)
			mint = unzigzag(start)
		} else {
			if start, p = shortUvarint(b, i); p > i+4 {
				start, p = uvarint(b, i)
			}
			mint = maxt + int64(start)
		}
		q := p
		if length, p = shortUvarint(b, q); p > q+4 {
			length, p = uvarint(b, q)
		}
		if c.chunks == nil {
			if last := ^load64(b, p) & 0x8080808080808080; last != 0 {
				i = p + (bits.TrailingZeros64(last)+1)/8
			} else {
				_, i = uvarint(b, p)
			}
		} else {
			var next uint64
			next, i = uvarint(b, p)
			if j > 0 {
				next = ref + uint64(unzigzag(next))
			}
			ref = next
		}
		if i > end {
			return errEntry
		}
		const limit = 1 << 60
		if j > 0 && start > limit || length > limit || mint > limit || mint < -limit {
			return errTime
		}
		maxt = mint + int64(length)

		var samples, size int64
		if c.chunks != nil {
			var err error
			if samples, size, err = c.chunks.read(ref); err != nil {
				return err
			}
			c.native = c.native || c.chunks.native
			c.samples += clip(samples, mint, maxt, c.tail)
			c.chunkBytes += clip(size, mint, maxt, c.tail)
		}
		if j == 0 {
			c.mint, c.born = mint, mint-patience(mint, maxt, samples)
		}
		if j == n-1 {
			c.maxt, c.dies = maxt, maxt+patience(mint, maxt, samples)
		}
	}
	if i != end {
		return errEntry
	}
	return nil
}

// quickMetas is metas for a block whose chunks are not read, and for series as
// most are. It returns false for any other one.
//
// Bounds are checked once for all loads.
func (c *cursor) quickMetas(b []byte, i, end int) bool {
	size := end - i
	if size < 0 {
		return false
	}
	p := unsafe.Pointer(&b[i : end+slack][0])
	n := *(*byte)(p)
	w := load(p, 1)
	if n-1 >= 0x7f || w&0x808080808080 != 0x8080808080 { // the first time mostly has six bytes
		return false
	}
	w = w&0x007f007f007f | w>>1&0x3f803f803f80
	c.mint = unzigzag(w&0x3fff | w>>2&0xfffc000 | w>>4&0x3fff0000000)
	maxt, at := c.mint, 7
	for {
		w := load(p, at) // the length
		last := ^w & 0x80808080
		w &= last ^ (last - 1)
		w = w&0x007f007f | w>>1&0x3f803f80
		maxt += int64(w&0x3fff | w>>2&0xfffc000)
		at += bits.TrailingZeros64(last)/8 + 1
		lastRef := ^load(p, at) & 0x8080808080808080
		at += bits.TrailingZeros64(lastRef)/8 + 1
		if last == 0 || lastRef == 0 || at > size {
			return false
		}
		if n--; n == 0 {
			break
		}
		w = load(p, at) // the time since the chunk before
		last = ^w & 0x80808080
		w &= last ^ (last - 1)
		w = w&0x007f007f | w>>1&0x3f803f80
		maxt += int64(w&0x3fff | w>>2&0xfffc000)
		at += bits.TrailingZeros64(last)/8 + 1
		if last == 0 {
			return false
		}
	}
	c.maxt = maxt
	c.born, c.dies = c.mint-Lookback.Milliseconds(), c.maxt+Lookback.Milliseconds()
	return at == size
}

func load(p unsafe.Pointer, at int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, at))[:])
}
