package rehearsal

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/sentei/sentei"
)

func TestCompare(t *testing.T) {
	one := func(v float64) *promql.Result {
		return &promql.Result{Value: promql.Vector{{Metric: labels.FromStrings("a", "b"), T: 1, F: v}}}
	}
	hist := func(change func(*histogram.FloatHistogram)) *promql.Result {
		h := &histogram.FloatHistogram{Schema: 1, Count: 4, Sum: 3, PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []float64{2, 2}}
		if change != nil {
			change(h)
		}
		return &promql.Result{Value: promql.Vector{{Metric: labels.FromStrings("a", "b"), H: h}}}
	}
	named := func(names ...string) *promql.Result {
		var v promql.Vector
		for _, n := range names {
			v = append(v, promql.Sample{Metric: labels.FromStrings("n", n)})
		}
		return &promql.Result{Value: v}
	}
	fails := func(text string) *promql.Result { return &promql.Result{Err: errors.New(text)} }
	matrix := func(f ...promql.FPoint) *promql.Result {
		return &promql.Result{Value: promql.Matrix{{Metric: labels.FromStrings("a", "b"), Floats: f}}}
	}
	warned := one(1)
	warned.Warnings.Add(annotations.NewInvalidQuantileWarning(2, parser.Expressions{}.PositionRange()))
	nan := math.Float64frombits(0x7ff8000000000001)
	next := math.Nextafter(1, 2)
	tests := map[string]struct {
		a, b    *promql.Result
		ordered bool
		kind    string // "" when they are the same
	}{
		"same":                  {a: one(1), b: one(1)},
		"the last place":        {a: one(1), b: one(next)},
		"more than that":        {a: one(1), b: one(1 + 1e-14), kind: KindValue},
		"all NaN are one":       {a: one(math.NaN()), b: one(nan)},
		"NaN and a number":      {a: one(math.NaN()), b: one(0), kind: KindValue},
		"both zeros":            {a: one(0), b: one(math.Copysign(0, -1))},
		"signs":                 {a: one(math.SmallestNonzeroFloat64), b: one(-math.SmallestNonzeroFloat64), kind: KindValue},
		"infinity is no number": {a: one(math.MaxFloat64), b: one(math.Inf(1)), kind: KindValue},
		"infinities":            {a: one(math.Inf(1)), b: one(math.Inf(1))},
		"histograms":            {a: hist(nil), b: hist(func(h *histogram.FloatHistogram) { h.Sum = math.Nextafter(3, 4) })},
		"other buckets":         {a: hist(nil), b: hist(func(h *histogram.FloatHistogram) { h.PositiveBuckets = []float64{1, 3} }), kind: KindValue},
		"another schema":        {a: hist(nil), b: hist(func(h *histogram.FloatHistogram) { h.Schema = 2 }), kind: KindValue},
		"empty buckets are none": {a: hist(nil), b: hist(func(h *histogram.FloatHistogram) {
			h.PositiveSpans[0].Length, h.PositiveBuckets = 3, []float64{2, 2, 0}
		})},
		"histogram and float": {a: hist(nil), b: one(1), kind: KindValue},
		"lost":                {a: named("x", "y"), b: named("x"), kind: KindSeries},
		"new":                 {a: named(), b: named("x"), kind: KindSeries},
		"order":               {a: named("x", "y"), b: named("y", "x")},
		"order that shows":    {a: named("x", "y"), b: named("y", "x"), ordered: true, kind: KindOrder},
		"lost tells more":     {a: named("x", "y"), b: named("y"), ordered: true, kind: KindSeries},
		"the same error":      {a: fails(`duplicate {a="b"}`), b: fails(`duplicate {a="c"}`)},
		"another error":       {a: fails("x"), b: fails("y"), kind: KindError},
		"an error":            {a: one(1), b: fails("y"), kind: KindError},
		"a warning":           {a: one(1), b: warned, kind: KindWarning},
		"a point less":        {a: matrix(promql.FPoint{T: 1}, promql.FPoint{T: 2}), b: matrix(promql.FPoint{T: 1}), kind: KindValue},
		"another time":        {a: matrix(promql.FPoint{T: 1}), b: matrix(promql.FPoint{T: 2}), kind: KindValue},
		"scalars":             {a: &promql.Result{Value: promql.Scalar{V: 1}}, b: &promql.Result{Value: promql.Scalar{V: 2}}, kind: KindValue},
		"strings":             {a: &promql.Result{Value: promql.String{V: "x"}}, b: &promql.Result{Value: promql.String{V: "y"}}, kind: KindSeries},
	}
	for name, tt := range tests {
		f := compare(newResult(tt.a, "q", tt.ordered), newResult(tt.b, "q", tt.ordered), 4)
		if (f == nil) != (tt.kind == "") || f != nil && f.kind != tt.kind {
			t.Errorf("%s: %+v, want %q", name, f, tt.kind)
		}
	}
	var many []string
	for n := range 9 {
		many = append(many, strings.Repeat("x", n+1))
	}
	if f := compare(newResult(named(many...), "q", false), newResult(named(), "q", false), 0); !strings.HasSuffix(f.detail, `; and 6 more (9 series → 0)`) {
		t.Error(f.detail)
	}
}

func TestOrderShows(t *testing.T) {
	p := parser.NewParser(parser.Options{EnableExperimentalFunctions: true})
	for text, want := range map[string]bool{
		`sort(x)`: true, `(topk(2, x))`: true, `sort_by_label(x, "a")`: true, `sum(sort(x))`: false, `x`: false,
	} {
		e, err := p.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if orderShows(e) != want {
			t.Error(text)
		}
	}
}

// moody returns another value whenever it is asked.
type moody struct{ asked float64 }

func (m *moody) Querier(mint, maxt int64) (storage.Querier, error) {
	m.asked++
	samples := []chunks.Sample{&sample{t: start.UnixMilli(), f: m.asked, kind: chunkenc.ValFloat}}
	return memory{storage.NewListSeries(labels.FromStrings("__name__", "m", "job", "api"), samples)}.Querier(mint, maxt)
}

// TestUnstable wants consumers that differ from themselves to be left out.
func TestUnstable(t *testing.T) {
	d := &Data{Queryable: &moody{}, From: start, To: start.Add(time.Minute)}
	r := report(consumer(sentei.Query, "q", `m`), consumer(sentei.Query, "stable", `count(m)`))
	res, err := Run(context.Background(), Input{Report: r, Backend: "b", Data: d, Changes: changesOf(t, r, "api", `[{target_label: new, replacement: x}]`)}, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	f := res.Figures
	if f.Unstable != 1 || f.Same != 1 || !res.Clean() || res.Outcomes[0].Status != Unstable || !strings.HasPrefix(res.Outcomes[0].Reason, "differs from itself: ") {
		t.Errorf("%+v, %+v", f, res.Outcomes)
	}
}
