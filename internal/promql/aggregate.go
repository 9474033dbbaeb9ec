package promql

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

func (w *promWalk) aggregate(n *parser.AggregateExpr, s scope) {
	below := s.repeats.belowAggregation(n.Op)
	s = s.under(n.Op.String())
	if n.Param != nil && n.Param.Type() == parser.ValueTypeScalar {
		w.walk(n.Param, s.alone())
	}
	group := w.group(n)
	switch n.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.COUNT, parser.GROUP,
		parser.STDDEV, parser.STDVAR, parser.QUANTILE:
		w.walk(n.Expr, s.grouped(group).repeating(below))
	case parser.COUNT_VALUES:
		// The label for the value is overwritten before grouping.
		if dst, known := w.name(n.Param); known {
			group = group.Without(dst)
		}
		w.walk(n.Expr, s.grouped(group))
	case parser.TOPK, parser.BOTTOMK:
		// The output keeps the labels of the input; ties go by the order.
		w.walk(n.Expr, s.ordered().needing(s.need.Union(group)))
	case parser.LIMITK, parser.LIMIT_RATIO:
		// The choice goes by order, or by the hash of all labels.
		w.walk(n.Expr, s.ordered().needing(everything()))
	default:
		w.walk(n.Expr, s.unknown())
	}
}

// group returns the labels that decide which group a series is in. All of them
// count, even if the reader of the result needs fewer.
func (w *promWalk) group(n *parser.AggregateExpr) sentei.LabelSet {
	names, known := w.labelsOf(n.Grouping)
	switch {
	case n.Without:
		return everything().Minus(names).Without(model.MetricNameLabel)
	case !known:
		return everything()
	default:
		return names
	}
}
