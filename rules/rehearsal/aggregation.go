package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/storage"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// Aggregation is an aggregate that is stored in place of raw series. It is
// rehearsed alone: rewritten consumers are replayed over what its recording
// rules would have written.
type Aggregation struct {
	// Raw drops the series that are not stored any more.
	Raw        Change
	Interval   time.Duration
	Recordings []sentei.Recording
	// Rewritten are the new texts of consumers, by identifier. Who is not among
	// them is replayed as it is.
	Rewritten map[string]string
	// Tolerance is the largest relative error of a value that is no difference.
	Tolerance float64

	external []string           // labels of the backend
	chain    []*sentei.Consumer // rules that record what comes of the raw series
	outputs  Change             // drops what they record
}

// aggregationOf returns the aggregation that a proposal of the backend makes.
// The error says why it cannot be rehearsed.
func aggregationOf(r *sentei.Report, b *sentei.Backend, p *sentei.Proposal) (Aggregation, error) {
	a := &p.Action
	out := Aggregation{
		Raw:      Change{ID: p.ID, Title: relabeling.Title(p), Metric: a.Metric},
		Interval: a.Interval, Recordings: a.Recordings, Tolerance: p.Tolerance, Rewritten: map[string]string{},
		external: b.ExternalLabels,
	}
	if a.Interval < time.Second || len(a.Recordings) == 0 {
		return out, errors.New("it cannot be rehearsed: it has no recording rules")
	}
	drop := *p
	drop.Action = sentei.Action{Kind: sentei.DropMetric, Metric: a.Metric}
	var err error
	if out.Raw.Rules, err = relabeling.Configs(&drop); err != nil {
		return out, fmt.Errorf("it cannot be rehearsed: %w", err)
	}
	for _, w := range a.Rewrites {
		out.Rewritten[w.Consumer] = w.To
	}
	out.chain = chainOf(r, b.Name, &out)
	var ids []string
	for _, c := range out.chain {
		ids = append(ids, c.ID)
	}
	out.outputs = Change{ID: p.ID + " recorded", Scope: relabeling.Scope{All: true, Written: true}}
	if out.outputs.Rules, err = dropRecorded(r, ids); err != nil {
		return out, err
	}
	out.Raw.Scope, err = relabeling.ScopeOfProposal(b, p)
	return out, err
}

// aggregated is a rehearsal of one aggregation.
type aggregated struct {
	*runner
	*Aggregation
	// old shows the data as they are, and fresh with the aggregate in place of
	// the raw series. What existing rules record of either is evaluated anew in
	// both, so that its readers show the error, too.
	old, fresh storage.Queryable
	ticks      *recording // a rule of the aggregate
	reach      int64      // how far back the rules look, in milliseconds

	series int        // that are not stored any more
	todo   []*subject // who reads them, or what is recorded from them
	events map[int]*events
}

// aggregate rehearses one aggregation and adds those that are replayed to
// touched.
func (r *runner) aggregate(ctx context.Context, in *Input, g *Aggregation, res *Result, touched map[string]bool) (ChangeResult, error) {
	x, err := r.prepare(ctx, in, g)
	if err != nil {
		return ChangeResult{}, err
	}
	defer x.engine.Close() //nolint:errcheck // it keeps nothing
	for _, s := range x.todo {
		touched[s.id] = true
	}
	x.all(ctx, res)
	r.queries.Add(x.queries.Load())
	r.samples.Add(x.samples.Load())
	return ChangeResult{ID: g.Raw.ID, Title: g.Raw.Title, Series: x.series}, nil
}

// prepare finds out who is to be replayed, over what and when. The engine must
// be closed.
func (r *runner) prepare(ctx context.Context, in *Input, g *Aggregation) (*aggregated, error) {
	changes, err := validated([]Change{g.Raw, g.outputs})
	if err != nil {
		return nil, err
	}
	alone := newRunner(*in, changes, r.options)
	x := alone.aggregated(ctx, g)
	a, err := find(ctx, in.Data, alone.union.plan, r.options.MaxSeries)
	if err == nil {
		var ev *events
		ev, err = eventsOf(ctx, in.Data, a, 0)
		x.events = map[int]*events{0: ev, 1: ev}
	}
	if err != nil {
		return nil, errors.Join(err, alone.engine.Close())
	}
	x.series = len(a.perEach[0])
	for _, s := range subjects(in.Report, in.Backend) {
		if expired(in.Report, s) {
			continue
		}
		a.touch(s, alone.asked(ctx, s))
		// What a rule records need not be stored where the raw series are.
		for i := range s.selectors {
			if len(s.touched) == 0 && g.recorded(&s.selectors[i], g.chain) {
				s.touched = []int{1}
			}
		}
		if len(s.touched) > 0 {
			s.prepare()
			x.todo = append(x.todo, s)
		}
	}
	return x, nil
}

// chainOf returns the living recording rules that read the raw series, or what
// one of them records.
func chainOf(r *sentei.Report, backend string, g *Aggregation) []*sentei.Consumer {
	var chain []*sentei.Consumer
	for grown := true; grown; {
		grown = false
		for i := range r.Consumers {
			c := &r.Consumers[i]
			if c.Backend != backend || c.Records == "" || c.Dead || slices.Contains(chain, c) {
				continue
			}
			_, reads := g.Rewritten[c.ID]
			for k := range c.Selectors {
				reads = reads || g.recorded(&c.Selectors[k], chain)
			}
			if reads {
				chain, grown = append(chain, c), true
			}
		}
	}
	return chain
}

// recorded reports whether the selector may select what one of the rules
// records.
func (g *Aggregation) recorded(s *sentei.Selector, rules []*sentei.Consumer) bool {
	return slices.ContainsFunc(rules, func(c *sentei.Consumer) bool { return s.MaySelectOutput(c, g.external) })
}

// aggregated makes the views of the data.
func (r *runner) aggregated(ctx context.Context, g *Aggregation) *aggregated {
	old := &recorded{inner: NewView(r.data.Queryable, r.changes[1:], r.union.plan.recorded)}
	fresh := &recorded{inner: r.union}
	x := &aggregated{runner: r, Aggregation: g, old: old, fresh: fresh}
	middle := r.data.From.UnixMilli()
	interval := g.Interval.Milliseconds()
	for _, rec := range g.Recordings {
		c := &recording{runner: r, metric: rec.Record, expr: rec.Expr, source: r.data.Queryable, interval: interval}
		fresh.rules, x.ticks = append(fresh.rules, c), c
		back, _ := r.reachOf(ctx, rec.Expr, middle)
		x.reach = max(x.reach, back+interval)
	}
	for _, c := range g.chain {
		text, rewritten := g.Rewritten[c.ID]
		if !rewritten {
			text = c.Text
		}
		// Groups of rules are evaluated at times of their own.
		one := recording{runner: r, metric: c.Records, labels: c.RecordLabels, expr: c.Text, source: old, interval: interval, phase: interval / 2}
		two := recording{runner: r, metric: c.Records, labels: c.RecordLabels, expr: text, source: fresh, interval: interval, phase: interval / 2}
		old.rules, fresh.rules = append(old.rules, &one), append(fresh.rules, &two)
		back, _ := r.reachOf(ctx, c.Text, middle)
		x.reach += back + interval
	}
	return x
}

// expired reports whether all that evaluate the subject are queries that nobody
// has asked for long: they count for no proof either.
func expired(r *sentei.Report, s *subject) bool {
	since := r.At.Add(-r.Settings.Window)
	return !slices.ContainsFunc(s.consumers, func(c Consumer) bool {
		q := r.Consumer(c.ID)
		return q == nil || q.Kind != sentei.Query || q.LastSeen.IsZero() || !q.LastSeen.Before(since)
	})
}
