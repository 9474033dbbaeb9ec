package tsdbscan

import (
	"errors"
	"math/bits"
)

var errTime = errors.New("a sample time is out of range")

// chunkTimes are the bytes of a chunk's two times, start and length, and what
// they mean. Chunks of neighbours mostly have the same ones, and comparing
// takes a third of decoding.
type chunkTimes struct {
	low, lowMask   uint64 // the first eight bytes
	high, highMask uint64 // the next eight
	size           int    // at most 16
	start, length  uint64
}

// read decodes the times at b[i:] and returns the position after them.
func (t *chunkTimes) read(b []byte, i int) int {
	low, high := load64(b, i), load64(b, i+8)
	if (low^t.low)&t.lowMask|(high^t.high)&t.highMask == 0 && t.size > 0 {
		return i + t.size
	}
	var end int
	t.start, end = uvarint(b, i)
	t.length, end = uvarint(b, end)
	if t.size = end - i; t.size > 16 {
		t.size = 0 // not to be compared
	} else {
		t.low, t.lowMask = low, 1<<min(64, 8*t.size)-1
		t.high, t.highMask = high, 1<<max(0, 8*t.size-64)-1
	}
	return end
}

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
		times := &c.times[j%uint64(len(c.times))]
		p := times.read(b, i)
		start, length := times.start, times.length
		mint := maxt + int64(start)
		if j == 0 {
			mint = unzigzag(start)
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
