package promql

import (
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/model"
)

func (w *vmWalk) binary(n *metricsql.BinaryOpExpr, s scope) {
	op := strings.ToLower(n.Op)
	s = s.under(op).settled()
	m := w.vmMatching(n)
	switch {
	case vmScalar(n.Left) || vmScalar(n.Right):
		w.vmWithScalar(n, op, s, m)
		return
	case (op == "==" || op == "!=") && (vmUnion(n.Left) || vmUnion(n.Right)):
		// One of several values, without any matching of labels.
		w.walk(n.Left, s.unknown())
		w.walk(n.Right, s.unknown())
		return
	}
	if n.GroupModifier.Op == "" && n.JoinModifier.Op == "" {
		// A side that turns out to be a single series without labels is
		// treated as a scalar, so the result can have any label of the other.
		m.sig = everything()
	}
	switch op {
	case "and", "unless":
		w.walk(n.Left, s.needing(s.need.Union(m.sig)))
		w.walk(n.Right, s.grouped(m.sig))
	case "if", "ifnot":
		w.walk(n.Left, s.needing(s.need.Union(m.sig)))
		w.walk(n.Right, s.grouped(m.sig).notScalar(m))
	case "default": // gaps are filled with the first series that matches
		w.walk(n.Left, s.or(m))
		w.walk(n.Right, s.or(m).ordered().notScalar(m))
	case "or":
		w.walk(n.Left, s.or(m))
		w.walk(n.Right, s.or(m).ordered())
	default:
		w.vmArithmetic(n, s, m)
	}
}

// vmWithScalar handles an operator with a number on one side.
func (w *vmWalk) vmWithScalar(n *metricsql.BinaryOpExpr, op string, s scope, m matching) {
	operand := s.or(m).erasingName() // the number has no labels to match
	switch op {
	case "and", "or", "unless":
	case "if", "ifnot", "default": // a number on the right matches every series
		if vmScalar(n.Right) {
			operand = s
		}
	default:
		if n.GroupModifier.Op == "" && n.JoinModifier.Op == "" {
			operand = s.erasingName()
		}
	}
	for _, side := range []metricsql.Expr{n.Left, n.Right} {
		if vmScalar(side) {
			w.walk(side, s.alone())
		} else {
			w.walk(side, operand)
		}
	}
}

// notScalar is the scope of a side that matches everything when it is a single
// series without labels. A series that has a label of the signature cannot
// become one by losing others.
func (s scope) notScalar(m matching) scope {
	if m.sig.AllBut {
		return s.needing(everything())
	}
	s.ifAbsent = append(slices.Clip(s.ifAbsent), absentNeed{absent: m.sig.Names, need: everything()})
	return s
}

// vmUnion reports whether the expression is a list: (1, 2, 3).
func vmUnion(e metricsql.Expr) bool {
	f, ok := e.(*metricsql.FuncExpr)
	return ok && (f.Name == "" || strings.EqualFold(f.Name, "union"))
}

func (w *vmWalk) vmArithmetic(n *metricsql.BinaryOpExpr, s scope, m matching) {
	if vmSet(strings.ToLower(n.Op)) { // of a newer parser
		w.walk(n.Left, s.unknown())
		w.walk(n.Right, s.unknown())
		return
	}
	many := s.many(m)
	if star(n.JoinModifier) || n.JoinModifierPrefix != nil {
		// Labels arrive in addition, or under other names: which of the many
		// side's labels are overwritten is not known.
		many.need = s.need.Union(m.sig)
		if m.fill && s.mixes(m) || w.anyHole(n.JoinModifier.Args) {
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
		m.sig = everything().Minus(names).Without(model.MetricNameLabel)
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

// star reports whether all labels of the one side are taken over.
func star(m metricsql.ModifierExpr) bool { return slices.Contains(m.Args, "*") }

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
