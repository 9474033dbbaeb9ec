//go:build e2e

package remoteread

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/promapi/promtest"
)

// TestHead reads from the heads of real servers, which have external labels,
// and compares with what PromQL answers.
func TestHead(t *testing.T) {
	for _, variable := range []string{promtest.Prometheus2, promtest.Prometheus3} {
		t.Run(variable, func(t *testing.T) {
			url := promtest.StartPrometheus(t, variable, map[string]string{"prometheus.yml": `
global: {scrape_interval: 1s, external_labels: {cluster: c, zone: z}}
scrape_configs: [{job_name: prometheus, metrics_path: /prom/metrics, static_configs: [{targets: [SELF]}]}]
`})
			r := open(t, url)
			var at time.Time
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
				newest, err := r.Newest(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				at = newest.Add(-time.Second)
				found, _, err := r.client.Query(t.Context(), `count_over_time(up[10s]) >= 3`, at)
				if err == nil && len(found) == 1 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("nothing is scraped: %v", err)
				}
			}
			from := at.Add(-10 * time.Second).UnixMilli()
			want, _, err := r.client.Query(t.Context(), `last_over_time({job="prometheus"}[10s])`, at)
			if err != nil {
				t.Fatal(err)
			}
			series := content(t, r, from, at.UnixMilli(), nil, equal("job", "prometheus"))
			counts := content(t, r, from, at.UnixMilli(), nil, equal("__name__", "up"), equal("cluster", ""))
			if len(series) < len(want) || len(series) < 100 || len(counts) != 1 {
				t.Errorf("%d series by PromQL, %d by remote read, %d of up", len(want), len(series), len(counts))
			}
			found, _, err := r.client.Query(t.Context(), `up`, at)
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			if diff := cmp.Diff(found[0].Labels.String(), counts[0][:len(found[0].Labels.String())]); diff != "" {
				t.Errorf("-PromQL +remote read\n%s", diff)
			}
			if none := content(t, r, from, at.UnixMilli(), nil, equal("job", "prometheus"), equal("cluster", "c")); len(none) > 0 {
				t.Errorf("external labels are seen: %s", fmt.Sprint(none[:1]))
			}
		})
	}
}
