package tsdbscan

import "math/bits"

// counter counts how often numbers occur.
type counter struct {
	slots []uint64 // number+1 in the upper half, its count in the lower
	used  int
	shift int // of the hash, so that it falls into slots
}

// add adds n to the count of v.
func (c *counter) add(v uint32, n uint32) {
	if c.used >= len(c.slots)/4*3 {
		c.grow()
	}
	key := uint64(v) + 1
	for i := c.slot(key); ; i = (i + 1) & (len(c.slots) - 1) {
		switch {
		case c.slots[i]>>32 == key:
			c.slots[i] += uint64(n)
			return
		case c.slots[i] == 0:
			c.slots[i] = key<<32 | uint64(n)
			c.used++
			return
		}
	}
}

func (c *counter) slot(key uint64) int {
	return int(key * 0x9e3779b97f4a7c15 >> c.shift)
}

func (c *counter) grow() {
	old := c.slots
	c.slots = make([]uint64, max(8, 2*len(old)))
	c.shift = 64 - bits.TrailingZeros(uint(len(c.slots)))
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := c.slot(s >> 32)
		for c.slots[i] != 0 {
			i = (i + 1) & (len(c.slots) - 1)
		}
		c.slots[i] = s
	}
}

// each calls f with every number and its count, in no order.
func (c *counter) each(f func(v, n uint32)) {
	for _, s := range c.slots {
		if s != 0 {
			f(uint32(s>>32-1), uint32(s))
		}
	}
}
