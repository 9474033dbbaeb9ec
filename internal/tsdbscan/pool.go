package tsdbscan

import "slices"

// pool keeps the memory of a metric that has been scanned for the next one.
type pool struct {
	parts      []*part
	labels     []*label
	usedParts  int
	usedLabels int
	series     int // of the metric
	most       int // of any metric so far
}

// reset takes all memory back for the next metric, which has n series. It lets
// it go if it is out of proportion to the largest metric.
func (f *pool) reset(n int) {
	f.usedParts, f.usedLabels, f.series = 0, 0, n
	f.most = max(f.most, n)
	kept := 0
	for _, p := range f.parts {
		kept += cap(p.rows)
	}
	for _, l := range f.labels {
		kept += cap(l.values.entries)
	}
	if kept > 1<<20+8*f.most {
		f.parts, f.labels = nil, nil
	}
}

// part returns an empty part.
func (f *pool) part(y *layout, j *job) *part {
	if f.usedParts == len(f.parts) {
		f.parts = append(f.parts, &part{})
		if f.usedParts == 0 { // most metrics are one part
			f.parts[0].rows = make([]uint64, 0, f.series)
		}
	}
	p := f.parts[f.usedParts]
	f.usedParts++
	n := len(y.names)
	*p = part{
		layout: y, owner: j,
		columns: resize(p.columns, n), rows: p.rows[:0], groups: p.groups[:0], runs: resize(p.runs, n),
		nested: p.nested[:0],
	}
	for i, name := range y.names {
		p.columns[i] = column{name: name}
	}
	return p
}

// label returns an empty label.
func (f *pool) label(name uint32) *label {
	if f.usedLabels == len(f.labels) {
		f.labels = append(f.labels, &label{})
	}
	l := f.labels[f.usedLabels]
	f.usedLabels++
	*l = label{name: name, values: counter{l.values.entries[:0]}}
	return l
}

// resize returns a slice of n elements with the memory of s, if it is enough.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
