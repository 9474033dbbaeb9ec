// Package nativehist rewrites PromQL that reads classic histograms into PromQL
// that reads the same histograms once they are stored as native ones with
// custom buckets. In goes an expression; out comes its new text, or an error
// that says which part has no counterpart that gives the same.
package nativehist

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

// Families are the classic histograms to convert: by name, without _bucket,
// the values of le that every series of it has.
type Families map[string][]string

// Rewrite returns the text of the expression for converted histograms. Grafana
// variables may stand in strings, and as whole ranges.
func Rewrite(e sentei.Expression, families Families) (string, error) {
	switch {
	case e.Lang == sentei.MetricsQL:
		return "", errors.New("it is MetricsQL")
	case e.VariableQuery:
		return "", errors.New("it is the query of a Grafana variable")
	case strings.TrimSpace(e.Text) == "":
		return "", errors.New("its expression is not known")
	}
	text := e.Text
	var ranges promql.RangeVariables
	if e.Template {
		text = ranges.Hide(text)
	}
	p := parser.NewParser(parser.Options{
		EnableExperimentalFunctions: true, ExperimentalDurationExpr: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true,
	})
	tree, err := p.ParseExpr(text)
	if err != nil {
		return "", fmt.Errorf("it cannot be parsed: %w", err)
	}
	r := rewriter{families}
	tree = r.rewrite(tree)
	if left := r.left(tree); left != "" {
		return "", fmt.Errorf("%s has no counterpart that is known to give the same", left)
	}
	out := tree.String()
	if again, err := p.ParseExpr(out); err != nil || again.String() != out {
		return "", fmt.Errorf("what it would become is not PromQL: %s", out)
	}
	return ranges.Show(out), nil
}

type rewriter struct{ families Families }

// rewrite returns the expression with all forms replaced that it knows.
func (r rewriter) rewrite(e parser.Expr) parser.Expr {
	switch n := e.(type) {
	case *parser.ParenExpr:
		n.Expr = r.rewrite(n.Expr)
	case *parser.StepInvariantExpr:
		n.Expr = r.rewrite(n.Expr)
	case *parser.UnaryExpr:
		n.Expr = r.rewrite(n.Expr)
	case *parser.SubqueryExpr:
		n.Expr = r.rewrite(n.Expr)
	case *parser.BinaryExpr:
		if f := r.fraction(n); f != nil {
			return f
		}
		n.LHS, n.RHS = r.rewrite(n.LHS), r.rewrite(n.RHS)
	case *parser.AggregateExpr:
		if n.Param != nil {
			n.Param = r.rewrite(n.Param)
		}
		if v := r.aggregated(n); v != nil {
			n.Expr = v
		} else {
			n.Expr = r.rewrite(n.Expr)
		}
	case *parser.Call:
		return r.call(n)
	}
	return e
}

// aggregated returns the value that the aggregation is taken of when that is a
// part of a family, or nil.
func (r rewriter) aggregated(n *parser.AggregateExpr) parser.Expr {
	switch e := n.Expr.(type) {
	case *parser.VectorSelector:
		if overValues(n) {
			return r.value(e, e, dropsBounds(n))
		}
	case *parser.Call:
		if e.Func.Name == "rate" || e.Func.Name == "increase" {
			return r.value(selectorOf(e), e, dropsBounds(n))
		}
	}
	return nil
}

// dropsBounds reports whether the aggregation takes the label le away.
func dropsBounds(n *parser.AggregateExpr) bool {
	switch n.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.COUNT:
		return n.Without == slices.Contains(n.Grouping, model.BucketLabel)
	}
	return false
}

// overValues reports whether the aggregation looks at values and given labels
// alone, so that the name of the metric does not matter.
func overValues(n *parser.AggregateExpr) bool {
	switch n.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX:
		return !slices.Contains(n.Grouping, model.MetricNameLabel) && !slices.Contains(n.Grouping, model.BucketLabel)
	}
	return false
}

func (r rewriter) call(n *parser.Call) parser.Expr {
	switch n.Func.Name {
	case "histogram_quantile", "histogram_fraction":
		if h := r.buckets(n.Args[len(n.Args)-1]); h != nil {
			n.Args[len(n.Args)-1] = h
			return n
		}
	case "rate", "increase":
		if v := r.value(selectorOf(n), n, false); v != nil {
			return v
		}
	}
	for i := range n.Args {
		n.Args[i] = r.rewrite(n.Args[i])
	}
	return n
}

// value makes the selector of a family's _count, _sum or bucket +Inf one of the
// family, and returns what takes that part out of an expression over it; nil
// when it is no such selector. Unless the label le is dropped above, a bucket
// gets it back, as a native histogram has none.
func (r rewriter) value(s *parser.VectorSelector, e parser.Expr, dropped bool) parser.Expr {
	if s == nil {
		return nil
	}
	base, suffix := r.family(s)
	switch {
	case suffix == "_count" && leOf(s) == nil:
		rename(s, base)
		return call("histogram_count", e)
	case suffix == "_sum" && leOf(s) == nil:
		rename(s, base)
		return call("histogram_sum", e)
	case suffix == "_bucket" && isPinned(s, infinite):
		rename(s, base)
		count := call("histogram_count", e)
		if dropped {
			return count
		}
		return call("label_replace", count, literal(model.BucketLabel), literal(infinite), literal(""), literal(""))
	}
	return nil
}

// buckets makes an expression that gives all buckets of a family, summed up or
// not, one that gives its histograms; or returns nil and changes nothing.
func (r rewriter) buckets(e parser.Expr) parser.Expr {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return r.buckets(n.Expr)
	case *parser.AggregateExpr:
		if n.Op != parser.SUM || n.Without == slices.Contains(n.Grouping, model.BucketLabel) || slices.Contains(n.Grouping, model.MetricNameLabel) {
			return nil
		}
		inner := r.buckets(n.Expr)
		if inner == nil {
			return nil
		}
		n.Expr = inner
		n.Grouping = slices.DeleteFunc(n.Grouping, func(l string) bool { return l == model.BucketLabel })
		return n
	case *parser.Call:
		s := selectorOf(n)
		if s == nil || n.Func.Name != "rate" && n.Func.Name != "increase" || leOf(s) != nil {
			return nil
		}
		if base, suffix := r.family(s); suffix == "_bucket" {
			rename(s, base)
			return n
		}
	}
	return nil
}

// fraction rewrites the share of one bucket in the count, or returns nil.
func (r rewriter) fraction(n *parser.BinaryExpr) parser.Expr {
	m := n.VectorMatching
	if n.Op != parser.DIV || m == nil || m.Card != parser.CardOneToOne || m.FillValues.LHS != nil || m.FillValues.RHS != nil {
		return nil
	}
	bucket, le := r.summed(n.LHS, true)
	all, _ := r.summed(n.RHS, false)
	if bucket == nil || all == nil || bucket.String() != all.String() {
		return nil
	}
	if m.On && !sameSet(m.MatchingLabels, all.Grouping) || !m.On && len(m.MatchingLabels) > 0 {
		return nil
	}
	bound, err := parseBound(le)
	if err != nil {
		return nil
	}
	return call("histogram_fraction", &parser.NumberLiteral{Val: negativeInfinity}, &parser.NumberLiteral{Val: bound}, all)
}

// summed returns sum(rate(family)) for the sum of the rates of one bucket, or
// of all observations; the expression itself stays as it is.
func (r rewriter) summed(e parser.Expr, pinned bool) (*parser.AggregateExpr, string) {
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			break
		}
		e = p.Expr
	}
	agg, ok := e.(*parser.AggregateExpr)
	// Below sum without, a bucket keeps its le and has no partner.
	if !ok || agg.Op != parser.SUM || agg.Without || slices.Contains(agg.Grouping, model.BucketLabel) || slices.Contains(agg.Grouping, model.MetricNameLabel) {
		return nil, ""
	}
	c, ok := agg.Expr.(*parser.Call)
	if !ok || c.Func.Name != "rate" && c.Func.Name != "increase" {
		return nil, ""
	}
	s := selectorOf(c)
	if s == nil {
		return nil, ""
	}
	base, suffix := r.family(s)
	le := ""
	switch {
	case pinned && suffix == "_bucket":
		m := leOf(s)
		if m == nil || !isPinned(s, m.Value) || !hasBound(r.families[base], m.Value) {
			return nil, ""
		}
		le = m.Value
	case !pinned && suffix == "_count" && leOf(s) == nil, !pinned && suffix == "_bucket" && isPinned(s, infinite):
	default:
		return nil, ""
	}
	selector, matrix := *s, *c.Args[0].(*parser.MatrixSelector)
	rename(&selector, base)
	matrix.VectorSelector = &selector
	grouping := slices.Clone(agg.Grouping)
	slices.Sort(grouping)
	return &parser.AggregateExpr{Op: parser.SUM, Grouping: grouping, Expr: &parser.Call{Func: c.Func, Args: parser.Expressions{&matrix}}}, le
}

// left returns the first selector that may still read a classic part.
func (r rewriter) left(e parser.Expr) string {
	var found []string
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		sel := sentei.Selector{Matchers: s.LabelMatchers}
		for base := range r.families {
			for _, suffix := range suffixes {
				if sel.MatchesName(base + suffix) {
					found = append(found, s.String())
				}
			}
		}
		return nil
	})
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}
