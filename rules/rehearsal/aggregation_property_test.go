package rehearsal

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
)

// TestMeasuredError compares the measured error with that of the engine alone,
// over the raw series and over blocks that hold what a ruler would have written
// from them, evaluation by evaluation.
func TestMeasuredError(t *testing.T) {
	cases := []struct {
		expr, function string
		series         sentei.SeriesType
	}{
		{`sum by (code) (rate(m[5m]))`, "sum", sentei.CounterSeries},
		{`sum(increase(m[10m]))`, "sum", sentei.CounterSeries},
		{`sum by (code) (m)`, "sum", sentei.GaugeSeries},
		{`max without (code) (max_over_time(m[6m]))`, "max", sentei.GaugeSeries},
		{`min by (code) (m)`, "min", sentei.GaugeSeries},
	}
	engine := promql.NewEngine(promql.EngineOpts{Logger: slog.New(slog.DiscardHandler), MaxSamples: 1e6, Timeout: time.Minute})
	defer engine.Close() //nolint:errcheck // it keeps nothing
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(cases).Draw(rt, "case")
		var raw generator
		pods := rapid.IntRange(1, 4).Draw(rt, "pods")
		for p := range pods {
			var from, to time.Duration = 0, length
			if rapid.Bool().Draw(rt, "churn") {
				from = time.Duration(rapid.IntRange(0, 200).Draw(rt, "from")) * step
				to = from + time.Duration(rapid.IntRange(4, 279).Draw(rt, "samples"))*step
			}
			f := wave(rapid.Float64Range(1, 100).Draw(rt, "mean"), rapid.Float64Range(0, 50).Draw(rt, "height"), rapid.IntRange(10, 400).Draw(rt, "period"))
			if c.series == sentei.CounterSeries {
				f = restarted(counter(rapid.Float64Range(0.1, 10).Draw(rt, "slope")), rapid.IntRange(20, 500).Draw(rt, "restart"))
			}
			raw.add(from, to, f, "__name__", "m", "job", "api", "pod", fmt.Sprint(p), "code", fmt.Sprint(p%2))
		}
		r := report(consumer(sentei.Dashboard, "d", c.expr))
		aggregate(t, r, "m", c.function, c.series, 1e9, "pod")
		d := raw.memory()
		res := rehearseProposals(t, r, d)

		in := Input{Report: r, Backend: "b", Data: d}
		in.AddProposals(&r.Backends[0])
		g := &in.Aggregations[0]
		base := newRunner(in, nil, DefaultOptions())
		defer base.engine.Close() //nolint:errcheck // it keeps nothing
		x, err := base.prepare(t.Context(), &in, g)
		if err != nil {
			rt.Fatal(err)
		}
		defer x.engine.Close() //nolint:errcheck // it keeps nothing
		m := &measurement{aggregated: x, from: x.todo[0]}
		when := m.when(t.Context(), x.todo[0].replays[0])
		ruled := ruler(t, engine, d, g.Recordings[0], g.Interval)
		var errs []float64
		differ := false
		for _, at := range when {
			a := valuesAt(t, engine, d, c.expr, at)
			b := valuesAt(t, engine, ruled, g.Rewritten["d"], at)
			if len(a) != len(b) {
				differ = true
				continue
			}
			worst := 0.0
			for l, v := range a {
				w, ok := b[l]
				differ = differ || !ok
				if v != w {
					worst = max(worst, min(math.Abs(w-v)/math.Abs(v), math.MaxFloat64))
				}
			}
			if len(a) > 0 {
				errs = append(errs, worst)
			}
		}
		if found := len(res.Differences) > 0; found != differ {
			rt.Fatalf("the rehearsal says %v, the engine alone that series differ: %v", res.Differences, differ)
		}
		if differ || len(errs) == 0 {
			return
		}
		slices.Sort(errs)
		median := (errs[(len(errs)-1)/2] + errs[len(errs)/2]) / 2
		e := res.Errors[0]
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, a, b) }
		if !near(e.Max, errs[len(errs)-1]) || !near(e.Median, median) || e.Instants != len(errs) {
			rt.Fatalf("measured %v and %v at %d instants, the engine alone %v and %v at %d", e.Max, e.Median, e.Instants, errs[len(errs)-1], median, len(errs))
		}
	})
}

// memory returns the series without a block, which takes long to write.
func (g *generator) memory() *Data {
	slices.SortFunc(g.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &Data{Queryable: memory(g.series), From: start, To: start.Add(length - step)}
}

// ruler writes what a recording rule would have written.
func ruler(t testing.TB, engine *promql.Engine, d *Data, rule sentei.Recording, interval time.Duration) *Data {
	t.Helper()
	written := map[string][]chunks.Sample{}
	before := map[string]float64{}
	for at := d.From.Truncate(interval); !at.After(d.To); at = at.Add(interval) {
		now := valuesAt(t, engine, d, rule.Expr, at)
		for l, v := range now {
			written[l] = append(written[l], &sample{t: at.UnixMilli(), f: v, kind: chunkenc.ValFloat})
		}
		for l := range before {
			if _, ok := now[l]; !ok {
				written[l] = append(written[l], &sample{t: at.UnixMilli(), f: staleNaN, kind: chunkenc.ValFloat})
			}
		}
		before = now
	}
	var g generator
	for l, samples := range written {
		metric, err := parser.NewParser(parser.Options{}).ParseMetric(l)
		if err != nil {
			t.Fatal(err)
		}
		b := labels.NewBuilder(metric)
		b.Set("__name__", rule.Record)
		g.series = append(g.series, storage.NewListSeries(b.Labels(), samples))
	}
	return g.memory()
}

// valuesAt returns the values of an expression by their labels.
func valuesAt(t testing.TB, engine *promql.Engine, d *Data, expr string, at time.Time) map[string]float64 {
	t.Helper()
	q, err := engine.NewInstantQuery(t.Context(), d, nil, expr, at)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, s := range v {
		out[s.Metric.String()] = s.F
	}
	return out
}
