package rehearsal

import (
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// TestViewSince deploys a change in the middle of some series.
func TestViewSince(t *testing.T) {
	at := func(t int64, f float64) chunks.Sample { return &sample{t: t, f: f, kind: chunkenc.ValFloat} }
	hist := func(t int64, f float64) chunks.Sample {
		return &sample{t: t, h: &histogram.Histogram{Sum: f}, kind: chunkenc.ValHistogram}
	}
	stored := memory{
		storage.NewListSeries(labels.FromStrings("__name__", "m", "uid", "a"), []chunks.Sample{at(10, 1), at(20, 2), at(30, 3), at(40, 4)}),
		storage.NewListSeries(labels.FromStrings("__name__", "m", "pod", "ended", "uid", "b"), []chunks.Sample{at(5, 1), at(15, 2)}),
		storage.NewListSeries(labels.FromStrings("__name__", "m", "pod", "gone"), []chunks.Sample{at(10, 7), at(30, 7)}),
		storage.NewListSeries(labels.FromStrings("__name__", "m", "pod", "h", "uid", "c"), []chunks.Sample{hist(10, 1), hist(30, 2)}),
		storage.NewListSeries(labels.FromStrings("__name__", "m", "pod", "other"), []chunks.Sample{at(10, 9), at(30, 9)}),
	}
	rules := rulesOf(t, `[{regex: uid, action: labeldrop}, {source_labels: [pod], regex: gone, action: drop}]`)
	view := NewView(stored, []Change{{Rules: rules, Scope: relabeling.Scope{All: true}}}, nil).since(25)
	for _, tt := range []struct {
		matcher *labels.Matcher
		want    []string
	}{
		{labels.MustNewMatcher(labels.MatchEqual, "__name__", "m"), []string{
			`{__name__="m"} 30:3 40:4`,
			`{__name__="m", pod="ended", uid="b"} 5:1 15:2`,
			`{__name__="m", pod="gone"} 10:7 30:stale`,
			`{__name__="m", pod="h"} 30:2`,
			`{__name__="m", pod="h", uid="c"} 10:1 30:stale`,
			`{__name__="m", pod="other"} 10:9 30:9`,
			`{__name__="m", uid="a"} 10:1 20:2 30:stale`,
		}},
		{labels.MustNewMatcher(labels.MatchEqual, "uid", "a"), []string{`{__name__="m", uid="a"} 10:1 20:2 30:stale`}},
		{labels.MustNewMatcher(labels.MatchEqual, "uid", ""), []string{
			`{__name__="m"} 30:3 40:4`, `{__name__="m", pod="gone"} 10:7 30:stale`, `{__name__="m", pod="h"} 30:2`, `{__name__="m", pod="other"} 10:9 30:9`,
		}},
	} {
		q, err := view.Querier(0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		set := q.Select(t.Context(), true, nil, tt.matcher)
		for set.Next() {
			samples, err := collect([]relabeled{{Series: set.At()}})
			if err != nil {
				t.Fatal(err)
			}
			line := set.At().Labels().String()
			for i := range samples {
				value := samples[i].f
				if h := samples[i].FH(); h != nil {
					value = h.Sum
				}
				if samples[i].stale() {
					line += fmt.Sprintf(" %d:stale", samples[i].t)
				} else {
					line += fmt.Sprintf(" %d:%g", samples[i].t, value)
				}
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || set.Err() != nil {
			t.Errorf("%s: %v, -want +got\n%s", tt.matcher, set.Err(), diff)
		}
	}
}

// TestCutover deploys a strip that nobody notices before and long after, and
// wants to know who does meanwhile; and a drop, which nobody ever does.
func TestCutover(t *testing.T) {
	var g generator
	for pod := range 4 {
		load := func(i int) float64 { // grows unevenly
			x := float64(i)
			return 10*x*float64(pod+1) + 20*math.Sin(x/7+float64(pod))
		}
		l := []string{"job", "api", "pod", fmt.Sprint("p", pod), "uid", fmt.Sprint("u", pod)}
		g.whole(load, append([]string{"__name__", "c_total"}, l...)...)
		g.whole(func(i int) float64 { return load(i) - load(i/2) }, append([]string{"__name__", "gauge"}, l...)...)
		g.whole(constant(1), append([]string{"__name__", "unread"}, l...)...)
	}
	d := g.block(t)
	tests := []struct {
		expr              string
		least, most       float64 // of the error; 0 stands for no transient
		shortest, longest time.Duration
		lost              bool
	}{
		{expr: `sum(gauge)`},
		{expr: `count(c_total)`},
		{expr: `max by (pod) (gauge)`},
		{expr: `sum(rate(c_total[5m]))`, least: 0.001, most: 0.3, shortest: 3 * time.Minute, longest: 6 * time.Minute},
		{expr: `sum by (pod) (rate(c_total[5m]))`, least: 0.001, most: 1, shortest: 3 * time.Minute, longest: 6 * time.Minute},
		{expr: `avg(rate(c_total[5m]))`, least: 0.2, most: 1, shortest: 3 * time.Minute, longest: 6 * time.Minute},
		{expr: `count(rate(c_total[10m]))`, least: 1, most: 1, shortest: 6 * time.Minute, longest: 11 * time.Minute},
		{expr: `sum(max_over_time(gauge[10m]))`, least: 0.5, most: 2, shortest: 6 * time.Minute, longest: 11 * time.Minute},
		{expr: `sum(rate(c_total[5m] offset 10m))`, least: 0.001, most: 0.3, shortest: 13 * time.Minute, longest: 17 * time.Minute},
		{expr: `count(rate(c_total[5m])) > 4`, least: 1, most: 1, shortest: 3 * time.Minute, longest: 6 * time.Minute, lost: true},
		{expr: `sum(rate(c_total[3h]))`}, // there is too little data to see its end
	}
	var consumers []sentei.Consumer
	for _, tt := range tests {
		consumers = append(consumers, consumer(sentei.Dashboard, tt.expr, tt.expr))
	}
	r := report(consumers...)
	changes := changesOf(t, r, "api", `[{regex: uid, action: labeldrop}, {source_labels: [__name__], regex: unread, action: drop}]`)
	res := run(t, r, d, changes)
	if !res.Clean() || res.Figures.Same != len(tests) {
		t.Fatalf("%+v, %+v", res.Figures, res.Differences)
	}
	found := map[string]Transient{}
	for _, x := range res.Transients {
		t.Logf("%s: %.3f for %s: %s", x.Expr, x.Error, x.Lasts, x.Detail)
		found[x.Consumers[0].ID] = x
		if len(x.Changes) != 1 || x.Changes[0] != "api[0]" {
			t.Errorf("%s: because of %s", x.Expr, x.Changes)
		}
	}
	for _, tt := range tests {
		x, ok := found[tt.expr]
		switch {
		case ok != (tt.least > 0):
			t.Errorf("%s: transient %v", tt.expr, ok)
		case x.Error < tt.least || x.Error > tt.most || x.Lasts < tt.shortest || x.Lasts > tt.longest || x.Series != tt.lost:
			t.Errorf("%s: %.3f for %s, series %v", tt.expr, x.Error, x.Lasts, x.Series)
		}
	}
	if c := res.Changes[0]; c.Transient < 13*time.Minute || c.Error < 1 || res.Changes[1].Transient != 0 {
		t.Errorf("%+v", res.Changes)
	}
	o := DefaultOptions()
	o.Cutover = 0
	without, err := Run(t.Context(), Input{Report: r, Backend: "b", Changes: changes, Data: d}, o)
	if err != nil || len(without.Transients) > 0 || without.Figures.Queries >= res.Figures.Queries {
		t.Errorf("%v, %+v", err, without.Transients)
	}
}

// TestCutoverRemains takes an instant as the last one while old samples are
// still in reach: what shows there is a difference.
func TestCutoverRemains(t *testing.T) {
	d := cluster(t)
	rep := report(consumer(sentei.Query, "q", `count(rate(kube_pod_info[5m]))`))
	changes := changesOf(t, rep, "kube", `[{source_labels: [__name__], regex: kube_pod_info, target_label: pod_ip, replacement: ''}]`)
	r := newRunner(Input{Report: rep, Backend: "b", Data: d}, changes, DefaultOptions())
	defer r.engine.Close()
	s := subjects(rep, "b")[0]
	s.prepare()
	at := start.Add(30 * time.Minute)
	when := []time.Time{at.Add(2 * time.Minute)}
	base := []*result{r.run(t.Context(), d.Queryable, s, s.replays[0], when[0])}
	transient, remains := r.deploy(t.Context(), s, s.replays[0], []int{0}, at, when, base)
	if transient != nil || remains == nil || remains.Kind != KindCutover || remains.Changes[0] != "kube[0]" {
		t.Errorf("%+v, %+v", transient, remains)
	}
}

func TestRelativeError(t *testing.T) {
	series := func(name string, f float64) resultSeries {
		return resultSeries{labels.FromStrings("a", name), []point{{f: f}}}
	}
	of := func(s ...resultSeries) *result { return &result{series: s} }
	h := func(count float64) resultSeries {
		return resultSeries{labels.FromStrings("a", "h"), []point{{h: &histogram.FloatHistogram{Count: count}}}}
	}
	for name, tt := range map[string]struct {
		a, b   *result
		want   float64
		series bool
	}{
		"the same":      {of(series("x", 1), series("n", math.NaN())), of(series("x", 1), series("n", math.NaN())), 0, false},
		"a part":        {of(series("x", 4)), of(series("x", 5)), 0.25, false},
		"negative":      {of(series("x", -4)), of(series("x", 4)), 2, false},
		"from nothing":  {of(series("x", 0)), of(series("x", 4)), 1, false},
		"not a number":  {of(series("x", math.NaN())), of(series("x", 4)), 1, false},
		"a lost series": {of(series("x", 4), series("y", 1)), of(series("x", 6)), 1, true},
		"a new series":  {of(series("x", 4)), of(series("x", 20), series("y", 1)), 4, true},
		"histograms":    {of(h(10)), of(h(15)), 0.5, false},
		"mixed":         {of(h(10)), of(resultSeries{labels.FromStrings("a", "h"), []point{{f: 1}}}), 1, false},
		"an error":      {of(), &result{err: "x"}, 1, true},
	} {
		if got, lost := relativeError(tt.a, tt.b); got != tt.want || lost != tt.series {
			t.Errorf("%s: %g, %v", name, got, lost)
		}
	}
}

// TestQueriesAroundCutover evaluates queries on a view whose changes become
// active at an instant: before it they return what the storage returns, and
// when no old sample is in reach what a storage returns that was always
// changed.
func TestQueriesAroundCutover(t *testing.T) {
	engine := promql.NewEngine(promql.EngineOpts{Logger: slog.New(slog.DiscardHandler), MaxSamples: 1e6, Timeout: time.Minute})
	t.Cleanup(func() { engine.Close() })
	rapid.Check(t, func(t *rapid.T) {
		stored, changes := drawSeries(t), drawChanges(t, rapid.Bool().Draw(t, "only drops"))
		want, injective := apply(stored, changes)
		if !injective {
			return
		}
		active := start.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second)
		late := NewView(stored, changes, recordedInTests).since(start.Add(5 * time.Minute).UnixMilli())
		early := NewView(stored, changes, recordedInTests).since(active.UnixMilli())
		for _, query := range queries {
			if f := compare(evaluate(t, engine, stored, query, start.Add(4*time.Minute)), evaluate(t, engine, late, query, start.Add(4*time.Minute)), 0); f != nil {
				t.Fatalf("%s before: %s", query, f.detail)
			}
			after := start.Add(9 * time.Minute)
			if f := compare(evaluate(t, engine, want, query, after), evaluate(t, engine, early, query, after), 4); f != nil {
				t.Fatalf("%s long after: %s", query, f.detail)
			}
		}
	})
}
