package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

// counted is what a source that asks an API and no samples tells of the backend
// edge: no churn, and for some series not which are active.
func counted() *sentei.Report {
	r := reporttest.Report()
	b := &r.Backends[slices.IndexFunc(r.Backends, func(b sentei.Backend) bool { return b.Name == "edge" })]
	b.Estimated = []string{"churn_per_hour", "disk_bytes_per_day", "ended_per_hour", "memory_bytes", "samples_per_second", "series", "series_in_span"}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend != "edge" {
			continue
		}
		for k := range m.Jobs {
			j := &m.Jobs[k]
			j.Cost.ChurnPerHour, j.Cost.EndedPerHour = 0, 0
			// The site can be judged in all but one metric, the pop in none.
			n := j.Cost.Series
			site := sentei.LabelStats{Name: "site", Series: n, Distinct: 19, SeriesWithout: n - n/2, SeriesWithoutLive: -1}
			pop := sentei.LabelStats{Name: "pop", Series: n, Distinct: 3, SeriesWithout: -1, SeriesWithoutLive: -1}
			j.Cost.SeriesInSpan = n
			if m.Name == "up" {
				j.Cost.SeriesInSpan = 2 * n
			}
			j.Labels = []sentei.LabelStats{pop, site}
		}
		m.Cost = m.Metric.Cost()
	}
	return r
}

// TestGoldenOfWhatIsNotKnown wants "?" or "≥", never 0.
func TestGoldenOfWhatIsNotKnown(t *testing.T) {
	edge := counted().OfBackends("edge")
	golden(t, "not-known-wide.txt", render(t, "wide", edge, Options{Top: 3}))
	golden(t, "not-known-both-wide.txt", render(t, "wide", counted(), Options{Top: 3}))
	golden(t, "not-known-by-label.txt", render(t, "table", edge, Options{By: ByLabel}))
	golden(t, "not-known.md", render(t, "markdown", edge, Options{}))
	golden(t, "not-known.csv", render(t, "csv", edge, Options{}))
	page := render(t, "html", edge, Options{})
	for _, want := range []string{
		"<p class=\"explain\">estimated: active series, disk, memory, samples per second, series in the span; not known: series created per hour, series ended per hour</p>",
		"<code>pop</code>, 3 values: ? series without it", "<code>site</code>, 19 values: 38 series without it",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestEstimates(t *testing.T) {
	partly := counted()
	partly.Metrics[slices.IndexFunc(partly.Metrics, func(m sentei.MetricReport) bool { return m.Backend == "edge" })].Cost.ChurnPerHour = 3
	newer := &sentei.Report{Backends: []sentei.Backend{{Name: "b", Estimated: []string{"something_new"}}}}
	exact := &sentei.Report{Backends: []sentei.Backend{{Name: "b"}}}
	for name, c := range map[string]struct {
		report *sentei.Report
		want   []string
	}{
		"two backends": {reporttest.Report(), []string{"edge, estimated: disk, memory", "prod, estimated: memory"}},
		"known of some": {partly.OfBackends("edge"), []string{"estimated: active series, disk, memory, samples per second, series in the span; " +
			"not known: series ended per hour; not known of all metrics: series created per hour"}},
		"no name for it": {newer, []string{"estimated: something_new"}},
		"nothing":        {exact, nil},
	} {
		if d := cmp.Diff(c.want, Estimates(c.report)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
