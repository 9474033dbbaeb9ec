package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

func newExplainProposal() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proposal ID",
		Short: "Print a proposal in full: saving, evidence, proof, rehearsal, risk and its relabel rule",
		Long: `Print all that is known about one proposal: what it changes where, what that
saves now and every day, the evidence with queries to check it by hand, the
proof, how its rehearsal went, what is off while it is deployed, and its relabel
rule. The first digits of the ID will do.`,
		Args: exactly(1),
		RunE: explainProposal,
	}
	cmd.Flags().StringP("output", "o", "text", "format: text (Markdown) or json")
	cmd.Flags().Bool("rehearse", false, "rehearse the proposals first, and withdraw those that make a difference")
	return cmd
}

func explainProposal(cmd *cobra.Command, args []string) error {
	output, _ := cmd.Flags().GetString("output")
	if output != "text" && output != "json" {
		return usageError{fmt.Errorf("--output is %q: want text or json", output)}
	}
	r, _, err := scan(cmd, nil, func(c *config.Config) {
		if cmd.Flags().Changed("rehearse") {
			c.Rehearsal.Enabled, _ = cmd.Flags().GetBool("rehearse")
		}
	})
	if err != nil {
		return err
	}
	p, err := findProposal(r, args[0])
	if err != nil {
		return err
	}
	e, err := explainedProposal(r, p)
	if err != nil {
		return err
	}
	if output == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(e)
	}
	return e.write(cmd.OutOrStdout(), r)
}

// findProposal returns the proposal whose ID is the text or begins with it.
func findProposal(r *sentei.Report, id string) (*sentei.Proposal, error) {
	var found []*sentei.Proposal
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if p.ID == id {
			return p, nil
		}
		if strings.HasPrefix(p.ID, id) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("none of the %d proposals has the ID %q: sentei propose and sentei report name them; it may be applied, withdrawn or exempt", len(r.Proposals), id)
	default:
		return nil, fmt.Errorf("%d proposals have IDs that begin with %q: give more of it", len(found), id)
	}
}

// proposalExplanation is a proposal with what its proof refers to.
type proposalExplanation struct {
	sentei.Proposal
	Title string `json:"title"`
	// Consumers are those that the proof names, in its order.
	Consumers []*sentei.Consumer `json:"consumers,omitempty"`
	// Relabel is the proposal in the dialect of Prometheus; empty when no
	// relabel rule carries it out, and NoRelabel says why.
	Relabel   string `json:"relabel,omitempty"`
	NoRelabel string `json:"no_relabel,omitempty"`
}

func explainedProposal(r *sentei.Report, p *sentei.Proposal) (*proposalExplanation, error) {
	e := &proposalExplanation{Proposal: *p, Title: relabeling.Title(p)}
	seen := map[string]bool{}
	if p.Proof != nil {
		for _, reader := range p.Proof.Readers {
			if c := r.Consumer(reader.Consumer); c != nil && !seen[c.ID] {
				seen[c.ID] = true
				e.Consumers = append(e.Consumers, c)
			}
		}
	}
	_, not := relabeling.Configs(p)
	if not != nil {
		e.NoRelabel = not.Error()
	} else if err := e.setRelabel(r); err != nil {
		return nil, err
	}
	return e, nil
}

// setRelabel writes the proposal alone in the dialect of Prometheus.
func (e *proposalExplanation) setRelabel(r *sentei.Report) error {
	dialect, err := relabel.ByName("prometheus")
	if err != nil {
		return err
	}
	alone := r.OfBackends(e.Place.Backend)
	alone.Proposals = []sentei.Proposal{e.Proposal}
	var text strings.Builder
	if err := dialect.Write(&text, alone, relabel.Options{}); err != nil {
		return err
	}
	e.Relabel = text.String()
	return nil
}

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
		fmt.Fprintf(&b, "%d consumers read a series that it changes; %d of them were replayed without a difference.\n", h.Consumers, h.Replayed)
		if h.Detail != "" {
			fmt.Fprintf(&b, "%s.\n", h.Detail)
		}
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
	now.ChurnPerHour = 0
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
}
