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
	layout  *layout
	owner   *job
	columns []column // for each name of the layout
	number  int      // among the parts of the metric

	follower *part // that the series after a series of this one was in

	// Of the latest series.
	sum   uint64
	bytes int64 // length of all names and values

	rows   []uint64 // the sums; bit 0 says that the series is live
	groups []group  // open ones, by ascending label
	runs   [][]run  // of the open group of each label

	// See nesting.go.
	nested []nesting
	marked int      // series
	index  []uint32 // finds a row by its sum

	log [][]change // the values of each label, nil when not wanted
}

// job is the value of the label job, which the layout must have.
func (p *part) job() uint32 { return p.columns[p.layout.job].value }

// column is a label of the latest series of a part.
type column struct {
	hash   uint64 // of the label with its value
	name   uint32
	value  uint32
	length uint32 // of the value
	since  uint32 // the series since which the label has had the value
	label  *label // nil for __name__ and job
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
			c := &p.columns[i]
			c.value, c.hash, c.length = v, w.hash(c.name, v), w.length(v)
			p.sum += c.hash
			p.bytes += int64(w.length(c.name) + c.length)
		}
		w.append(p, live)
		if p.log != nil {
			w.record(p, n, values, nil)
		}
		return
	}
	if len(changed) == 0 {
		changed = w.compare(p.columns, values)
	}
	if p.log != nil {
		w.record(p, n, values, changed)
	}
	w.change(p, values, changed)
	w.append(p, live)
}

// append adds the latest series to the rows.
func (w *worker) append(p *part, live uint64) {
	if len(p.rows) == cap(p.rows) {
		room := minRows
		if 8*len(p.rows) >= w.pool.series { // a large part: it may have all
			room = w.pool.series
		}
		p.rows = w.pool.numbers.grow(p.rows, room)
	}
	p.rows = append(p.rows, p.sum|live)
}

// change makes the values of these labels those of the next series.
func (w *worker) change(p *part, values []uint32, changed []int32) {
	n := uint32(len(p.rows))
	sum, bytes := p.sum, p.bytes
	for k, i := range changed {
		c, v := &p.columns[i], values[i]
		hash, length := w.hash(c.name, v), w.length(v)
		if k == 0 {
			w.split(p, int(i), n, hash)
		}
		if c.label != nil {
			v := &c.label.values // this is its add, which cannot be inlined
			if len(v.entries) == cap(v.entries) {
				w.sums.makeRoom(v)
			}
			v.entries = append(v.entries, uint64(c.value)<<32|uint64(n-c.since))
		}
		sum += hash - c.hash
		bytes += int64(length) - int64(c.length)
		c.hash, c.value, c.length, c.since = hash, v, length, n
	}
	p.sum, p.bytes = sum, bytes
}

// compare returns the places where the values differ.
func (w *worker) compare(columns []column, values []uint32) []int32 {
	w.changed = w.changed[:0]
	for i, v := range values {
		if v != columns[i].value {
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
	runs := p.runs[label]
	if cap(runs)-len(runs) < 2 {
		runs = w.pool.runs.grow(runs, minRuns)
	}
	if top < 0 || p.groups[top].label < label {
		start := uint32(0) // the latest series that differs in a label before
		if top >= 0 {
			start = p.groups[top].last
		}
		p.groups = append(p.groups, group{label: label, start: start})
		runs = append(runs[:0], run{start, p.columns[label].hash})
		top++
	}
	p.groups[top].last = n
	p.runs[label] = append(runs, run{n, hash})
}

// finish ends all groups and runs.
func (w *worker) finish(p *part) {
	n := uint32(len(p.rows))
	for _, g := range slices.Backward(p.groups) {
		w.merge(p, g, n)
	}
	p.groups = p.groups[:0]
	for i := range p.columns {
		if c := &p.columns[i]; c.label != nil {
			c.label.values.add(c.value, n-c.since, &w.sums)
			c.label.series += int64(n)
		}
	}
}

// merge counts how many series fewer the group would have without its label.
func (w *worker) merge(p *part, g group, end uint32) {
	runs, rows := p.runs[g.label], p.rows[g.start:end]
	m, ok := w.equalRuns(runs, rows)
	if !ok {
		m = w.distinct.count(runs, rows)
	}
	l := p.columns[g.label].label
	l.saved += int64(len(rows) - m.all)
	l.savedLive += int64(m.liveRows - m.live)
}

// merged is what becomes of a group without its label.
type merged struct {
	all, live int // series that remain
	liveRows  int // live ones that were there before
}

// equalRuns reports whether all runs are the same series but for the label, as
// those of le or mode usually are.
func (w *worker) equalRuns(runs []run, rows []uint64) (merged, bool) {
	size := runs[1].start - runs[0].start
	if uint32(len(rows)) != size*uint32(len(runs)) {
		return merged{}, false
	}
	start := runs[0].start
	for _, r := range runs {
		if r.start != start {
			return merged{}, false
		}
		start += size
	}
	live := 0
	if size == 1 {
		want := rows[0] - runs[0].hash
		for i, row := range rows {
			if row-runs[i].hash != want {
				return merged{}, false
			}
		}
		live = int(want & 1)
	} else {
		var want uint64
		for _, row := range rows[:size] {
			want += w.scatter(row - runs[0].hash)
			live += int(row & 1)
		}
		rest := rows[size:]
		for _, r := range runs[1:] {
			var sum uint64
			for _, row := range rest[:size] {
				sum += w.scatter(row - r.hash)
			}
			if sum != want {
				return merged{}, false
			}
			rest = rest[size:]
		}
	}
	return merged{all: int(size), live: live, liveRows: live * len(runs)}, true
}
