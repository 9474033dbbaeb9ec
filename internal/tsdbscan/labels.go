package tsdbscan

import (
	"cmp"
	"math/bits"
	"unsafe"
)

// place is where a label is in its entry, counted from the first one: the
// numbers of its name and of its value. The last place of an entry is the end.
type place struct{ name, value int }

// labels decodes the labels at b[i:] and returns the position after them.
//
// It looks for the first byte that is not as in the entry before, decodes the
// value that has it, and goes on with what follows both values.
func (c *cursor) labels(b []byte, i, end int) (int, error) {
	own, last := c.own, len(c.own)
	if int(b[i]) != last || last == 0 || last >= 0x80 {
		return c.allLabels(b, i, end)
	}
	i++
	places := c.places[:last+1]
	size := places[last].name
	// Bounds are checked once for all loads but those of what is not usual.
	p, q := unsafe.Pointer(&b[i : end+slack][0]), unsafe.Pointer(&c.prev[c.prevAt : c.prevAt+size+slack][0])
	room := end - i
	same := mismatch(p, q, min(size, room))
	if same == size {
		return 0, errOrder // the same labels again
	}
	j := last - 1
	for places[j].name > same {
		j--
	}
	changed := c.changed[:0]
	shift := 0 // of label j, compared with the entry before
	for {      // the bytes up to same are as before
		at := shift + places[j].value
		if same < places[j].value {
			name, next := uvarint(b, i+shift+places[j].name)
			if next > end || len(changed) == 0 && name < uint64(c.names[j]) {
				return 0, errOrder
			}
			return c.someLabels(b, i, end, last, len(changed) > 0 || name > uint64(c.names[j]))
		}
		value, next := shortUvarint(load(p, at), at)
		if next > at+4 {
			value, next = uvarint(b, i+at)
			next -= i
		}
		if next > room || value >= uint64(c.count) {
			return 0, errEntry
		}
		if len(changed) == 0 && uint32(value) <= own[j] {
			return 0, errOrder
		}
		changed = append(changed, int32(j))
		own[j] = uint32(value)
		if shift != 0 {
			places[j].move(shift)
		}
		j++
		old := places[j].name
		shift = next - old
		same = old + mismatch(unsafe.Add(p, next), unsafe.Add(q, old), min(size-old, room-next))
		if same == size {
			break
		}
		for places[j+1].name <= same {
			if shift != 0 {
				places[j].move(shift)
			}
			j++
		}
	}
	if shift != 0 {
		for k := j; k <= last; k++ {
			places[k].move(shift)
		}
	}
	c.changed = changed
	if c.rank != nil && !c.share(changed) {
		return 0, errEntry
	}
	c.keep(b, i)
	return i + places[last].name, nil
}

func (p *place) move(n int) { p.name, p.value = p.name+n, p.value+n }

// share turns the numbers of these labels' values into those that all blocks
// share. It returns false if there is none.
func (c *cursor) share(changed []int32) bool {
	for _, j := range changed {
		if c.values[j] = c.rank[c.own[j]]; c.values[j] == noSymbol {
			return false
		}
	}
	return true
}

// allLabels decodes the labels at b[i:] without looking at those before.
func (c *cursor) allLabels(b []byte, i, end int) (int, error) {
	n, i := uvarint(b, i)
	if i > end || n > uint64(end-i)/2 {
		return 0, errEntry
	}
	return c.someLabels(b, i, end, int(n), false)
}

// someLabels decodes n labels without looking at those before, but for the
// order. Sorted says that the order is known to be right.
func (c *cursor) someLabels(b []byte, i, end, n int, sorted bool) (int, error) {
	c.changed = c.changed[:0]
	names, own := c.spareNames[:0], c.spareOwn[:0]
	places := c.places[:0]
	at := i
	for range n {
		name, p := uvarint(b, at)
		if p > end || name >= uint64(c.count) || len(names) > 0 && uint32(name) <= names[len(names)-1] {
			return 0, errEntry
		}
		places = append(places, place{at - i, p - i})
		value, p := uvarint(b, p)
		if p > end || value >= uint64(c.count) {
			return 0, errEntry
		}
		names, own = append(names, uint32(name)), append(own, uint32(value))
		at = p
	}
	if !sorted && c.layout != nil && compareLabels(c.names, c.own, names, own) >= 0 {
		return 0, errOrder
	}
	c.places = append(places, place{at - i, at - i})
	c.keep(b, i)
	c.names, c.spareNames = names, c.names
	c.own, c.spareOwn = own, c.own
	c.values = own
	if c.rank != nil {
		names = c.spareNames[:0]
		c.values = c.shared[:0]
		for j := range own {
			name, value := c.rank[c.names[j]], c.rank[own[j]]
			if name == noSymbol || value == noSymbol {
				return 0, errEntry
			}
			names, c.values = append(names, name), append(c.values, value)
		}
		c.spareNames, c.shared = names, c.values
	}
	c.layout = c.layouts.of(names)
	return at, nil
}

// keep remembers where the labels are, for the next series. It spares the
// garbage collector's write barrier where the window is the same.
func (c *cursor) keep(b []byte, i int) {
	if len(c.prev) != len(b) || &c.prev[0] != &b[0] {
		c.prev = b
	}
	c.prevAt = i
}

// mismatch returns how many of the n bytes at both places are equal. There are
// at least seven bytes more.
func mismatch(p, q unsafe.Pointer, n int) int {
	for at := 0; at < n; at += 8 {
		if d := load(p, at) ^ load(q, at); d != 0 {
			return min(n, at+bits.TrailingZeros64(d)/8)
		}
	}
	return max(n, 0)
}

// compareLabels orders label sets as an index does: by the first name or value
// that differs, then by length.
func compareLabels(aNames, aValues, bNames, bValues []uint32) int {
	for i := range min(len(aNames), len(bNames)) {
		if aNames[i] != bNames[i] {
			return cmp.Compare(aNames[i], bNames[i])
		}
		if aValues[i] != bValues[i] {
			return cmp.Compare(aValues[i], bValues[i])
		}
	}
	return cmp.Compare(len(aNames), len(bNames))
}
