package rehearsal

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// Transient is what a consumer sees for a while after a change was deployed,
// when before and long after it sees no difference: series end and begin anew
// under other labels, and until no old sample is in reach both count.
type Transient struct {
	// Changes are the identifiers of the changes: one, or several that were
	// rehearsed together.
	Changes   []string   `json:"changes"`
	Consumers []Consumer `json:"consumers"`
	Expr      string     `json:"expr"` // as replayed
	// At is when the change became active, Lasts how long after that results
	// still differed, to the next instant that was looked at.
	At    time.Time     `json:"at"`
	Lasts time.Duration `json:"lasts_ns"`
	// Error is the largest relative error of a value: 0.05 for 5 %. A series
	// that is lost or new counts as 1.
	Error float64 `json:"error"`
	// Series says that series are lost or new for a while. Alerts may fire or
	// stop to.
	Series bool   `json:"series,omitempty"`
	Detail string `json:"detail"` // of the worst instant
}

// maxSingle is how many changes of one consumer are deployed one by one; the
// others are deployed together.
const maxSingle = 4

// cutover deploys each change that the subject notices in the middle of the
// data, and looks how long that shows. What still shows when no old sample is
// in reach is returned as differences. The instants are n for each expression.
func (r *runner) cutover(ctx context.Context, s *subject, of map[int]*events) (transients []Transient, remains []Difference) {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, i := range s.touched {
		first, last = min(first, of[i].first), max(last, of[i].last)
	}
	first, last = max(first, r.data.From.UnixMilli()), min(last, r.data.To.UnixMilli())
	sets := make([][]int, 0, maxSingle+1)
	for k, i := range s.touched {
		if k < maxSingle {
			sets = append(sets, []int{i})
		} else if k == maxSingle {
			sets = append(sets, s.touched[k:])
		}
	}
	for _, x := range s.replays {
		middle := first + (last-first)/2
		back, ahead := r.reachOf(ctx, x.text, middle)
		at := min(middle, last-back)
		if x.lookup || first > last || at-ahead <= first {
			continue // the data is too short to see the end of it
		}
		when := cutoverInstants(at, back, ahead, r.options.Cutover)
		base := make([]*result, len(when))
		for k, t := range when {
			base[k] = r.run(ctx, r.data.Queryable, s, x, t)
		}
		for _, set := range sets {
			t, rest := r.deploy(ctx, s, x, set, time.UnixMilli(at).UTC(), when, base)
			if t != nil {
				transients = append(transients, *t)
			}
			if rest != nil {
				remains = append(remains, *rest)
			}
		}
	}
	return transients, remains
}

// deploy compares the base with the results when the changes become active.
func (r *runner) deploy(ctx context.Context, s *subject, x replayed, set []int, at time.Time, when []time.Time, base []*result) (*Transient, *Difference) {
	view := newSubsetView(r, set).since(at.UnixMilli())
	out := &Transient{Consumers: s.consumers, Expr: x.text, At: at}
	for _, i := range set {
		out.Changes = append(out.Changes, r.changes[i].ID)
	}
	seen := false
	for k, t := range when {
		got := r.run(ctx, view, s, x, t)
		if base[k].refused || got.refused {
			return nil, nil // what was measured would be a part of it
		}
		f := compare(base[k], got, r.options.ULPs)
		if f == nil {
			continue
		}
		if k == len(when)-1 { // no old sample is in reach any more
			if compare(base[k], r.run(ctx, r.data.Queryable, s, x, t), r.options.ULPs) != nil {
				return nil, nil // unstable
			}
			return nil, &Difference{
				Changes: out.Changes, Vague: len(set) > 1, Consumers: s.consumers, Expr: x.text, At: t, Instants: 1,
				Kind: KindCutover, Detail: f.detail,
			}
		}
		worst, series := relativeError(base[k], got)
		if !seen || worst > out.Error {
			out.Error, out.Detail = worst, f.detail
		}
		out.Series = out.Series || series
		out.Lasts, seen = max(when[k+1].Sub(at), 0), true
	}
	if !seen {
		return nil, nil
	}
	return out, nil
}

// cutoverInstants returns when to look: soon after the instant, spread over
// the time in which old and new samples are in reach, and right after it.
func cutoverInstants(at, back, ahead int64, n int) []time.Time {
	times := []int64{at + back + 1}
	for _, soon := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute} {
		if soon.Milliseconds() < back && len(times) < n {
			times = append(times, at+soon.Milliseconds())
		}
	}
	spread := int64(max(n-len(times), 1))
	for i := range spread {
		times = append(times, at-ahead+(back+ahead)*(i+1)/(spread+1))
	}
	slices.Sort(times)
	var out []time.Time
	for _, t := range slices.Compact(times) {
		out = append(out, time.UnixMilli(t).UTC())
	}
	return out
}

// reachOf returns how far back and ahead of an instant the expression reads, in
// milliseconds. The engine tells, by what it asks storage for.
func (r *runner) reachOf(ctx context.Context, text string, at int64) (back, ahead int64) {
	l := &listener{first: at, last: at}
	query, err := r.engine.NewInstantQuery(ctx, l, nil, text, time.UnixMilli(at))
	if err != nil {
		return 0, 0
	}
	defer query.Close()
	query.Exec(ctx) // without data it has no result
	return at - l.first, l.last - at
}

// relativeError returns the largest error of a value of b against that of a.
func relativeError(a, b *result) (worst float64, series bool) {
	if a.err != b.err {
		return 1, true
	}
	have := make(map[string][]point, len(b.series))
	for i := range b.series {
		have[b.series[i].labels.String()] = b.series[i].points
	}
	for i := range a.series {
		points, ok := have[a.series[i].labels.String()]
		delete(have, a.series[i].labels.String())
		if !ok || len(points) != len(a.series[i].points) {
			worst, series = max(worst, 1), true
			continue
		}
		for k := range points {
			worst = max(worst, pointError(&a.series[i].points[k], &points[k]))
		}
	}
	if len(have) > 0 {
		return max(worst, 1), true
	}
	return worst, series
}

// pointError compares floats, and of histograms how much they hold.
func pointError(a, b *point) float64 {
	if (a.h == nil) != (b.h == nil) {
		return 1
	}
	x, y := a.f, b.f
	if a.h != nil {
		x, y = a.h.Count, b.h.Count
	}
	switch e := math.Abs(y-x) / math.Abs(x); {
	case x == y || math.IsNaN(x) && math.IsNaN(y):
		return 0
	case math.IsNaN(e) || math.IsInf(e, 0):
		return 1
	default:
		return e
	}
}

// since returns the same view with the changes active from an instant on, in
// milliseconds: until then every series is as it is stored.
func (v *View) since(at int64) *View {
	return &View{inner: v.inner, plan: v.plan, found: v.found, active: at}
}

// pieces returns what a changed series becomes when the changes become active:
// the old series, which ends with a stale marker at its next scrape, and a new
// one.
func (v *View) pieces(s storage.Series, o outcome, wait []*labels.Matcher) ([]relabeled, error) {
	samples, err := collect([]relabeled{{Series: s, labels: o.before}})
	if err != nil {
		return nil, err
	}
	next, _ := slices.BinarySearchFunc(samples, v.active, func(s sample, t int64) int { return int(min(max(s.t-t, -1), 1)) })
	before, after := slices.Clone(samples[:next]), samples[next:]
	if len(after) > 0 {
		before = append(before, after[0].ended())
	}
	var out []relabeled
	if len(before) > 0 && satisfies(o.before, wait) {
		out = append(out, relabeled{Series: listSeries(o.before, before), stored: o.before, labels: o.before})
	}
	if len(after) > 0 && !o.dropped && satisfies(o.after, wait) {
		out = append(out, relabeled{Series: listSeries(o.after, after), stored: o.before, labels: o.after})
	}
	return out, nil
}

// ended returns the marker that stands in place of the sample when the series
// is gone.
func (s *sample) ended() sample {
	end := sample{t: s.t, kind: s.kind}
	switch s.kind {
	case chunkenc.ValHistogram:
		end.h = &histogram.Histogram{Sum: staleMarker}
	case chunkenc.ValFloatHistogram:
		end.fh = &histogram.FloatHistogram{Sum: staleMarker}
	default:
		end.f = staleMarker
	}
	return end
}

func listSeries(l labels.Labels, samples []sample) storage.Series {
	list := make([]chunks.Sample, len(samples))
	for i := range samples {
		list[i] = &samples[i]
	}
	return storage.NewListSeries(l, list)
}
