package rehearsal

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// The ways in which results differ.
const (
	KindError     = "error"     // a query fails, or fails otherwise, or does so no longer
	KindSeries    = "series"    // series are lost or new
	KindValue     = "value"     // a value or a histogram is another one
	KindOrder     = "order"     // series stand in another order, where that shows
	KindWarning   = "warning"   // warnings or remarks of the engine differ
	KindCutover   = "cutover"   // what a deployment did still shows when no old sample is in reach
	KindAlert     = "alert"     // an alert fires at other times
	KindCollision = "collision" // series became one, and it is not known what it would hold
)

// finding is a difference between two results.
type finding struct{ kind, detail string }

// result is what a query returned, in a form that does not depend on how it
// was asked for and that outlives the query.
type result struct {
	err      string
	refused  bool // the error is a limit of the rehearsal, not of the query
	warnings []string
	series   []resultSeries // in the order of the engine when ordered, else by labels
	ordered  bool
}

type resultSeries struct {
	labels labels.Labels
	points []point
}

type point struct {
	t int64
	f float64
	h *histogram.FloatHistogram
}

// newResult copies what the engine returned.
func newResult(r *promql.Result, query string, ordered bool) *result {
	if r.Err != nil {
		return &result{err: r.Err.Error()}
	}
	out := &result{ordered: ordered}
	warnings, infos := r.Warnings.AsStrings(query, 0, 0)
	out.warnings = append(warnings, infos...)
	slices.Sort(out.warnings)
	switch v := r.Value.(type) {
	case promql.Vector:
		for _, s := range v {
			out.add(s.Metric, point{s.T, s.F, clone(s.H)})
		}
	case promql.Matrix:
		for _, s := range v {
			var points []point
			for _, p := range s.Floats {
				points = append(points, point{t: p.T, f: p.F})
			}
			for _, p := range s.Histograms {
				points = append(points, point{t: p.T, h: clone(p.H)})
			}
			out.add(s.Metric, points...)
		}
	case promql.Scalar:
		out.add(labels.EmptyLabels(), point{t: v.T, f: v.V})
	case promql.String:
		out.add(labels.FromStrings("value", v.V))
	}
	if !ordered {
		slices.SortStableFunc(out.series, func(a, b resultSeries) int { return labels.Compare(a.labels, b.labels) })
	}
	return out
}

func clone(h *histogram.FloatHistogram) *histogram.FloatHistogram {
	if h == nil {
		return nil
	}
	return h.Copy().Compact(0)
}

func (r *result) add(l labels.Labels, points ...point) {
	r.series = append(r.series, resultSeries{l, points})
}

// record turns the result into what a recording rule would write.
func (r *result) record(metric string, fixed map[string]string) {
	if r.err != "" {
		return
	}
	b := labels.NewBuilder(labels.EmptyLabels())
	for i := range r.series {
		b.Reset(r.series[i].labels)
		b.Set(model.MetricNameLabel, metric)
		for name, value := range fixed {
			b.Set(name, value)
		}
		r.series[i].labels = b.Labels()
	}
	slices.SortStableFunc(r.series, func(a, b resultSeries) int { return labels.Compare(a.labels, b.labels) })
	for i := 1; i < len(r.series); i++ {
		if labels.Equal(r.series[i-1].labels, r.series[i].labels) {
			*r = result{err: fmt.Sprintf("the rule would record %s twice", r.series[i].labels)}
			return
		}
	}
}

// points counts the values of the result.
func (r *result) points() int {
	n := 0
	for i := range r.series {
		n += len(r.series[i].points)
	}
	return n
}

// quotedLabels are label sets in errors. A query that fails either way for the
// same reason is the same, whatever series the engine shows for it.
var quotedLabels = regexp.MustCompile(`\{[^{}]*\}`)

// compare returns how b differs from a, or nil. Values may be ulps units in
// the last place apart.
func compare(a, b *result, ulps uint64) *finding {
	if quotedLabels.ReplaceAllString(a.err, "{}") != quotedLabels.ReplaceAllString(b.err, "{}") {
		return &finding{KindError, fmt.Sprintf("%s → %s", orFine(a.err), orFine(b.err))}
	}
	if a.ordered && b.ordered {
		if f := compareOrder(a, b); f != nil {
			return f
		}
	}
	if f := compareSeries(a, b, ulps); f != nil {
		return f
	}
	if !slices.Equal(a.warnings, b.warnings) {
		return &finding{KindWarning, fmt.Sprintf("%q → %q", a.warnings, b.warnings)}
	}
	return nil
}

func orFine(err string) string {
	if err == "" {
		return "a result"
	}
	return "error: " + err
}

// compareOrder looks at the order of results that have the same labels.
func compareOrder(a, b *result) *finding {
	sortedA, sortedB := sortedLabels(a), sortedLabels(b)
	if !slices.Equal(sortedA, sortedB) {
		return nil // lost or new series tell more
	}
	for i := range a.series {
		if x, y := a.series[i].labels, b.series[i].labels; !labels.Equal(x, y) {
			return &finding{KindOrder, fmt.Sprintf("place %d: %s → %s", i+1, x, y)}
		}
	}
	return nil
}

func sortedLabels(r *result) []string {
	var out []string
	for i := range r.series {
		out = append(out, r.series[i].labels.String())
	}
	slices.Sort(out)
	return out
}

// compareSeries compares what is there, whatever the order.
func compareSeries(a, b *result, ulps uint64) *finding {
	have := make(map[string][]point, len(b.series))
	for i := range b.series {
		have[b.series[i].labels.String()] = b.series[i].points
	}
	var lost, fresh, other []string
	for i := range a.series {
		name := a.series[i].labels.String()
		points, ok := have[name]
		if !ok {
			lost = append(lost, "lost "+name)
			continue
		}
		delete(have, name)
		if text := comparePoints(a.series[i].points, points, ulps); text != "" {
			other = append(other, name+" "+text)
		}
	}
	for name := range have {
		fresh = append(fresh, "new "+name)
	}
	if all := slices.Concat(lost, fresh); len(all) > 0 {
		return &finding{KindSeries, summary(all, len(other), len(a.series), len(b.series))}
	}
	if len(other) > 0 {
		return &finding{KindValue, summary(other, 0, len(a.series), len(b.series))}
	}
	return nil
}

// summary shows the first of several differences, in a definite order.
func summary(all []string, values, before, after int) string {
	const shown = 3
	slices.Sort(all)
	text := strings.Join(all[:min(len(all), shown)], "; ")
	if n := len(all) - shown; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	if values > 0 {
		text += fmt.Sprintf("; %d other values", values)
	}
	return fmt.Sprintf("%s (%d series → %d)", text, before, after)
}

func comparePoints(a, b []point, ulps uint64) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d points → %d", len(a), len(b))
	}
	for i := range a {
		x, y := &a[i], &b[i]
		switch {
		case x.t != y.t:
			return fmt.Sprintf("time %d → %d", x.t, y.t)
		case (x.h == nil) != (y.h == nil):
			return "float and histogram"
		case x.h != nil && !closeHistograms(x.h, y.h, ulps):
			return fmt.Sprintf("%s → %s", x.h, y.h)
		case x.h == nil && !closeFloats(x.f, y.f, ulps):
			return fmt.Sprintf("%v → %v", x.f, y.f)
		}
	}
	return ""
}

// closeFloats reports whether the values are at most so many units in the last
// place apart. All NaN are the same: users cannot tell them apart.
func closeFloats(a, b float64, ulps uint64) bool {
	x, y := math.Float64bits(a), math.Float64bits(b)
	switch {
	case x == y || a == b || math.IsNaN(a) && math.IsNaN(b):
		return true
	case math.IsNaN(a) || math.IsNaN(b) || math.IsInf(a, 0) || math.IsInf(b, 0) || math.Signbit(a) != math.Signbit(b):
		return false
	}
	return max(x, y)-min(x, y) <= ulps
}

// closeHistograms compares compact histograms.
func closeHistograms(a, b *histogram.FloatHistogram, ulps uint64) bool {
	same := func(x, y []float64) bool {
		return slices.EqualFunc(x, y, func(x, y float64) bool { return closeFloats(x, y, ulps) })
	}
	return a.Schema == b.Schema && a.ZeroThreshold == b.ZeroThreshold &&
		closeFloats(a.ZeroCount, b.ZeroCount, ulps) && closeFloats(a.Count, b.Count, ulps) && closeFloats(a.Sum, b.Sum, ulps) &&
		slices.Equal(a.PositiveSpans, b.PositiveSpans) && slices.Equal(a.NegativeSpans, b.NegativeSpans) &&
		same(a.PositiveBuckets, b.PositiveBuckets) && same(a.NegativeBuckets, b.NegativeBuckets) && slices.Equal(a.CustomValues, b.CustomValues)
}

// orderShows reports whether the order of an expression's result is meant.
func orderShows(e parser.Expr) bool {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return orderShows(n.Expr)
	case *parser.StepInvariantExpr:
		return orderShows(n.Expr)
	case *parser.AggregateExpr:
		return n.Op == parser.TOPK || n.Op == parser.BOTTOMK || n.Op == parser.LIMITK
	case *parser.Call:
		return strings.HasPrefix(n.Func.Name, "sort")
	}
	return false
}
