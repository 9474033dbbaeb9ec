package tsdbscan

import "slices"

// part is the series of one metric that have the same label names and the same
// job. They come sorted by their values.
//
// A series is kept as one number: the sum of the hashes of its labels. Without
// a label it is that sum less the label's hash, so two series that differ in
// the label alone get the same number.
//
// Series can only become equal without a label when all labels before it are
// equal, and such series are neighbours: a group. A label that has one value in
// the whole group, a run, merges nothing there. So groups are opened only at
// the first label that differs between neighbours.
type part struct {
	layout *layout
	owner  *job
	labels []*label // for each name of the layout, nil for __name__ and job

	follower *part // that the series after a series of this one was in

	// The latest series.
	values []uint32
	hashes []uint64
	sum    uint64
	bytes  int64 // length of all names and values

	since  []uint32 // the series since which the label has had its value
	rows   []uint64 // the sums; bit 0 says that the series is live
	groups []group  // open ones, by ascending label
	runs   [][]run  // of the open group of each label

	// See nesting.go.
	nested []nesting
	marked int      // series
	index  []uint32 // finds a row by its sum

	log [][]change // the values of each label, nil when not wanted
}

// group is a range of series that agree in all labels before the given one.
type group struct {
	label int
	start uint32 // first series
	last  uint32 // start of the latest run
}

// run is a range of series in a group that have the same value.
type run struct {
	start uint32
	hash  uint64 // of the label with its value
}

// add appends the series, of which these labels are not as in the one before,
// or any if there are none. live is 1 for a live one, else 0.
func (w *worker) add(p *part, values []uint32, changed []int32, live uint64) {
	n := uint32(len(p.rows))
	if n == 0 {
		for i, v := range values {
			p.values[i] = v
			p.hashes[i] = w.hash(p.layout.names[i], v)
			p.sum += p.hashes[i]
			p.bytes += int64(w.length[p.layout.names[i]]) + int64(w.length[v])
		}
		p.rows = append(p.rows, p.sum|live)
		if p.log != nil {
			w.record(p, n, values, nil)
		}
		return
	}
	if len(changed) == 0 {
		changed = w.compare(p.values, values)
	}
	if p.log != nil {
		w.record(p, n, values, changed)
	}
	for k, i := range changed {
		v, old := values[i], p.values[i]
		hash := w.hash(p.layout.names[i], v)
		if k == 0 {
			w.split(p, int(i), n, hash)
		}
		if l := p.labels[i]; l != nil {
			l.values.add(old, n-p.since[i], &w.sums)
		}
		p.sum += hash - p.hashes[i]
		p.bytes += int64(w.length[v]) - int64(w.length[old])
		p.values[i], p.hashes[i], p.since[i] = v, hash, n
	}
	p.rows = append(p.rows, p.sum|live)
}

// compare returns the places where the values differ.
func (w *worker) compare(a, b []uint32) []int32 {
	w.changed = w.changed[:0]
	for i, v := range a {
		if v != b[i] {
			w.changed = append(w.changed, int32(i))
		}
	}
	return w.changed
}

// split begins a new run of the label at series n. The groups of all labels
// after it end there.
func (w *worker) split(p *part, label int, n uint32, hash uint64) {
	top := len(p.groups) - 1
	for top >= 0 && p.groups[top].label > label {
		w.merge(p, p.groups[top], n)
		top--
	}
	p.groups = p.groups[:top+1]
	if top < 0 || p.groups[top].label < label {
		start := uint32(0) // the latest series that differs in a label before
		if top >= 0 {
			start = p.groups[top].last
		}
		p.groups = append(p.groups, group{label: label, start: start})
		p.runs[label] = append(p.runs[label][:0], run{start, p.hashes[label]})
		top++
	}
	p.groups[top].last = n
	p.runs[label] = append(p.runs[label], run{n, hash})
}

// finish ends all groups and runs.
func (w *worker) finish(p *part) {
	n := uint32(len(p.rows))
	for _, g := range slices.Backward(p.groups) {
		w.merge(p, g, n)
	}
	p.groups = p.groups[:0]
	for i, l := range p.labels {
		if l != nil {
			l.values.add(p.values[i], n-p.since[i], &w.sums)
			l.series += int64(n)
		}
	}
}

// merge counts how many series fewer the group would have without its label.
func (w *worker) merge(p *part, g group, end uint32) {
	runs, rows := p.runs[g.label], p.rows[g.start:end]
	all, live, ok := w.equalRuns(runs, rows)
	if !ok {
		all, live = w.distinct.count(runs, rows)
	}
	liveRows := 0
	for _, r := range rows {
		liveRows += int(r & 1)
	}
	l := p.labels[g.label]
	l.saved += int64(len(rows) - all)
	l.savedLive += int64(liveRows - live)
}

// equalRuns reports whether all runs are the same series but for the label, as
// those of le or mode usually are, and then how many series a run has.
func (w *worker) equalRuns(runs []run, rows []uint64) (all, live int, ok bool) {
	base := runs[0].start
	size := runs[1].start - base
	if uint32(len(rows)) != size*uint32(len(runs)) {
		return 0, 0, false
	}
	var want uint64
	for i, r := range runs {
		if r.start-base != uint32(i)*size {
			return 0, 0, false
		}
		var sum uint64
		for _, row := range rows[r.start-base:][:size] {
			sum += w.scatter(row - r.hash)
		}
		if i == 0 {
			want = sum
		} else if sum != want {
			return 0, 0, false
		}
	}
	for _, row := range rows[:size] {
		live += int(row & 1)
	}
	return int(size), live, true
}
