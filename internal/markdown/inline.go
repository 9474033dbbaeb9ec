package markdown

import (
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a piece of text in one style.
type Span struct {
	Text         string // as it is read, without any markup; "\n" is a line break
	Bold, Italic bool
	Code         bool
	URL          string // that it links to; only http, https and mailto
}

// Inline reads the markup within a block.
func Inline(text string) []Span {
	in := inline{}
	in.read(text, Span{})
	return in.spans
}

type inline struct{ spans []Span }

// add adds text in a style, to the span before if that has the same.
func (in *inline) add(style Span, text string) {
	if text == "" {
		return
	}
	if n := len(in.spans); n > 0 {
		last := in.spans[n-1]
		last.Text = style.Text
		if last == style {
			in.spans[n-1].Text += text
			return
		}
	}
	style.Text = text
	in.spans = append(in.spans, style)
}

func (in *inline) read(s string, style Span) {
	style.Text = ""
	for i := 0; i < len(s); {
		taken := in.markup(s, i, style)
		if taken == 0 {
			_, taken = utf8.DecodeRuneInString(s[i:])
			in.add(style, s[i:i+taken])
		}
		i += taken
	}
}

// markup reads the markup that begins at s[i] and returns its length, 0 when
// none begins there.
func (in *inline) markup(s string, i int, style Span) int {
	rest := s[i:]
	switch rest[0] {
	case '\\':
		if len(rest) > 1 && rest[1] == '\n' {
			in.add(style, "\n")
			return 2
		}
		if len(rest) > 1 && rest[1] < utf8.RuneSelf && (unicode.IsPunct(rune(rest[1])) || unicode.IsSymbol(rune(rest[1]))) {
			in.add(style, rest[1:2])
			return 2
		}
	case ' ', '\n':
		text := strings.TrimLeft(rest, " ")
		if !strings.HasPrefix(text, "\n") {
			return 0
		}
		spaces := len(rest) - len(text)
		if spaces >= 2 {
			in.add(style, "\n")
		} else {
			in.add(style, " ")
		}
		return spaces + 1
	case '`':
		return in.code(rest, style)
	case '*', '_':
		return in.emphasis(s, i, style)
	case '[':
		return in.link(rest, style)
	case '<':
		if address, _, found := strings.Cut(rest[1:], ">"); found && style.URL == "" && target(address) != "" {
			linked := style
			linked.URL = target(address)
			in.add(linked, address)
			return len(address) + 2
		}
	case '&':
		if end := strings.IndexByte(rest, ';'); end > 1 && end < 12 {
			if text := html.UnescapeString(rest[:end+1]); text != rest[:end+1] {
				in.add(style, text)
				return end + 1
			}
		}
	}
	return 0
}

// code reads a code span: as many backticks end it as begin it.
func (in *inline) code(s string, style Span) int {
	n := run(s, '`')
	for at := n; at < len(s); {
		next := strings.IndexByte(s[at:], '`')
		if next < 0 {
			break
		}
		at += next
		length := run(s[at:], '`')
		if length == n {
			text := strings.ReplaceAll(s[n:at], "\n", " ")
			if len(text) > 2 && text[0] == ' ' && text[len(text)-1] == ' ' && strings.TrimSpace(text) != "" {
				text = text[1 : len(text)-1]
			}
			style.Code = true
			in.add(style, text)
			return at + n
		}
		at += length
	}
	in.add(style, s[:n])
	return n
}

// emphasis reads what stands between two equal runs of asterisks or
// underscores.
func (in *inline) emphasis(s string, i int, style Span) int {
	mark := s[i]
	n := min(run(s[i:], mark), 3)
	open := s[i : i+n]
	text := s[i+n:]
	if text == "" || text[0] == ' ' || text[0] == '\n' || mark == '_' && wordBefore(s[:i]) {
		in.add(style, open)
		return n
	}
	end := closing(text, open)
	if end <= 0 {
		in.add(style, open)
		return n
	}
	inner := style
	inner.Bold = inner.Bold || n >= 2
	inner.Italic = inner.Italic || n != 2
	in.read(text[:end], inner)
	return n + end + n
}

// closing returns where the run of marks that closes an emphasis begins, or a
// negative number. Marks in code spans and after backslashes do not count.
func closing(text, marks string) int {
	for i := 0; i < len(text); {
		switch text[i] {
		case '\\':
			i += 2
		case '`':
			n := run(text[i:], '`')
			end := strings.Index(text[i+n:], text[i:i+n])
			if end >= 0 {
				n += end + n
			}
			i += n
		case marks[0]:
			n := run(text[i:], marks[0])
			after := text[i+n:]
			spaced := i == 0 || text[i-1] == ' ' || text[i-1] == '\n'
			inWord := marks[0] == '_' && after != "" && wordBefore(text[:i]) && wordAfter(after)
			if n == len(marks) && !spaced && !inWord {
				return i
			}
			i += n
		default:
			i++
		}
	}
	return -1
}

// link reads [text](address).
func (in *inline) link(s string, style Span) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			depth++
		case ']':
			if depth--; depth > 0 {
				continue
			}
			if i+1 >= len(s) || s[i+1] != '(' {
				return 0
			}
			address, _, found := strings.Cut(s[i+2:], ")")
			if !found || style.URL != "" {
				return 0
			}
			inner := style
			inner.URL = target(strings.Trim(address, "<> "))
			in.read(s[1:i], inner)
			return i + 2 + len(address) + 1
		}
	}
	return 0
}

// target returns the address when it is one that may be followed, else "".
func target(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(address, " \n|<>\"'") {
		return ""
	}
	if u.Scheme == "mailto" && u.Opaque != "" || (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return address
	}
	return ""
}

// run returns how many of the character stand at the beginning.
func run(s string, c byte) int {
	n := 0
	for n < len(s) && s[n] == c {
		n++
	}
	return n
}

func wordBefore(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func wordAfter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
