package tsdbscan

// counter counts how often numbers occur.
//
// It is a list of numbers, each with its count in the lower half, in which a
// number may stand more than once: they are summed up only when there are many
// of them. That takes a third of the time that a hash table does, as it neither
// searches nor waits.
type counter struct{ entries []uint64 }

const (
	// minEntries is how many entries a counter begins with: most labels of most
	// jobs have one value.
	minEntries = 8
	// fewEntries are so few that more room is cheaper than summing up again.
	fewEntries = 16 << 10
)

// add adds n to the count of v.
func (c *counter) add(v uint32, n uint32, t *sums) {
	if len(c.entries) == cap(c.entries) {
		t.makeRoom(c)
	}
	c.entries = append(c.entries, uint64(v)<<32|uint64(n))
}

// makeRoom sums the numbers in the counter up, and makes it larger when that
// does not help.
func (t *sums) makeRoom(c *counter) {
	t.sumUp(c)
	n := cap(c.entries)
	if n > 0 && len(c.entries) <= n/2 {
		return
	}
	if n < fewEntries {
		n *= 8
	} else {
		n *= 2
	}
	c.entries = t.memory.grow(c.entries, max(minEntries, n))
}

// sums sums up counters. Between two calls all of it is zero.
type sums struct {
	of     []uint32 // for every number there is
	seen   []uint64 // a bit for every number: it takes so little memory that it is faster
	memory *lender[uint64]
}

func newSums(numbers int, memory *lender[uint64]) sums {
	return sums{make([]uint32, numbers), make([]uint64, (numbers+63)/64), memory}
}

// sumUp makes every number in the counter stand there once, in the order in
// which they came.
func (t *sums) sumUp(c *counter) {
	if ascends(c.entries) || t.unique(c.entries) {
		return
	}
	n := 0
	for _, e := range c.entries {
		sum := &t.of[e>>32]
		c.entries[n] = e
		if *sum == 0 { // counts are not
			n++
		}
		*sum += uint32(e)
	}
	c.entries = c.entries[:n]
	for i, e := range c.entries {
		c.entries[i] = e&^(1<<32-1) | uint64(t.of[e>>32])
		t.of[e>>32] = 0
	}
}

// ascends reports whether the numbers ascend, as those of the first label of
// sorted series do.
func ascends(entries []uint64) bool {
	last := int64(-1)
	for _, e := range entries {
		if int64(e>>32) <= last {
			return false
		}
		last = int64(e >> 32)
	}
	return true
}

// unique reports whether every number stands there once.
func (t *sums) unique(entries []uint64) bool {
	n := 0
	for ; n < len(entries); n++ {
		v := entries[n] >> 32
		if t.seen[v/64]>>(v%64)&1 != 0 {
			break
		}
		t.seen[v/64] |= 1 << (v % 64)
	}
	for _, e := range entries[:n] {
		t.seen[e>>38] = 0
	}
	return n == len(entries)
}
