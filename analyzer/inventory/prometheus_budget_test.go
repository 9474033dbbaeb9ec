package inventory

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrometheusSeriesPerScan counts what the fake server is made to touch, and
// looks at what is left out when that is bounded.
func TestPrometheusSeriesPerScan(t *testing.T) {
	tests := map[string]struct {
		perScan  int64
		labels   int // so many metrics at least have labels
		problem  string
		blocking bool
	}{
		"enough":                   {perScan: 1000, labels: 40},
		"the count and some":       {perScan: 250, labels: 7, problem: "the labels of some metrics could not be read; any label of these may have any value"},
		"the count alone":          {perScan: 181, labels: 0, problem: "the labels of some metrics could not be read; any label of these may have any value"},
		"not enough for the count": {perScan: 100, problem: "the series of some metrics could not be counted; these metrics are not in the inventory", blocking: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := manyServer()
			f.static["status/tsdb"] = fmt.Sprintf(`{"headStats":{"numSeries":%d}}`, len(f.active))
			var touched atomic.Int64
			f.fail = func(_ http.ResponseWriter, path, what string) bool {
				if path == "series" || path == "query" && strings.Contains(what, "{") {
					selector := what[strings.Index(what, "{") : strings.LastIndex(what, "}")+1]
					touched.Add(int64(len(f.selected(selector, true))))
				}
				return false
			}
			src := fakeSource(t, f, 20, 100).(*prometheusSource)
			src.MaxSeriesPerScan = tt.perScan
			inv, problems, err := src.Inventory(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			// Guesses of what is not known yet may be wrong by a request each.
			if got := touched.Load(); got > tt.perScan+20 {
				t.Errorf("%d series touched, want no more than %d", got, tt.perScan)
			}
			labels := 0
			for _, m := range inv.Metrics {
				if m.Jobs[0].Labels != nil {
					labels++
				}
			}
			if labels < tt.labels {
				t.Errorf("labels of %d metrics, want %d or more", labels, tt.labels)
			}
			var got []string
			for _, p := range problems {
				if p.Blocking == tt.blocking {
					got = append(got, p.Message)
				}
				if !strings.Contains(p.Hint, "max_series_per_scan") {
					t.Errorf("hint %q", p.Hint)
				}
			}
			var want []string
			if tt.problem != "" {
				want = []string{tt.problem}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
