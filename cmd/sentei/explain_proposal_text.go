package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// write writes the explanation as Markdown that reads well on a terminal.
func (e *proposalExplanation) write(w io.Writer, r *sentei.Report) error {
	var b strings.Builder
	section := func(title string) { fmt.Fprintf(&b, "\n## %s\n\n", title) }
	fmt.Fprintf(&b, "# %s\n\n", e.Title)
	fmt.Fprintf(&b, "- id: %s, %s\n- kind: %s\n- grade: %s, %s\n- place: backend %s, %s\n",
		e.ID, e.State, e.Rule, e.Grade, e.Grade.Meaning(), e.Place.Backend, place(&e.Place))
	if e.Group != "" {
		fmt.Fprintf(&b, "- stands and falls with:%s\n", fellows(r, &e.Proposal))
	}

	section("Saving")
	b.WriteString(e.savings(r.Settings.Prices.Currency))

	section("Evidence")
	for _, v := range e.Evidence {
		fmt.Fprintf(&b, "- %s\n", v.Claim)
		if v.Query != "" {
			fmt.Fprintf(&b, "  `%s`\n", v.Query)
		}
	}

	section("Proof")
	e.writeProof(&b, r)
	if h := e.Rehearsal; h != nil {
		section("Rehearsal")
		how := "without a difference"
		if e.Tolerance > 0 {
			how = "with an error of no more than " + number.Percent(e.Tolerance)
		}
		fmt.Fprintf(&b, "%d consumers read a series that it changes; %d of them were replayed %s.\n", h.Consumers, h.Replayed, how)
		if h.Detail != "" {
			fmt.Fprintf(&b, "%s.\n", h.Detail)
		}
		e.writeErrors(&b, r)
	}

	section("When it is deployed")
	if e.Transient > 0 {
		fmt.Fprintf(&b, "Results may differ for %s, until the longest range that looks back over that moment has passed.\n", model.Duration(e.Transient))
	} else {
		b.WriteString("Results do not change, not even in that moment.\n")
	}
	for _, s := range [][2]string{{"Risk", e.Risk}, {"Check before", e.Check}, {"Undo after", e.Rollback}} {
		if s[1] != "" {
			section(s[0])
			fmt.Fprintf(&b, "%s\n", s[1])
		}
	}
	e.writeChange(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

func place(p *sentei.Place) string {
	text := "rule files"
	switch {
	case p.RemoteWrite != "":
		text = "remote_write " + p.RemoteWrite
	case p.ScrapeJob != "":
		text = "scrape job " + p.ScrapeJob
	}
	if p.Shared {
		text += fmt.Sprintf(", for series with job=%q alone, as others pass it too", p.Job)
	}
	return text
}

// fellows lists the proposals of the same group.
func fellows(r *sentei.Report, p *sentei.Proposal) string {
	var b strings.Builder
	for i := range r.Proposals {
		if o := &r.Proposals[i]; o.Group == p.Group && o.ID != p.ID {
			fmt.Fprintf(&b, "\n  - %s (%s)", relabeling.Title(o), o.ID)
		}
	}
	return b.String()
}

// savings says what it saves now and what every day.
func (e *proposalExplanation) savings(currency string) string {
	c := e.Saving
	if c == (sentei.Cost{}) {
		return "Counted at another proposal, for the series may come through several scrape jobs or several proposals drop them.\n"
	}
	now := c
	now.ChurnPerHour, now.EndedPerHour = 0, 0
	text := fmt.Sprintf("- now: %s\n", relabeling.Saving(now, e.SavingPerMonth, currency))
	if c.Series == 0 && c.SamplesPerSecond == 0 && c.MemoryBytes > 0 {
		text += "- it saves bytes in memory and index: the number of series, and a bill per series, stay the same\n"
	}
	if n := c.NewSeriesPerDay(); n > 0 {
		text += fmt.Sprintf("- each day: %s new series that would not be created\n", number.Count(n))
	}
	if c.SeriesInSpan > c.Series {
		text += fmt.Sprintf("- in the time looked at: %s series\n", number.Count(c.SeriesInSpan))
	}
	if c.Series > 0 && c.MemoryBytes > 0 {
		text += fmt.Sprintf("- memory of the head, estimated: %s\n", number.Size(c.MemoryBytes))
	}
	if c.DiskBytesPerDay > 0 {
		text += fmt.Sprintf("- disk, estimated: %s a day\n", number.Size(c.DiskBytesPerDay))
	}
	return text
}

func (e *proposalExplanation) writeProof(b *strings.Builder, r *sentei.Report) {
	if e.Proof == nil {
		b.WriteString("There is none.\n")
		return
	}
	fmt.Fprintf(b, "%s\n\nLooked at: %d living consumers of the backend, with %d selectors.\n", e.Proof.Theorem, e.Proof.Consumers, e.Proof.Selectors)
	if len(e.Proof.Readers) == 0 {
		b.WriteString("None of them reads what it takes away.\n")
	} else {
		fmt.Fprintf(b, "%d selectors read it and do not notice:\n\n", len(e.Proof.Readers))
	}
	last := ""
	for _, reader := range e.Proof.Readers {
		if c := r.Consumer(reader.Consumer); c != nil && c.ID != last {
			fmt.Fprintf(b, "- %s %q", c.Kind, c.Name)
			if where := c.Location.String(); where != "" {
				fmt.Fprintf(b, " (%s)", where)
			}
			b.WriteString("\n")
		}
		last = reader.Consumer
		fmt.Fprintf(b, "  - `%s` %s\n", reader.Selector, reader.Because)
	}
	x := e.Proof.Executed
	switch {
	case x == nil && e.Relabel == "":
		return
	case x == nil:
		b.WriteString("\nIts rule was not executed, for the series could not be listed.\n")
		return
	}
	fmt.Fprintf(b, "\nExecuted by Prometheus's relabel code over the %d stored series that it is asked about: %d of them change, exactly those planned", x.Series, x.Changed)
	if x.Distinct {
		b.WriteString(", and the series that remain are distinct")
	}
	b.WriteString(".\n")
}

// writeChange writes the relabel rule, or what to change instead of one.
func (e *proposalExplanation) writeChange(b *strings.Builder, r *sentei.Report) {
	fmt.Fprintf(b, "\n## The change\n\n")
	if e.Relabel != "" {
		fmt.Fprintf(b, "```yaml\n%s\n```\n", strings.TrimSpace(e.Relabel))
		return
	}
	fmt.Fprintf(b, "%s: %s.\n", relabeling.Change(&e.Action), e.NoRelabel)
	for _, id := range e.Action.Rules {
		if c := r.Consumer(id); c != nil {
			fmt.Fprintf(b, "- recording rule %s (%s)\n", c.Name, c.Location)
		}
	}
	for _, w := range e.Action.Rewrites {
		who := w.Consumer
		if c := r.Consumer(who); c != nil {
			who = fmt.Sprintf("%s %q (%s)", c.Kind, c.Name, c.Location)
		}
		fmt.Fprintf(b, "- %s:\n  `%s`\n  becomes\n  `%s`\n", who, w.From, w.To)
	}
	if len(e.Action.Recordings) > 0 {
		fmt.Fprintf(b, "\nRecording rules that store it, every %s:\n\n", model.Duration(e.Action.Interval))
	}
	for _, rec := range e.Action.Recordings {
		fmt.Fprintf(b, "- `%s`\n  `%s`\n", rec.Record, rec.Expr)
	}
}

// writeErrors lists what was measured, the worst first.
func (e *proposalExplanation) writeErrors(b *strings.Builder, r *sentei.Report) {
	for i := range e.Rehearsal.Errors {
		m := &e.Rehearsal.Errors[i]
		who := m.Consumer
		if c := r.Consumer(who); c != nil {
			who = fmt.Sprintf("%s %q (%s)", c.Kind, c.Name, c.Location)
		}
		fmt.Fprintf(b, "\n- %s:\n  `%s`\n  off by %s at most, %s in the median of %d instants, %s when the aggregate was just stored;\n  worst at %s, %s after that: %s\n",
			who, m.Expr, number.Percent(m.Max), number.Percent(m.Median), m.Instants, number.Percent(m.Aligned), m.At.Format(time.RFC3339), m.Age.Round(time.Second), m.Detail)
	}
}
