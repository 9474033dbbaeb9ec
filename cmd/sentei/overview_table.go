package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei/internal/number"
)

// writeOverview writes the overview for a terminal.
func writeOverview(w io.Writer, o *overview) error {
	var out bytes.Buffer // writes to it cannot fail
	fmt.Fprintf(&out, "%s: %d of %d blocks\n", o.Path, len(o.Blocks), o.BlocksInTotal)
	for i := range o.Blocks {
		o.Blocks[i].write(&out)
	}
	if o.HeadNotRead {
		fmt.Fprint(&out, "\nThe head (wal: samples that no block has yet) is not read; sentei report counts it too.\n")
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("write overview: %w", err)
	}
	return nil
}

func (o *blockOverview) write(out *bytes.Buffer) {
	fmt.Fprintf(out, "\nblock %s  %s, %s\n", o.ULID, o.From.Format(time.RFC3339), model.Duration(o.To.Sub(o.From).Round(time.Second)))
	fmt.Fprintf(out, "%s series · %s samples · %s metrics · %s labels · %s label pairs · %s entries (%s labels a series)\n",
		number.Count(o.Series), number.Count(int64(o.Samples)), number.Count(int64(o.Metrics)), number.Count(int64(o.Labels)),
		number.Count(o.LabelPairs), number.Count(o.Entries), strconv.FormatFloat(float64(o.Entries)/float64(max(1, o.Series)), 'f', 1, 64))

	rows := [][]string{{"METRIC", "SERIES", "SHARE"}}
	for _, m := range o.TopMetrics {
		rows = append(rows, []string{m.Name, number.Count(m.Series), o.share(m.Series)})
	}
	writeRows(out, rows, o.Metrics, "metrics")

	rows = [][]string{{"LABEL", "VALUES", "BYTES OF VALUES", "SERIES", "SHARE"}}
	for _, l := range o.TopLabels {
		rows = append(rows, []string{l.Name, number.Count(l.Values), number.Count(l.ValueBytes), number.Count(l.Series), o.share(l.Series)})
	}
	writeRows(out, rows, o.Labels, "labels")

	rows = [][]string{{"LABEL PAIR", "SERIES", "SHARE"}}
	for _, p := range o.TopPairs {
		rows = append(rows, []string{p.Name + "=" + strconv.Quote(p.Value), number.Count(p.Series), o.share(p.Series)})
	}
	writeRows(out, rows, int(o.LabelPairs)-o.Metrics, "label pairs")
}

func (o *blockOverview) share(series int64) string {
	return strconv.FormatFloat(100*float64(series)/float64(max(1, o.Series)), 'f', 1, 64) + "%"
}

// writeRows writes a table, its first column to the left and all others to the
// right, and how many of all are left out.
func writeRows(out *bytes.Buffer, rows [][]string, all int, what string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		row[0] = shown(row[0])
		for i, c := range row {
			widths[i] = max(widths[i], twwidth.Width(c))
		}
	}
	out.WriteString("\n")
	for _, row := range rows {
		out.WriteString(row[0] + strings.Repeat(" ", widths[0]-twwidth.Width(row[0])))
		for i, c := range row[1:] {
			out.WriteString("   " + strings.Repeat(" ", widths[i+1]-twwidth.Width(c)) + c)
		}
		out.WriteString("\n")
	}
	if n := all - (len(rows) - 1); n > 0 {
		fmt.Fprintf(out, "%s more %s: --top\n", number.Count(int64(n)), what)
	}
}

// shown returns a text fit for one cell of a terminal: without what could move
// the cursor, and not too long.
func shown(s string) string {
	const most = 80
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	return s
}
