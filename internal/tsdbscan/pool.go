package tsdbscan

import (
	"math/bits"
	"slices"
)

// lender lends memory for slices, and gets it back: for how many elements is a
// power of two, so that most of what comes back can be lent again.
type lender[T any] struct {
	free [64][][]T // by the logarithm of their capacity
}

// take returns an empty slice with room for n elements.
func (l *lender[T]) take(n int) []T {
	class := bits.Len(uint(max(n, 1) - 1))
	free := l.free[class]
	if len(free) == 0 {
		return make([]T, 0, 1<<class)
	}
	s := free[len(free)-1]
	l.free[class] = free[:len(free)-1]
	return s
}

// give takes the memory of a slice back.
func (l *lender[T]) give(s []T) {
	if cap(s) > 0 {
		class := bits.Len(uint(cap(s))) - 1
		l.free[class] = append(l.free[class], s[:0])
	}
}

// grow returns the slice with room for more elements, n altogether at the least.
func (l *lender[T]) grow(s []T, n int) []T {
	more := append(l.take(max(n, 2*cap(s))), s...)
	l.give(s)
	return more
}

const (
	minRows = 16
	minRuns = 8
)

// pool keeps the memory of a metric that has been scanned for the next one.
type pool struct {
	numbers lender[uint64] // rows of parts, entries of counters
	runs    lender[run]

	jobs   stock[job]
	parts  stock[part]
	labels stock[label]
	series int // of the metric
}

// reset takes all memory back, for a metric with n series.
func (f *pool) reset(n int) {
	f.series = n
	for _, p := range f.parts.inUse() {
		f.numbers.give(p.rows)
		for _, r := range p.runs {
			f.runs.give(r)
		}
	}
	for _, l := range f.labels.inUse() {
		f.numbers.give(l.values.entries)
	}
	f.jobs.used, f.parts.used, f.labels.used = 0, 0, 0
}

// job returns an empty job.
func (f *pool) job() *job {
	j := f.jobs.next()
	*j = job{labels: j.labels[:0], parts: j.parts[:0]}
	return j
}

// part returns an empty part.
func (f *pool) part(y *layout, j *job) *part {
	p := f.parts.next()
	n := len(y.names)
	*p = part{
		layout: y, owner: j,
		columns: resize(p.columns, n), groups: p.groups[:0], runs: resize(p.runs, n),
		nested: p.nested[:0],
	}
	for i, name := range y.names {
		p.columns[i] = column{name: name}
	}
	clear(p.runs)
	return p
}

// label returns an empty label.
func (f *pool) label(name uint32) *label {
	l := f.labels.next()
	*l = label{name: name}
	return l
}

// stock has things that are used again from metric to metric.
type stock[T any] struct {
	all  []*T
	used int
}

func (s *stock[T]) inUse() []*T { return s.all[:s.used] }

// next returns one that is not in use, as it was left.
func (s *stock[T]) next() *T {
	if s.used == len(s.all) {
		s.all = append(s.all, new(T))
	}
	s.used++
	return s.all[s.used-1]
}

// resize returns a slice of n elements with the memory of s, if it is enough.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
