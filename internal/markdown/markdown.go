// Package markdown turns the Markdown of messages into what is understood
// where Markdown is not. In goes text of GitHub's dialect; out come HTML, plain
// text, and the blocks and spans to write other markup from.
package markdown

import (
	"bufio"
	"bytes"
	"html"
	"net/url"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	render "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
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

// Span is a piece of text in one style.
type Span struct {
	Text         string // as it is read, without any markup; "\n" is a line break
	Bold, Italic bool
	Code         bool
	URL          string // that it links to; only http, https and mailto
}

func newMarkdown() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.Table))
}

// Parse reads a text. There is no text that it does not take; HTML in it is
// text like any other, and quotes are paragraphs.
func Parse(source string) []Block {
	r := reader{source: []byte(source)}
	r.read(newMarkdown().Parser().Parse(text.NewReader(r.source)), 0)
	return r.blocks
}

// HTML returns a text as HTML. Headings begin at level 2, for the page has a
// title of its own. HTML in the text is left out, and so are addresses that
// are not safe to follow.
func HTML(source string) (string, error) {
	m := newMarkdown()
	doc := m.Parser().Parse(text.NewReader([]byte(source)))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			h.Level = min(h.Level+1, 6)
		}
	}
	var b strings.Builder
	err := m.Renderer().Render(&b, []byte(source), doc)
	return b.String(), err
}

// reader makes blocks of a syntax tree.
type reader struct {
	source []byte
	blocks []Block
}

// read adds the blocks below a node, at a depth in lists.
func (r *reader) read(parent ast.Node, depth int) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			r.add(Block{Kind: Heading, Level: n.Level, Spans: r.spans(n)})
		case *ast.Paragraph, *ast.TextBlock:
			r.add(Block{Kind: Paragraph, Spans: r.spans(n)})
		case *ast.List:
			r.list(n, depth)
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			r.add(Block{Kind: Code, Lines: strings.Split(strings.TrimSuffix(r.lines(n), "\n"), "\n")})
		case *ast.HTMLBlock:
			r.add(Block{Kind: Paragraph, Spans: []Span{{Text: strings.TrimSpace(r.lines(n))}}})
		case *table.Table:
			b := Block{Kind: Table}
			for row := n.FirstChild(); row != nil; row = row.NextSibling() {
				var cells [][]Span
				for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
					cells = append(cells, r.spans(cell))
				}
				b.Rows = append(b.Rows, cells)
			}
			r.add(b)
		default:
			r.read(n, depth)
		}
	}
}

func (r *reader) add(b Block) { r.blocks = append(r.blocks, b) }

// list adds the items of a list, and what stands in them.
func (r *reader) list(list *ast.List, depth int) {
	number := list.Start
	for n := list.FirstChild(); n != nil; n = n.NextSibling() {
		b := Block{Kind: Item, Level: depth}
		if list.IsOrdered() {
			b.Number = strconv.Itoa(number) + string(list.Marker)
			number++
		}
		if first := n.FirstChild(); first != nil && (first.Kind() == ast.KindTextBlock || first.Kind() == ast.KindParagraph) {
			b.Spans = r.spans(first)
			n.RemoveChild(n, first)
		}
		r.add(b)
		r.read(n, depth+1)
	}
}

// lines returns the text of a block whose lines are as they stand there.
func (r *reader) lines(n ast.Node) string { return string(n.Lines().Value(r.source)) }

func (r *reader) spans(n ast.Node) []Span {
	s := spans{source: r.source}
	s.read(n, Span{})
	return s.all
}

// spans gathers the text within a block.
type spans struct {
	source []byte
	all    []Span
}

// add adds text in a style, to the span before if that has the same.
func (s *spans) add(style Span, text string) {
	if text == "" {
		return
	}
	if n := len(s.all); n > 0 {
		last := s.all[n-1]
		last.Text = ""
		if last == style {
			s.all[n-1].Text += text
			return
		}
	}
	style.Text = text
	s.all = append(s.all, style)
}

// read adds the text below a node, in a style that has no text.
func (s *spans) read(parent ast.Node, style Span) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		inner := style
		switch n := n.(type) {
		case *ast.Text:
			s.text(n, style)
			continue
		case *ast.AutoLink:
			inner.URL = target(string(n.URL(s.source)))
			s.add(inner, string(n.Label(s.source)))
			continue
		case *ast.RawHTML:
			s.add(style, string(n.Segments.Value(s.source)))
			continue
		case *ast.CodeSpan:
			inner.Code = true
		case *ast.Emphasis:
			inner.Bold = inner.Bold || n.Level > 1
			inner.Italic = inner.Italic || n.Level == 1
		case *ast.Link:
			inner.URL = target(string(n.Destination))
		}
		s.read(n, inner)
	}
}

func (s *spans) text(n *ast.Text, style Span) {
	raw := n.Segment.Value(s.source)
	if style.Code {
		s.add(style, strings.ReplaceAll(string(raw), "\n", " "))
		return
	}
	var b bytes.Buffer // backslashes and entities are resolved where HTML is written
	w := bufio.NewWriter(&b)
	render.DefaultWriter.Write(w, raw)
	w.Flush() //nolint:errcheck // a buffer takes everything
	s.add(style, html.UnescapeString(b.String()))
	switch {
	case n.HardLineBreak():
		s.add(style, "\n")
	case n.SoftLineBreak():
		s.add(style, " ")
	}
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
