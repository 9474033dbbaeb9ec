package promql_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// engines are Prometheus's own engine, with the name removed at once and late.
func engines() []*promql.Engine {
	var all []*promql.Engine
	for _, delayed := range []bool{false, true} {
		all = append(all, promql.NewEngine(promql.EngineOpts{
			MaxSamples:               5_000_000,
			Timeout:                  time.Minute,
			LookbackDelta:            90 * time.Second,
			NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
			EnableAtModifier:         true,
			EnableNegativeOffset:     true,
			EnableDelayedNameRemoval: delayed,
			Parser:                   engineParser(),
		}))
	}
	return all
}

func engineParser() parser.Parser {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	})
}

// evaluation is a query with the times at which it runs.
type evaluation struct {
	engine *promql.Engine
	query  string
	start  time.Time
	end    time.Time // equal to start for an instant query
}

// points are the values of one series of a result.
type points struct {
	floats     []promql.FPoint
	histograms []promql.HPoint
}

// outcome is a result in which the order of series does not matter.
type outcome struct {
	series map[string]points
	scalar []promql.FPoint
	failed string
}

func (e evaluation) run(d dataset) outcome {
	var q promql.Query
	var err error
	if e.start.Equal(e.end) {
		q, err = e.engine.NewInstantQuery(context.Background(), d, nil, e.query, e.start)
	} else {
		q, err = e.engine.NewRangeQuery(context.Background(), d, nil, e.query, e.start, e.end, time.Minute)
	}
	if err != nil {
		return outcome{failed: err.Error()}
	}
	defer q.Close()
	res := q.Exec(context.Background())
	if res.Err != nil {
		return outcome{failed: res.Err.Error()}
	}
	o := outcome{series: map[string]points{}}
	switch v := res.Value.(type) {
	case promql.Vector:
		for _, s := range v {
			p := points{}
			if s.H != nil {
				p.histograms = []promql.HPoint{{T: s.T, H: s.H.Copy()}}
			} else {
				p.floats = []promql.FPoint{{T: s.T, F: s.F}}
			}
			o.series[s.Metric.String()] = p
		}
	case promql.Matrix:
		for _, s := range v {
			p := points{floats: slices.Clone(s.Floats)}
			for _, h := range s.Histograms {
				p.histograms = append(p.histograms, promql.HPoint{T: h.T, H: h.H.Copy()})
			}
			o.series[s.Metric.String()] = p
		}
	case promql.Scalar:
		o.scalar = []promql.FPoint{{T: v.T, F: v.V}}
	}
	return o
}

func (o outcome) empty() bool { return len(o.series) == 0 && len(o.scalar) == 0 }

// differs says how two outcomes differ, or "".
func (o outcome) differs(p outcome) string {
	if o.failed != p.failed {
		if (o.failed == "") != (p.failed == "") {
			return fmt.Sprintf("error %q / %q", o.failed, p.failed)
		}
		return ""
	}
	for l, have := range o.series {
		other, ok := p.series[l]
		if !ok {
			return "series " + l + " is gone"
		}
		if !sameFloats(have.floats, other.floats) || !sameHistograms(have.histograms, other.histograms) {
			return fmt.Sprintf("series %s: %v %v / %v %v", l, have.floats, have.histograms, other.floats, other.histograms)
		}
	}
	for l := range p.series {
		if _, ok := o.series[l]; !ok {
			return "series " + l + " is new"
		}
	}
	if !sameFloats(o.scalar, p.scalar) {
		return fmt.Sprintf("scalar %v / %v", o.scalar, p.scalar)
	}
	return ""
}

func sameFloats(a, b []promql.FPoint) bool {
	return slices.EqualFunc(a, b, func(x, y promql.FPoint) bool { return x.T == y.T && same(x.F, y.F) })
}

func sameHistograms(a, b []promql.HPoint) bool {
	return slices.EqualFunc(a, b, func(x, y promql.HPoint) bool { return x.T == y.T && sameHistogram(x.H, y.H) })
}

// same allows for the rounding that another order of summation brings.
func same(a, b float64) bool {
	if a == b || math.IsNaN(a) && math.IsNaN(b) {
		return true
	}
	return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
}

// sameHistogram compares what a histogram says, bucket by bucket.
func sameHistogram(a, b *histogram.FloatHistogram) bool {
	if a.Schema != b.Schema || !same(a.Count, b.Count) || !same(a.Sum, b.Sum) || !same(a.ZeroCount, b.ZeroCount) {
		return false
	}
	return slices.EqualFunc(buckets(a), buckets(b), func(x, y histogram.Bucket[float64]) bool {
		return same(x.Lower, y.Lower) && same(x.Upper, y.Upper) && same(x.Count, y.Count)
	})
}

func buckets(h *histogram.FloatHistogram) []histogram.Bucket[float64] {
	var all []histogram.Bucket[float64]
	for it := h.AllBucketIterator(); it.Next(); {
		if b := it.At(); b.Count != 0 {
			all = append(all, b)
		}
	}
	return all
}

// stable reports whether the query gives the same on the same data, in
// whatever order the storage returns series.
func (e evaluation) stable(r *rand.Rand, d dataset, base outcome, times int) bool {
	for i := range times {
		other := slices.Clone(d)
		if i > 0 {
			r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		}
		if base.differs(e.run(other)) != "" {
			return false
		}
	}
	return true
}
