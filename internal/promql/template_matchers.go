package promql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/util/strutil"
)

// braces rewrites the list of matchers that opens at i. name is the word
// before it when that holds variables.
func (r *rewriter) braces(tokens []token, i int, name *token) int {
	end := closing(tokens, i)
	if end < 0 {
		r.block("brace without an end")
		return len(tokens)
	}
	glued := tokens[i].glued
	var items []string
	if name != nil {
		items = append(items, nameMatcher(*name))
		glued = name.glued
	}
	hollow, wild := name != nil, false
	var alternatives []string
	for _, list := range orGroups(tokens[i+1 : end]) {
		for _, item := range commas(list) {
			text, h, w := matcher(item)
			hollow, wild = hollow || h, wild || w
			if text != "" {
				items = append(items, text)
			}
		}
		alternatives = append(alternatives, strings.Join(items, ","))
		items = nil
	}
	if wild && r.openList() {
		alternatives = alternatives[:1]
		alternatives[0] = wildMatcher()
		if name != nil {
			alternatives[0] += "," + nameMatcher(*name)
		}
	}
	if len(alternatives) == 1 && alternatives[0] == `__name__=~"(?:.*)"` {
		alternatives[0] = `__name__=~"(?:.+)"` // the same, as every series has a name
	} else if hollow {
		for j := range alternatives {
			alternatives[j] = strings.TrimPrefix(alternatives[j]+","+padMatcher(), ",")
		}
	}
	r.write("{"+strings.Join(alternatives, " or ")+"}", glued)
	return end + 1
}

// orGroups splits the matchers of MetricsQL at "or".
func orGroups(tokens []token) [][]token {
	var lists [][]token
	start := 0
	for i, t := range tokens {
		// A label may be called "or": then an operator follows.
		if t.kind == word && t.is("or") && i > start && !matchOperator(tokens, i+1) {
			lists = append(lists, tokens[start:i])
			start = i + 1
		}
	}
	return append(lists, tokens[start:])
}

func matchOperator(tokens []token, i int) bool {
	return i < len(tokens) && tokens[i].is("=", "!=", "=~", "!~", "==")
}

// matcher rewrites one matcher. wild says that any matcher at all may stand
// there; hollow that a variable is part of it.
func matcher(item []token) (text string, hollow, wild bool) {
	for _, t := range item {
		hollow = hollow || t.hollow()
	}
	if !hollow {
		return plainItem(item), false, false
	}
	switch {
	case len(item) == 1 && item[0].kind == quoted: // {"metric_$x"}
		return nameMatcher(item[0]), true, false
	case len(item) == 3 && !item[0].hollow() && item[0].kind != symbol && matchOperator(item, 1) && item[2].kind != symbol:
		label := plainItem(item[:1])
		return label + matchValue(label, item[1].text, item[2]), true, false
	}
	return wildMatcher(), true, true
}

// plainItem writes tokens without variables as they were.
func plainItem(item []token) string {
	var b strings.Builder
	for i, t := range item {
		if i > 0 && !t.glued {
			b.WriteByte(' ')
		}
		switch t.kind {
		case quoted:
			b.WriteString(argument(t))
		case word:
			b.WriteString(literal(t.units))
		default:
			b.WriteString(t.text)
		}
	}
	return b.String()
}

// matchValue writes operator and value of a matcher whose value holds
// variables. It selects whatever any value of them could select.
func matchValue(label, op string, t token) string {
	v := valueOf(t)
	if t.kind != quoted { // a variable that brings its own quotes
		v = value{}
	}
	isRegexp := strings.HasSuffix(op, "~")
	if text, ok := v.plain(); ok && (!isRegexp || v.sameAsRegexp()) {
		return op + strconv.Quote(text)
	}
	if strings.HasPrefix(op, "!") {
		return "=~" + strconv.Quote(anything)
	}
	pattern, ok := v.pattern(isRegexp)
	if !ok || isRegexp && label != "__name__" && v.mixed() {
		pattern = anything
	}
	return "=~" + strconv.Quote(pattern)
}

// anything matches every value. Unlike ".*" it keeps its label live.
const anything = "(?:.*)"

// value is a string, or a name, with variables in it.
type value struct {
	parts []part
	ok    bool // the literal parts could be unquoted
}

type part struct {
	text string
	ref  *reference // nil for a literal part
}

func valueOf(t token) value {
	v := value{ok: true}
	for i := 0; i < len(t.units); {
		if t.units[i].ref != nil {
			v.parts = append(v.parts, part{ref: t.units[i].ref})
			i++
			continue
		}
		start := i
		for i < len(t.units) && t.units[i].ref == nil {
			i++
		}
		text := literal(t.units[start:i])
		if t.kind == quoted && t.quote != '`' {
			unquoted, err := strutil.Unquote(string(t.quote) + text + string(t.quote))
			if err != nil {
				v.ok = false
			}
			text = unquoted
		}
		v.parts = append(v.parts, part{text: text})
	}
	return v
}

// plain returns the value if every variable in it has exactly one value.
func (v value) plain() (string, bool) {
	if !v.ok || len(v.parts) == 0 {
		return "", false
	}
	var b strings.Builder
	for _, p := range v.parts {
		switch {
		case p.ref == nil:
			b.WriteString(p.text)
		case len(p.ref.values) == 1:
			b.WriteString(p.ref.values[0])
		default:
			return "", false
		}
	}
	return b.String(), true
}

// mixed reports whether variables of any value stand beside text. In a regular
// expression such a value could be "a|b", which makes the text beside it part
// of one alternative only. Pieces of metric names are trusted not to be.
func (v value) mixed() bool {
	unknown := func(p part) bool { return p.ref != nil && p.ref.values == nil }
	return len(v.parts) > 1 && slices.ContainsFunc(v.parts, unknown)
}

// sameAsRegexp reports whether the values mean the same, escaped or not.
func (v value) sameAsRegexp() bool {
	for _, p := range v.parts {
		if p.ref != nil && regexp.QuoteMeta(p.ref.values[0]) != p.ref.values[0] {
			return false
		}
	}
	return true
}

// pattern returns a regular expression for all that the value can be. The
// literal parts are a regular expression themselves, or not.
func (v value) pattern(isRegexp bool) (string, bool) {
	if !v.ok || len(v.parts) == 0 {
		return anything, false
	}
	var b strings.Builder
	var state regexpState
	for _, p := range v.parts {
		switch {
		case p.ref == nil && isRegexp:
			b.WriteString(p.text)
			state = state.after(p.text)
		case p.ref == nil:
			b.WriteString(regexp.QuoteMeta(p.text))
		default:
			if isRegexp && !state.open(p.ref, len(v.parts) > 1) {
				return anything, false
			}
			b.WriteString(p.ref.pattern(isRegexp))
		}
		if b.Len() > maxText {
			return anything, false
		}
	}
	pattern := b.String()
	if _, err := regexp.Compile("^(?s:" + pattern + ")$"); err != nil {
		return anything, false
	}
	return pattern, true
}

// regexpState is where in a regular expression one is.
type regexpState struct {
	class   bool // in [...]
	braces  int  // in {...}
	escaped bool // behind a backslash
	flags   bool // behind "(?"
}

// after moves on over a literal part.
func (s regexpState) after(text string) regexpState {
	for i := range len(text) {
		c := text[i]
		switch {
		case s.escaped:
			s.escaped = false
		case c == '\\':
			s.escaped = true
		case c == '[':
			s.class = true
		case c == ']':
			s.class = false
		case c == '{' && !s.class:
			s.braces++
		case c == '}' && !s.class:
			s.braces--
		}
	}
	s.flags = strings.HasSuffix(text, "(?")
	return s
}

// open reports whether a variable stands for a piece of the regular expression
// here: not inside a class, a repetition or an escape, and not in a format that
// could add an alternative for the whole.
func (s regexpState) open(ref *reference, hasNeighbours bool) bool {
	if hasNeighbours {
		if ref.format != "" && ref.format != "regex" {
			return false
		}
		for _, value := range ref.values {
			if strings.Contains(value, "|") {
				return false
			}
		}
	}
	return !s.class && s.braces <= 0 && !s.escaped && !s.flags
}

// pattern returns a regular expression for all values of the reference. In a
// regular expression Grafana may put a value in as it is, or escaped.
func (r *reference) pattern(isRegexp bool) string {
	if r.values == nil {
		return anything
	}
	var alternatives []string
	for _, value := range r.values {
		escaped := regexp.QuoteMeta(value)
		alternatives = append(alternatives, escaped)
		if isRegexp && escaped != value {
			if _, err := regexp.Compile(value); err == nil {
				alternatives = append(alternatives, value)
			}
		}
	}
	return "(?:" + strings.Join(alternatives, "|") + ")"
}
