package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/sentei/sentei"
)

// decidedReport has three open proposals of 10 series each, a rejected one of
// 1000, a snoozed one of 2000 and one of 4000 that stands and falls with the
// rejected one.
func decidedReport() *sentei.Report {
	r := &sentei.Report{Version: sentei.ReportVersion, Backends: []sentei.Backend{{Name: "b"}, {Name: "other"}}}
	m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "m", Jobs: []sentei.JobMetric{{Job: "a", Cost: sentei.Cost{Series: 10_000}}}}, Usage: sentei.Usage{Verdict: sentei.Unused}}
	m.Cost = m.Metric.Cost()
	r.Metrics = []sentei.MetricReport{m}
	add := func(id, group string, state sentei.State, series int64) {
		r.Proposals = append(r.Proposals, sentei.Proposal{
			ID: id, Group: group, Rule: "drop_unused_values", Grade: sentei.GradeA, State: state, Place: sentei.Place{Backend: "b", ScrapeJob: "a", Job: "a"},
			Action: sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: "l", Values: []string{id}}, Saving: sentei.Cost{Series: series},
		})
	}
	add("p1", "", sentei.Pending, 10)
	add("p2", "", sentei.Accepted, 10)
	add("p3", "", sentei.Pending, 10)
	add("p4", "g", sentei.Rejected, 1000)
	add("p5", "", sentei.Snoozed, 2000)
	add("p6", "g", sentei.Pending, 4000)
	return r
}

// TestDecidedIsNotCounted looks for the sum of the open proposals wherever
// savings are summed up, with the others beside it.
func TestDecidedIsNotCounted(t *testing.T) {
	r := decidedReport()
	if cost, _ := r.Savings(); cost.Series != 30 {
		t.Errorf("saves %d series", cost.Series)
	}
	for format, wants := range map[string][]string{
		"table":    {"3 proposals would save 30 series (0.3% of all); not counted: 1 pending, 1 rejected, 1 snoozed"},
		"markdown": {"3 proposals would save 30 series", "3 proposals decided against or put off are not counted."},
		"html":     {"3 proposals, not counted: 1 pending, 1 rejected, 1 snoozed", "3 proposals decided against or put off are not counted", "30&nbsp;series"},
	} {
		var b bytes.Buffer
		for _, f := range Formats() {
			if f.Name == format {
				if err := f.Write(&b, r, Options{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, want := range wants {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s lacks %q:\n%s", format, want, b.String())
			}
		}
	}
	for _, by := range []By{"", ByBackend} {
		var b bytes.Buffer
		if err := writeCSV(&b, r, Options{By: by}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		cells := map[string]string{}
		for i, name := range rows[0] {
			cells[name] = rows[1][i]
		}
		if cells["saving_series"] != "30" || cells["proposals"] != "3" {
			t.Errorf("by %q: %v, want 30 series of 3", by, cells)
		}
	}
	s := NewSummary(r, func(*sentei.MetricReport) string { return "" })
	all := *r
	all.Proposals = append([]sentei.Proposal(nil), r.Proposals...)
	for i := range all.Proposals {
		all.Proposals[i].State = sentei.Rejected
	}
	if text := s.Decided(&all).Advice[0].Text; text != "nothing. All proposals are decided: 6 rejected." {
		t.Error(text)
	}
}
