// Package digest makes the messages that deliver a report. In go a report and
// what changed since the one before; out comes a notify.Message whose text
// says first what changed. It is a pure function: the same input gives the same
// bytes.
package digest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/store"
)

// Input is what a message is made of.
type Input struct {
	// Name is that of the scheduled report, Part which part of it this is, Due
	// the instant that it is made for.
	Name, Part string
	Due        time.Time
	// Report is the report, or the part of it that the message is about.
	Report *sentei.Report
	// Changes is what happened since the message before; nil in the first.
	Changes *changes.Changes
	// Note is a sentence to begin with, such as how old the report is; may be
	// empty.
	Note string
	// Link is where the daemon shows the report; empty when that is not known.
	Link string
	// Formats are the files to make, Top how many metrics they list; 0 stands
	// for what suits each format.
	Formats []report.Format
	Top     int
	// Trend is the kept reports of what the report is about, the newest first;
	// nil when they are not known.
	Trend []store.ReportInfo
	// Edits and Relabel are those of the message.
	Edits   []notify.Edit
	Relabel string
}

// New makes a message. It fails when a format cannot be written.
func New(in Input) (*notify.Message, error) {
	m := &notify.Message{
		Key:    sentei.HashID("message", in.Name, in.Part, in.Due.UTC().Format(time.RFC3339Nano), in.Report.At.UTC().Format(time.RFC3339Nano)),
		Report: in.Name, Part: in.Part, At: in.Report.At,
		Link: in.Link, Facts: facts(in.Report, in.Changes), Files: []notify.File{}, Edits: in.Edits, Relabel: in.Relabel,
	}
	w := writer{in: in, facts: &m.Facts}
	m.Title, m.Text = w.title(), w.text()
	for _, f := range in.Formats {
		o := report.Options{Top: f.Top, Changes: in.Changes, Trend: in.Trend}
		if in.Top > 0 {
			o.Top = in.Top
		}
		var b bytes.Buffer
		if err := f.Write(&b, in.Report, o); err != nil {
			return nil, err
		}
		m.Files = append(m.Files, notify.File{Name: "report" + f.Extension, ContentType: f.ContentType, Body: b.Bytes()})
	}
	return m, nil
}

// Changed reports whether something has changed that is worth a message: more
// than that logged queries came and went. before may be nil: then it has.
func Changed(before, after *sentei.Report, c *changes.Changes) bool {
	if before == nil || c == nil || len(c.Metrics) > 0 || len(c.Proposals) > 0 {
		return true
	}
	return slices.ContainsFunc(c.Consumers, func(o changes.Consumer) bool { return o.Sort != sentei.Query }) ||
		regrets(before) != regrets(after) || len(blocking(before)) != len(blocking(after))
}

func facts(r *sentei.Report, c *changes.Changes) notify.Facts {
	_, cost, perMonth := r.Total("")
	open, _ := r.InStates(sentei.Open()...)
	saving, savingPerMonth := open.Savings()
	f := notify.Facts{
		Backends: []string{}, Series: cost.Series, PerMonth: perMonth,
		Proposals: len(open.Proposals), SavingSeries: saving.Series, SavingPerMonth: savingPerMonth,
		BlockingProblems: len(blocking(r)), Regrets: regrets(r),
	}
	if perMonth != 0 || c != nil && c.Before.PerMonth != 0 {
		f.Currency = r.Settings.Prices.Currency
	}
	for i := range r.Backends {
		f.Backends = append(f.Backends, r.Backends[i].Name)
	}
	if c != nil {
		series, money := c.After.Series-c.Before.Series, c.After.PerMonth-c.Before.PerMonth
		f.SeriesGrowth, f.PerMonthGrowth = &series, &money
	}
	return f
}

func regrets(r *sentei.Report) int {
	n := 0
	for i := range r.Tracked {
		n += len(r.Tracked[i].Regrets)
	}
	return n
}

// blocking returns the problems that keep verdicts unknown.
func blocking(r *sentei.Report) []*sentei.Problem {
	var out []*sentei.Problem
	for i := range r.Problems {
		if p := &r.Problems[i]; p.Blocking && p.Accepted == "" {
			out = append(out, p)
		}
	}
	return out
}

// writer writes title and text.
type writer struct {
	in    Input
	facts *notify.Facts
	b     strings.Builder
}

func (w *writer) priced() bool { return w.facts.Currency != "" }

// title says in one line what is stored, what it costs and by how much that
// has grown.
func (w *writer) title() string {
	name := w.in.Name
	if w.in.Part != "" {
		name += ", " + w.in.Part
	}
	return name + ": " + w.sums()
}

func (w *writer) sums() string {
	f := w.facts
	s := number.Count(f.Series) + " series"
	if f.SeriesGrowth != nil {
		s += fmt.Sprintf(" (%s)", number.Signed(*f.SeriesGrowth))
	}
	if w.priced() {
		s += fmt.Sprintf(", %s %s/month", number.Money(f.PerMonth), f.Currency)
		if f.PerMonthGrowth != nil {
			s += fmt.Sprintf(" (%s)", number.SignedMoney(*f.PerMonthGrowth))
		}
	}
	return s
}
