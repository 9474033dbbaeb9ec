package promql

import (
	"math"
	"regexp"
	"strings"
)

// maxExpansion is how many tokens the WITH templates of an expression may
// expand to. The parser itself has no limit, and templates that use each other
// twice grow exponentially.
const maxExpansion = 200_000

// hasTemplates finds texts that use WITH templates, the predefined ones too.
var hasTemplates = regexp.MustCompile(`(?i)\b(?:with|ru|ttf|range_median|alias)\b`)

// expandsTooFar estimates, from above, what the WITH templates of the text
// expand to.
func expandsTooFar(text string) bool {
	if !hasTemplates.MatchString(text) {
		return false
	}
	x := expansion{tokens: lex(bytesOf(text)), size: map[string]float64{
		"ru": 30, "ttf": 40, "range_median": 5, "alias": 8,
	}}
	return x.list() > maxExpansion
}

// expansion adds up the sizes of tokens. A name that a template defines is as
// large as its definition; the arguments of a call may be put in as often as
// the definition has tokens.
type expansion struct {
	tokens []token
	at     int
	depth  int
	size   map[string]float64
}

// list returns the size up to the closing bracket, or up to the end.
func (x *expansion) list() float64 {
	total := 1.0
	x.depth++
	defer func() { x.depth-- }()
	for x.at < len(x.tokens) {
		t := x.tokens[x.at]
		x.at++
		switch {
		case x.depth > 1000:
			return math.Inf(1)
		case t.kind == symbol && t.is(")", "]", "}"):
			return total
		case t.kind == symbol && t.is("(", "[", "{"):
			total += x.list()
		case t.kind == word:
			total += x.word(t)
		default:
			total++
		}
	}
	return total
}

// word returns the size of a name, with the arguments that follow. When the
// name is being defined, what was defined is remembered.
func (x *expansion) word(t token) float64 {
	name := strings.ToLower(literal(t.units))
	size := max(x.size[name], 1)
	if x.at < len(x.tokens) && x.tokens[x.at].is("(") {
		x.at++
		size *= x.list()
	}
	if x.at < len(x.tokens) && x.tokens[x.at].is("=") {
		x.at++
		size = x.definition()
		x.size[name] = max(x.size[name], size)
	}
	return size
}

// definition returns the size up to the comma or the bracket that ends it.
func (x *expansion) definition() float64 {
	total := 1.0
	for x.at < len(x.tokens) && !x.tokens[x.at].is(",", ")", "}", "]") {
		t := x.tokens[x.at]
		x.at++
		switch {
		case t.kind == symbol && t.is("(", "[", "{"):
			total += x.list()
		case t.kind == word:
			total += x.word(t)
		default:
			total++
		}
	}
	return total
}
