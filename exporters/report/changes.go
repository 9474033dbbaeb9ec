package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// ChangeFormats lists the formats that WriteChanges knows.
func ChangeFormats() []string { return []string{"table", "markdown", "json"} }

// WriteChanges writes what happened between two reports. Of the options it uses
// Top, for each list, Color and Width.
func WriteChanges(w io.Writer, format string, c *changes.Changes, o Options) error {
	var buf bytes.Buffer
	switch format {
	case "json":
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(c); err != nil {
			return fmt.Errorf("write changes: %w", err)
		}
	case "table", "markdown":
		p := changesPage{Changes: c, buf: &buf, o: o, markdown: format == "markdown"}
		p.write()
		if p.err != nil {
			return fmt.Errorf("write changes: %w", p.err)
		}
	default:
		return fmt.Errorf("unknown format %q: use one of %s", format, strings.Join(ChangeFormats(), ", "))
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write changes: %w", err)
	}
	return nil
}

// topChanges is how many rows of each list a report shows of what changed.
const topChanges = 10

// changesPage writes changes for a terminal or as Markdown.
type changesPage struct {
	*changes.Changes
	buf      *bytes.Buffer
	o        Options
	markdown bool
	err      error
}

func (p *changesPage) write() {
	title := p.title()
	if p.markdown {
		fmt.Fprintf(p.buf, "## %s\n\n%s\n", title, MarkdownText(p.headline()))
	} else {
		fmt.Fprintf(p.buf, "%s\n%s\n", bold.paint(title, p.o.Color), dim.paint(p.headline(), p.o.Color))
	}
	for _, l := range p.lists() {
		p.list(l)
	}
	if n := p.queries(); n != "" {
		fmt.Fprintf(p.buf, "\n%s\n", n)
	}
}

// changeList is one kind of changes, the first of them.
type changeList struct {
	Title string
	*grid
	Rest int // how many more there are
}

// lists returns what there is to show.
func (p *changesPage) lists() []changeList {
	var out []changeList
	for _, l := range []changeList{{"Metrics", p.metrics(), 0}, {"Proposals", p.proposals(), 0}, {"Consumers", p.consumers(), 0}} {
		if p.o.Top > 0 && len(l.rows) > p.o.Top {
			l.Rest = len(l.rows) - p.o.Top
			l.rows = l.rows[:p.o.Top]
		}
		if len(l.rows) > 0 {
			out = append(out, l)
		}
	}
	return out
}

func (p *changesPage) list(l changeList) {
	var err error
	if p.markdown {
		fmt.Fprintf(p.buf, "\n### %s\n\n", l.Title)
		err = l.writeMarkdown(p.buf)
	} else {
		fmt.Fprintf(p.buf, "\n%s\n", bold.paint(l.Title, p.o.Color))
		err = l.writeTerminal(p.buf, p.o)
	}
	if p.err == nil {
		p.err = err
	}
	if l.Rest > 0 {
		fmt.Fprintf(p.buf, "\nand %d more\n", l.Rest)
	}
}

func (p *changesPage) title() string { return "What changed since " + number.Minute(p.From) }

func (p *changesPage) priced() bool { return p.Before.PerMonth != 0 || p.After.PerMonth != 0 }

func (p *changesPage) headline() string {
	s := fmt.Sprintf("Until %s: %s series (%s)", number.Minute(p.To), number.Count(p.After.Series), number.Signed(p.After.Series-p.Before.Series))
	if p.priced() {
		s += fmt.Sprintf(", %s %s/month (%s)", number.Money(p.After.PerMonth), p.currency(), number.SignedMoney(p.After.PerMonth-p.Before.PerMonth))
	}
	if len(p.Metrics)+len(p.Proposals)+len(p.Changes.Consumers)+p.NotCompared == 0 {
		s += ". Nothing else changed"
	}
	s += "."
	if n := p.Changes.Uncertain(); n != "" {
		s += " " + n
	}
	return s
}

func (p *changesPage) currency() string {
	if p.Currency == "" {
		return "money"
	}
	return p.Currency
}

func (p *changesPage) metrics() *grid {
	g := &grid{columns: []column{{title: "backend", drop: 1}, {title: "metric", code: true}, {title: "change"}, {title: "series", right: true}, {title: "by", right: true}}}
	if p.priced() {
		g.columns = append(g.columns, column{title: p.currency() + "/month", right: true})
	}
	g.columns = append(g.columns, column{title: "because", least: 24})
	for i := range p.Metrics {
		m := &p.Metrics[i]
		row := []cell{numeral(m.Backend), numeral(m.Name), numeral(string(m.Kind)), numeral(number.Count(m.After.Series)), numeral(number.Signed(m.Series()))}
		if p.priced() {
			row = append(row, numeral(number.SignedMoney(m.PerMonth())))
		}
		g.rows = append(g.rows, append(row, numeral(m.Because())))
	}
	return g
}

func (p *changesPage) proposals() *grid {
	g := &grid{columns: []column{{title: "id"}, {title: "change"}, {title: "proposal", code: true}, {title: "series", right: true}}}
	if p.priced() {
		g.columns = append(g.columns, column{title: p.currency() + "/month", right: true})
	}
	for i := range p.Proposals {
		o := &p.Proposals[i]
		change := string(o.Kind)
		if o.Kind == changes.New && o.Replaces != "" {
			change += ", replaces " + o.Replaces
		}
		row := []cell{numeral(o.ID), numeral(change), numeral(relabeling.Title(&o.Proposal)), numeral(number.Count(o.Saving.Series))}
		if p.priced() {
			row = append(row, numeral(number.Money(o.SavingPerMonth)))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// consumers lists all but logged queries, which come and go.
func (p *changesPage) consumers() *grid {
	g := &grid{columns: []column{{title: "backend", drop: 1}, {title: "consumer"}, {title: "name", code: true}, {title: "change"}, {title: "where", least: 16}}}
	for _, c := range p.Changes.Consumers {
		if c.Sort != sentei.Query {
			g.rows = append(g.rows, []cell{numeral(c.Backend), numeral(string(c.Sort)), numeral(c.Name), numeral(string(c.Kind)), numeral(c.Location.String())})
		}
	}
	return g
}

func (p *changesPage) queries() string {
	n := map[changes.Kind]int{}
	for _, c := range p.Changes.Consumers {
		if c.Sort == sentei.Query {
			n[c.Kind]++
		}
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[k], k))
	}
	if len(parts) == 0 {
		return ""
	}
	return "Logged queries: " + strings.Join(parts, ", ") + "."
}
