package promql

import (
	"fmt"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

// newParser returns a PromQL parser that knows everything experimental.
func newParser() parser.Parser {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	})
}

// Normalize returns the canonical text of a PromQL expression, as Prometheus
// logs rule evaluations. An error means that the text is not PromQL.
func Normalize(text string) (normal string, err error) {
	if err := checkSize(text); err != nil {
		return "", err
	}
	defer func() {
		if r := recover(); r != nil {
			normal, err = "", fmt.Errorf("parse PromQL: %v", r)
		}
	}()
	e, err := newParser().ParseExpr(text)
	if err != nil {
		return "", fmt.Errorf("parse PromQL: %w", err)
	}
	return e.String(), nil
}

// promql analyzes a PromQL text. An error means that it does not parse, and
// nothing was collected.
func (c *collector) promql(text string, s scope, h *holes) error {
	if err := checkSize(text); err != nil {
		return err
	}
	e, err := newParser().ParseExpr(text)
	if err != nil {
		return fmt.Errorf("parse PromQL: %w", err)
	}
	w := &promWalk{collector: c, holes: h}
	w.walk(e, s)
	return nil
}

// promWalk walks a PromQL syntax tree.
type promWalk struct {
	*collector
	*holes
}

func (w *promWalk) walk(e parser.Expr, s scope) {
	switch n := e.(type) {
	case *parser.ParenExpr:
		w.walk(n.Expr, s)
	case *parser.StepInvariantExpr:
		w.walk(n.Expr, s)
	case *parser.UnaryExpr:
		w.unary(n, s)
	case *parser.SubqueryExpr:
		s = s.under("subquery")
		s.overTime = true
		s.back += rangeOf(n.Range, n.RangeExpr) + rangeOf(n.OriginalOffset, n.OriginalOffsetExpr)
		w.walk(n.Expr, s)
	case *parser.MatrixSelector:
		s.window = rangeOf(n.Range, n.RangeExpr)
		s.back += s.window
		w.walk(n.VectorSelector, s)
	case *parser.VectorSelector:
		w.selector(n, s)
	case *parser.NumberLiteral, *parser.StringLiteral, *parser.DurationExpr:
	case *parser.AggregateExpr:
		w.aggregate(n, s)
	case *parser.Call:
		w.call(n, s)
	case *parser.BinaryExpr:
		w.binary(n, s)
	case nil:
	default: // a node of a newer parser
		for child := range parser.ChildrenIter(e) {
			if x, ok := child.(parser.Expr); ok {
				w.walk(x, s.under(fmt.Sprintf("%T", e)).unknown())
			}
		}
	}
}

func (w *promWalk) unary(n *parser.UnaryExpr, s scope) {
	if n.Op == parser.ADD {
		w.walk(n.Expr, s)
		return
	}
	w.walk(n.Expr, s.under(n.Op.String()).erasingName())
}

func (w *promWalk) selector(n *parser.VectorSelector, s scope) {
	s.back += rangeOf(n.OriginalOffset, n.OriginalOffsetExpr)
	if n.Anchored || n.Smoothed { // samples before and after the range count
		s.repeats = repeats{}
	}
	if w.placeholder(n.Name, s) {
		return
	}
	matchers, wild := w.wildMatchers(n.LabelMatchers)
	if wild {
		s.need = everything()
	}
	if len(matchers) < len(n.LabelMatchers) { // written without the placeholder
		clone := *n
		clone.LabelMatchers = matchers
		n = &clone
	}
	text := n.String()
	if n.Name == "" && len(matchers) == 0 {
		text = "{}" + text
	}
	w.add(s, text, "", matchers)
}

// alone is the scope of a parameter that only its value matters of.
func (s scope) alone() scope { return s.grouped(sentei.Labels()) }
