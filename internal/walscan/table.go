package walscan

import "math"

// table finds the places of references. Prometheus numbers references one after
// the other, so it is a list of places for each range of references that has
// some.
type table struct {
	refs   pages[uint64] // by place
	ranges map[uint64]*refRange

	// The range of the latest reference, which that of the next one mostly is.
	number uint64
	latest *refRange
}

// refRange has the places plus one of refsPerRange references, 0 for none.
type refRange [refsPerRange]uint32

const refsPerRange = 64

// rangeOf returns the range that a reference lies in, nil when it has none.
func (t *table) rangeOf(ref uint64) *refRange {
	if n := ref / refsPerRange; n != t.number || t.latest == nil {
		t.number, t.latest = n, t.ranges[n]
	}
	return t.latest
}

// find returns the place of a reference.
func (t *table) find(ref uint64) (place int, ok bool) {
	r := t.rangeOf(ref)
	if r == nil || r[ref%refsPerRange] == 0 {
		return 0, false
	}
	return int(r[ref%refsPerRange] - 1), true
}

// add gives a reference the next place. Then it is no longer found at the one
// that it had.
func (t *table) add(ref uint64) {
	r := t.rangeOf(ref)
	if r == nil {
		r = &refRange{}
		t.ranges[ref/refsPerRange], t.latest = r, r
	}
	if old := r[ref%refsPerRange]; old != 0 {
		*t.refs.at(old - 1) = noRef
	}
	t.refs.add(ref)
	r[ref%refsPerRange] = uint32(t.refs.count)
}

// noRef stands for a reference that has got another place.
const noRef = math.MaxUint64

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
