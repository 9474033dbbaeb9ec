//go:build e2e

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

const e2eVictoriaMetricsScrape = `
scrape_configs:
  - job_name: node
    scrape_interval: 1s
    static_configs:
      - targets: ["NODE"]
`

const e2eVictoriaMetricsConfig = `
log: {level: error}
analysis: {require: [queries], min_window: 1ms}
backends:
  - name: vm
    inventory:
      - victoriametrics: {url: "URL"}
    usage:
      - victoriametrics_names: {url: "URL"}
`

// TestEndToEndVictoriaMetrics scrapes a node exporter with VictoriaMetrics and
// asks for one metric: only that is used, however often sentei looks, since
// looking leaves no trace in the tracker.
func TestEndToEndVictoriaMetrics(t *testing.T) {
	dir := t.TempDir()
	node, address := freeAddress(t), freeAddress(t)
	vm := server{"http://" + address}
	fill := strings.NewReplacer("NODE", node, "URL", vm.url)
	for file, text := range map[string]string{"scrape.yml": e2eVictoriaMetricsScrape, "sentei.yml": e2eVictoriaMetricsConfig} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(fill.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, dir, binary(t, "SENTEI_TEST_NODE_EXPORTER"), "--web.listen-address="+node)
	start(t, dir, binary(t, "SENTEI_TEST_VICTORIAMETRICS"), "-storageDataPath=data", "-httpListenAddr="+address,
		"-promscrape.config=scrape.yml", "-search.latencyOffset=0s", "-retentionPeriod=2d")
	eventually(t, "an asked metric", func() error {
		if resp, err := http.Get(vm.url + "/internal/force_flush"); err == nil {
			resp.Body.Close()
		}
		return vm.has("node_load1")
	})

	for range 3 {
		r := reportOf(t, dir)
		for _, p := range r.Problems {
			t.Errorf("problem %+v", p)
		}
		for name, want := range map[string]sentei.Verdict{
			"node_load1": sentei.Used, "node_load5": sentei.Unused, "node_cpu_seconds_total": sentei.Unused, "up": sentei.Unused,
		} {
			if m := r.Metric("vm", name); m == nil || m.Verdict != want {
				t.Errorf("%s is %+v, want %s", name, m, want)
			}
		}
		cpu := r.Metric("vm", "node_cpu_seconds_total")
		if left, known := cpu.Without("mode"); !known || left.Without >= cpu.Cost.Series {
			t.Errorf("without mode: %+v, known: %v", left, known)
		}
		want := []sentei.ScrapeJob{{Name: "node", JobLabels: []string{"node"}, Interval: time.Second, Targets: 1}}
		if diff := cmp.Diff(want, r.Backends[0].ScrapeJobs); diff != "" {
			t.Errorf("scrape jobs (-want +got):\n%s", diff)
		}
	}
}
