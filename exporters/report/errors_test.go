package report

import (
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

// aggregate returns the report with one proposal, of grade C, whose error was
// measured for so many readers.
func aggregate(readers int) *sentei.Report {
	r := reporttest.Report()
	p := sentei.Proposal{
		ID: "abc", Rule: "pre_aggregate", Grade: sentei.GradeC, State: sentei.Pending, Tolerance: 0.05,
		Place:     sentei.Place{Backend: "prod", ScrapeJob: "node", Job: "node"},
		Action:    sentei.Action{Kind: sentei.Aggregate, Metric: "node_load1", Labels: []string{"instance"}, Function: "max", Interval: time.Minute},
		Saving:    sentei.Cost{Series: 90},
		Rehearsal: &sentei.RehearsalResult{Consumers: readers, Replayed: readers},
	}
	for i := range readers {
		p.Rehearsal.Errors = append(p.Rehearsal.Errors, sentei.MeasuredError{
			Consumer: r.Consumers[i].ID, Expr: `max(node_load1:max_without_instance) > <b>`, Max: 0.04 / float64(i+1), Median: 0.0001, At: r.At.Add(-time.Hour),
			Age: 59999 * time.Millisecond, Instants: 48, Detail: "{} 2.5 → 2.4",
		})
	}
	r.Proposals = []sentei.Proposal{p}
	return r
}

// TestErrors shows what a rehearsal measured.
func TestErrors(t *testing.T) {
	markdown := render(t, "markdown", aggregate(3), Options{Top: 2})
	section := markdown[strings.Index(markdown, "## Proposals"):]
	golden(t, "errors.md", section[:strings.Index(section, "## Metrics")])
	html := render(t, "html", aggregate(10), Options{})
	for _, want := range []string{
		"10 of 10 consumers that read what it changes replayed with an error of no more than 5.0%.",
		"off by 4.0% at most, &lt;0.1% in the median, 0.0% when the aggregate was just stored", "1m after<br><code>max(node_load1:max_without_instance) &gt; &lt;b&gt;</code> {} 2.5 → 2.4",
		"<li>and 2 more</li>",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if json := render(t, "json", aggregate(1), Options{}); !strings.Contains(json, `"median": 0.0001`) || !strings.Contains(json, `"tolerance": 0.05`) {
		t.Error("the JSON lacks the error or the tolerance")
	}
}
