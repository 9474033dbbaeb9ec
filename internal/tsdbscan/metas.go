package tsdbscan

import "errors"

var errTime = errors.New("a sample time is out of range")

// metas decodes the list of chunks at b[i:end].
func (c *cursor) metas(b []byte, i, end int) error {
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
		mint := maxt + int64(start)
		if j == 0 {
			mint = unzigzag(start)
		}
		if c.chunks == nil {
			i = skipUvarint(b, p)
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
