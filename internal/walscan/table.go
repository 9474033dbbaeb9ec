package walscan

import "math"

// table finds the places of references. It holds the places alone, so the
// references are compared, and hashed again when it grows, where they are.
type table struct {
	refs  pages[uint64] // by place
	slots []uint32      // a place plus one, 0 for none
	tags  []byte        // of the hash of each, so that few are compared in vain
}

const minSlots = 1 << 10

// find returns the place of a reference.
func (t *table) find(ref uint64) (place int, ok bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	at := t.slot(ref)
	if t.slots[at] == 0 {
		return 0, false
	}
	return int(t.slots[at] - 1), true
}

// add gives a reference the next place. Then it is no longer found at the one
// that it had.
func (t *table) add(ref uint64) {
	if t.refs.count >= len(t.slots)*3/4 {
		n := max(minSlots, 2*len(t.slots))
		t.slots, t.tags = make([]uint32, n), make([]byte, n)
		for place := range t.refs.count {
			t.put(*t.refs.at(uint32(place)), place)
		}
	}
	old, twice := t.find(ref)
	t.refs.add(ref)
	t.put(ref, t.refs.count-1)
	if twice {
		*t.refs.at(uint32(old)) = noRef
	}
}

// noRef stands for a reference that has got another place.
const noRef = math.MaxUint64

func (t *table) put(ref uint64, place int) {
	at := t.slot(ref)
	t.slots[at], t.tags[at] = uint32(place+1), tag(hash(ref))
}

// slot returns where a reference is, or the empty slot where it belongs.
func (t *table) slot(ref uint64) int {
	h := hash(ref)
	at := int(h>>32) & (len(t.slots) - 1)
	for t.slots[at] != 0 && (t.tags[at] != tag(h) || *t.refs.at(t.slots[at] - 1) != ref) {
		at = (at + 1) & (len(t.slots) - 1)
	}
	return at
}

// hash spreads references, which are numbered one after the other.
func hash(ref uint64) uint64 {
	h := ref * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func tag(h uint64) byte { return byte(h) }

// pages holds things that stay where they are when more come.
type pages[T any] struct {
	pages [][]T
	count int
}

// thingsPerPage is a power of two.
const thingsPerPage = 4096

func (p *pages[T]) at(i uint32) *T { return &p.pages[i/thingsPerPage][i%thingsPerPage] }

func (p *pages[T]) add(v T) {
	if p.count%thingsPerPage == 0 {
		p.pages = append(p.pages, make([]T, thingsPerPage))
	}
	p.count++
	*p.at(uint32(p.count - 1)) = v
}
