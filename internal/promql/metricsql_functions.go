package promql

import (
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metricsql"

	"github.com/sentei/sentei"
)

// vmRule says what a function of MetricsQL does with labels.
type vmRule int

// The rules. The zero value is for functions that are not in the table, and
// for those that look at several series at once.
const (
	vmUnknown    vmRule = iota
	vmScalarRule        // no vector argument
	vmSeriesRule        // one series in, one series out; the vector comes first
	vmRollupRule        // the same, for a function over a range
	vmExistsRule        // only looks whether there is a series at all
	vmSortRule
	vmSortByLabelRule
	vmHistogramRule // groups buckets by all labels but le and vmrange
	vmFilterRule    // keeps or drops series by the label of the second argument
	vmLabelRule     // changes labels
)

func vmFunctionRule(name string) vmRule {
	switch name {
	case "time", "now", "pi", "start", "end", "step", "rand", "rand_exponential", "rand_normal", "timezone_offset":
		return vmScalarRule
	case "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitmap_and", "bitmap_or", "bitmap_xor",
		"ceil", "clamp", "clamp_max", "clamp_min", "cos", "cosh", "day_of_month", "day_of_week",
		"day_of_year", "days_in_month", "deg", "exp", "floor", "hour", "ln", "log10", "log2", "minute",
		"month", "rad", "round", "sgn", "sin", "sinh", "sqrt", "tan", "tanh", "vector", "year":
		return vmSeriesRule
	case "absent", "absent_over_time", "scalar":
		return vmExistsRule
	case "sort", "sort_desc":
		return vmSortRule
	case "sort_by_label", "sort_by_label_desc", "sort_by_label_numeric", "sort_by_label_numeric_desc":
		return vmSortByLabelRule
	case "histogram_quantile", "histogram_quantiles", "histogram_share", "histogram_fraction",
		"histogram_avg", "histogram_stddev", "histogram_stdvar", "prometheus_buckets":
		return vmHistogramRule
	case "label_match", "label_mismatch", "label_value":
		return vmFilterRule
	case "label_replace", "label_join", "label_set", "label_del", "label_keep", "label_copy", "label_move":
		return vmLabelRule
	}
	if metricsql.IsRollupFunc(name) {
		return vmRollupRule
	}
	return vmUnknown
}

func (w *vmWalk) call(n *metricsql.FuncExpr, s scope) {
	name := strings.ToLower(n.Name)
	s = s.under(name)
	args := n.Args
	if len(args) == 0 {
		return
	}
	switch vmFunctionRule(name) {
	case vmScalarRule:
		w.vmArguments(args, s.alone())
	case vmSeriesRule:
		w.walk(args[0], s.erasingName())
		w.vmArguments(args[1:], s.alone())
	case vmRollupRule:
		w.vmRollup(name, n, s)
	case vmExistsRule:
		w.vmArguments(args, s.alone())
	case vmSortRule:
		w.vmArguments(args, s.ordered())
	case vmSortByLabelRule, vmFilterRule:
		by := args[1:]
		if vmFunctionRule(name) == vmSortByLabelRule {
			s = s.ordered()
		} else {
			by = by[:min(len(by), 1)]
		}
		names, known := w.vmNames(by)
		s = s.settled()
		s.need = s.need.Plus(names...)
		if !known {
			s.need = everything()
		}
		w.walk(args[0], s.erasingName())
	case vmHistogramRule:
		w.vmArguments(args, s.settled().needing(everything()).erasingName())
	case vmLabelRule:
		w.vmLabelFunction(name, args, s.settled())
	default:
		w.vmArguments(args, s.unknown())
	}
}

func (w *vmWalk) vmArguments(args []metricsql.Expr, s scope) {
	for _, arg := range args {
		w.walk(arg, s)
	}
}

// vmRollup handles a function over a range. Some of them write a label.
func (w *vmWalk) vmRollup(name string, n *metricsql.FuncExpr, s scope) {
	at := metricsql.GetRollupArgIdx(n)
	if at < 0 || at >= len(n.Args) {
		w.vmArguments(n.Args, s.unknown())
		return
	}
	inner := s.erasingName()
	switch name {
	case "quantiles_over_time", "count_values_over_time":
		dst, known := w.vmName(n.Args[0])
		inner = inner.erasing(dst)
		if !known {
			inner = inner.unknown()
		}
	case "histogram_over_time":
		inner = inner.erasing("vmrange")
	case "aggr_over_time", "rollup", "rollup_candlestick", "rollup_delta", "rollup_deriv",
		"rollup_increase", "rollup_rate", "rollup_scrape_interval":
		inner = inner.erasing("rollup")
	}
	if !overSelector(n.Args[at]) { // an implicit subquery
		inner.overTime = true
	}
	for i, arg := range n.Args {
		if i == at {
			w.walk(arg, inner)
		} else {
			w.walk(arg, s.alone())
		}
	}
}

func overSelector(e metricsql.Expr) bool {
	if r, ok := e.(*metricsql.RollupExpr); ok {
		e = r.Expr
	}
	_, ok := e.(*metricsql.MetricExpr)
	return ok
}

// vmLabelFunction handles functions that change labels. Names that are not
// plain strings make everything live.
func (w *vmWalk) vmLabelFunction(name string, args []metricsql.Expr, s scope) {
	names, known := w.vmNames(labelArguments(name, args))
	if !known {
		w.vmArguments(args, s.unknown())
		return
	}
	switch name {
	case "label_replace": // names: destination, source
		if len(names) == 2 && s.need.Has(names[0]) {
			s.need = s.need.Plus(names[1])
		}
		s = s.erasing(names[:min(len(names), 1)]...)
	case "label_join": // names: destination, sources
		if len(names) > 0 && s.need.Has(names[0]) {
			s.need = s.need.Without(names[0]).Plus(names[1:]...)
		}
		s = s.erasing(names[:min(len(names), 1)]...)
	case "label_set", "label_del":
		s.need = s.need.Without(names...)
		s = s.erasing(names...)
	case "label_keep":
		kept := sentei.Labels(names...)
		s.need = intersect(s.need, kept)
		s.erased = s.erased.Union(everything().Minus(kept))
	case "label_copy", "label_move": // names: source, destination, …
		s = s.moved(names).erasing(names...)
	}
	w.walk(args[0], s)
}

// moved is the scope below a function that copies or moves labels. A series
// without the source keeps its destination. Of several pairs, one may read
// what another wrote, so these keep all destinations.
func (s scope) moved(pairs []string) scope {
	for i := len(pairs) - 2; i >= 0; i -= 2 {
		src, dst := pairs[i], pairs[i+1]
		if src == dst || !s.need.Has(dst) {
			continue
		}
		s.need = s.need.Plus(src)
		if len(pairs) == 2 {
			s.need = s.need.Without(dst)
			s.ifAbsent = append(slices.Clip(s.ifAbsent), absentNeed{absent: []string{src}, need: sentei.Labels(dst)})
		}
	}
	return s
}

// labelArguments returns the arguments that name labels.
func labelArguments(name string, args []metricsql.Expr) []metricsql.Expr {
	var out []metricsql.Expr
	switch name {
	case "label_replace": // q, dst, replacement, src, regexp
		if len(args) == 5 {
			out = []metricsql.Expr{args[1], args[3]}
		}
	case "label_join": // q, dst, separator, src…
		if len(args) > 2 {
			out = append([]metricsql.Expr{args[1]}, args[3:]...)
		}
	case "label_set": // q, label, value, …
		for i := 1; i < len(args); i += 2 {
			out = append(out, args[i])
		}
	default: // q, label, …
		out = args[1:]
	}
	return out
}
