package digest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// How many of each the text names. The files have the rest.
const (
	mostChanges   = 5
	mostProposals = 5
	mostRegrets   = 5
	mostProblems  = 3
)

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// rest says how many more there are than the text names.
func (w *writer) rest(all, named int, noun string) {
	if all > named {
		w.line("- and %s", number.Plural(all-named, "more "+noun))
	}
}

// text says what changed, what it costs, what may go, what somebody misses and
// what cannot be judged, in this order.
func (w *writer) text() string {
	if w.in.Note != "" {
		w.line("%s\n", md(w.in.Note))
	}
	w.changes()
	w.proposals()
	w.regrets()
	w.problems()
	if p := w.in.Report.Part; p != nil && p.Shared > 0 {
		w.line("\nOf %s others have series, too: the figures of these are estimates, and so is what changed them.", number.Plural(p.Shared, "metric"))
	}
	if w.in.Link != "" {
		w.line("\n[The whole report](%s)", w.in.Link)
	}
	return strings.TrimSpace(w.b.String()) + "\n"
}

func (w *writer) changes() {
	c := w.in.Changes
	if c == nil {
		w.line("**%s.** This is the first report, so nothing is known of what changed.", md(w.sums()))
		return
	}
	w.line("**%s** since %s.", md(w.sums()), number.Minute(c.From))
	if n := c.Uncertain(); n != "" {
		w.line("\n%s", md(n))
	}
	if len(c.Metrics) == 0 && c.NotCompared > 0 {
		return
	}
	if len(c.Metrics) == 0 {
		w.line("\nNo metric has changed.")
		return
	}
	w.line("\nWhat changed most:\n")
	shown := c.Metrics[:min(mostChanges, len(c.Metrics))]
	for i := range shown {
		w.line("- %s", w.change(&shown[i]))
	}
	w.rest(len(c.Metrics), len(shown), "metric")
}

// change says how a metric changed, and which label of which job did it.
func (w *writer) change(m *changes.Metric) string {
	name := code(m.Name) + w.of(m.Backend)
	var s string
	switch m.Kind {
	case changes.New:
		s = fmt.Sprintf("%s is new: %s series", name, number.Count(m.After.Series))
	case changes.Gone:
		s = fmt.Sprintf("%s is gone: it had %s series", name, number.Count(m.Before.Series))
	case changes.Other:
		s = fmt.Sprintf("%s has %s series as before", name, number.Count(m.After.Series))
	default:
		s = fmt.Sprintf("%s %s by %s series to %s", name, m.Kind, number.Count(max(m.Series(), -m.Series())), number.Count(m.After.Series))
	}
	if w.priced() && m.PerMonth() != 0 {
		s += fmt.Sprintf(" (%s %s/month)", number.SignedMoney(m.PerMonth()), md(w.facts.Currency))
	}
	for i := range m.Causes {
		job := "series without a job"
		if m.Causes[i].Job != "" {
			job = "job " + code(m.Causes[i].Job)
		}
		if i == 0 {
			s += ". In " + job + ": "
		} else {
			s += "; "
		}
		s += md(m.Causes[i].Text())
	}
	if v := m.Verdict(); v != "" {
		s += ". It is " + md(v)
	}
	return s
}

func (w *writer) proposals() {
	open, _ := w.in.Report.InStates(sentei.Open()...)
	if len(open.Proposals) == 0 {
		return
	}
	saving, perMonth := open.Savings()
	w.line("\n%s would save %s%s:\n", number.Plural(len(open.Proposals), "open proposal"), w.saved(saving, perMonth), w.came())
	shown := open.Proposals[:min(mostProposals, len(open.Proposals))]
	for i := range shown {
		p := &shown[i]
		state := ""
		if p.State == sentei.Accepted {
			state = ", accepted"
		}
		w.line("- %s%s: %s%s", md(relabeling.Title(p)), w.of(p.Place.Backend), w.saved(p.Saving, p.SavingPerMonth), state)
	}
	w.rest(len(open.Proposals), len(shown), "proposal")
}

// of names the backend where the report is about several: jobs and metrics of
// the same name are in many of them.
func (w *writer) of(backend string) string {
	if len(w.facts.Backends) < 2 {
		return ""
	}
	return " of " + md(backend)
}

// came says what became of proposals since the message before.
func (w *writer) came() string {
	if w.in.Changes == nil {
		return ""
	}
	n := map[changes.Kind]int{}
	for i := range w.in.Changes.Proposals {
		n[w.in.Changes.Proposals[i].Kind]++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s %s", number.Count(int64(n[kind])), kind))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (since then " + strings.Join(parts, ", ") + ")"
}

func (w *writer) saved(c sentei.Cost, perMonth float64) string {
	s := number.Count(c.Series) + " series"
	if n := c.NewSeriesPerDay(); c.Series == 0 && n > 0 {
		s = number.Count(n) + " new series a day"
	}
	if w.priced() {
		s += fmt.Sprintf(" and %s %s/month", number.Money(perMonth), md(w.facts.Currency))
	}
	return s
}

func (w *writer) regrets() {
	if w.facts.Regrets == 0 {
		return
	}
	w.line("\n**Somebody asks for what was dropped** (%s):\n", number.Plural(w.facts.Regrets, "consumer"))
	shown := 0
	for i := range w.in.Report.Tracked {
		t := &w.in.Report.Tracked[i]
		for _, g := range t.Regrets {
			if shown == mostRegrets {
				break
			}
			shown++
			who := "consumer " + g.Consumer
			if c := w.in.Report.Consumer(g.Consumer); c != nil {
				who = fmt.Sprintf("%s %s", c.Kind, code(c.Name))
				if where := c.Location.String(); where != "" {
					who += " (" + md(where) + ")"
				}
			}
			w.line("- %s asks for %s since %s: %s", who, code(g.Selector), number.Minute(g.Since), md(relabeling.Title(&t.Proposal)))
		}
	}
	w.rest(w.facts.Regrets, shown, "consumer")
}

func (w *writer) problems() {
	all := blocking(w.in.Report)
	if len(all) == 0 {
		return
	}
	metrics, cost, _ := w.in.Report.Total(sentei.Unknown)
	w.line("\n**%s cannot be judged** (%s series), because of:\n", number.Plural(metrics, "metric"), number.Count(cost.Series))
	shown := all[:min(mostProblems, len(all))]
	for _, p := range shown {
		s := code(p.Backend + "/" + p.Source)
		if p.Where != "" {
			s += ", " + md(p.Where)
		}
		s += ": " + md(p.Message)
		if p.Hint != "" {
			s += " → " + md(p.Hint)
		}
		w.line("- %s", s)
	}
	w.rest(len(all), len(shown), "problem")
}

func md(s string) string { return report.MarkdownText(s) }

func code(s string) string { return report.MarkdownCode(s) }
