package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
)

// when returns the instants at which an expression is compared: those at which
// any change is (around the begin and the end of series and resets of counters,
// and spread over the span), and of half of these the moments at which the
// aggregate has just been stored, and at which it is oldest. What is too near
// to the begin of the data is left out, since nothing was recorded before.
func (m *measurement) when(ctx context.Context, x replayed) []time.Time {
	to := m.data.To.UnixMilli()
	back, _ := m.reachOf(ctx, x.text, to)
	from := m.data.From.UnixMilli() + back + m.reach
	if from > to {
		return nil
	}
	var times []int64
	for _, t := range instants(m.from, m.data, m.events, m.options.Instants) {
		times = append(times, t.UnixMilli())
	}
	times = filter(times, func(t int64) bool { return t >= from })
	if missing := m.options.Instants - len(times); missing > 0 {
		c := chooser{seed: m.from.id, from: from, to: to}
		c.strata(missing)
		times = append(times, c.chosen...)
	}
	slices.Sort(times)
	for i, t := range times {
		tick := m.ticks.before(t)
		if i%2 == 0 {
			times = append(times, tick, tick+m.ticks.interval-1)
		}
	}
	times = filter(times, func(t int64) bool { return t >= from && t <= to })
	slices.Sort(times)
	var out []time.Time
	for _, t := range slices.Compact(times) {
		out = append(out, time.UnixMilli(t).UTC())
	}
	return out
}

// Bounds of the evaluations of an alert that are compared: over a server, an
// hour of them at an interval of a minute.
const maxAlertSteps, maxRemoteAlertSteps, alertStepsAtOnce = 4000, 240, 500

// alert compares at which evaluations an alert fires, four times an interval,
// from an instant to the end of the data. It returns why it cannot.
func (m *measurement) alert(ctx context.Context, from, to replayed, begin time.Time) string {
	first, last := begin.UnixMilli(), m.data.To.UnixMilli()
	step := m.ticks.interval / 4
	if m.data.Remote {
		first = max(first, last-maxRemoteAlertSteps*step)
	}
	step = max(step, (last-first)/maxAlertSteps)
	for at := first; at <= last; at += alertStepsAtOnce * step {
		end := min(at+(alertStepsAtOnce-1)*step, last)
		old, refused := m.fires(ctx, m.old, from.text, at, end, step)
		if refused != "" {
			return refused
		}
		fresh, refused := m.fires(ctx, m.fresh, to.text, at, end, step)
		if refused != "" {
			return refused
		}
		if t, detail := firstChange(old, fresh); detail != "" {
			m.found = m.differs(to, time.UnixMilli(t).UTC(), KindAlert, detail)
			m.found.Instants = 1
			return ""
		}
	}
	return ""
}

// fires returns for each alert the instants at which it fires.
func (m *measurement) fires(ctx context.Context, q storage.Queryable, text string, from, to, step int64) (map[string][]int64, string) {
	m.queries.Add(1)
	query, err := m.engine.NewRangeQuery(ctx, q, nil, text, time.UnixMilli(from), time.UnixMilli(to), time.Duration(step)*time.Millisecond)
	if err != nil {
		return nil, "its evaluations cannot be compared: " + err.Error()
	}
	defer query.Close()
	res := query.Exec(ctx)
	if reason := limit(res.Err, &m.options); reason != "" {
		return nil, reason
	}
	out := map[string][]int64{}
	if res.Err != nil {
		out["error: "+quotedLabels.ReplaceAllString(res.Err.Error(), "{}")] = []int64{from}
		return out, ""
	}
	matrix, ok := res.Value.(promql.Matrix)
	if !ok {
		return nil, fmt.Sprintf("its evaluations cannot be compared: the result is a %s", res.Value.Type())
	}
	for i := range matrix {
		var at []int64
		for _, p := range matrix[i].Floats {
			at = append(at, p.T)
		}
		for _, p := range matrix[i].Histograms {
			at = append(at, p.T)
		}
		slices.Sort(at)
		out[matrix[i].Metric.String()] = at
	}
	return out, ""
}

// firstChange returns the first instant at which something fires in one and not
// in the other, and what.
func firstChange(old, fresh map[string][]int64) (first int64, detail string) {
	look := func(a, b map[string][]int64, text string) {
		for name, times := range a {
			for _, t := range times {
				if _, ok := slices.BinarySearch(b[name], t); ok {
					continue
				}
				if d := fmt.Sprintf(text, name); detail == "" || t < first || t == first && strings.Compare(d, detail) < 0 {
					first, detail = t, d
				}
				break
			}
		}
	}
	look(old, fresh, "%s fires, and would not")
	look(fresh, old, "%s does not fire, and would")
	return first, detail
}
