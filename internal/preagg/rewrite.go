package preagg

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

// rewrite returns the expression with all forms replaced that it knows.
func (r *rewriter) rewrite(e parser.Expr) parser.Expr {
	switch n := e.(type) {
	case *parser.ParenExpr:
		n.Expr = r.rewrite(n.Expr)
	case *parser.StepInvariantExpr:
		n.Expr = r.rewrite(n.Expr)
	case *parser.UnaryExpr:
		n.Expr = r.rewrite(n.Expr)
	case *parser.SubqueryExpr:
		if n.Timestamp == nil {
			n.Expr = r.rewrite(n.Expr)
		}
	case *parser.BinaryExpr:
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
		if s, ok := absentOf(n); ok && r.reads(s) {
			if !r.alone(s) {
				r.unless = fmt.Sprintf("%s asks in all jobs, and the series of others stay", n)
				return n
			}
			n.Args[0] = renamed(s, r.existence())
			return n
		}
		for i := range n.Args {
			n.Args[i] = r.rewrite(n.Args[i])
		}
	}
	return e
}

// aggregated returns what stands below the aggregation when the recorded
// aggregate serves it, or nil.
func (r *rewriter) aggregated(n *parser.AggregateExpr) parser.Expr {
	if slices.Contains(n.Grouping, model.MetricNameLabel) {
		return nil
	}
	function := n.Op.String()
	switch e := unwrapped(n.Expr).(type) {
	case *parser.VectorSelector:
		switch {
		case !r.reads(e):
		case n.Op == parser.GROUP:
			v := renamed(e, r.existence())
			return r.or(e, e, v, v)
		case function == r.Function && (function != "sum" || r.Series == sentei.GaugeSeries):
			v := renamed(e, r.store(function, function, r.raw()))
			return r.or(e, e, v, v)
		}
	case *parser.Call:
		s, m := rangeOf(e)
		if s == nil || !r.reads(s) || function != r.Function {
			return nil
		}
		name := e.Func.Name
		counts := name == "rate" || name == "increase"
		switch {
		case function == "sum" && r.Series == sentei.CounterSeries && counts:
			if r.ranges.Stands(m.Range) || m.RangeExpr != nil {
				r.unless = fmt.Sprintf("the range of %s is not known, so its %s cannot be recorded", s, name)
				return nil
			}
			of := model.Duration(m.Range).String()
			v := renamed(s, r.store("sum", name+of, fmt.Sprintf("%s(%s[%s])", name, r.raw(), of)))
			return r.or(s, e, v, v)
		case function != "sum" && name == function+"_over_time":
			over := *m
			v := renamed(s, r.store(function, function, r.raw()))
			over.VectorSelector = v
			return r.or(s, e, v, &parser.Call{Func: e.Func, Args: parser.Expressions{&over}})
		}
	}
	return nil
}

// existence returns a recorded metric that is there when a raw series is.
func (r *rewriter) existence() string {
	if r.Function == "sum" && r.Series == sentei.CounterSeries {
		return r.store("group", "group", r.raw())
	}
	return r.store(r.Function, r.Function, r.raw())
}

// or returns the recorded form, which reads v, and beside it the old one for the
// series of other jobs where the selector of the old one selects such. Then v
// asks for the job: rules of another job may record under the same name.
func (r *rewriter) or(s *parser.VectorSelector, old parser.Expr, v *parser.VectorSelector, recorded parser.Expr) parser.Expr {
	if r.alone(s) {
		return recorded
	}
	job := func(t labels.MatchType) *labels.Matcher { return labels.MustNewMatcher(t, model.JobLabel, r.Job) }
	v.LabelMatchers = append(v.LabelMatchers, job(labels.MatchEqual))
	s.LabelMatchers = append(slices.Clone(s.LabelMatchers), job(labels.MatchNotEqual))
	return &parser.BinaryExpr{Op: parser.LOR, LHS: recorded, RHS: old, VectorMatching: &parser.VectorMatching{Card: parser.CardManyToMany}}
}

// renamed returns the selector of another metric.
func renamed(s *parser.VectorSelector, name string) *parser.VectorSelector {
	out := *s
	out.Name = name
	out.LabelMatchers = slices.DeleteFunc(slices.Clone(s.LabelMatchers), func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel })
	out.LabelMatchers = append(out.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name))
	return &out
}

func unwrapped(e parser.Expr) parser.Expr {
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}

// rangeOf returns the selector of a function over a range, or nil.
func rangeOf(n *parser.Call) (*parser.VectorSelector, *parser.MatrixSelector) {
	if len(n.Args) != 1 {
		return nil, nil
	}
	m, ok := n.Args[0].(*parser.MatrixSelector)
	if !ok {
		return nil, nil
	}
	s, _ := m.VectorSelector.(*parser.VectorSelector)
	return s, m
}

// absentOf returns the selector whose absence is asked for.
func absentOf(n *parser.Call) (*parser.VectorSelector, bool) {
	if n.Func.Name != "absent" {
		return nil, false
	}
	s, ok := unwrapped(n.Args[0]).(*parser.VectorSelector)
	return s, ok
}

// listing rewrites label_values(selector, label), the query of a Grafana
// variable that lists the values of a label.
func (r *rewriter) listing(text string) (string, error) {
	inner, isListing := strings.CutPrefix(text, "label_values(")
	inner, closed := strings.CutSuffix(inner, ")")
	comma := strings.LastIndexByte(inner, ',')
	if !isListing || !closed || comma < 0 {
		return "", errors.New("it is the query of a Grafana variable of a form that is not known")
	}
	p := newParser()
	tree, err := p.ParseExpr(inner[:comma])
	if err != nil {
		return "", fmt.Errorf("it cannot be parsed: %w", err)
	}
	s, ok := tree.(*parser.VectorSelector)
	switch {
	case r.left(tree) == "":
		return text, nil
	case strings.TrimSpace(inner[comma+1:]) == model.MetricNameLabel:
		return "", fmt.Errorf("it lists names of metrics by %s", tree)
	case ok && r.reads(s):
	default:
		return "", fmt.Errorf("no recorded aggregate serves %s", tree)
	}
	record := r.existence()
	to := renamed(s, record)
	if !r.alone(s) {
		to.Name = ""
		to.LabelMatchers[len(to.LabelMatchers)-1] = labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, r.Metric+"|"+record)
	}
	return "label_values(" + to.String() + "," + inner[comma+1:] + ")", nil
}
