package tsdbscan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sentei/sentei"
)

// task is one metric: where its series are.
type task struct {
	name  string
	id    uint32 // number of the name, noName for the series that have none
	lists []list
	count int // series in all blocks
	// reduce says that sets of labels to remove are searched.
	reduce bool
	twins  bool // there may be a twin of the metric
}

// list is a postings list of one block.
type list struct {
	block int
	off   int64
	count int
	refs  []uint32 // instead, for series without a name
	rows  int      // in a cache file, instead of a list: what it has of the metric
}

const (
	noJob  = math.MaxUint32
	noName = math.MaxUint32
)

// job gathers the series of one metric with one job label.
type job struct {
	name                                    string
	series, live, created                   int64
	native                                  int64 // series with native histograms
	samples, recent, chunkBytes, indexBytes int64
	labelBytes                              int64    // of the live series
	labels                                  []*label // sorted by name
	parts                                   []*part
	place                                   int // among the jobs of the metric, by name
}

// label gathers what the series of a job have for one label.
type label struct {
	name   uint32
	values counter
	series int64
	// saved is how many series fewer there would be without the label.
	saved, savedLive int64
}

// found is what a worker found out about one metric.
type found struct {
	jobs   []sentei.JobMetric
	facts  []jobFacts // of each job
	values []uint32   // the lists of the top values of each label of each job
	lists  *valueLists
	// mint and maxt are the times of the first and last sample.
	mint, maxt int64
	// The counts hold as long as the span begins at or after oldest and ends
	// before dies: the latest start of a series that was there from the begin,
	// and the earliest end of a live one.
	oldest, dies int64
}

func newFound() *found {
	return &found{mint: noTime, maxt: -noTime, oldest: math.MinInt64, dies: math.MaxInt64}
}

// worker scans one metric after the other. It shares nothing that changes.
type worker struct {
	*scan
	cursors  []*cursor // one a block
	distinct distinctSet
	jobs     map[uint32]*job
	parts    []*part
	pool     pool
	counted  int64 // series of the metric, see advance
	changed  []int32
	sums     sums
	top      topValues
	lists    *valueLists

	recorder recorder
	image    image
	reducer  reducer
	twins    twins
	original *original // to fill in, nil when not wanted
}

var errList = errors.New("a postings list holds a series of another metric")

// begin forgets the metric before.
func (w *worker) begin(t *task) *layouts {
	w.pool.reset(t.count)
	w.recorder.start(t.reduce, t.count)
	clear(w.jobs)
	w.parts, w.counted = w.parts[:0], 0
	return newLayouts(w.nameLabel, w.jobLabel)
}

// metric scans all series of one metric.
func (w *worker) metric(ctx context.Context, t *task) (*found, error) {
	if f := w.twin(ctx, t); f != nil {
		return f, nil
	}
	layouts := w.begin(t)
	f := newFound()
	if err := w.read(ctx, t, layouts, f); err != nil {
		return nil, err
	}
	for _, p := range w.parts {
		w.finish(p)
	}
	if findNestings(layouts, w.parts) {
		err := w.each(ctx, t, layouts, func(p *part, r *row, _ []int32) {
			w.mark(p, p.marked, r.values)
			p.marked++
		})
		if err != nil {
			return nil, err
		}
		countNestings(w.parts)
	}
	w.stats(t.name, f)
	if w.original != nil {
		w.original.finish(w.parts, f)
	}
	return f, nil
}

// read adds all series of the metric to their parts.
func (w *worker) read(ctx context.Context, t *task, layouts *layouts, f *found) error {
	if len(t.lists) == 1 && w.cursors[t.lists[0].block].index != nil {
		return w.block(ctx, t, w.cursors[t.lists[0].block], layouts, f)
	}
	return w.each(ctx, t, layouts, func(p *part, r *row, changed []int32) {
		created, live := w.judge(f, &r.rowFacts)
		w.add(p, r.values, changed, live)
		j := p.owner
		j.addSamples(&r.rowFacts)
		j.add(tally{1, created, int64(live), r.indexBytes, p.bytes & -int64(live)})
	})
}

// judge returns 1 for a series that has been created in the span, and 1 for one
// that is live.
func (w *worker) judge(f *found, r *rowFacts) (created int64, live uint64) {
	f.mint, f.maxt = min(f.mint, r.mint), max(f.maxt, r.maxt)
	switch {
	case r.born == noTime:
	case r.born > w.from:
		created = 1
	default:
		f.oldest = max(f.oldest, r.born)
	}
	if r.dies > w.to {
		live = 1
		f.dies = min(f.dies, r.dies)
	}
	return created, live
}

// addSamples counts what is known of the samples of a series.
func (j *job) addSamples(r *rowFacts) {
	j.samples += r.samples
	j.recent += r.recent
	j.chunkBytes += r.chunkBytes
	if r.native {
		j.native++
	}
}

// tally sums up what is counted of some series of a part.
type tally struct{ series, created, live, indexBytes, labelBytes int64 }

func (j *job) add(t tally) {
	j.series += t.series
	j.created += t.created
	j.live += t.live
	j.indexBytes += t.indexBytes
	j.labelBytes += t.labelBytes
}

// each calls f with every series of the metric, in order, with the part it
// belongs to and which labels are not as in the part's series before, if known.
func (w *worker) each(ctx context.Context, t *task, layouts *layouts, f func(p *part, r *row, changed []int32)) error {
	var m merger
	if err := w.start(&m, t, layouts); err != nil {
		return err
	}
	var p *part
	for n := 0; ; n++ {
		if n%4096 == 4095 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w.advance(int64(n))
		}
		r, c, err := m.next()
		if err != nil {
			return w.blockError(c, t, err)
		}
		if r == nil {
			return nil
		}
		if !t.has(r) {
			return w.blockError(c, t, errList)
		}
		q, changed := w.partOf(p, r), r.changed
		if q != p {
			p, changed = q, nil
		}
		f(p, r, changed)
	}
}

// start begins to merge the series of the metric.
func (w *worker) start(m *merger, t *task, layouts *layouts) error {
	var cursors []*cursor
	for _, l := range t.lists {
		c := w.cursors[l.block]
		if err := c.start(l, layouts); err != nil {
			return w.blockError(c, t, err)
		}
		cursors = append(cursors, c)
	}
	if c, err := m.start(cursors); err != nil {
		return w.blockError(c, t, err)
	}
	return nil
}

// has reports whether the series is one of the metric.
func (t *task) has(r *row) bool {
	if r.layout.name < 0 {
		return t.id == noName
	}
	return r.values[r.layout.name] == t.id
}

func (w *worker) blockError(c *cursor, t *task, err error) error {
	if c.cached != nil {
		return fmt.Errorf("%w: metric %q: %w", errCache, t.name, err)
	}
	return &BlockError{Block: &w.blocks[c.block], Err: fmt.Errorf("metric %q: %w", t.name, err)}
}

// partOf returns the part that the series belongs to: that of the series before,
// or mostly the one that followed it the last time.
func (w *worker) partOf(p *part, r *row) *part {
	if p == nil {
		return w.part(r)
	}
	if p.has(r) {
		return p
	}
	if p.follower == nil || !p.follower.has(r) {
		p.follower = w.part(r)
	}
	return p.follower
}

// has reports whether the series belongs to the part.
func (p *part) has(r *row) bool {
	return p.layout == r.layout && (p.layout.job < 0 || p.job() == r.values[p.layout.job])
}

// part returns the part that the series belongs to.
func (w *worker) part(r *row) *part {
	y, id, jobID := r.layout, uint32(noJob), uint32(noJob)
	if y.job >= 0 {
		id = r.values[y.job]
		if w.text(id) != "" {
			jobID = id
		}
	}
	if p := y.parts[id]; p != nil {
		return p
	}
	j := w.jobs[jobID]
	if j == nil {
		j = w.pool.job()
		if jobID != noJob {
			j.name = w.text(jobID)
		}
		w.jobs[jobID] = j
	}
	p := w.pool.part(y, j)
	p.number = len(w.parts)
	p.log = w.recorder.log(len(y.names))
	j.parts = append(j.parts, p)
	at := 0 // in the labels of the job
	for i, name := range y.names {
		if i == y.name || i == y.job {
			continue
		}
		for at < len(j.labels) && j.labels[at].name < name {
			at++
		}
		if at == len(j.labels) || j.labels[at].name != name {
			j.labels = slices.Insert(j.labels, at, w.pool.label(name))
		}
		p.columns[i].label = j.labels[at]
	}
	y.parts[id] = p
	w.parts = append(w.parts, p)
	return p
}
