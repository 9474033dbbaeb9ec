package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/sentei/sentei"
)

// altered are the stored series that the changes alter.
type altered struct {
	entries  []entry // by change, then by labels
	byMetric map[string][]int
	perEach  [][]int // the entries of each change
	series   int     // distinct series that the changes alter together
	// collisions over the whole span, found from the labels alone.
	collisions []collision
}

// entry is a series that a change alone alters.
type entry struct {
	outcome
	all    outcome // what all changes together make of it
	change int
}

// readBy reports whether the selector selects the series as it is, or as the
// change alone or all changes would make it.
func (e *entry) readBy(s *sentei.Selector) bool {
	return s.Matches(e.before) || !e.dropped && s.Matches(e.after) || !e.all.dropped && s.Matches(e.all.after)
}

// names returns the metric names that the series has or would have.
func (e *entry) names() []string {
	names := []string{e.before.Get(model.MetricNameLabel)}
	for _, o := range []outcome{e.outcome, e.all} {
		if name := o.after.Get(model.MetricNameLabel); !o.dropped && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// find applies every change to all series that it can reach in the whole span.
func find(ctx context.Context, d *Data, p *plan, most int) (*altered, error) {
	a := &altered{byMetric: map[string][]int{}, perEach: make([][]int, len(p.changes))}
	q, err := d.Querier(d.From.UnixMilli(), d.To.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close() //nolint:errcheck // nothing was written
	seen := map[uint64]struct{}{}
	for i := range p.changes {
		alone := newPlan(p.changes[i:i+1], p.recorded)
		err := eachSeries(ctx, q, d, p.changes[i].matchers(), func(l labels.Labels) error {
			o := alone.compute(l)
			if !o.changed {
				return nil
			}
			if len(a.entries) == most {
				return fmt.Errorf("the changes alter more than %d series: rehearse fewer at a time, or raise the bound", most)
			}
			index := len(a.entries)
			e := entry{o, p.compute(l), i}
			a.entries = append(a.entries, e)
			a.perEach[i] = append(a.perEach[i], index)
			for _, name := range e.names() {
				a.byMetric[name] = append(a.byMetric[name], index)
			}
			seen[l.Hash()] = struct{}{}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find the series that %s alters: %w", p.changes[i].ID, err)
		}
	}
	a.series = len(seen)
	if a.collisions, err = collide(ctx, d, p, a); err != nil {
		return nil, fmt.Errorf("look for collisions: %w", err)
	}
	return a, nil
}

// matchers narrows the series down to those that the change may alter.
func (c *Change) matchers() []*labels.Matcher {
	out := c.Scope.Matchers()
	if c.Metric != "" {
		out = append(out, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, c.Metric))
	}
	if len(out) == 0 {
		out = append(out, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".*"))
	}
	return out
}

// eachSeries calls f with the labels of every series of the span, in order.
func eachSeries(ctx context.Context, q storage.Querier, d *Data, matchers []*labels.Matcher, f func(labels.Labels) error) error {
	hints := &storage.SelectHints{Start: d.From.UnixMilli(), End: d.To.UnixMilli(), Func: seriesFunc}
	set := q.Select(ctx, true, hints, matchers...)
	for set.Next() {
		if err := f(set.At().Labels()); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return set.Err()
}

// collide finds the series that get the same labels at any time of the span.
// It asks only for metrics of which a remaining series has changed.
func collide(ctx context.Context, d *Data, p *plan, a *altered) ([]collision, error) {
	names := map[string]struct{}{}
	for i := range a.entries {
		if e := &a.entries[i]; !e.all.dropped {
			names[e.all.after.Get(model.MetricNameLabel)] = struct{}{}
		}
	}
	found := &collisions{}
	view := &View{inner: d.Queryable, plan: p, found: found}
	q, err := view.Querier(d.From.UnixMilli(), d.To.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close() //nolint:errcheck // nothing was written
	for name := range names {
		m := labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)
		err := eachSeries(ctx, q, d, []*labels.Matcher{m}, func(labels.Labels) error { return nil })
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found.all, func(a, b collision) int { return labels.Compare(a.labels, b.labels) })
	return found.all, overlaps(ctx, d, found.all)
}

// behind returns for each collision the changes that alter one of its series,
// sorted.
func (a *altered) behind() [][]int {
	by := map[uint64][]int{} // changes, by the hash of a series that they alter
	for i := range a.entries {
		hash := a.entries[i].before.Hash()
		by[hash] = append(by[hash], a.entries[i].change)
	}
	out := make([][]int, len(a.collisions))
	for i := range a.collisions {
		for _, l := range a.collisions[i].stored {
			out[i] = append(out[i], by[l.Hash()]...)
		}
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
	}
	return out
}

// maxOverlapSamples is how many samples are read to find out whether colliding
// series overlap in time, and maxRemoteOverlaps how many series are read
// of a server. Of collisions beyond that the worst is assumed.
const maxOverlapSamples, maxRemoteOverlaps = 50_000_000, 500

func overlaps(ctx context.Context, d *Data, all []collision) error {
	q, err := d.Querier(d.From.UnixMilli(), d.To.UnixMilli())
	if err != nil {
		return err
	}
	defer q.Close() //nolint:errcheck // nothing was written
	total, reads := 0, 0
	for i := range all {
		c := &all[i]
		reads += len(c.stored)
		if total > maxOverlapSamples || d.Remote && reads > maxRemoteOverlaps {
			c.ambiguous = true
			continue
		}
		var group []relabeled
		for _, l := range c.stored {
			s, err := selectOne(ctx, q, l)
			if err != nil {
				return err
			}
			if s != nil {
				group = append(group, relabeled{Series: s, stored: l, labels: c.labels})
			}
		}
		samples, err := collect(group)
		switch {
		case errors.Is(err, errTooManySamples):
			c.ambiguous = true
		case err != nil:
			return err
		default:
			c.overlap(samples, len(group))
		}
		total += len(samples)
	}
	return nil
}

// selectOne returns the series with exactly these labels, or nil.
func selectOne(ctx context.Context, q storage.Querier, l labels.Labels) (storage.Series, error) {
	var matchers []*labels.Matcher
	l.Range(func(l labels.Label) {
		matchers = append(matchers, labels.MustNewMatcher(labels.MatchEqual, l.Name, l.Value))
	})
	if len(matchers) == 0 {
		return nil, errors.New("a series has no labels")
	}
	set := q.Select(ctx, false, nil, matchers...)
	for set.Next() {
		if s := set.At(); labels.Equal(s.Labels(), l) {
			return s, nil
		}
	}
	return nil, set.Err()
}

// spread returns at most most indexes below n, evenly.
func spread(n, most int) []int {
	var out []int
	for i := range min(n, most) {
		out = append(out, i*n/min(n, most))
	}
	return out
}

// maxRead is how many of the altered series that a subject reads are kept.
const maxRead = 64

// touch finds out which changes alter series that the subject reads, under
// their old labels or under their new ones: by what the analysis of the
// expression says, and by what the engine asked for.
func (a *altered) touch(s *subject, asked []sentei.Selector) {
	hit := map[int]bool{}
	selectors := slices.Concat(s.selectors, asked)
	for i := range selectors {
		for _, index := range a.candidates(&selectors[i]) {
			if a.entries[index].readBy(&selectors[i]) {
				hit[index] = true
			}
		}
	}
	var indexes []int
	for index := range hit {
		indexes = append(indexes, index)
		s.touched = append(s.touched, a.entries[index].change)
	}
	slices.Sort(s.touched)
	s.touched = slices.Compact(s.touched)
	slices.Sort(indexes)
	for _, i := range spread(len(indexes), maxRead) {
		s.read = append(s.read, a.entries[indexes[i]].before)
	}
	if s.first.Opaque != "" { // may read anything
		for i := range a.perEach {
			if len(a.perEach[i]) > 0 {
				s.touched = append(s.touched, i)
			}
		}
		slices.Sort(s.touched)
		s.touched = slices.Compact(s.touched)
	}
}

// candidates returns the entries of the metrics that the selector may name.
func (a *altered) candidates(s *sentei.Selector) []int {
	for _, m := range s.Matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return a.byMetric[m.Value]
		}
	}
	var out []int
	for name, indexes := range a.byMetric {
		if s.MatchesName(name) {
			out = append(out, indexes...)
		}
	}
	return out
}
