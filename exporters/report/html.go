package report

import (
	"bytes"
	"fmt"
	"html/template"
	"io"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

var htmlFormat = Format{
	Name:        "html",
	Extension:   ".html",
	ContentType: "text/html; charset=utf-8",
	Title:       "one page with charts and evidence, for a browser or for print",
	Top:         300,
	Write:       writeHTML,
}

// writeHTML writes one file that needs neither the network nor scripts. Its
// only addresses are links to where consumers are defined.
func writeHTML(w io.Writer, r *sentei.Report, o Options) error {
	css, err := StyleSheet()
	if err != nil {
		return err
	}
	t, err := Templates()
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, "report.html", newPage(r, o, css)); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

// A page is what the template shows, as text.
type page struct {
	Summary
	Style      template.CSS
	Title      string
	Backends   []backendRow // with a sum at the end; none when there is only one
	Jobs       []jobSaving
	Grades     []gradeTable
	Metrics    []metricRow
	Rest       string // what the table of metrics leaves out
	Changes    *changesView
	Trend      *Trend
	Waterfall  *Waterfall
	Tracked    []trackedRow
	Findings   []findingRow
	Sources    []sourceRow
	Estimates  []string
	Problems   []problemRow
	HasMetrics bool
	Version    int
}

type backendRow struct {
	Name, Metrics, Series, Amount, Share, Used, Partly, Unused, Unknown, Proposals, Saving string
}

type jobSaving struct {
	Job, Backend, Amount, Series string
	Count                        int
	W                            string // percent of the biggest
}

type trackedRow struct {
	Place, Text string
	Regrets     []string
}

type findingRow struct{ Place, Message, Hint string }

type sourceRow struct {
	Backend, Name, Class, Found, Window string
	Up                                  bool
}

type problemRow struct{ State, Place, Message, Hint, Accepted, ID string }

func newPage(r *sentei.Report, o Options, css template.CSS) page {
	v := newView(r)
	p := page{
		Summary: v.summary(nil), Style: css, Title: "What the metrics cost",
		Jobs: v.jobSavings(), Grades: v.gradeTables(o.Top), HasMetrics: len(v.Metrics) > 0, Version: v.Version,
	}
	for _, t := range v.backendTotals() {
		p.Backends = append(p.Backends, v.backendRow(&t))
	}
	listed := map[string]bool{}
	for _, g := range p.Grades {
		for i := range g.Proposals {
			listed[g.Proposals[i].ID] = true
		}
	}
	rows, rest := v.top(o.Top)
	for _, m := range rows {
		row := v.htmlMetric(m)
		for i := range row.Proposals {
			row.Proposals[i].Listed = listed[row.Proposals[i].ID]
		}
		p.Metrics = append(p.Metrics, row)
	}
	if rest.metrics > 0 {
		p.Rest = "and " + number.Plural(rest.metrics, "more metric") + ", together " + v.amount(rest.cost, rest.perMonth)
	}
	p.Changes = htmlChanges(o.Changes)
	p.Trend, p.Waterfall = v.trend(o.Trend), v.waterfall()
	for i := range v.Tracked {
		t := &v.Tracked[i]
		p.Tracked = append(p.Tracked, trackedRow{trackedPlace(t), v.trackedText(t), v.regretTexts(t)})
	}
	for i := range v.Findings {
		f := &v.Findings[i]
		p.Findings = append(p.Findings, findingRow{findingPlace(f), f.Message + v.findingCost(f), f.Hint})
	}
	for i := range v.Sources {
		s := &v.Sources[i]
		row := sourceRow{Backend: s.Backend, Name: s.Name, Class: string(s.Class), Found: found(s), Window: window(s.Window), Up: s.Up}
		if row.Class == "" {
			row.Class = "inventory"
		}
		p.Sources = append(p.Sources, row)
	}
	p.Estimates = Estimates(r)
	for i := range v.Problems {
		o := &v.Problems[i]
		p.Problems = append(p.Problems, problemRow{problemState(o), problemPlace(o), o.Message, o.Hint, o.Accepted, o.ID})
	}
	return p
}
