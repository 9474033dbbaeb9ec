package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

var markdownFormat = Format{
	Name:        "markdown",
	Extension:   ".md",
	ContentType: "text/markdown; charset=utf-8",
	Title:       "for a pull request or a wiki",
	Top:         50,
	Lists:       true,
	Write:       writeMarkdown,
}

// writeMarkdown writes GitHub-flavored Markdown: the sections of table, and
// the proposals, one table a grade.
func writeMarkdown(w io.Writer, r *sentei.Report, o Options) error {
	var buf bytes.Buffer // writes to it cannot fail
	d := &document{view: newView(r), buf: &buf}
	d.line("# What the metrics cost")
	d.line("\n**%s**  \n%s", MarkdownText(d.headline()), MarkdownText(d.origin()))
	if d.all.metrics > 0 {
		d.line("")
		d.grid(d.totalsGrid())
	}
	if totals := d.backendTotals(); totals != nil && o.By != ByBackend {
		d.line("\n## Backends\n")
		d.grid(d.backendsGrid(totals))
	}
	if o.Changes != nil {
		d.line("")
		p := changesPage{Changes: o.Changes, buf: &buf, o: Options{Top: topChanges}, markdown: true}
		if p.write(); d.err == nil {
			d.err = p.err
		}
	}
	d.next()
	d.proposals(o.Top)
	d.metrics(o)
	d.tracked()
	d.findings()
	d.sources()
	d.problems()
	if d.err != nil {
		return fmt.Errorf("write Markdown report: %w", d.err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write Markdown report: %w", err)
	}
	return nil
}

// document writes the parts of the Markdown report.
type document struct {
	*view
	buf *bytes.Buffer
	err error // the first that a table returned
}

func (d *document) line(format string, args ...any) { fmt.Fprintf(d.buf, format+"\n", args...) }

func (d *document) grid(g *grid) {
	if err := g.writeMarkdown(d.buf); err != nil && d.err == nil {
		d.err = err
	}
}

func (d *document) next() {
	d.line("\n## What to do next")
	for _, a := range d.advice() {
		d.line("\n**%s:** %s", a.title, MarkdownText(a.text))
		if a.command != "" {
			d.line("\n```console\n%s\n```", a.command)
		}
		if len(a.blockers) > 0 {
			d.line("")
		}
		for _, b := range a.blockers {
			if b.where == "" {
				d.line("- %s", MarkdownText(b.message))
			} else {
				d.line("- %s: %s", markdownPlace(b.where), MarkdownText(b.message))
			}
			if b.hint != "" {
				d.line("  → %s", MarkdownText(b.hint))
			}
		}
		if a.more > 0 {
			d.line("- and %s, listed below", number.Plural(a.more, "more problem"))
		}
	}
}

func (d *document) proposals(top int) {
	if len(d.Proposals) == 0 {
		return
	}
	d.line("\n## Proposals")
	for _, group := range d.byGrade(top) {
		d.line("\n### Grade %s: %s\n", MarkdownText(GradeName(group.grade)), group.grade.Meaning())
		d.grid(d.proposalsGrid(group))
		if rest := group.rest(); rest != "" {
			d.line("\n%s; all together %s.", rest, MarkdownText(d.saved(group.open.cost, group.open.perMonth)))
		}
		if others := group.others(); others != "" {
			d.line("\n%s.", others)
		}
		if g := d.errorsGrid(group); g != nil {
			d.line("\nMeasured by rehearsal: how far values are off that are read from an aggregate.\n")
			d.grid(g)
		}
	}
}

func (d *document) metrics(o Options) {
	if len(d.Metrics) == 0 {
		return
	}
	title := "Metrics by cost"
	if o.By != "" && o.By != ByMetric {
		title = "Cost by " + string(o.By)
	}
	d.line("\n## %s\n", title)
	g, _ := d.costs(o, false)
	d.grid(g)
}

func (d *document) tracked() {
	if len(d.Tracked) > 0 {
		d.line("\n## Carried out\n")
	}
	for i := range d.Tracked {
		t := &d.Tracked[i]
		d.line("- %s: %s", markdownPlace(trackedPlace(t)), MarkdownText(d.trackedText(t)))
		for _, regret := range d.regretTexts(t) {
			d.line("  - %s", MarkdownText(regret))
		}
	}
}

func (d *document) findings() {
	if len(d.Findings) > 0 {
		d.line("\n## Findings\n")
	}
	for i := range d.Findings {
		f := &d.Findings[i]
		d.line("- %s: %s%s", markdownPlace(findingPlace(f)), MarkdownText(f.Message), MarkdownText(d.findingCost(f)))
		if f.Hint != "" {
			d.line("  → %s", MarkdownText(f.Hint))
		}
	}
}

func (d *document) sources() {
	if len(d.Sources) > 0 {
		d.line("\n## Sources\n")
		d.grid(d.sourcesGrid())
		for _, line := range Estimates(d.Report) {
			d.line("\n%s", MarkdownText(line))
		}
	}
}

func (d *document) problems() {
	if len(d.Problems) == 0 {
		return
	}
	d.line("\n## Problems\n")
	for i := range d.Problems {
		p := &d.Problems[i]
		d.line("- **%s** %s: %s", problemState(p), markdownPlace(problemPlace(p)), MarkdownText(p.Message))
		switch {
		case p.Accepted != "":
			d.line("  accepted: %s", MarkdownText(p.Accepted))
		case p.Hint != "":
			d.line("  → %s", MarkdownText(p.Hint))
		}
	}
}

// markdownPlace writes "backend/source, where" with the source as code: a
// forge would take edge/grafana#2 for an issue.
func markdownPlace(place string) string {
	source, where, found := strings.Cut(place, ", ")
	if !found {
		return MarkdownCode(source)
	}
	return MarkdownCode(source) + ", " + MarkdownText(where)
}

// MarkdownText escapes what Markdown would take for markup, a vertical bar
// among them, which would else end the cell of a table, and keeps a name after
// @ from calling its owner.
func MarkdownText(s string) string {
	runes := []rune(oneLine(s))
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	var b strings.Builder
	for i, r := range runes {
		switch {
		case strings.ContainsRune("\\`*|[]~#", r), r == '_' && !(word(i-1) && word(i+1)):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' && word(i+1) && !word(i-1):
			b.WriteString("@\u200b")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// MarkdownCode writes a code span. Its fence is longer than any run of
// backticks within; a vertical bar is escaped there too, as tables want it.
func MarkdownCode(s string) string {
	s = strings.ReplaceAll(oneLine(s), "|", `\|`)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	fence, pad := "`", ""
	for strings.Contains(s, fence) {
		fence += "`"
		pad = " "
	}
	return fence + pad + s + pad + fence
}
