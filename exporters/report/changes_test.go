package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/reporttest"
)

// someChanges makes a week of the company of reporttest: one metric is new, one
// is gone, and a deployment made one grow.
func someChanges() *changes.Changes {
	before, after := reporttest.Report(), reporttest.Report()
	before.At = after.At.Add(-7 * 24 * time.Hour)
	before.Metrics = slices.DeleteFunc(before.Metrics, func(m sentei.MetricReport) bool { return m.Name == "up" })
	gone := before.Metrics[0]
	gone.Name, gone.Verdict = "old_metric_total", sentei.Unused
	before.Metrics = append(before.Metrics, gone)
	m := &before.Metrics[slices.IndexFunc(before.Metrics, func(m sentei.MetricReport) bool { return m.Name == "container_network_tcp_usage_total" })]
	m.Verdict = sentei.Unknown
	m.Cost = m.Cost.Part(m.Cost.Series/2, m.Cost.SeriesInSpan/2)
	m.Jobs[0].Cost = m.Cost
	for i := range m.Jobs[0].Labels {
		if l := &m.Jobs[0].Labels[i]; l.Name == "pod" {
			l.Distinct /= 2
		}
	}
	before.Proposals[0].ID = "replaced0000"
	before.Consumers = before.Consumers[1:]
	after.Consumers = after.Consumers[:len(after.Consumers)-1]
	return changes.Between(before, after)
}

func TestChanges(t *testing.T) {
	for _, format := range ChangeFormats() {
		var b bytes.Buffer
		if err := WriteChanges(&b, format, someChanges(), Options{Top: 3}); err != nil {
			t.Fatal(err)
		}
		golden(t, "changes-"+format+".txt", b.String())
	}
	var b bytes.Buffer
	if err := WriteChanges(&b, "csv", someChanges(), Options{}); err == nil || !strings.Contains(err.Error(), "table, markdown, json") {
		t.Error(err)
	}
}

// TestChangesInReports wants what changed in every format but CSV.
func TestChangesInReports(t *testing.T) {
	for _, format := range []string{"table", "wide", "markdown", "html", "json"} {
		got := strings.ReplaceAll(render(t, format, reporttest.Report(), Options{Changes: someChanges()}), "<wbr>", "")
		want := []string{"What changed since 2026-11-13", "old_metric_total", "unknown", "replaced"}
		if format == "json" {
			want = []string{`"changes": {`, "old_metric_total", `"kind": "grew"`}
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s does not say %q", format, w)
			}
		}
	}
}

// TestNotCompared wants the number of metrics that could not be compared once,
// and no word that nothing else changed.
func TestNotCompared(t *testing.T) {
	same := changes.Between(reporttest.Report(), reporttest.Report())
	same.NotCompared = 2
	for _, format := range []string{"table", "markdown", "html"} {
		got := render(t, format, reporttest.Report(), Options{Changes: same})
		if n := strings.Count(got, "Not compared: 2 metrics"); n != 1 || strings.Contains(got, "Nothing else changed") {
			t.Errorf("%s says it %d times", format, n)
		}
	}
}
