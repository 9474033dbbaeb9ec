package promql

import (
	"strings"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/prometheus/model/labels"
)

func (w *vmWalk) binary(n *metricsql.BinaryOpExpr, s scope) {
	op := strings.ToLower(n.Op)
	s = s.under(op).settled()
	m := w.vmMatching(n)
	if vmScalar(n.Left) || vmScalar(n.Right) {
		operand := s.erasingName()
		if vmSet(op) || n.GroupModifier.Op != "" || n.JoinModifier.Op != "" {
			operand = s.or(m).erasingName() // the number has no labels to match
		}
		for _, side := range []metricsql.Expr{n.Left, n.Right} {
			if vmScalar(side) {
				w.walk(side, s.alone())
			} else {
				w.walk(side, operand)
			}
		}
		return
	}
	if n.GroupModifier.Op == "" && n.JoinModifier.Op == "" {
		// A side that turns out to be a single series without labels is
		// treated as a scalar, so the result can have any label of the other.
		m.sig = everything()
	}
	switch op {
	case "and", "unless", "if", "ifnot":
		w.walk(n.Left, s.needing(s.need.Union(m.sig)))
		w.walk(n.Right, s.grouped(m.sig))
	case "or", "default":
		// Gaps are filled with the first series that matches.
		w.walk(n.Left, s.or(m))
		w.walk(n.Right, s.or(m).ordered())
	default:
		w.vmArithmetic(n, s, m)
	}
}

func (w *vmWalk) vmArithmetic(n *metricsql.BinaryOpExpr, s scope, m matching) {
	if vmSet(strings.ToLower(n.Op)) { // of a newer parser
		w.walk(n.Left, s.unknown())
		w.walk(n.Right, s.unknown())
		return
	}
	many := s.many(m)
	if n.JoinModifierPrefix != nil { // the labels arrive under other names
		many.need = s.need.Union(m.sig)
		if s.mixes(m) || m.open {
			many = many.mixed()
		}
		many.erased = everything()
	}
	switch modifier(n.JoinModifier) {
	case "":
		w.walk(n.Left, s.grouped(m.sig))
		w.walk(n.Right, s.grouped(m.sig))
	case "group_left":
		w.walk(n.Left, many)
		w.walk(n.Right, s.one(m))
	case "group_right":
		w.walk(n.Left, s.one(m))
		w.walk(n.Right, many)
	default:
		w.walk(n.Left, s.unknown())
		w.walk(n.Right, s.unknown())
	}
}

func (w *vmWalk) vmMatching(n *metricsql.BinaryOpExpr) matching {
	var m matching
	names, known := w.vmLabels(n.GroupModifier.Args)
	switch {
	case modifier(n.GroupModifier) != "on":
		m.sig = everything().Minus(names).Without(labels.MetricName)
	case !known:
		m.sig = everything()
	default:
		m.sig = names
	}
	m.include, known = w.vmLabels(n.JoinModifier.Args)
	m.open = !known
	m.fill = n.FillLeft != nil || n.FillRight != nil
	return m
}

// vmSet reports whether the operator keeps or fills series instead of
// calculating, or is not known.
func vmSet(op string) bool {
	switch op {
	case "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=":
		return false
	}
	return true
}

// vmScalar reports whether the expression is a number by the look of it.
func vmScalar(e metricsql.Expr) bool {
	switch n := e.(type) {
	case *metricsql.NumberExpr, *metricsql.DurationExpr, *metricsql.StringExpr:
		return true
	case *metricsql.FuncExpr:
		switch strings.ToLower(n.Name) {
		case "time", "now", "scalar", "pi", "start", "end", "step":
			return true
		}
	case *metricsql.BinaryOpExpr:
		return vmScalar(n.Left) && vmScalar(n.Right)
	}
	return false
}
