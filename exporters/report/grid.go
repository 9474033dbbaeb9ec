package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// A grid is a table before it is rendered, for a terminal or as Markdown.
type grid struct {
	columns []column
	rows    [][]cell
}

type column struct {
	title string
	right bool // numbers
	code  bool // names, which Markdown sets in a code span
	least int  // the width it may be shortened to in a terminal; 0: never
	drop  int  // 1 is the first to go where shortening is not enough; 0: never
}

type cell struct {
	text  string
	style style
}

// style is an ANSI sequence, or empty.
type style string

const (
	plain  style = ""
	bold   style = "\x1b[1m"
	dim    style = "\x1b[2m"
	red    style = "\x1b[31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	cyan   style = "\x1b[36m"
	reset        = "\x1b[0m"
)

func (s style) paint(text string, color bool) string {
	if !color || s == plain || text == "" {
		return text
	}
	return string(s) + text + reset
}

// columnGap stands between two columns in a terminal.
const columnGap = "   "

// writeTerminal writes the grid without borders, as kubectl does.
func (g *grid) writeTerminal(w io.Writer, o Options) error {
	g, dropped := g.fit(o.Width)
	t, buf := g.table(renderer.NewBlueprint(tw.Rendition{
		Borders:  tw.BorderNone,
		Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
	}), tablewriter.WithPadding(tw.Padding{Right: columnGap, Overwrite: true}))
	var titles []string
	for _, c := range g.columns {
		titles = append(titles, bold.paint(strings.ToUpper(c.title), o.Color))
	}
	t.Header(titles)
	for _, row := range g.rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.style.paint(oneLine(c.text), o.Color))
		}
		if err := t.Append(cells); err != nil {
			return fmt.Errorf("render table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("render table: %w", err)
	}
	for line := range strings.Lines(buf.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	if len(dropped) > 0 {
		_, err := fmt.Fprintln(w, dim.paint("Left out to fit the width: "+strings.Join(dropped, ", "), o.Color))
		return err
	}
	return nil
}

// writeMarkdown writes the grid as a table of GitHub-flavored Markdown.
func (g *grid) writeMarkdown(w io.Writer) error {
	t, buf := g.table(renderer.NewMarkdown())
	var titles []string
	for _, c := range g.columns {
		titles = append(titles, MarkdownText(c.title))
	}
	t.Header(titles)
	for _, row := range g.rows {
		var cells []string
		for i, c := range row {
			if g.columns[i].code {
				cells = append(cells, MarkdownCode(c.text))
			} else {
				cells = append(cells, MarkdownText(c.text))
			}
		}
		if err := t.Append(cells); err != nil {
			return fmt.Errorf("render table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("render table: %w", err)
	}
	_, err := w.Write(buf.Bytes())
	return err
}

// table returns a table that leaves the text of cells alone, and the buffer
// that it renders into.
func (g *grid) table(r tw.Renderer, more ...tablewriter.Option) (*tablewriter.Table, *bytes.Buffer) {
	var align []tw.Align
	for _, c := range g.columns {
		if c.right {
			align = append(align, tw.AlignRight)
		} else {
			align = append(align, tw.AlignLeft)
		}
	}
	per := tw.CellAlignment{Global: tw.AlignLeft, PerColumn: align}
	var buf bytes.Buffer
	options := append([]tablewriter.Option{
		tablewriter.WithRenderer(r),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(per),
		tablewriter.WithRowAlignmentConfig(per),
		tablewriter.WithEastAsian(tw.Off), // else the locale would decide
	}, more...)
	return tablewriter.NewTable(&buf, options...), &buf
}

// fit returns the grid made to fit into width columns, as far as that goes: it
// shortens the columns that allow it, the last one first, and where that is
// not enough drops those that do not fit beside more important ones. It returns
// their titles, the least important one first.
func (g *grid) fit(width int) (fitted *grid, dropped []string) {
	if width <= 0 {
		return g, nil
	}
	widths := g.widths()
	limits := slices.Clone(widths)
	needed := -len(columnGap)
	var may []int // the columns that may be dropped
	for i, c := range g.columns {
		if c.least > 0 {
			limits[i] = min(widths[i], max(c.least, twwidth.Width(c.title)))
		}
		if c.drop > 0 {
			may = append(may, i)
		} else {
			needed += limits[i] + len(columnGap)
		}
	}
	slices.SortStableFunc(may, func(a, b int) int { return cmp.Compare(g.columns[b].drop, g.columns[a].drop) })
	var drop []int
	for _, i := range may {
		if more := limits[i] + len(columnGap); needed+more <= width {
			needed += more
		} else {
			drop = append(drop, i)
			dropped = append(dropped, g.columns[i].title)
		}
	}
	for i := range g.columns { // what is left goes to the first ones
		if !slices.Contains(drop, i) {
			more := max(0, min(widths[i]-limits[i], width-needed))
			limits[i] += more
			needed += more
		}
	}
	slices.Reverse(dropped)
	return g.limited(limits).without(drop), dropped
}

// widths returns what each column needs.
func (g *grid) widths() []int {
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = twwidth.Width(c.title)
		for _, row := range g.rows {
			widths[i] = max(widths[i], twwidth.Width(oneLine(row[i].text)))
		}
	}
	return widths
}

// without returns the grid without some columns.
func (g *grid) without(drop []int) *grid {
	out := &grid{}
	for i, c := range g.columns {
		if !slices.Contains(drop, i) {
			out.columns = append(out.columns, c)
		}
	}
	for _, row := range g.rows {
		var kept []cell
		for i, c := range row {
			if !slices.Contains(drop, i) {
				kept = append(kept, c)
			}
		}
		out.rows = append(out.rows, kept)
	}
	return out
}

// limited returns the grid with every cell cut to the width of its column.
func (g *grid) limited(widths []int) *grid {
	out := &grid{columns: g.columns}
	for _, row := range g.rows {
		row = slices.Clone(row)
		for i := range row {
			row[i].text = shorten(row[i].text, widths[i])
		}
		out.rows = append(out.rows, row)
	}
	return out
}

// shorten cuts text to the width, with an ellipsis where it was cut.
func shorten(text string, width int) string {
	text = oneLine(text)
	if twwidth.Width(text) <= width {
		return text
	}
	return twwidth.Truncate(text, width-1) + "…"
}

// oneLine replaces what would break a row of a table or move the cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u009b' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}
