package promql

import (
	"math"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// rangeOf returns how far a range or an offset goes back. What only the
// evaluation knows (step(), range()) counts as zero.
func rangeOf(d time.Duration, e *parser.DurationExpr) time.Duration {
	if e == nil {
		return d
	}
	s := seconds(e)
	if math.IsNaN(s) || math.Abs(s) > 1<<32 { // the engine refuses these
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

func seconds(e parser.Expr) float64 {
	switch n := e.(type) {
	case *parser.NumberLiteral:
		return n.Val
	case *parser.DurationExpr:
		return combine(n.Op, seconds(n.LHS), seconds(n.RHS))
	}
	return 0
}

func combine(op parser.ItemType, l, r float64) float64 {
	switch op {
	case parser.ADD:
		return l + r
	case parser.SUB:
		return l - r
	case parser.MUL:
		return l * r
	case parser.DIV:
		return l / r
	case parser.MOD:
		return math.Mod(l, r)
	case parser.POW:
		return math.Pow(l, r)
	case parser.MIN_OF:
		return min(l, r)
	case parser.MAX_OF:
		return max(l, r)
	}
	return 0
}
