package tsdbscan

import "math/bits"

// counter counts how often numbers occur.
type counter struct {
	// entries are the numbers, each with its count in the lower half, in the
	// order in which they came.
	entries []uint64
	spare   []uint64 // memory for sorting them
	slots   []uint32 // a hash table of entries: their place, plus one
	shift   int      // of a hash, so that it falls into slots
}

const minSlots = 16

// reset empties the counter. It keeps its memory.
func (c *counter) reset() {
	c.entries = c.entries[:0]
	c.resize(minSlots)
}

// add adds n to the count of v.
func (c *counter) add(v uint32, n uint32) {
	at := c.slot(v)
	for c.slots[at] != 0 {
		if e := &c.entries[c.slots[at]-1]; uint32(*e>>32) == v {
			*e += uint64(n)
			return
		}
		at = (at + 1) & (len(c.slots) - 1)
	}
	c.entries = append(c.entries, uint64(v)<<32|uint64(n))
	c.slots[at] = uint32(len(c.entries))
	if len(c.entries) > len(c.slots)/2 {
		c.resize(2 * len(c.slots))
	}
}

func (c *counter) slot(v uint32) int {
	return int(uint64(v) * 0x9e3779b97f4a7c15 >> c.shift)
}

// resize makes a table of n slots, a power of two.
func (c *counter) resize(n int) {
	if cap(c.slots) < n {
		c.slots = make([]uint32, n)
	} else {
		c.slots = c.slots[:n]
		clear(c.slots)
	}
	c.shift = 64 - bits.TrailingZeros(uint(n))
	for i, e := range c.entries {
		at := c.slot(uint32(e >> 32))
		for c.slots[at] != 0 {
			at = (at + 1) & (n - 1)
		}
		c.slots[at] = uint32(i + 1)
	}
}
