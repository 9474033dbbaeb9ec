package promql_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"github.com/prometheus/prometheus/util/annotations"
)

// series is one stored series.
type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// dataset is a storage in memory that returns series in the order that it
// holds them, as a TSDB promises no order either.
type dataset []series

func (d dataset) Querier(int64, int64) (storage.Querier, error) { return querier{d: d}, nil }

// querier leaves out the part of the interface that the engine does not use.
type querier struct {
	storage.LabelQuerier
	d dataset
}

func (q querier) Close() error { return nil }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for _, s := range q.d {
		if !matchesAll(s.labels, ms) {
			continue
		}
		found = append(found, &storage.SeriesEntry{
			Lset: s.labels,
			SampleIteratorFn: func(chunkenc.Iterator) chunkenc.Iterator {
				return storage.NewListSeriesIteratorWithCopy(chunks.SampleSlice(s.samples))
			},
		})
	}
	return &seriesSet{found: found, at: -1}
}

func matchesAll(l labels.Labels, ms []*labels.Matcher) bool {
	for _, m := range ms {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

type seriesSet struct {
	found []storage.Series
	at    int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.found) }
func (s *seriesSet) At() storage.Series                { return s.found[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// sample is a float, or a native histogram.
type sample struct {
	t  int64
	f  float64
	fh *histogram.FloatHistogram
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return s.fh }
func (s sample) Copy() chunks.Sample           { return s }
func (s sample) Type() chunkenc.ValueType {
	if s.fh != nil {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

const (
	scrapeInterval = 30_000
	scrapes        = 40
)

// The names of everything that the data and the queries draw from.
var (
	gauges     = []string{"g0", "g1", "g2"}
	counters   = []string{"c0_total", "c1_total"}
	labelNames = []string{"job", "instance", "a", "b", "c", "uid", "le", "version", "__type__", "new"}
)

// someLabels draws the labels that one dataset and its query use. With few of
// them, series meet more often.
func someLabels(r *rand.Rand) []string {
	some := slices.Clone(labelNames)
	r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return some[:2+r.IntN(len(some)-1)]
}

// generate makes a dataset: metrics that share some label values, labels that
// depend on others, churn, gaps, resets, stale markers, histograms of both
// kinds and info metrics.
func generate(r *rand.Rand, use []string) dataset {
	g := &generator{r: r, values: 1 + r.IntN(3), fraction: r.IntN(3) == 0, handover: r.IntN(3) == 0, use: use}
	for _, name := range append(slices.Clone(gauges), counters...) {
		for range r.IntN(7) {
			g.add(g.row(name), g.floats(name[0] == 'c'))
		}
	}
	for range r.IntN(3) {
		g.classic(g.row("h_bucket"))
	}
	for range r.IntN(4) {
		g.add(g.row("nh"), g.histograms())
	}
	for _, name := range []string{"target_info", "build_info"} {
		for range r.IntN(4) {
			b := labels.NewBuilder(g.row(name))
			if g.r.IntN(3) > 0 {
				b.Set("version", g.pick("version"))
			}
			g.add(b.Labels(), g.constant())
		}
	}
	r.Shuffle(len(g.d), func(i, j int) { g.d[i], g.d[j] = g.d[j], g.d[i] })
	return g.d
}

type generator struct {
	r        *rand.Rand
	d        dataset
	values   int  // how many values a label has
	fraction bool // values seldom equal each other
	handover bool // series follow one another
	rows     int
	use      []string
}

func (g *generator) pick(label string) string {
	return fmt.Sprintf("%s%d", label[:1], g.r.IntN(g.values+1))
}

// row makes the labels of a series. c depends on a and b, uid is unique.
func (g *generator) row(name string) labels.Labels {
	b := labels.NewBuilder(labels.FromStrings("__name__", name))
	for _, l := range g.use {
		switch l {
		case "le", "new":
		case "c":
			b.Set("c", "c"+b.Get("a")+b.Get("b"))
		case "uid":
			if g.r.IntN(3) > 0 {
				g.rows++
				b.Set("uid", fmt.Sprint("u", g.rows))
			}
		case "__type__":
			if g.r.IntN(3) == 0 {
				b.Set(l, []string{"gauge", "counter"}[g.r.IntN(2)])
			}
		default:
			if g.r.IntN(4) > 0 {
				b.Set(l, g.pick(l))
			}
		}
	}
	return b.Labels()
}

func (g *generator) add(l labels.Labels, samples []chunks.Sample) {
	for _, s := range g.d {
		if labels.Equal(s.labels, l) {
			return
		}
	}
	if len(samples) > 0 {
		g.d = append(g.d, series{l, samples})
	}
}

// times returns when a series has samples: from its birth to its death, with
// gaps. stale says that its end was noticed.
func (g *generator) times() (ts []int64, stale bool) {
	from, to := 0, scrapes
	if g.handover && g.r.IntN(3) > 0 {
		from, to = 0, scrapes/2
		if g.r.IntN(2) == 0 {
			from, to = scrapes/2, scrapes
		}
	} else if g.r.IntN(3) == 0 {
		from = g.r.IntN(scrapes)
	}
	if !g.handover && g.r.IntN(3) == 0 {
		to = from + g.r.IntN(scrapes-from+1)
	}
	gap := g.r.IntN(4) == 0
	for i := from; i < to; i++ {
		if gap && g.r.IntN(4) == 0 {
			continue
		}
		ts = append(ts, int64(i)*scrapeInterval)
	}
	return ts, g.r.IntN(2) == 0
}

func (g *generator) floats(counter bool) []chunks.Sample {
	ts, stale := g.times()
	var out []chunks.Sample
	v := float64(g.r.IntN(5))
	for _, t := range ts {
		step := float64(g.r.IntN(6))
		if g.fraction {
			step = float64(g.r.IntN(1<<16)) / (1 << 10)
		}
		switch {
		case !counter:
			v = step - 2
		case g.r.IntN(15) == 0:
			v = 0
		default:
			v += step
		}
		out = append(out, sample{t: t, f: v})
	}
	return ended(out, stale)
}

func ended(out []chunks.Sample, stale bool) []chunks.Sample {
	if n := len(out); stale && n > 0 {
		out = append(out, sample{t: out[n-1].T() + scrapeInterval, f: math.Float64frombits(value.StaleNaN)})
	}
	return out
}

func (g *generator) constant() []chunks.Sample {
	ts, stale := g.times()
	var out []chunks.Sample
	for _, t := range ts {
		out = append(out, sample{t: t, f: 1})
	}
	return ended(out, stale)
}

// classic adds the buckets of one classic histogram.
func (g *generator) classic(l labels.Labels) {
	bounds := []string{"0.5", "1.0", "+Inf"}
	below := make([]*labels.Builder, len(bounds))
	samples := make([][]chunks.Sample, len(bounds))
	ts, stale := g.times()
	counts := make([]float64, len(bounds))
	for _, t := range ts {
		sum := 0.0
		for i := range bounds {
			counts[i] += float64(g.r.IntN(4))
			sum += counts[i]
			samples[i] = append(samples[i], sample{t: t, f: sum})
		}
	}
	for i, le := range bounds {
		below[i] = labels.NewBuilder(l).Set("le", le)
		g.add(below[i].Labels(), ended(samples[i], stale))
	}
}

// histograms makes a series of native histograms, some with custom buckets and
// some with floats in between.
func (g *generator) histograms() []chunks.Sample {
	ts, stale := g.times()
	custom, mixed := g.r.IntN(3) == 0, g.r.IntN(4) == 0
	var out []chunks.Sample
	n := int64(g.r.IntN(3))
	for _, t := range ts {
		n += int64(g.r.IntN(3))
		if g.r.IntN(12) == 0 {
			n = 0
		}
		switch {
		case mixed && g.r.IntN(3) == 0:
			out = append(out, sample{t: t, f: float64(n)})
		case custom:
			out = append(out, sample{t: t, fh: tsdbutil.GenerateTestCustomBucketsFloatHistogram(n)})
		default:
			out = append(out, sample{t: t, fh: tsdbutil.GenerateTestFloatHistogram(n)})
		}
	}
	return ended(out, stale)
}
