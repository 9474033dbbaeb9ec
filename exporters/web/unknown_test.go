package web

import (
	"strings"
	"testing"

	"github.com/sentei/sentei/internal/reporttest"
)

// TestNotKnownIsNoZero wants pages to say what is estimated, and "?" for
// numbers that nobody counted.
func TestNotKnownIsNoZero(t *testing.T) {
	r := reporttest.Report()
	for i := range r.Backends {
		r.Backends[i].Estimated = []string{"churn_per_hour", "ended_per_hour", "memory_bytes"}
	}
	m := r.Metric("prod", "container_tasks_state")
	m.Cost.ChurnPerHour, m.Cost.EndedPerHour = 0, 0
	l := &m.Jobs[0].Labels[0]
	l.SeriesWithout, l.SeriesWithoutLive = -1, -1
	r.Proposals[0].Saving.ChurnPerHour = 0
	h := newTest(t, r, nil)
	for path, wants := range map[string][]string{
		"/" + metricPath("prod", m.Name):      {"? new series an hour, ? ended", `<td class="num">?</td>`},
		"/" + proposalPath(r.Proposals[0].ID): {"? new series an hour"},
		"/ui/problems":                        {"prod, estimated: memory; not known of all metrics: series created per hour, series ended per hour"},
	} {
		page := get(t, h, path).Body.String()
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is missing", path, want)
			}
		}
	}
}
