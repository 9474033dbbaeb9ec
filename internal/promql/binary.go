package promql

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

func (w *promWalk) binary(n *parser.BinaryExpr, s scope) {
	above := s.repeats
	s = s.under(n.Op.String())
	left := n.LHS.Type() == parser.ValueTypeVector
	right := n.RHS.Type() == parser.ValueTypeVector
	switch {
	case !known(n.Op):
		w.walk(n.LHS, s.unknown())
		w.walk(n.RHS, s.unknown())
	case left && right && n.VectorMatching != nil:
		w.match(n, s, above)
	default: // a scalar on one side at least
		for _, side := range []parser.Expr{n.LHS, n.RHS} {
			if side.Type() == parser.ValueTypeVector {
				w.walk(side, s.erasingName().repeating(above.belowComparison(n.Op)))
			} else {
				w.walk(side, s.alone())
			}
		}
	}
}

func known(op parser.ItemType) bool {
	switch op {
	case parser.ADD, parser.SUB, parser.MUL, parser.DIV, parser.MOD, parser.POW, parser.ATAN2,
		parser.EQLC, parser.NEQ, parser.LSS, parser.LTE, parser.GTR, parser.GTE,
		parser.TRIM_UPPER, parser.TRIM_LOWER,
		parser.LAND, parser.LOR, parser.LUNLESS:
		return true
	}
	return false
}

// match handles an operator between two vectors. above is what the readers of
// the result make of repeats.
func (w *promWalk) match(n *parser.BinaryExpr, s scope, above repeats) {
	m := w.matching(n.VectorMatching)
	switch {
	case n.Op == parser.LOR:
		l := s.or(m)
		w.walk(n.LHS, l)
		w.walk(n.RHS, l)
	case n.Op.IsSetOperator(): // and, unless: the right side only says which
		w.walk(n.LHS, s.needing(s.need.Union(m.sig)).repeating(above))
		w.walk(n.RHS, s.grouped(m.sig).repeating(present))
	case n.VectorMatching.Card == parser.CardManyToOne:
		w.walk(n.LHS, s.many(m))
		w.walk(n.RHS, s.one(m))
	case n.VectorMatching.Card == parser.CardOneToMany:
		w.walk(n.LHS, s.one(m))
		w.walk(n.RHS, s.many(m))
	case n.VectorMatching.Card == parser.CardOneToOne:
		// The result's labels are those that were matched on (and the name).
		w.walk(n.LHS, s.grouped(m.sig))
		w.walk(n.RHS, s.grouped(m.sig))
	default:
		w.walk(n.LHS, s.unknown())
		w.walk(n.RHS, s.unknown())
	}
}

// matching is how the two sides of an operator find each other.
type matching struct {
	sig     sentei.LabelSet // the labels that must be equal
	include sentei.LabelSet // group_left and group_right: taken from the one side
	open    bool            // include is not all: a Grafana variable may add more
	fill    bool            // missing partners are made up
}

func (w *promWalk) matching(vm *parser.VectorMatching) matching {
	var m matching
	names, known := w.labelsOf(vm.MatchingLabels)
	switch {
	case !vm.On:
		m.sig = everything().Minus(names).Without(model.MetricNameLabel)
	case !known:
		m.sig = everything()
	default:
		m.sig = names
	}
	m.include, known = w.labelsOf(vm.Include)
	m.open = !known
	m.fill = vm.FillValues.LHS != nil || vm.FillValues.RHS != nil
	return m
}

// mixes reports whether the results of the two sides of an operator could be
// taken for one another once dead labels are gone. Results of one moment are
// kept apart by the signature, unless a reader erases it; results of different
// moments are not.
func (s scope) mixes(m matching) bool { return s.overTime || overlap(s.erased, m.sig) }

// mixed is the scope below an operator whose results may be taken for one
// another. Which of two that are equal gives its name goes by order.
func (s scope) mixed() scope {
	s.order = s.order || s.need.Has(model.MetricNameLabel)
	return s.needing(everything())
}

// or is the scope of both operands of the operator or.
func (s scope) or(m matching) scope {
	if s.mixes(m) {
		return s.mixed()
	}
	return s.needing(s.need.Union(m.sig))
}

// many is the scope of the many side. The included labels are replaced by those
// of the one side.
func (s scope) many(m matching) scope {
	need := s.need.Minus(m.include).Union(m.sig)
	if m.open {
		need, s.erased = everything(), everything()
	}
	// Made up results stand beside matched ones, and the operator itself takes
	// away labels that it may have matched on, such as __type__.
	if m.fill && s.erasingName().mixes(m) {
		s = s.mixed()
		need = s.need
	}
	s.erased = s.erased.Union(m.include)
	return s.needing(need).erasingName()
}

// one is the scope of the one side. Included labels decide whether results stay
// distinct, so they are needed even if the reader does not look at them.
func (s scope) one(m matching) scope {
	if m.open {
		return s.grouped(everything())
	}
	return s.grouped(m.sig.Union(m.include))
}
