package promql

import (
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

// rule says what a function does with the labels of its vector argument.
type rule int

// The rules. The zero value is for functions that are not in the table.
const (
	unknownRule     rule = iota
	scalarRule           // no vector argument
	dropNameRule         // one series in, one series out, without the name
	keepNameRule         // one series in, the same series out
	sortRule             // the same series in another order
	sortByLabelRule      // ordered by the listed labels
	existsRule           // only looks whether there is a series at all
	histogramRule        // groups classic buckets by all labels but le
	replaceRule          // label_replace
	joinRule             // label_join
	infoRule             // info
)

// functionRule classifies every function of PromQL.
func functionRule(name string) rule {
	switch name {
	case "time", "pi", "vector", "start", "end", "step", "range", "max_of", "min_of":
		return scalarRule
	case "last_over_time", "first_over_time":
		return keepNameRule
	case "sort", "sort_desc":
		return sortRule
	case "sort_by_label", "sort_by_label_desc":
		return sortByLabelRule
	case "absent", "absent_over_time", "scalar":
		return existsRule
	case "histogram_quantile", "histogram_quantiles", "histogram_fraction":
		return histogramRule
	case "label_replace":
		return replaceRule
	case "label_join":
		return joinRule
	case "info":
		return infoRule
	case "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil",
		"clamp", "clamp_max", "clamp_min", "cos", "cosh", "deg", "exp", "floor",
		"ln", "log10", "log2", "rad", "round", "sgn", "sin", "sinh", "sqrt",
		"tan", "tanh",
		"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour",
		"minute", "month", "year", "timestamp", "start_timestamp",
		"histogram_avg", "histogram_count", "histogram_sum",
		"histogram_stddev", "histogram_stdvar",
		"changes", "delta", "deriv", "double_exponential_smoothing", "idelta",
		"increase", "irate", "predict_linear", "rate", "resets",
		"avg_over_time", "count_over_time", "mad_over_time", "max_over_time",
		"min_over_time", "present_over_time", "quantile_over_time",
		"stddev_over_time", "stdvar_over_time", "sum_over_time",
		"ts_of_first_over_time", "ts_of_last_over_time",
		"ts_of_max_over_time", "ts_of_min_over_time":
		return dropNameRule
	}
	return unknownRule
}

func (w *promWalk) call(n *parser.Call, s scope) {
	below := s.repeats.belowFunction(n.Func.Name)
	s = s.under(n.Func.Name)
	switch functionRule(n.Func.Name) {
	case scalarRule:
		w.arguments(n.Args, s)
	case dropNameRule:
		w.arguments(n.Args, s.erasingName().repeating(below))
	case keepNameRule:
		w.arguments(n.Args, s.repeating(below))
	case sortRule:
		w.arguments(n.Args, s.ordered())
	case sortByLabelRule:
		by, known := w.names(n.Args[1:])
		s = s.ordered().needing(s.need.Plus(by...))
		if !known {
			s.need = everything()
		}
		w.arguments(n.Args, s)
	case existsRule:
		w.arguments(n.Args, s.alone().repeating(below))
	case histogramRule:
		w.arguments(n.Args, s.needing(everything()).erasingName())
	case replaceRule:
		w.labelReplace(n.Args, s)
	case joinRule:
		w.labelJoin(n.Args, s)
	case infoRule:
		w.info(n.Args, s)
	default:
		w.arguments(n.Args, s.unknown())
	}
}

// arguments walks the arguments of a call: vectors in the given scope, scalars
// for their value only.
func (w *promWalk) arguments(args parser.Expressions, s scope) {
	for _, arg := range args {
		switch arg.Type() {
		case parser.ValueTypeVector, parser.ValueTypeMatrix:
			w.walk(arg, s)
		case parser.ValueTypeScalar:
			w.walk(arg, s.alone())
		}
	}
}

// labelReplace: the destination keeps its value where the regular expression
// does not match, so it stays needed.
func (w *promWalk) labelReplace(args parser.Expressions, s scope) {
	dst, dstKnown := w.name(args[1])
	src, srcKnown := w.name(args[3])
	switch {
	case !dstKnown:
		s.need, s.erased = everything(), everything()
	case !s.need.Has(dst):
	case !srcKnown:
		s.need = everything()
	default:
		s.need = s.need.Plus(src)
	}
	w.walk(args[0], s.erasing(dst))
}

// labelJoin always overwrites the destination.
func (w *promWalk) labelJoin(args parser.Expressions, s scope) {
	dst, dstKnown := w.name(args[1])
	srcs, srcsKnown := w.names(args[3:])
	switch {
	case !dstKnown:
		s.need, s.erased = everything(), everything()
	case !s.need.Has(dst):
	case !srcsKnown:
		s.need = everything()
	default:
		s.need = s.need.Without(dst).Plus(srcs...)
	}
	w.walk(args[0], s.erasing(dst))
}

// name returns the label name that a string argument holds. It is not known
// when a Grafana variable is part of it.
func (w *promWalk) name(e parser.Expr) (string, bool) {
	for {
		switch n := e.(type) {
		case *parser.ParenExpr:
			e = n.Expr
		case *parser.StepInvariantExpr:
			e = n.Expr
		case *parser.StringLiteral:
			return n.Val, !w.inHole(n.Val)
		default:
			return "", false
		}
	}
}

func (w *promWalk) names(args parser.Expressions) ([]string, bool) {
	all := true
	var names []string
	for _, arg := range args {
		n, known := w.name(arg)
		all = all && known
		names = append(names, n)
	}
	return names, all
}

// labelsOf turns a list of labels in the text into a set, and says whether a
// Grafana variable could add further ones.
func (w *promWalk) labelsOf(names []string) (set sentei.LabelSet, known bool) {
	known = true
	var plain []string
	for _, n := range names {
		if w.inHole(n) {
			known = false
			continue
		}
		plain = append(plain, n)
	}
	return sentei.Labels(plain...), known
}
