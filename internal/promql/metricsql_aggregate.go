package promql

import (
	"strings"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

func (w *vmWalk) aggregate(n *metricsql.AggrFuncExpr, s scope) {
	name := strings.ToLower(n.Name)
	s = s.under(name)
	group := w.vmGroup(n.Modifier)
	args := n.Args
	switch name {
	case "sum", "min", "max", "avg", "count", "group", "stddev", "stdvar", "sum2",
		"geomean", "distinct", "median", "mad", "mode", "histogram":
	case "quantile":
		if len(args) > 0 {
			w.walk(args[0], s.alone())
			args = args[1:]
		}
	case "count_values", "quantiles": // the first argument is a label to write
		if len(args) > 0 {
			if dst, known := w.vmName(args[0]); known {
				group = group.Without(dst)
			}
			args = args[1:]
		}
	default: // topk, any, outliers and the like pick series, with all labels
		s = s.unknown()
		group = everything()
	}
	if n.Limit > 0 { // takes the first groups
		s = s.ordered()
		group = everything()
	}
	for _, arg := range args {
		w.walk(arg, s.grouped(group))
	}
}

func (w *vmWalk) vmGroup(m metricsql.ModifierExpr) sentei.LabelSet {
	names, known := w.vmLabels(m.Args)
	switch {
	case modifier(m) == "without":
		return everything().Minus(names).Without(model.MetricNameLabel)
	case !known:
		return everything()
	default:
		return names
	}
}

// vmName returns the label that a string argument holds.
func (w *vmWalk) vmName(e metricsql.Expr) (string, bool) {
	s, ok := e.(*metricsql.StringExpr)
	if !ok {
		return "", false
	}
	return s.S, !w.inHole(s.S)
}

// vmNames returns the labels that string arguments hold.
func (w *vmWalk) vmNames(args []metricsql.Expr) ([]string, bool) {
	all := true
	var names []string
	for _, arg := range args {
		n, known := w.vmName(arg)
		all = all && known
		names = append(names, n)
	}
	return names, all
}
