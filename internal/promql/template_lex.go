package promql

import "strings"

// tokenKind is what a token of a template is.
type tokenKind int

const (
	word   tokenKind = iota // names, keywords, numbers, durations, references
	quoted                  // a string
	symbol                  // everything else
)

// token is one lexical element of a template. References are part of words and
// of strings, as Grafana replaces them before the text is read as a query.
type token struct {
	kind  tokenKind
	units []unit // of a string: without the quotes
	quote byte
	text  string // of a symbol
	open  bool   // a string without an end
	glued bool   // no space before it
}

// lex cuts a template into tokens and drops comments.
func lex(units []unit) []token {
	var tokens []token
	glued := false
	for i := 0; i < len(units); {
		start := i
		var t token
		switch u := units[i]; {
		case u.ref != nil || wordByte(u.b):
			i = wordEnd(units, i)
			t = token{kind: word, units: units[start:i]}
		case strings.IndexByte(" \t\r\n", u.b) >= 0:
			i++
			glued = false
			continue
		case u.b == '#':
			for i < len(units) && (units[i].ref != nil || units[i].b != '\n') {
				i++
			}
			glued = false
			continue
		case u.b == '"' || u.b == '\'' || u.b == '`':
			t, i = lexString(units, i)
		default:
			i++
			if i < len(units) && twoBytes(u.b, units[i]) {
				i++
			}
			t = token{kind: symbol, text: literal(units[start:i])}
		}
		t.glued = glued
		glued = true
		tokens = append(tokens, t)
	}
	return tokens
}

// wordByte reports whether the byte can be part of a name, a number or a
// duration. Bytes of non-ASCII letters are, as MetricsQL allows them.
func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' ||
		b == '_' || b == ':' || b == '.' || b == '\\' || b >= 0x80
}

func wordEnd(units []unit, i int) int {
	for i < len(units) && (units[i].ref != nil || wordByte(units[i].b)) {
		if units[i].ref == nil && units[i].b == '\\' && i+1 < len(units) {
			i++ // MetricsQL escapes the next character
		}
		i++
	}
	return i
}

func lexString(units []unit, i int) (token, int) {
	quote := units[i].b
	i++
	start := i
	for ; i < len(units); i++ {
		if units[i].ref != nil {
			continue
		}
		if units[i].b == '\\' && quote != '`' {
			i++
			continue
		}
		if units[i].b == quote {
			return token{kind: quoted, units: units[start:i], quote: quote}, i + 1
		}
	}
	return token{kind: quoted, units: units[start:], quote: quote, open: true}, len(units)
}

// twoBytes reports whether the byte and the next unit form one operator.
func twoBytes(b byte, next unit) bool {
	if next.ref != nil {
		return false
	}
	switch string([]byte{b, next.b}) {
	case "=~", "!~", "!=", "==", "<=", ">=", "</", ">/":
		return true
	}
	return false
}

// literal returns the text of units without references.
func literal(units []unit) string {
	b := make([]byte, 0, len(units))
	for _, u := range units {
		if u.ref == nil {
			b = append(b, u.b)
		}
	}
	return string(b)
}

// hollow reports whether a reference is part of the token.
func (t token) hollow() bool {
	for _, u := range t.units {
		if u.ref != nil {
			return true
		}
	}
	return false
}

// lone returns the reference when the token is nothing else.
func (t token) lone() *reference {
	if t.kind == word && len(t.units) == 1 {
		return t.units[0].ref
	}
	return nil
}

// is reports whether the token is the keyword or the symbol.
func (t token) is(texts ...string) bool {
	if t.kind == quoted || t.hollow() {
		return false
	}
	have := t.text
	if t.kind == word {
		have = literal(t.units)
	}
	for _, text := range texts {
		if strings.EqualFold(have, text) {
			return true
		}
	}
	return false
}

// closing returns the index of the bracket that closes the one at i, or -1.
func closing(tokens []token, i int) int {
	depth := 0
	for ; i < len(tokens); i++ {
		switch {
		case tokens[i].kind != symbol:
		case tokens[i].is("(", "[", "{"):
			depth++
		case tokens[i].is(")", "]", "}"):
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// commas splits tokens at the commas that stand in no brackets.
func commas(tokens []token) [][]token {
	var parts [][]token
	depth, start := 0, 0
	for i, t := range tokens {
		switch {
		case t.kind != symbol:
		case t.is("(", "[", "{"):
			depth++
		case t.is(")", "]", "}"):
			depth--
		case t.is(",") && depth == 0:
			parts = append(parts, tokens[start:i])
			start = i + 1
		}
	}
	return append(parts, tokens[start:])
}
