package markdown

import (
	"strings"
	"unicode/utf8"
)

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
