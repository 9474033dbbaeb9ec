package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

// all measures the subjects and adds to the result what comes of it.
func (x *aggregated) all(ctx context.Context, res *Result) {
	todo := x.todo
	outcomes := make([]Outcome, len(todo))
	measured := make([]*ConsumerError, len(todo))
	differences := make([]*Difference, len(todo))
	var mu sync.Mutex
	done := 0
	var group errgroup.Group
	limit := max(x.options.Concurrency, 1)
	if x.data.Remote {
		limit = min(limit, 2)
	}
	group.SetLimit(limit)
	for i, s := range todo {
		group.Go(func() error {
			outcomes[i], measured[i], differences[i] = x.one(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			if done++; x.options.Progress != nil {
				x.options.Progress(done, len(todo))
			}
			return nil
		})
	}
	_ = group.Wait() // the functions never return an error
	for i := range todo {
		res.Outcomes = append(res.Outcomes, outcomes[i])
		if measured[i] != nil {
			res.Errors = append(res.Errors, *measured[i])
		}
		if differences[i] != nil {
			res.Differences = append(res.Differences, *differences[i])
		}
	}
}

// one replays one subject over the raw series, and rewritten over the
// aggregate.
func (x *aggregated) one(ctx context.Context, s *subject) (Outcome, *ConsumerError, *Difference) {
	o := s.outcome(x.changes)
	o.Changes = []string{x.Raw.ID}
	if s.reason != "" || s.first.Dead {
		return o, nil, nil
	}
	to := x.rewritten(s)
	if to.reason != "" || len(to.replays) != len(s.replays) {
		o.Reason = "its rewritten form cannot be replayed: " + to.reason
		return o, nil, nil
	}
	m := &measurement{aggregated: x, from: s, to: to}
	for i := range s.replays {
		if reason := m.replay(ctx, s.replays[i], to.replays[i]); reason != "" {
			o.Reason = reason
			if ctx.Err() == nil && m.unstable {
				o.Status = Unstable
			}
			return o, nil, nil
		}
	}
	o.Instants, o.Points = m.instants, m.points
	measured := m.error()
	difference := m.difference(measured)
	o.Status = Within
	if difference != nil {
		o.Status = Differs
	}
	return o, measured, difference
}

// rewritten returns the subject as it is under the aggregation.
func (x *aggregated) rewritten(s *subject) *subject {
	to := *s
	first := *s.first
	for _, c := range s.consumers {
		if text, ok := x.Rewritten[c.ID]; ok {
			first.Text = text
			to.selectors = promql.Analyze(first.Expression, sentei.AllLabelsBut()).Selectors
			break
		}
	}
	to.first, to.replays = &first, nil
	to.prepare()
	return &to
}

// measurement is what is known of one subject so far.
type measurement struct {
	*aggregated
	from, to *subject
	unstable bool

	instants, points int
	errors           []float64 // the largest one of each instant
	worst            ConsumerError
	found            *Difference // of another kind than a value that is off
}

// replay compares one text of the subject with its rewritten form. It returns
// why it cannot.
func (m *measurement) replay(ctx context.Context, from, to replayed) string {
	when := []time.Time{m.data.To}
	if !from.lookup {
		if when = m.when(ctx, from); len(when) == 0 {
			return "the data are shorter than what it looks back over"
		}
	}
	m.instants = max(m.instants, len(when))
	for _, t := range when {
		if ctx.Err() != nil {
			return outOfTime
		}
		a := m.run(ctx, m.old, m.from, from, t)
		if a.refused {
			return a.err
		}
		if f := compare(a, m.run(ctx, m.old, m.from, from, t), m.options.ULPs); f != nil {
			m.unstable = true
			return "differs from itself: " + f.detail
		}
		b := m.run(ctx, m.fresh, m.to, to, t)
		if b.refused {
			return b.err
		}
		m.compare(a, b, from, to, t)
	}
	if m.alerts() && m.found == nil {
		return m.alert(ctx, from, to, when[0])
	}
	return ""
}

// compare takes in the results of one instant. Warnings do not count: the
// engine gives some for the names of metrics.
func (m *measurement) compare(a, b *result, from, to replayed, t time.Time) {
	if a.err != "" && b.err != "" {
		return
	}
	e, series := relativeError(a, b)
	if a.err != b.err || series {
		f := compare(&result{err: a.err, series: a.series}, &result{err: b.err, series: b.series}, m.options.ULPs)
		if m.found == nil && f != nil {
			if f.kind == KindSeries && m.alerts() {
				f.kind = KindAlert
			}
			m.found = m.differs(to, t, f.kind, f.detail)
		}
		if m.found != nil {
			m.found.Instants++
		}
		return
	}
	if a.points() == 0 || from.lookup {
		return
	}
	m.points += a.points()
	m.errors = append(m.errors, e)
	age := time.Duration(t.UnixMilli()-m.ticks.before(t.UnixMilli())) * time.Millisecond
	w := &m.worst
	if age == 0 {
		w.Aligned = max(w.Aligned, e)
	}
	if len(m.errors) == 1 || e > w.Max {
		w.From, w.Expr, w.Max, w.At, w.Age, w.Detail = from.text, to.text, e, t, age, worstPoint(a, b)
	}
}

// alerts reports whether an alerting rule evaluates the subject.
func (m *measurement) alerts() bool {
	return slices.ContainsFunc(m.from.consumers, func(c Consumer) bool { return c.Kind == sentei.AlertingRule })
}

func (m *measurement) differs(to replayed, t time.Time, kind, detail string) *Difference {
	return &Difference{Changes: []string{m.Raw.ID}, Consumers: m.from.consumers, Expr: to.text, At: t, Kind: kind, Detail: detail}
}

// error returns the figures, or nil when there was nothing to compare.
func (m *measurement) error() *ConsumerError {
	if len(m.errors) == 0 {
		return nil
	}
	w := m.worst
	w.Change, w.Consumers, w.Consumer, w.Instants = m.Raw.ID, m.from.consumers, m.from.consumers[0].ID, len(m.errors)
	slices.Sort(m.errors)
	w.Median = m.errors[len(m.errors)/2]
	if len(m.errors)%2 == 0 {
		w.Median = (m.errors[len(m.errors)/2-1] + w.Median) / 2
	}
	return &w
}

// difference returns why the aggregation must not be made, or nil.
func (m *measurement) difference(e *ConsumerError) *Difference {
	if m.found != nil || e == nil || e.Max <= m.Tolerance {
		return m.found
	}
	d := m.differs(replayed{text: e.Expr}, e.At, KindValue, fmt.Sprintf("off by %.3g %%, and %.3g %% is tolerated, %s after the aggregate was stored: %s",
		100*e.Max, 100*m.Tolerance, model.Duration(e.Age), e.Detail))
	for _, e := range m.errors {
		if e > m.Tolerance {
			d.Instants++
		}
	}
	return d
}

// worstPoint shows the value that is off most.
func worstPoint(a, b *result) string {
	have := make(map[string][]point, len(b.series))
	for i := range b.series {
		have[b.series[i].labels.String()] = b.series[i].points
	}
	text, worst := "", -1.0
	for i := range a.series {
		name := a.series[i].labels.String()
		for k := range a.series[i].points {
			p, q := &a.series[i].points[k], &have[name][k]
			if e := pointError(p, q); e > worst {
				worst = e
				text = fmt.Sprintf("%s %v → %v", name, p.f, q.f)
				if p.h != nil {
					text = fmt.Sprintf("%s %v → %v", name, p.h.Count, q.h.Count)
				}
			}
		}
	}
	return text
}
