// Package markdown reads the Markdown that sentei itself writes, so that it
// can be sent where Markdown is not understood. In goes text; out come blocks
// and spans, and from these HTML and plain text. It knows headings,
// paragraphs, lists, tables, code, emphasis and links; all else is text.
package markdown

import (
	"regexp"
	"strings"
)

// Kind says what a block is.
type Kind int

// The kinds of blocks.
const (
	Paragraph Kind = iota
	Heading
	Item // of a list
	Code
	Table
)

// Block is a part of a text that stands on lines of its own.
type Block struct {
	Kind Kind
	// Level is that of a heading, 1 to 6, or how deep an item lies, from 0.
	Level int
	// Number stands before an item of a numbered list, as "3."; else it is
	// empty.
	Number string
	Spans  []Span // of a paragraph, a heading or an item
	// Lines are those of code.
	Lines []string
	// Rows are those of a table, the head first. All have the same length.
	Rows [][][]Span
}

var (
	heading   = regexp.MustCompile(`^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$`)
	item      = regexp.MustCompile(`^( *)([-*+]|\d{1,9}[.)])[ \t]+(.*)$`)
	fence     = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})")
	delimiter = regexp.MustCompile(`^ *\|?( *:?-+:? *\|)* *:?-+:? *\|? *$`)
	rule      = regexp.MustCompile(`^ {0,3}([-*_])( *[-*_]){2,} *$`)
)

// Parse reads a text. There is no text that it does not take.
func Parse(text string) []Block {
	p := parser{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	for p.next < len(p.lines) {
		p.line()
	}
	p.end()
	return p.blocks
}

// parser reads line by line. The lines of the block that has not ended yet are
// in text.
type parser struct {
	lines  []string
	next   int
	blocks []Block
	open   *Block
	text   []string
}

// begin begins a block whose text may go on in the next line.
func (p *parser) begin(b Block, text string) {
	p.end()
	p.open, p.text = &b, []string{text}
}

// end ends the block that is open.
func (p *parser) end() {
	if p.open != nil {
		p.open.Spans = Inline(strings.Join(p.text, "\n"))
		p.blocks = append(p.blocks, *p.open)
		p.open, p.text = nil, nil
	}
}

func (p *parser) line() {
	line := p.lines[p.next]
	p.next++
	if strings.TrimSpace(line) == "" {
		p.end()
		return
	}
	if m := fence.FindStringSubmatch(line); m != nil {
		p.end()
		p.code(m[1])
		return
	}
	if m := heading.FindStringSubmatch(line); m != nil {
		p.begin(Block{Kind: Heading, Level: len(m[1])}, m[2])
		p.end()
		return
	}
	if rule.MatchString(line) {
		p.end()
		return
	}
	if m := item.FindStringSubmatch(line); m != nil {
		number := strings.Trim(m[2], "-*+")
		p.begin(Block{Kind: Item, Level: len(m[1]) / 2, Number: number}, m[3])
		return
	}
	if strings.Contains(line, "|") && p.next < len(p.lines) && delimiter.MatchString(p.lines[p.next]) {
		p.end()
		p.table(line)
		return
	}
	if p.open == nil {
		p.begin(Block{Kind: Paragraph}, strings.TrimLeft(line, " \t"))
		return
	}
	p.text = append(p.text, strings.TrimLeft(line, " \t"))
}

// code reads lines up to the closing fence, or the end of the text.
func (p *parser) code(opening string) {
	var lines []string
	for p.next < len(p.lines) {
		line := p.lines[p.next]
		p.next++
		if closing := strings.TrimSpace(line); len(closing) >= len(opening) && strings.Trim(closing, opening[:1]) == "" {
			break
		}
		lines = append(lines, line)
	}
	p.blocks = append(p.blocks, Block{Kind: Code, Lines: lines})
}

// table reads the rows below the head.
func (p *parser) table(head string) {
	b := Block{Kind: Table, Rows: [][][]Span{cells(head)}}
	width := len(b.Rows[0])
	for p.next++; p.next < len(p.lines); p.next++ {
		line := p.lines[p.next]
		if strings.TrimSpace(line) == "" || !strings.Contains(line, "|") {
			break
		}
		row := cells(line)
		for len(row) < width {
			row = append(row, nil)
		}
		b.Rows = append(b.Rows, row[:width])
	}
	p.blocks = append(p.blocks, b)
}

// cells splits a row at the bars that no backslash stands before.
func cells(line string) [][]Span {
	line = strings.TrimSpace(line)
	line = strings.TrimPrefix(line, "|")
	var row [][]Span
	var cell strings.Builder
	end := func() {
		row = append(row, Inline(strings.TrimSpace(cell.String())))
		cell.Reset()
	}
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '|':
			cell.WriteByte('|')
			i++
		case line[i] == '\\' && i+1 < len(line):
			cell.WriteString(line[i : i+2])
			i++
		case line[i] == '|':
			end()
		default:
			cell.WriteByte(line[i])
		}
	}
	if strings.TrimSpace(cell.String()) != "" || len(row) == 0 {
		end()
	}
	return row
}
