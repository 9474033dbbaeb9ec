package report

import (
	"bytes"
	"fmt"
	"io"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

var tableFormat = Format{
	Name:        "table",
	Extension:   ".txt",
	ContentType: "text/plain; charset=utf-8",
	Title:       "what to know first, for a terminal",
	Top:         20,
	Lists:       true,
	Write: func(w io.Writer, r *sentei.Report, o Options) error {
		return writeText(w, r, o, false)
	},
}

// writeText writes what it costs, in all and by backend, what changed, what to do next, the metrics, what
// was carried out, the findings, the sources and the problems, in this order.
func writeText(w io.Writer, r *sentei.Report, o Options, wide bool) error {
	var buf bytes.Buffer // writes to it cannot fail
	t := &text{view: newView(r), buf: &buf, o: o}
	t.head()
	t.changes()
	t.next()
	t.metrics(wide)
	t.tracked()
	t.findings()
	t.sources()
	t.problems()
	if t.err != nil {
		return fmt.Errorf("write report: %w", t.err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// text writes the parts of the terminal report.
type text struct {
	*view
	buf *bytes.Buffer
	o   Options
	err error // the first that a table returned
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(t.buf, format+"\n", args...) }

func (t *text) title(s string) { t.line("\n%s", bold.paint(s, t.o.Color)) }

func (t *text) grid(g *grid) {
	if err := g.writeTerminal(t.buf, t.o); err != nil && t.err == nil {
		t.err = err
	}
}

func (t *text) head() {
	t.line("%s", bold.paint(t.headline(), t.o.Color))
	t.line("%s", dim.paint(t.origin(), t.o.Color))
	if t.all.metrics > 0 {
		t.line("")
		t.grid(t.totalsGrid())
	}
	if totals := t.backendTotals(); totals != nil && t.o.By != ByBackend {
		t.line("")
		t.grid(t.backendsGrid(totals))
	}
}

// next says what to do: review proposals, and mend what makes verdicts
// unknown.
func (t *text) next() {
	for _, a := range t.advice() {
		t.line("\n%s %s", a.style().paint(a.title+":", t.o.Color), oneLine(a.text))
		if a.command != "" {
			t.line("  %s", a.command)
		}
		for _, b := range a.blockers {
			t.line("  - %s", oneLine(b.text()))
			if b.hint != "" {
				t.line("    %s", dim.paint("→ "+oneLine(b.hint), t.o.Color))
			}
		}
		if a.more > 0 {
			t.line("  - and %s, listed below", number.Plural(a.more, "more problem"))
		}
	}
}

func (t *text) metrics(wide bool) {
	if len(t.Metrics) == 0 {
		return
	}
	g, left := t.costs(t.o, wide)
	t.line("")
	t.grid(g)
	if left > 0 {
		t.line("%s", dim.paint("All metrics: sentei report -o wide", t.o.Color))
	}
}

func (t *text) changes() {
	if c := t.o.Changes; c != nil {
		t.line("")
		p := changesPage{Changes: c, buf: t.buf, o: t.o}
		p.o.Top = topChanges
		if p.write(); t.err == nil {
			t.err = p.err
		}
	}
}

func (t *text) tracked() {
	if len(t.Tracked) > 0 {
		t.title("Carried out")
	}
	for i := range t.Tracked {
		o := &t.Tracked[i]
		t.line("%s: %s", oneLine(trackedPlace(o)), oneLine(t.trackedText(o)))
		for _, regret := range t.regretTexts(o) {
			t.line("  %s", red.paint("→ "+oneLine(regret), t.o.Color))
		}
	}
}

func (t *text) findings() {
	if len(t.Findings) > 0 {
		t.title("Findings")
	}
	for i := range t.Findings {
		f := &t.Findings[i]
		t.line("%s: %s%s", oneLine(findingPlace(f)), oneLine(f.Message), t.findingCost(f))
		if f.Hint != "" {
			t.line("  %s", dim.paint("→ "+oneLine(f.Hint), t.o.Color))
		}
	}
}

func (t *text) sources() {
	if len(t.Sources) > 0 {
		t.title("Sources")
		t.grid(t.sourcesGrid())
		for _, line := range Estimates(t.Report) {
			t.line("%s", dim.paint(oneLine(line), t.o.Color))
		}
	}
}

func (t *text) problems() {
	if len(t.Problems) == 0 {
		return
	}
	t.title("Problems")
	for i := range t.Problems {
		p := &t.Problems[i]
		state := problemState(p)
		s := plain
		if state == "blocking" {
			s = red
		}
		t.line("%s %s: %s", s.paint(state, t.o.Color), oneLine(problemPlace(p)), oneLine(p.Message))
		switch {
		case p.Accepted != "":
			t.line("  %s", dim.paint("accepted: "+oneLine(p.Accepted), t.o.Color))
		case p.Hint != "":
			t.line("  %s", dim.paint("→ "+oneLine(p.Hint), t.o.Color))
		}
		if state == "blocking" {
			t.line("  %s", dim.paint("id "+p.ID, t.o.Color))
		}
	}
}
