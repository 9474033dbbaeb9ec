package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// recorded is a storage.Queryable that shows another one with what recording
// rules would have written had they been evaluated all along.
type recorded struct {
	inner storage.Queryable // without the metrics that the rules write
	rules []*recording
}

// recording is a recording rule, evaluated by the engine where somebody reads
// what it writes. It is evaluated at multiples of the interval plus the phase.
type recording struct {
	runner   *runner
	metric   string
	labels   map[string]string // that it sets
	expr     string
	source   storage.Queryable
	interval int64 // in milliseconds
	phase    int64

	mu    sync.Mutex
	parts map[int64][]recordedSeries // evaluated ones, by number
}

// recordedSeries is what a rule wrote in one part of the time.
type recordedSeries struct {
	labels  labels.Labels
	samples []sample
}

// ticksInPart is at how many instants a rule is evaluated at once.
const ticksInPart = 16

// before returns the last instant, at t or before, at which the rule is
// evaluated.
func (c *recording) before(t int64) int64 {
	n := (t - c.phase) / c.interval
	if (t-c.phase)%c.interval < 0 {
		n--
	}
	return n*c.interval + c.phase
}

// series returns what the rule wrote between two instants.
func (c *recording) series(ctx context.Context, from, to int64) ([]recordedSeries, error) {
	data := c.runner.data
	from, to = max(from, data.From.UnixMilli()), min(to, data.To.UnixMilli())
	width := ticksInPart * c.interval
	var out []recordedSeries
	for k := floor(from-c.phase, width); k <= floor(to-c.phase, width) && from <= to; k++ {
		part, err := c.part(ctx, k)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

func floor(a, b int64) int64 {
	if a%b < 0 {
		return a/b - 1
	}
	return a / b
}

// part evaluates the rule in one part of the time, or returns what it wrote
// when that was done before. A series that was there at the evaluation before
// and is gone gets a stale marker, as Prometheus writes one.
func (c *recording) part(ctx context.Context, k int64) ([]recordedSeries, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.parts[k]; ok {
		return p, nil
	}
	first := k*ticksInPart*c.interval + c.phase
	last := first + (ticksInPart-1)*c.interval
	r := c.runner
	r.queries.Add(1)
	query, err := r.engine.NewRangeQuery(ctx, c.source, nil, c.expr, time.UnixMilli(first-c.interval), time.UnixMilli(last), time.Duration(c.interval)*time.Millisecond)
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", c.metric, err)
	}
	defer query.Close()
	res := query.Exec(ctx)
	if stats := query.Stats(); stats != nil && stats.Samples != nil {
		r.samples.Add(stats.Samples.TotalSamples)
	}
	if res.Err != nil {
		return nil, fmt.Errorf("record %s: %w", c.metric, res.Err)
	}
	matrix, ok := res.Value.(promql.Matrix)
	if !ok {
		return nil, fmt.Errorf("record %s: the result is a %s", c.metric, res.Value.Type())
	}
	var out []recordedSeries
	for i := range matrix {
		if s := c.write(&matrix[i], first, last); len(s.samples) > 0 {
			out = append(out, s)
		}
	}
	if c.parts == nil {
		c.parts = map[int64][]recordedSeries{}
	}
	c.parts[k] = out
	return out, nil
}

// write returns what becomes of a series of the result, which begins one
// evaluation before the first.
func (c *recording) write(s *promql.Series, first, last int64) recordedSeries {
	b := labels.NewBuilder(s.Metric)
	b.Set(model.MetricNameLabel, c.metric)
	for name, value := range c.labels {
		b.Set(name, value)
	}
	values := make(map[int64]sample, len(s.Floats)+len(s.Histograms))
	for _, p := range s.Floats {
		values[p.T] = sample{t: p.T, f: p.F, kind: chunkenc.ValFloat}
	}
	for _, p := range s.Histograms {
		values[p.T] = sample{t: p.T, fh: p.H.Copy(), kind: chunkenc.ValFloatHistogram}
	}
	out := recordedSeries{labels: b.Labels()}
	_, there := values[first-c.interval]
	for t := first; t <= last; t += c.interval {
		v, ok := values[t]
		switch {
		case ok:
			out.samples = append(out.samples, v)
		case there:
			out.samples = append(out.samples, sample{t: t, f: staleMarker, kind: chunkenc.ValFloat})
		}
		there = ok
	}
	return out
}

// Querier implements storage.Queryable.
func (v *recorded) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := v.inner.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return &recordedQuerier{Querier: q, view: v, mint: mint, maxt: maxt}, nil
}

// recordedQuerier lists labels without those of what is recorded: the engine
// does not ask for them.
type recordedQuerier struct {
	storage.Querier
	view       *recorded
	mint, maxt int64
}

// Select returns the recorded series beside those of the storage, sorted.
func (q *recordedQuerier) Select(ctx context.Context, sortSeries bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var rules []*recording
	for _, c := range q.view.rules {
		if acceptsName(matchers, c.metric) {
			rules = append(rules, c)
		}
	}
	if len(rules) == 0 {
		return q.Querier.Select(ctx, sortSeries, hints, matchers...)
	}
	written := map[string]*recordedSeries{}
	for _, c := range rules {
		all, err := c.series(ctx, q.mint, q.maxt)
		if err != nil {
			return storage.ErrSeriesSet(err)
		}
		for i := range all {
			if !satisfies(all[i].labels, matchers) {
				continue
			}
			key := all[i].labels.String()
			if written[key] == nil {
				written[key] = &recordedSeries{labels: all[i].labels}
			}
			written[key].samples = append(written[key].samples, all[i].samples...)
		}
	}
	var series []storage.Series
	for _, s := range written {
		slices.SortStableFunc(s.samples, func(a, b sample) int { return int(min(max(a.t-b.t, -1), 1)) })
		s.samples = slices.CompactFunc(s.samples, func(a, b sample) bool { return a.t == b.t })
		series = append(series, listSeries(s.labels, s.samples))
	}
	set := q.Querier.Select(ctx, false, forStored(hints), matchers...)
	for set.Next() {
		series = append(series, set.At())
	}
	if err := set.Err(); err != nil {
		return storage.ErrSeriesSet(err)
	}
	slices.SortFunc(series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &seriesList{series: series, at: -1, warnings: set.Warnings()}
}
