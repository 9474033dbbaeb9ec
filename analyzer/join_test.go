package analyzer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// TestJoinUncounted calls nothing unused that was not counted, and goes on to
// call other metrics so.
func TestJoinUncounted(t *testing.T) {
	inv := &sentei.Inventory{Metrics: []sentei.Metric{
		{Name: "big", Jobs: []sentei.JobMetric{{Job: "a", Uncounted: true}, {Job: "b", Uncounted: true}}},
		{Name: "small", Jobs: []sentei.JobMetric{{Job: "a"}}},
	}}
	reports := join(inv, nil, nil, time.Time{})
	want := []sentei.Usage{
		{Verdict: sentei.Unknown, Reasons: []string{"its series could not be counted"}},
		{Verdict: sentei.Unused},
	}
	for i, r := range reports {
		if diff := cmp.Diff(want[i], r.Usage); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Name, diff)
		}
	}
}
