package rehearsal

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// View is a storage.Queryable that shows another one as it would look had the
// changes been active all along.
type View struct {
	inner storage.Queryable
	plan  *plan
	found *collisions // nil when nobody asks
	// active is since when the changes are made, in milliseconds; 0 when they
	// always were.
	active int64
}

// NewView returns a view of the storage. The rules must have been validated.
// recorded holds the metrics that
// recording rules write, whose series pass no relabel rule.
func NewView(inner storage.Queryable, changes []Change, recorded map[string]bool) *View {
	return &View{inner: inner, plan: newPlan(changes, recorded)}
}

// watching returns the same view, with collisions reported to found.
func (v *View) watching(found *collisions) *View {
	return &View{inner: v.inner, plan: v.plan, found: found, active: v.active}
}

// Querier implements storage.Queryable.
func (v *View) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := v.inner.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return &viewQuerier{Querier: q, view: v, mint: mint, maxt: maxt}, nil
}

type viewQuerier struct {
	storage.Querier
	view       *View
	mint, maxt int64
}

// Select returns the series whose new labels satisfy the matchers.
func (q *viewQuerier) Select(ctx context.Context, sortSeries bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	p := q.view.plan
	relevant := p.relevant(matchers)
	if len(relevant) == 0 {
		return q.Querier.Select(ctx, sortSeries, hints, matchers...)
	}
	push, wait := p.split(relevant, matchers)
	set := q.Querier.Select(ctx, sortSeries, forStored(hints), push...)
	var out []relabeled
	changed := false
	for set.Next() {
		s := set.At()
		o := p.apply(s.Labels())
		if o.changed && q.view.active != 0 {
			pieces, err := q.view.pieces(s, o, wait)
			if err != nil {
				return storage.ErrSeriesSet(err)
			}
			out, changed = append(out, pieces...), true
			continue
		}
		if o.dropped || !satisfies(o.after, wait) {
			continue
		}
		changed = changed || o.changed
		out = append(out, relabeled{Series: s, stored: o.before, labels: o.after})
	}
	if err := set.Err(); err != nil {
		return storage.ErrSeriesSet(err)
	}
	series := make([]storage.Series, 0, len(out))
	if !changed { // then order and uniqueness are those of the storage
		for i := range out {
			series = append(series, out[i].Series)
		}
		return &seriesList{series: series, at: -1, warnings: set.Warnings()}
	}
	slices.SortFunc(out, compareRelabeled)
	for i := 0; i < len(out); {
		k := i + 1
		for k < len(out) && labels.Equal(out[i].labels, out[k].labels) {
			k++
		}
		if k-i == 1 {
			series = append(series, &out[i])
		} else {
			merged, err := merge(out[i:k], hints, q.view.found)
			if err != nil {
				return storage.ErrSeriesSet(err)
			}
			series = append(series, merged)
		}
		i = k
	}
	return &seriesList{series: series, at: -1, warnings: set.Warnings()}
}

// forStored returns the hints without what refers to the labels of the result:
// the storage would apply it to labels that are yet to change.
func forStored(hints *storage.SelectHints) *storage.SelectHints {
	if hints == nil {
		return nil
	}
	h := *hints
	h.Limit, h.ShardCount, h.ShardIndex = 0, 0, 0
	h.ProjectionLabels, h.ProjectionInclude = nil, false
	return &h
}

func satisfies(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// LabelValues is answered from the new labels.
func (q *viewQuerier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	if len(q.view.plan.relevant(matchers)) == 0 {
		return q.Querier.LabelValues(ctx, name, hints, matchers...)
	}
	return q.labels(ctx, hints, matchers, func(l labels.Labels, add func(string)) {
		if v := l.Get(name); v != "" {
			add(v)
		}
	})
}

// LabelNames is answered from the new labels.
func (q *viewQuerier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	if len(q.view.plan.relevant(matchers)) == 0 {
		return q.Querier.LabelNames(ctx, hints, matchers...)
	}
	return q.labels(ctx, hints, matchers, func(l labels.Labels, add func(string)) {
		l.Range(func(l labels.Label) { add(l.Name) })
	})
}

func (q *viewQuerier) labels(ctx context.Context, hints *storage.LabelHints, matchers []*labels.Matcher, of func(labels.Labels, func(string))) ([]string, annotations.Annotations, error) {
	if len(matchers) == 0 {
		matchers = []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".*")}
	}
	found := map[string]struct{}{}
	set := q.Select(ctx, false, &storage.SelectHints{Start: q.mint, End: q.maxt, Func: seriesFunc}, matchers...)
	for set.Next() {
		of(set.At().Labels(), func(s string) { found[strings.Clone(s)] = struct{}{} })
	}
	values := slices.Sorted(maps.Keys(found))
	if hints != nil && hints.Limit > 0 && len(values) > hints.Limit {
		values = values[:hints.Limit]
	}
	return values, set.Warnings(), set.Err()
}

// seriesFunc is the hint that only the labels of series are wanted.
const seriesFunc = "series"

// relabeled is a stored series under its new labels.
type relabeled struct {
	storage.Series
	stored, labels labels.Labels
}

// Labels returns the new labels.
func (r *relabeled) Labels() labels.Labels { return r.labels }

func compareRelabeled(a, b relabeled) int {
	if c := labels.Compare(a.labels, b.labels); c != 0 {
		return c
	}
	return labels.Compare(a.stored, b.stored)
}

type seriesList struct {
	series   []storage.Series
	at       int
	warnings annotations.Annotations
}

func (s *seriesList) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesList) At() storage.Series                { return s.series[s.at] }
func (s *seriesList) Err() error                        { return nil }
func (s *seriesList) Warnings() annotations.Annotations { return s.warnings }
