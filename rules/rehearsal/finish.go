package rehearsal

import (
	"cmp"
	"slices"
	"strings"
)

// finish sorts the result and sums it up.
func (r *runner) finish(res *Result, a *altered, aggregates, refused []ChangeResult) {
	f := &res.Figures
	f.Series, f.Collisions = a.series, len(a.collisions)
	f.Queries, f.Samples = r.queries.Load(), r.samples.Load()
	behind := a.behind()
	for i := range r.changes {
		c := ChangeResult{ID: r.changes[i].ID, Title: r.changes[i].Title, Series: len(a.perEach[i])}
		for k, changes := range behind {
			if a.collisions[k].ambiguous && slices.Contains(changes, i) {
				c.Ambiguous++
			}
		}
		for _, k := range a.perEach[i] {
			if a.entries[k].dropped {
				c.Dropped++
			}
		}
		res.tally(&c)
		res.Changes = append(res.Changes, c)
	}
	for i := range aggregates {
		res.tally(&aggregates[i])
	}
	res.Changes = append(res.Changes, aggregates...)
	res.Changes = append(res.Changes, refused...)
	for i := range res.Outcomes {
		n := len(res.Outcomes[i].Consumers)
		switch res.Outcomes[i].Status {
		case Same:
			f.Same += n
			if res.Outcomes[i].Points == 0 {
				f.Empty += n
			}
		case Within:
			f.Within += n
		case Differs:
			f.Differs += n
		case Unstable:
			f.Unstable += n
		case Dead:
			f.Dead += n
		default:
			f.NotRehearsed += n
		}
	}
	rank := []Status{Differs, Unstable, NotRehearsed, Dead, Within, Same}
	slices.SortStableFunc(res.Outcomes, func(a, b Outcome) int {
		return slices.Index(rank, a.Status) - slices.Index(rank, b.Status)
	})
	slices.SortStableFunc(res.Differences, func(a, b Difference) int {
		return cmp.Or(slices.Compare(a.Changes, b.Changes), compareConsumers(a.Consumers[0], b.Consumers[0]), strings.Compare(a.Expr, b.Expr))
	})
	slices.SortStableFunc(res.Transients, func(a, b Transient) int {
		return cmp.Or(slices.Compare(a.Changes, b.Changes), compareConsumers(a.Consumers[0], b.Consumers[0]), strings.Compare(a.Expr, b.Expr))
	})
	slices.SortStableFunc(res.Errors, func(a, b ConsumerError) int {
		return cmp.Or(strings.Compare(a.Change, b.Change), cmp.Compare(b.Max, a.Max), compareConsumers(a.Consumers[0], b.Consumers[0]), strings.Compare(a.Expr, b.Expr))
	})
	for i := range a.collisions {
		c := a.collisions[i].export()
		if c.Ambiguous {
			f.Ambiguous++
		}
		if len(res.Collisions) < maxCollisions {
			res.Collisions = append(res.Collisions, c)
		}
	}
}

// tally counts what consumers saw of the change.
func (r *Result) tally(c *ChangeResult) {
	c.Differs = slices.ContainsFunc(r.Differences, func(d Difference) bool { return slices.Contains(d.Changes, c.ID) })
	for k := range r.Transients {
		if t := &r.Transients[k]; slices.Contains(t.Changes, c.ID) {
			c.Transient, c.Error = max(c.Transient, t.Lasts), max(c.Error, t.Error)
		}
	}
	for k := range r.Outcomes {
		if o := &r.Outcomes[k]; o.Status != Dead && slices.Contains(o.Changes, c.ID) {
			c.Consumers += len(o.Consumers)
			if o.Status == Same || o.Status == Within || o.Status == Differs {
				c.Replayed += len(o.Consumers)
			}
		}
	}
}
