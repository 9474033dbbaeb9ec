package promql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
)

// rewriter turns the tokens of a template into text that parses.
type rewriter struct {
	lang sentei.Lang
	*holes
	out    strings.Builder
	stack  []frame
	depth  int
	opaque string
}

// frame is an open parenthesis.
type frame struct {
	labels   bool   // a list of labels: by (…), on (…)
	function string // the function or aggregation whose arguments follow
	argument int    // 0-based
}

// maxDepth is how deep calls of unknown functions may be nested.
const maxDepth = 20

// rewrite returns the text of the tokens. Check r.opaque afterwards.
func (r *rewriter) rewrite(tokens []token) string {
	for i := 0; i < len(tokens) && r.opaque == ""; {
		i = r.step(tokens, i)
		if r.out.Len() > maxText {
			r.block(errTooLong.Error())
		}
	}
	return r.out.String()
}

// nested rewrites tokens on their own, as an argument of an unknown function.
func (r *rewriter) nested(tokens []token) string {
	inner := &rewriter{lang: r.lang, holes: r.holes, depth: r.depth + 1}
	inner.stack = []frame{{function: holeMark}}
	if inner.depth > maxDepth {
		inner.opaque = "calls of functions named by variables are nested too deep"
	}
	text := inner.rewrite(tokens)
	r.block(inner.opaque)
	return text
}

func (r *rewriter) block(reason string) {
	if r.opaque == "" {
		r.opaque = reason
	}
}

// write adds text, with a space before it unless it was glued.
func (r *rewriter) write(text string, glued bool) {
	if !glued && r.out.Len() > 0 {
		r.out.WriteByte(' ')
	}
	r.out.WriteString(text)
}

// step rewrites the token at i, with what belongs to it, and returns the index
// of the next one.
func (r *rewriter) step(tokens []token, i int) int {
	t := tokens[i]
	switch {
	case t.is("("):
		r.stack = append(r.stack, opened(tokens, i))
	case t.is(")"):
		if len(r.stack) > 0 {
			r.stack = r.stack[:len(r.stack)-1]
		}
	case t.is(","):
		if n := len(r.stack); n > 0 {
			r.stack[n-1].argument++
		}
	case t.is("{"):
		return r.braces(tokens, i, nil)
	case t.is("["):
		return r.window(tokens, i)
	case t.kind == quoted:
		r.write(argument(t), t.glued)
		return i + 1
	case t.kind == word && t.hollow():
		return r.word(tokens, i)
	case t.kind == word:
		r.write(literal(t.units), t.glued)
		return i + 1
	}
	r.write(t.text, t.glued)
	return i + 1
}

// opened returns the frame of the parenthesis at i.
func opened(tokens []token, i int) frame {
	if i > 0 && tokens[i-1].is("by", "without", "on", "ignoring", "group_left", "group_right") {
		return frame{labels: true}
	}
	// The arguments may follow the grouping: sum by (job) (x).
	if i > 0 && tokens[i-1].is(")") {
		for j := i - 2; j > 1; j-- {
			if tokens[j].is("(") {
				if tokens[j-1].is("by", "without") {
					i = j - 1
				}
				break
			}
		}
	}
	if i > 0 && tokens[i-1].kind == word && !tokens[i-1].hollow() && !operator(tokens[i-1]) {
		return frame{function: strings.ToLower(literal(tokens[i-1].units))}
	}
	return frame{}
}

// operator reports whether the token is a word that joins two operands.
func operator(t token) bool {
	return t.is("and", "or", "unless", "atan2", "if", "ifnot", "default", "bool", "offset")
}

// argument writes a string outside of a matcher.
func argument(t token) string {
	if !t.hollow() {
		if t.open {
			return string(t.quote) + literal(t.units)
		}
		return string(t.quote) + literal(t.units) + string(t.quote)
	}
	v := valueOf(t)
	if text, ok := v.plain(); ok {
		return strconv.Quote(text)
	}
	return strconv.Quote(holeMark)
}

// window writes the range in brackets, with durations for all variables.
func (r *rewriter) window(tokens []token, i int) int {
	end := closing(tokens, i)
	if end < 0 {
		r.block("bracket without an end")
		return len(tokens)
	}
	r.write("[", tokens[i].glued)
	for _, t := range tokens[i+1 : end] {
		text := t.text
		if t.kind == word {
			text = durations(t.units)
		}
		r.write(text, t.glued)
	}
	r.write("]", true)
	return end + 1
}

// durations writes a word that stands for a duration, or for two of them with
// a colon between.
func durations(units []unit) string {
	isColon := func(u unit) bool { return u.ref == nil && u.b == ':' }
	if i := slices.IndexFunc(units, isColon); i >= 0 {
		return durations(units[:i]) + ":" + durations(units[i+1:])
	}
	lits := literal(units)
	refs := len(units) - len(lits)
	switch {
	case refs == 0:
		return lits
	case refs == 1 && lits == "":
		return duration(units[0].ref)
	case refs == 1 && units[0].ref != nil: // ${n}m
		return number(units[0].ref) + lits
	case refs == 1 && units[len(units)-1].ref != nil: // 5$unit
		return lits + "m"
	default:
		return "5m"
	}
}

// number returns a number to stand for the reference.
func number(r *reference) string {
	if text := builtin(r); text != "" {
		return strings.TrimRight(text, "mh")
	}
	largest, text := -1.0, "5"
	for _, value := range r.values {
		if f, err := strconv.ParseFloat(value, 64); err == nil && f > largest {
			largest, text = f, value
		}
	}
	return text
}
