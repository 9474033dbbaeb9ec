package promql

import (
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

// word rewrites a word that holds variables, by where it stands.
func (r *rewriter) word(tokens []token, i int) int {
	t := tokens[i]
	next := token{kind: symbol}
	if i+1 < len(tokens) {
		next = tokens[i+1]
	}
	switch {
	case timeFollows(tokens[:i]):
		r.write(moment(tokens[:i], t), t.glued)
	case r.top().labels:
		r.write(holeMark, t.glued)
	case followsOperand(tokens[:i]):
		r.block(describe(t) + " stands where an operator or a modifier is expected")
	case next.is("(") || next.is("by", "without"):
		return r.unknownCall(tokens, i)
	case next.is("{"):
		return r.braces(tokens, i+1, &t)
	case t.lone() != nil && builtin(t.lone()) != "":
		r.write(builtin(t.lone()), t.glued)
	case numeric(t):
		r.write("1", t.glued)
	case t.lone() == nil: // part of a metric name
		r.write(selectorOf(nameMatcher(t)), t.glued)
	case r.scalarExpected():
		r.write("1", t.glued)
	case next.is("[", "offset", "@") || r.vectorExpected() && alone(tokens, i):
		// A metric name most often, but it could be any expression.
		r.write(selectorOf(wildMatcher()), t.glued)
	default:
		r.block(describe(t) + " may hold any expression")
	}
	return i + 1
}

func (r *rewriter) top() frame {
	if len(r.stack) == 0 {
		return frame{}
	}
	return r.stack[len(r.stack)-1]
}

// moment writes what follows offset or @.
func moment(before []token, t token) string {
	n := len(before) - 1
	if before[n].is("-", "+") {
		n--
	}
	if before[n].is("@") {
		return "1700000000"
	}
	return durations(t.units)
}

// followsOperand reports whether the tokens end with an operand, so that an
// operator should follow.
func followsOperand(before []token) bool {
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	switch last.kind {
	case quoted:
		return true
	case word:
		return !operator(last)
	}
	if last.is(")") { // the list of labels of a modifier does not end an operand
		for i := len(before) - 1; i > 0; i-- {
			if before[i].is("(") {
				return !before[i-1].is("on", "ignoring", "group_left", "group_right")
			}
		}
	}
	return last.is(")", "}", "]")
}

// alone reports whether the token is a whole argument.
func alone(tokens []token, i int) bool {
	before := i == 0 || tokens[i-1].is("(", ",")
	after := i+1 == len(tokens) || tokens[i+1].is(")", ",")
	return before && after
}

// numeric reports whether a word with variables in it must be a number.
func numeric(t token) bool {
	first := t.units[0]
	return first.ref == nil && (first.b >= '0' && first.b <= '9' || first.b == '.')
}

// scalarExpected reports whether the function takes a number as this argument.
func (r *rewriter) scalarExpected() bool {
	f := r.top()
	switch f.function {
	case "topk", "bottomk", "limitk", "limit_ratio", "quantile":
		return f.argument == 0
	}
	if fn := parser.Functions[f.function]; fn != nil && len(fn.ArgTypes) > 0 {
		return fn.ArgTypes[min(f.argument, len(fn.ArgTypes)-1)] == parser.ValueTypeScalar
	}
	return false
}

// vectorExpected reports whether a function or an aggregation takes a vector
// as this argument, as far as is known.
func (r *rewriter) vectorExpected() bool { return r.top().function != "" }

// unknownCall replaces a call, or an aggregation with its grouping, whose
// function is a variable.
func (r *rewriter) unknownCall(tokens []token, i int) int {
	at := i + 1
	if tokens[at].is("by", "without") {
		at = skipGrouping(tokens, at)
	}
	end := -1
	if at < len(tokens) && tokens[at].is("(") {
		end = closing(tokens, at)
	}
	if end < 0 {
		r.block(describe(tokens[i]) + " stands for a function, but no arguments follow")
		return len(tokens)
	}
	var args []string
	for _, arg := range commas(tokens[at+1 : end]) {
		if text := r.nested(arg); text != "" {
			args = append(args, text)
		}
	}
	r.write(r.call(args), tokens[i].glued)
	return skipGrouping(tokens, end+1)
}

// skipGrouping returns the index behind the by (…) or without (…) at i.
func skipGrouping(tokens []token, i int) int {
	if i+1 < len(tokens) && tokens[i].is("by", "without") && tokens[i+1].is("(") {
		if end := closing(tokens, i+1); end >= 0 {
			return end + 1
		}
	}
	return i
}

// describe names the variables of a token.
func describe(t token) string {
	var names []string
	for _, u := range t.units {
		if u.ref != nil {
			names = append(names, "$"+u.ref.name)
		}
	}
	return "variable " + strings.Join(names, ", ")
}

func selectorOf(matcher string) string { return "{" + matcher + "}" }

func wildMatcher() string { return holeMark + `="x"` }

func padMatcher() string { return padMark + `="x"` }

// nameMatcher is the matcher for a metric name that holds variables.
func nameMatcher(t token) string {
	v := valueOf(t)
	pattern, _ := v.pattern(false)
	return `__name__=~` + strconv.Quote(pattern)
}

// openList reports whether a variable in a list of matchers could add a
// further alternative ("or"), which makes the other matchers meaningless.
func (r *rewriter) openList() bool { return r.lang == sentei.MetricsQL }
