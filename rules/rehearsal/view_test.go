package rehearsal

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/sentei/sentei/internal/relabeling"
	"pgregory.net/rapid"
)

// memory is a storage of its own making: the oracle that views are held
// against, and what they look at.
type memory []storage.Series

func (m memory) Querier(int64, int64) (storage.Querier, error) { return m, nil }
func (memory) Close() error                                    { return nil }

func (m memory) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var out []storage.Series
	for _, s := range m {
		if satisfies(s.Labels(), matchers) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &seriesList{series: out, at: -1}
}

func (m memory) names(of func(labels.Labels, map[string]bool), matchers []*labels.Matcher) []string {
	found := map[string]bool{}
	for _, s := range m {
		if satisfies(s.Labels(), matchers) {
			of(s.Labels(), found)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (m memory) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return m.names(func(l labels.Labels, found map[string]bool) {
		if v := l.Get(name); v != "" {
			found[v] = true
		}
	}, matchers), nil, nil
}

func (m memory) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return m.names(func(l labels.Labels, found map[string]bool) {
		l.Range(func(l labels.Label) { found[l.Name] = true })
	}, matchers), nil, nil
}

// TestMergeHistograms keeps the samples of native histograms, the end of a
// series among them.
func TestMergeHistograms(t *testing.T) {
	at := func(n int64, sum float64, integer bool) chunks.Sample {
		if integer {
			return &sample{t: n, kind: chunkenc.ValHistogram, h: &histogram.Histogram{Sum: sum}}
		}
		return &sample{t: n, kind: chunkenc.ValFloatHistogram, fh: &histogram.FloatHistogram{Sum: sum}}
	}
	group := []relabeled{
		{Series: storage.NewListSeries(labels.EmptyLabels(), []chunks.Sample{at(1, 1, true), at(2, staleNaN, true)})},
		{Series: storage.NewListSeries(labels.EmptyLabels(), []chunks.Sample{at(2, 2, false), at(3, staleNaN, false)})},
	}
	for i := range group {
		group[i].labels = labels.FromStrings("__name__", "h")
	}
	found := &collisions{}
	merged, err := merge(group, nil, found)
	if err != nil {
		t.Fatal(err)
	}
	var sums []float64
	it := merged.Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		_, h := it.AtFloatHistogram(nil)
		sums = append(sums, h.Sum)
	}
	if len(sums) != 3 || sums[0] != 1 || sums[1] != 2 || !value.IsStaleNaN(sums[2]) {
		t.Error(sums)
	}
	if c := found.all[0]; c.from <= c.to || c.ambiguous {
		t.Errorf("%+v", c)
	}
}

var space = map[string][]string{
	"__name__": {"a_total", "b_total", "a_bucket", "r:a"},
	"job":      {"x", "y", ""},
	"pod":      {"p1", "p2", ""},
	"code":     {"200", "500", ""},
}

func drawSeries(t *rapid.T) memory {
	var m memory
	seen := map[string]bool{}
	for range rapid.IntRange(0, 14).Draw(t, "series") {
		b := labels.NewBuilder(labels.EmptyLabels())
		for _, name := range []string{"__name__", "job", "pod", "code"} {
			b.Set(name, rapid.SampledFrom(space[name]).Draw(t, name))
		}
		l := b.Labels()
		if seen[l.String()] {
			continue
		}
		seen[l.String()] = true
		slope := float64(rapid.IntRange(0, 5).Draw(t, "slope"))
		var samples []chunks.Sample
		for i := range 30 {
			samples = append(samples, &sample{t: start.Add(time.Duration(i) * step).UnixMilli(), f: slope * float64(i), kind: chunkenc.ValFloat})
		}
		m = append(m, storage.NewListSeries(l, samples))
	}
	return m
}

func drawMatchers(t *rapid.T) []*labels.Matcher {
	var out []*labels.Matcher
	for range rapid.IntRange(1, 3).Draw(t, "matchers") {
		name := rapid.SampledFrom([]string{"__name__", "__name__", "job", "pod", "code", "other"}).Draw(t, "label")
		value := rapid.SampledFrom(append([]string{".*", ".+", "p1|p2|x", "a_.*"}, space[name]...)).Draw(t, "value")
		kind := rapid.SampledFrom([]labels.MatchType{labels.MatchEqual, labels.MatchNotEqual, labels.MatchRegexp, labels.MatchNotRegexp}).Draw(t, "type")
		out = append(out, labels.MustNewMatcher(kind, name, value))
	}
	return out
}

func drawRule(t *rapid.T, onlyDrops bool) *relabel.Config {
	c := relabel.DefaultRelabelConfig
	c.NameValidationScheme = model.UTF8Validation
	label := rapid.SampledFrom([]string{"__name__", "job", "pod", "code"}).Draw(t, "source")
	c.SourceLabels = model.LabelNames{model.LabelName(label)}
	c.Regex = relabel.MustNewRegexp(rapid.SampledFrom(append([]string{".*", "p.*", "a.*"}, space[label]...)).Draw(t, "regex"))
	c.Action = relabel.Drop
	if onlyDrops {
		return &c
	}
	switch rapid.IntRange(0, 5).Draw(t, "action") {
	case 0:
	case 1:
		c.Action = relabel.Keep
	case 2:
		c.Action, c.SourceLabels = relabel.LabelDrop, nil
		c.Regex = relabel.MustNewRegexp(rapid.SampledFrom([]string{"pod", "code", "po.*|job"}).Draw(t, "labeldrop"))
	case 3:
		c.Action, c.SourceLabels = relabel.LabelKeep, nil
		c.Regex = relabel.MustNewRegexp("__name__|job|pod")
	default:
		c.Action = relabel.Replace
		c.TargetLabel = rapid.SampledFrom([]string{"pod", "code", "new", "job", "__name__"}).Draw(t, "target")
		c.Replacement = rapid.SampledFrom([]string{"", "$0", "p1"}).Draw(t, "replacement")
		if c.TargetLabel == "__name__" && c.Replacement == "" {
			c.Replacement = "b_total"
		}
	}
	return &c
}

func drawChanges(t *rapid.T, onlyDrops bool) []Change {
	var out []Change
	for i := range rapid.IntRange(0, 4).Draw(t, "changes") {
		c := Change{ID: fmt.Sprint(i), Rules: []*relabel.Config{drawRule(t, onlyDrops)}, Scope: relabeling.Scope{All: true}}
		if rapid.Bool().Draw(t, "of one job") {
			c.Scope = relabeling.Scope{Jobs: []string{rapid.SampledFrom(space["job"]).Draw(t, "scope")}}
		}
		if rapid.Bool().Draw(t, "of one metric") {
			c.Metric = rapid.SampledFrom(space["__name__"]).Draw(t, "metric")
		}
		out = append(out, c)
	}
	return out
}

var recordedInTests = map[string]bool{"r:a": true}

// apply makes the storage that the changes lead to, in the plainest way. It
// returns false when series become one.
func apply(m memory, changes []Change) (memory, bool) {
	var out memory
	seen := map[string]bool{}
series:
	for _, s := range m {
		l := s.Labels()
		for _, c := range changes {
			stored := s.Labels()
			if recordedInTests[stored.Get("__name__")] || c.Metric != "" && c.Metric != stored.Get("__name__") ||
				!c.Scope.All && !slices.Contains(c.Scope.Jobs, stored.Get("job")) {
				continue
			}
			b := labels.NewBuilder(l)
			if !relabel.ProcessBuilder(b, c.Rules...) {
				continue series
			}
			l = b.Labels()
		}
		if seen[l.String()] {
			return nil, false
		}
		seen[l.String()] = true
		out = append(out, &relabeled{Series: s, labels: l})
	}
	return out, true
}

func labelsOf(t *rapid.T, set storage.SeriesSet) []string {
	var out []string
	for set.Next() {
		out = append(out, set.At().Labels().String())
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestViewIsWhatStorageWouldBe compares selections and the lists of labels of a
// view with those of a storage that was relabeled series by series.
func TestViewIsWhatStorageWouldBe(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		stored, changes := drawSeries(t), drawChanges(t, false)
		want, injective := apply(stored, changes)
		if !injective {
			return
		}
		q, err := NewView(stored, changes, recordedInTests).Querier(0, 1<<62)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			matchers := drawMatchers(t)
			hints := &storage.SelectHints{Limit: 1, ShardCount: 2}
			if diff := cmp.Diff(labelsOf(t, want.Select(ctx, true, nil, matchers...)), labelsOf(t, q.Select(ctx, true, hints, matchers...))); diff != "" {
				t.Fatalf("%s, -want +got\n%s", matchers, diff)
			}
			for name := range space {
				a, _, _ := want.LabelValues(ctx, name, nil, matchers...)
				b, _, err := q.LabelValues(ctx, name, nil, matchers...)
				if diff := cmp.Diff(a, b); diff != "" || err != nil {
					t.Fatalf("values of %s by %s: %v, -want +got\n%s", name, matchers, err, diff)
				}
			}
			a, _, _ := want.LabelNames(ctx, nil, matchers...)
			b, _, err := q.LabelNames(ctx, nil, matchers...)
			if diff := cmp.Diff(a, b); diff != "" || err != nil {
				t.Fatalf("names by %s: %v, -want +got\n%s", matchers, err, diff)
			}
		}
	})
}

var queries = []string{
	`a_total`, `rate(a_total[2m])`, `sum by (job) (rate({__name__=~".*_total"}[2m]))`, `count by (pod) ({job="x"})`,
	`a_total + on (job, pod, code) b_total`, `sum without (code) (a_bucket{pod=""})`, `a_total unless on (pod) b_total{code!="500"}`,
	`{__name__=~"a.*",pod=~"p.*"}`, `absent(b_total{job="y"})`, `max_over_time(sum(a_total)[3m:1m])`, `sort(sum by (pod) (a_total))`,
}

// TestQueriesOnViews evaluates queries on a view: without rules they return
// what the storage returns, with drop rules and others what a storage without
// these series returns.
func TestQueriesOnViews(t *testing.T) {
	o := DefaultOptions()
	engine := promql.NewEngine(promql.EngineOpts{Logger: slog.New(slog.DiscardHandler), MaxSamples: o.MaxSamples, Timeout: o.QueryTimeout})
	t.Cleanup(func() { engine.Close() })
	rapid.Check(t, func(t *rapid.T) {
		stored := drawSeries(t)
		changes := drawChanges(t, rapid.Bool().Draw(t, "only drops"))
		want, injective := apply(stored, changes)
		if !injective {
			return
		}
		at := start.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "minute")) * time.Minute)
		for _, query := range queries {
			if f := compare(evaluate(t, engine, want, query, at), evaluate(t, engine, NewView(stored, changes, recordedInTests), query, at), 4); f != nil {
				t.Fatalf("%s: %s", query, f.detail)
			}
			if f := compare(evaluate(t, engine, stored, query, at), evaluate(t, engine, NewView(stored, nil, nil), query, at), 0); f != nil {
				t.Fatalf("%s without changes: %s", query, f.detail)
			}
		}
	})
}

func evaluate(t *rapid.T, engine *promql.Engine, q storage.Queryable, query string, at time.Time) *result {
	x, err := engine.NewInstantQuery(context.Background(), q, nil, query, at)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	return newResult(x.Exec(context.Background()), query, false)
}

// TestMerge follows series that become one.
func TestMerge(t *testing.T) {
	at := func(from, n int, f float64) (out []chunks.Sample) {
		for i := range n {
			out = append(out, &sample{t: int64(from+i) * 1000, f: f, kind: chunkenc.ValFloat})
		}
		return out
	}
	tests := map[string]struct {
		a, b      []chunks.Sample
		values    []float64
		overlap   bool
		ambiguous bool
	}{
		"one after the other": {a: at(0, 2, 1), b: at(2, 2, 5), values: []float64{1, 1, 5, 5}},
		"at the same time":    {a: at(0, 2, 1), b: at(0, 2, 5), values: []float64{1, 1}, overlap: true, ambiguous: true},
		"interleaved":         {a: []chunks.Sample{at(0, 1, 1)[0], at(2, 1, 1)[0]}, b: []chunks.Sample{at(1, 1, 5)[0], at(3, 1, 5)[0]}, values: []float64{1, 5, 1, 5}, overlap: true, ambiguous: true},
		"the same constant":   {a: at(0, 3, 1), b: at(1, 3, 1), values: []float64{1, 1, 1, 1}, overlap: true},
		"the end of one": {
			a: append(at(0, 1, 1), &sample{t: 1000, f: staleNaN, kind: chunkenc.ValFloat}), b: at(1, 2, 1), values: []float64{1, 1, 1},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stored := memory{
				storage.NewListSeries(labels.FromStrings("__name__", "m", "pod", "a"), tt.a),
				storage.NewListSeries(labels.FromStrings("__name__", "m", "pod", "b"), tt.b),
			}
			rule := rulesOf(t, `[{regex: pod, action: labeldrop}]`)
			found := &collisions{}
			q, err := NewView(stored, []Change{{Rules: rule, Scope: relabeling.Scope{All: true}}}, nil).watching(found).Querier(0, 1e9)
			if err != nil {
				t.Fatal(err)
			}
			set := q.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", "m"))
			if !set.Next() {
				t.Fatal("no series")
			}
			var got []float64
			for it := set.At().Iterator(nil); it.Next() != chunkenc.ValNone; {
				_, f := it.At()
				got = append(got, f)
			}
			if diff := cmp.Diff(tt.values, got); diff != "" || set.Next() {
				t.Errorf("-want +got\n%s", diff)
			}
			if c := found.all[0]; len(found.all) != 1 || (c.from <= c.to) != tt.overlap || c.ambiguous != tt.ambiguous {
				t.Errorf("collisions %+v", found.all)
			}
		})
	}
}
