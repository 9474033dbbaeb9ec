package markdown

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// HTML returns the blocks as HTML. Headings begin at level 2, for the page has
// a title of its own.
func HTML(blocks []Block) string {
	var b strings.Builder
	for i := range blocks {
		block := &blocks[i]
		switch block.Kind {
		case Heading:
			level := min(block.Level+1, 6)
			fmt.Fprintf(&b, "<h%d>%s</h%d>\n", level, spansHTML(block.Spans), level)
		case Item:
			itemHTML(&b, blocks, i)
		case Code:
			fmt.Fprintf(&b, "<pre>%s</pre>\n", html.EscapeString(strings.Join(block.Lines, "\n")))
		case Table:
			tableHTML(&b, block)
		default:
			fmt.Fprintf(&b, "<p>%s</p>\n", spansHTML(block.Spans))
		}
	}
	return b.String()
}

// itemHTML writes an item, and the list around it at its first and last one.
// Deeper items are set in by a margin: mail programs do that alike.
func itemHTML(b *strings.Builder, blocks []Block, i int) {
	list := func(b *Block) string {
		switch {
		case b.Kind != Item:
			return ""
		case b.Number != "" && b.Level == 0:
			return "ol"
		}
		return "ul"
	}
	block := &blocks[i]
	tag, before, after := list(block), "", ""
	if i > 0 {
		before = list(&blocks[i-1])
	}
	if i+1 < len(blocks) {
		after = list(&blocks[i+1])
	}
	if before != tag {
		fmt.Fprintf(b, "<%s>\n", tag)
	}
	style := ""
	if block.Level > 0 {
		style = fmt.Sprintf(` style="margin-left:%dem"`, 2*block.Level)
	}
	fmt.Fprintf(b, "<li%s>%s</li>\n", style, spansHTML(block.Spans))
	if after != tag {
		fmt.Fprintf(b, "</%s>\n", tag)
	}
}

func tableHTML(b *strings.Builder, block *Block) {
	b.WriteString("<table>\n")
	for i, row := range block.Rows {
		tag := "td"
		if i == 0 {
			tag = "th"
		}
		b.WriteString("<tr>")
		for _, cell := range row {
			fmt.Fprintf(b, "<%s>%s</%s>", tag, spansHTML(cell), tag)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table>\n")
}

func spansHTML(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		text := strings.ReplaceAll(html.EscapeString(s.Text), "\n", "<br>\n")
		for _, style := range []struct {
			on  bool
			tag string
		}{{s.Code, "code"}, {s.Italic, "em"}, {s.Bold, "strong"}} {
			if style.on {
				text = "<" + style.tag + ">" + text + "</" + style.tag + ">"
			}
		}
		if s.URL != "" {
			text = `<a href="` + html.EscapeString(s.URL) + `">` + text + "</a>"
		}
		b.WriteString(text)
	}
	return b.String()
}

// Plain returns the blocks as text to read without any markup. Links stand
// behind their text.
func Plain(blocks []Block) string {
	var parts []string
	for i := range blocks {
		block := &blocks[i]
		text := PlainSpans(block.Spans)
		switch block.Kind {
		case Heading:
			text += "\n" + strings.Repeat("-", utf8.RuneCountInString(text))
		case Item:
			sign := block.Number
			if sign == "" {
				sign = "-"
			}
			indent := strings.Repeat("  ", block.Level)
			text = indent + sign + " " + strings.ReplaceAll(text, "\n", "\n  "+indent)
			if i > 0 && blocks[i-1].Kind == Item {
				parts[len(parts)-1] += "\n" + text
				continue
			}
		case Code:
			text = "    " + strings.Join(block.Lines, "\n    ")
		case Table:
			text = strings.Join(Grid(block), "\n")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n\n")
}

// PlainSpans returns the text of spans, with the addresses of links.
func PlainSpans(spans []Span) string {
	var b strings.Builder
	for i, s := range spans {
		b.WriteString(s.Text)
		last := i+1 == len(spans) || spans[i+1].URL != s.URL
		if s.URL != "" && s.URL != s.Text && last {
			b.WriteString(" (" + s.URL + ")")
		}
	}
	return b.String()
}

// Grid returns the rows of a table as lines with columns of equal width.
func Grid(table *Block) []string {
	width := make([]int, len(table.Rows[0]))
	text := func(cell []Span) string { return strings.ReplaceAll(PlainSpans(cell), "\n", " ") }
	for _, row := range table.Rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(text(cell)))
		}
	}
	var lines []string
	for _, row := range table.Rows {
		var b strings.Builder
		for i, cell := range row {
			s := text(cell)
			b.WriteString(s + strings.Repeat(" ", width[i]-utf8.RuneCountInString(s)+2))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}
