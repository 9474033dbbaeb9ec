package nativehist

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/convertnhcb"

	"github.com/sentei/sentei"
)

// TestEngine stores random classic histograms, and the same converted by
// Prometheus's own code, and has Prometheus's engine answer what Rewrite was
// given and what it returned.
func TestEngine(t *testing.T) {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
	})
	answers := 0
	for i := range uint64(150) {
		r := rand.New(rand.NewPCG(1, i))
		d := histograms(t, r)
		at := time.Unix(int64(900+r.IntN(900)), 0)
		for _, pair := range rewritten {
			to, err := Rewrite(sentei.Expression{Text: pair[0]}, latency)
			if err != nil {
				t.Fatal(err)
			}
			before, after := ask(t, engine, d, pair[0], at), ask(t, engine, d, to, at)
			if len(before) != len(after) {
				t.Errorf("data %d: %s\n  %v\n%s\n  %v", i, pair[0], before, to, after)
			}
			for l, v := range before {
				answers++
				w, ok := after[l]
				if !ok || !near(v, w) {
					t.Errorf("data %d: %s%s gives %v, %s gives %v", i, pair[0], l, v, to, w)
				}
			}
		}
	}
	if answers < 1000 {
		t.Errorf("%d answers were compared", answers)
	}
}

// near allows for sums that are taken in another order.
func near(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 8*(math.Nextafter(math.Abs(a), math.Inf(1))-math.Abs(a))
}

func ask(t *testing.T, engine *promql.Engine, d dataset, text string, at time.Time) map[string]float64 {
	t.Helper()
	q, err := engine.NewInstantQuery(t.Context(), d, nil, text, at)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := map[string]float64{}
	for _, s := range v {
		if s.H != nil {
			t.Fatalf("%s gives a histogram", text)
		}
		out[s.Metric.String()] = s.F
	}
	return out
}

// histograms makes some histograms that have been counting for long, in both
// forms, with missed scrapes and now and then a reset. They never come near
// zero, up to where each classic part would be extrapolated by itself.
func histograms(t *testing.T, r *rand.Rand) dataset {
	t.Helper()
	var d dataset
	bounds := latency["h"]
	for n := range 1 + r.IntN(4) {
		l := labels.FromStrings("instance", fmt.Sprint(n), "job", []string{"a", "b"}[n%2])
		counts := make([]float64, len(bounds))
		for i := range counts {
			counts[i] = float64(100_000 + r.IntN(1000))
		}
		sum := 1e6 * (1 + r.Float64())
		classic := make([][]chunks.Sample, len(bounds)+2)
		var native []chunks.Sample
		for ts := int64(0); ts < 1_800_000; ts += 15_000 {
			if r.IntN(100) == 0 { // all of them start anew
				for i := range counts {
					counts[i] = math.Floor(counts[i] * 0.9)
				}
				sum *= 0.9
			}
			for i := range counts {
				counts[i] += float64(r.IntN(50) * r.IntN(2))
			}
			sum += 100 * r.Float64()
			if r.IntN(20) == 0 {
				continue
			}
			h := convertnhcb.NewTempHistogram()
			total := 0.0
			for i, le := range bounds {
				total += counts[i]
				bound, err := strconv.ParseFloat(le, 64)
				if err != nil {
					t.Fatal(err)
				}
				if err := h.SetBucketCount(bound, total); err != nil {
					t.Fatal(err)
				}
				classic[i] = append(classic[i], sample{t: ts, f: total})
			}
			if err := h.SetCount(total); err != nil {
				t.Fatal(err)
			}
			if err := h.SetSum(sum); err != nil {
				t.Fatal(err)
			}
			classic[len(bounds)] = append(classic[len(bounds)], sample{t: ts, f: total})
			classic[len(bounds)+1] = append(classic[len(bounds)+1], sample{t: ts, f: sum})
			whole, float, err := h.Convert()
			if err != nil {
				t.Fatal(err)
			}
			if whole != nil {
				float = whole.ToFloat(nil)
			}
			native = append(native, sample{t: ts, fh: float})
		}
		name := func(name string) *labels.Builder { return labels.NewBuilder(l).Set("__name__", name) }
		for i, le := range bounds {
			d = append(d, storage.NewListSeries(name("h_bucket").Set("le", le).Labels(), classic[i]))
		}
		d = append(d, storage.NewListSeries(name("h_count").Labels(), classic[len(bounds)]),
			storage.NewListSeries(name("h_sum").Labels(), classic[len(bounds)+1]),
			storage.NewListSeries(name("h").Labels(), native),
			storage.NewListSeries(name("other").Labels(), classic[0]))
	}
	return d
}

type sample struct {
	t  int64
	f  float64
	fh *histogram.FloatHistogram
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return s.fh.Copy() }
func (s sample) Copy() chunks.Sample           { return s }
func (s sample) Type() chunkenc.ValueType {
	if s.fh != nil {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

type dataset []storage.Series

func (d dataset) Querier(int64, int64) (storage.Querier, error) { return querier{d: d}, nil }

type querier struct {
	storage.LabelQuerier
	d dataset
}

func (querier) Close() error { return nil }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	out := &seriesSet{at: -1}
	for _, s := range q.d {
		if (&sentei.Selector{Matchers: ms}).Matches(s.Labels()) {
			out.found = append(out.found, s)
		}
	}
	return out
}

type seriesSet struct {
	found []storage.Series
	at    int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.found) }
func (s *seriesSet) At() storage.Series                { return s.found[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
