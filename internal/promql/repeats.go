package promql

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// repeats is what the readers of a node make of series that differ in dead
// labels only and that always have the same value, 0 or 1, when they have one.
// The zero value is for readers that may notice each of them.
type repeats struct {
	// ignored says that one such series gives the same result as several.
	ignored bool
	// blind says that the values do not matter, only which series there are.
	blind bool
}

// present is for readers that ask whether there is a series at all.
var present = repeats{ignored: true, blind: true}

func (s scope) repeating(r repeats) scope {
	s.repeats = r
	return s
}

// belowAggregation returns what an aggregation makes of repeats in a group,
// when its own readers make r of those in its output. Which groups there are
// does not depend on repeats.
func (r repeats) belowAggregation(op parser.ItemType) repeats {
	switch op {
	case parser.GROUP:
		return present
	case parser.MAX, parser.MIN, parser.AVG, parser.QUANTILE, parser.STDDEV, parser.STDVAR:
		return repeats{ignored: true, blind: r.blind}
	case parser.COUNT: // it counts series, whatever their values
		return repeats{ignored: r.blind, blind: true}
	case parser.SUM:
		return repeats{ignored: r.blind, blind: r.blind}
	}
	return repeats{}
}

// belowFunction returns the same for a function of one series. Left out is
// whatever depends on how many samples there are, or on when: series that
// follow one another have fewer samples each than the one that they become.
func (r repeats) belowFunction(name string) repeats {
	switch name {
	case "absent", "absent_over_time":
		return present
	case "max_over_time", "min_over_time", "avg_over_time", "last_over_time", "first_over_time",
		"present_over_time", "stddev_over_time", "stdvar_over_time",
		"abs", "ceil", "floor", "sgn":
		return r
	}
	return repeats{}
}

// belowComparison returns the same for a comparison with a scalar, which keeps
// or leaves out all that have the same value.
func (r repeats) belowComparison(op parser.ItemType) repeats {
	if !op.IsComparisonOperator() {
		return repeats{}
	}
	return repeats{ignored: r.ignored}
}

// namesOne reports whether the matchers name one metric in full.
func namesOne(matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && m.Value != "" {
			return true
		}
	}
	return false
}
