package tsdbscan

import "math/bits"

// counter counts how often numbers occur.
//
// They come as the values of a label do in sorted series: ascending within a
// group, and often the same ones again in the next group. So a number is first
// compared with the one that followed the latest one the last time; a number
// above all others is new; only the rest is looked up.
type counter struct {
	// entries are the numbers, each with its count in the lower half, in the
	// order in which they came.
	entries []uint64
	latest  int    // entry
	highest uint32 // number

	slots   []uint32 // a hash table of entries: their place, plus one
	indexed int      // how many entries it has
	shift   int      // of a hash, so that it falls into slots
	// Many numbers are better found in a table with a slot for each number
	// there is: it needs no hash, never grows, and values that look alike lie
	// side by side in it. That is slots, then.
	direct bool
	pool   *tablePool
}

const minSlots = 16

// reset empties the counter. It keeps its memory.
func (c *counter) reset() {
	if c.direct {
		for _, e := range c.entries {
			c.slots[e>>32] = 0
		}
		c.pool.free = append(c.pool.free, c.slots)
		c.slots, c.direct = nil, false
	}
	c.entries, c.latest, c.highest = c.entries[:0], -1, 0
	c.slots, c.indexed = c.slots[:0], 0
}

// add adds n to the count of v.
func (c *counter) add(v uint32, n uint32) {
	next := c.latest + 1
	switch {
	case next < len(c.entries) && uint32(c.entries[next]>>32) == v:
	case v > c.highest || len(c.entries) == 0:
		next = len(c.entries)
		c.entries = append(c.entries, uint64(v)<<32)
		c.highest = v
	default:
		next = c.find(v)
	}
	c.entries[next] += uint64(n)
	c.latest = next
}

// find returns the entry of v, which it makes if there is none.
func (c *counter) find(v uint32) int {
	if c.indexed < len(c.entries) || len(c.entries) >= len(c.slots)/2 {
		c.index()
	}
	at := c.slot(v)
	for c.slots[at] != 0 {
		if i := int(c.slots[at] - 1); uint32(c.entries[i]>>32) == v {
			return i
		}
		at = (at + 1) & (len(c.slots) - 1)
	}
	c.entries = append(c.entries, uint64(v)<<32)
	c.slots[at] = uint32(len(c.entries))
	c.indexed = len(c.entries)
	return len(c.entries) - 1
}

func (c *counter) slot(v uint32) int {
	if c.direct {
		return int(v)
	}
	return int(uint64(v) * 0x9e3779b97f4a7c15 >> c.shift)
}

// index puts the entries that are not there yet into the table, which has room
// for one more then.
func (c *counter) index() {
	if n := len(c.entries) + 1; n > len(c.slots)/2 && !c.direct {
		c.indexed = 0
		if n >= c.pool.many() {
			c.slots, c.direct = c.pool.take(), true
		} else {
			size := max(minSlots, 2<<bits.Len(uint(n)))
			if cap(c.slots) < size {
				c.slots = make([]uint32, size)
			} else {
				c.slots = c.slots[:size]
				clear(c.slots)
			}
			c.shift = 64 - bits.TrailingZeros(uint(size))
		}
	}
	for ; c.indexed < len(c.entries); c.indexed++ {
		at := c.slot(uint32(c.entries[c.indexed] >> 32))
		for c.slots[at] != 0 {
			at = (at + 1) & (len(c.slots) - 1)
		}
		c.slots[at] = uint32(c.indexed + 1)
	}
}

// tablePool keeps the direct tables that no counter needs at the moment: all
// zero, with a slot for every number.
type tablePool struct {
	numbers int
	free    [][]uint32
}

// many is how many numbers a counter has when it gets a direct table: that
// many that the table takes at most 256 bytes for each.
func (p *tablePool) many() int { return max(1024, p.numbers/64) }

func (p *tablePool) take() []uint32 {
	if n := len(p.free); n > 0 {
		t := p.free[n-1]
		p.free = p.free[:n-1]
		return t
	}
	return make([]uint32, p.numbers)
}
