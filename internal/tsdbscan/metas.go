package tsdbscan

import (
	"errors"
	"unsafe"
)

var errTime = errors.New("a sample time is out of range")

// metas decodes the list of chunks at b[i:end].
func (c *cursor) metas(b []byte, i, end int) error {
	if c.quickMetas(b, i, end) {
		return nil
	}
	c.mint, c.maxt, c.born, c.dies = noTime, -noTime, noTime, -noTime
	c.samples, c.chunkBytes, c.native = 0, 0, false
	n, i := uvarint(b, i)
	if i > end || n > uint64(end-i)/3 {
		return errEntry
	}
	var maxt int64
	var ref uint64
	for j := range n {
		start, p := uvarint(b, i)
		length, p := uvarint(b, p)
		next, p := uvarint(b, p)
		i = p
		mint := maxt + int64(start)
		if j == 0 {
			mint, ref = unzigzag(start), next
		} else {
			ref += uint64(unzigzag(next))
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

// quickMetas is metas for series as most are: all numbers are of usual size, and
// if chunks are read, too, all of them are in the tail and in the part of their
// file that has been read last, and have no more than the usual time between
// their samples. It returns false for any other one.
//
// Bounds are checked once for all loads: slack is more than what the three
// numbers of a chunk can take.
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
	mint := unzigzag(pack(w & 0x7f7f7f7f7f7f))
	maxt, at := mint, 7
	var ref uint64
	var samples, bytes int64
	for first := true; ; first = false {
		w := load(p, at) // the length
		k := sizeOf(w)
		length := pack32(w & (1<<(8*k&63) - 1))
		maxt += length
		at += k
		w = load(p, at) // the reference
		r := sizeOf(w)
		if at += r; k > 4 || r > 6 || at > size {
			return false
		}
		if c.chunks != nil {
			v := pack(w & (1<<(8*r&63) - 1))
			if first {
				ref = v
			} else {
				ref += uint64(unzigzag(v))
			}
			m, k, ok := c.chunks.peek(ref)
			if !ok || !usualInterval(length, m) {
				return false
			}
			samples += m
			bytes += k
		}
		if n--; n == 0 {
			break
		}
		w = load(p, at) // the time since the chunk before
		k = sizeOf(w)
		maxt += pack32(w & (1<<(8*k&63) - 1))
		at += k
		if k > 4 {
			return false
		}
	}
	if at != size {
		return false
	}
	c.mint, c.maxt = mint, maxt
	c.born, c.dies = mint-Lookback.Milliseconds(), maxt+Lookback.Milliseconds()
	c.samples, c.chunkBytes, c.native = samples, bytes, false
	if c.chunks != nil {
		c.native = c.chunks.native
		return mint >= c.tail
	}
	return true
}
