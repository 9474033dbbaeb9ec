package notify

import (
	"strings"
	"unicode/utf16"

	"github.com/sentei/sentei/internal/markdown"
)

// slackLine is a line of Slack's markup, in a block of code or not.
type slackLine struct {
	text string
	code bool
}

const slackFence = "```"

// slackSections turns Markdown into at most so many texts for sections. It
// breaks between lines, and reports whether anything is left out.
func slackSections(text string, most int) (sections []string, cut bool) {
	var section strings.Builder
	size, code := 0, false
	end := func() {
		if code {
			section.WriteString(slackFence)
		}
		if s := strings.Trim(section.String(), "\n"); s != "" {
			sections = append(sections, s)
		}
		section.Reset()
		size, code = 0, false
	}
	for _, line := range slackLines(text) {
		line, shortened := line.fit()
		cut = cut || shortened
		length := units(line.text) + 1 + 2*len(slackFence) + 2
		if size+length > slackSection {
			end()
			if len(sections) == most {
				return sections, true
			}
		}
		if line.code != code {
			section.WriteString(slackFence)
			if code {
				section.WriteString("\n")
			}
			size += len(slackFence) + 1
			code = line.code
		}
		section.WriteString(line.text + "\n")
		size += units(line.text) + 1
	}
	end()
	if len(sections) > most {
		return sections[:most], true
	}
	return sections, cut
}

// fit shortens a line that is longer than a section. Its markup is lost, as
// half of it would be wrong.
func (l slackLine) fit() (slackLine, bool) {
	const most = slackSection - 20
	if units(l.text) <= most {
		return l, false
	}
	l.text = shorten(l.text, most)
	// Not within an entity or a link.
	if i := strings.LastIndexAny(l.text, "&<"); i >= 0 && !strings.ContainsAny(l.text[i:], ";>") {
		l.text = l.text[:i] + "…"
	}
	return l, true
}

func slackLines(text string) []slackLine {
	var lines []slackLine
	add := func(text string, code bool) {
		for line := range strings.SplitSeq(text, "\n") {
			lines = append(lines, slackLine{line, code})
		}
	}
	blocks := markdown.Parse(text)
	for i := range blocks {
		b := &blocks[i]
		if i > 0 && (b.Kind != markdown.Item || blocks[i-1].Kind != markdown.Item) {
			add("", false)
		}
		switch b.Kind {
		case markdown.Heading:
			for j := range b.Spans {
				b.Spans[j].Bold = true
			}
			add(slackSpans(b.Spans), false)
		case markdown.Item:
			sign := b.Number
			if sign == "" {
				sign = "•"
			}
			indent := strings.Repeat("    ", b.Level)
			add(indent+sign+" "+strings.ReplaceAll(slackSpans(b.Spans), "\n", "\n"+indent+"   "), false)
		case markdown.Code:
			for _, line := range b.Lines {
				add(slackEscape(line), true)
			}
		case markdown.Table:
			for _, line := range markdown.Grid(b) {
				add(slackEscape(line), true)
			}
		default:
			add(slackSpans(b.Spans), false)
		}
	}
	return lines
}

func slackSpans(spans []markdown.Span) string {
	var b strings.Builder
	for _, s := range spans {
		for i, line := range strings.Split(s.Text, "\n") { // no style goes beyond a line
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(slackSpan(s, line))
		}
	}
	return b.String()
}

// slackSpan writes text in the style of s. Slack knows no style that begins or
// ends with a space.
func slackSpan(s markdown.Span, text string) string {
	inner := strings.TrimSpace(text)
	if inner == "" {
		return text
	}
	before, after, _ := strings.Cut(text, inner)
	inner = slackEscape(inner)
	if s.Code {
		inner = "`" + inner + "`"
	}
	if s.URL != "" {
		inner = "<" + slackEscape(s.URL) + "|" + strings.ReplaceAll(inner, "|", "¦") + ">"
	}
	if s.Italic {
		inner = "_" + inner + "_"
	}
	if s.Bold {
		inner = "*" + inner + "*"
	}
	return before + inner + after
}

func slackLink(url, text string) string {
	if strings.ContainsAny(url, "|<> ") {
		return slackEscape(text + ": " + url)
	}
	return "<" + slackEscape(url) + "|" + slackEscape(text) + ">"
}

// slackEscape escapes what Slack takes for control characters. Nothing escapes
// a backtick, so another sign that looks like it takes its place.
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "ˋ").Replace(text)
}

// units counts the UTF-16 units of a text.
func units(text string) int { return len(utf16.Encode([]rune(text))) }

// shorten returns a text of at most so many UTF-16 units.
func shorten(text string, most int) string {
	if units(text) <= most {
		return text
	}
	size := 1 // of the ellipsis
	for i, r := range text {
		if size += max(1, utf16.RuneLen(r)); size > most {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}
