package tsdbscan

import "slices"

// topValues finds the numbers of a counter with the highest counts. It keeps
// its memory.
type topValues struct{ keys, spare []uint64 }

// of returns the n numbers with the highest counts, ties by number: each as the
// inverted count in the upper half and the number in the lower. They are valid
// until the next call.
func (t *topValues) of(c *counter, n int) []uint64 {
	t.keys = resize(t.keys, len(c.entries))
	limit := t.limit(c.entries, n)
	k, sorted, last := 0, true, uint64(0)
	for _, e := range c.entries {
		key := topKey(e)
		t.keys[k] = key // overwritten by the next one unless it is below the limit
		if key <= limit {
			k++
			sorted = sorted && key > last
			last = key
		}
	}
	if k < min(n, len(c.entries)) { // the limit is too low
		for i, e := range c.entries {
			t.keys[i] = topKey(e)
		}
		k, sorted = len(c.entries), false
	}
	t.keys = t.keys[:k]
	if !sorted {
		t.sort()
	}
	return t.keys[:min(n, k)]
}

// topKey turns an entry into a key that sorts by descending count.
func topKey(e uint64) uint64 { return ^(e<<32)&^(1<<32-1) | e>>32 }

// limit guesses a key that a few more than n keys are not above. Sorting them
// all costs more than everything else that is done with values.
func (t *topValues) limit(entries []uint64, n int) uint64 {
	const samples = 256
	if len(entries) < 2*n || len(entries) < 4*samples {
		return 1<<64 - 1
	}
	var s [samples]uint64
	for i := range s {
		s[i] = topKey(entries[i*(len(entries)/samples)])
	}
	slices.Sort(s[:])
	return s[min(samples-1, n*samples*5/4/len(entries)+8)]
}

// sort sorts the keys, many of them byte by byte.
func (t *topValues) sort() {
	if len(t.keys) < 128 {
		slices.Sort(t.keys)
		return
	}
	var differ uint64
	for _, k := range t.keys {
		differ |= k ^ t.keys[0]
	}
	t.spare = resize(t.spare, len(t.keys))
	for shift := 0; shift < 64; shift += 8 {
		if differ>>shift&0xff == 0 {
			continue
		}
		var place [256]int
		for _, k := range t.keys {
			place[k>>shift&0xff]++
		}
		sum := 0
		for i, n := range place {
			place[i], sum = sum, sum+n
		}
		for _, k := range t.keys {
			p := &place[k>>shift&0xff]
			t.spare[*p] = k
			*p++
		}
		t.keys, t.spare = t.spare, t.keys
	}
}
