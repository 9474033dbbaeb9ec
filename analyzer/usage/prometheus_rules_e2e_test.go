//go:build e2e

package usage

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/source"
)

const e2eConfig = `
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: ["*.rules.yml"]
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: [SELF]}]
    metrics_path: /prom/metrics
`

// TestPrometheusRulesServers reads more groups than one page holds, one rule
// of each failing, and finds out that somebody federates.
func TestPrometheusRulesServers(t *testing.T) {
	const groups = 450
	var rules strings.Builder
	rules.WriteString("groups:\n")
	for i := range groups {
		fmt.Fprintf(&rules, `  - name: g%03d
    rules:
      - {record: "up:sum%03d", expr: sum(up), labels: {n: "%d"}}
      - {alert: Broken, expr: 'up + on() group_right() {__name__=~"up|prometheus_build_info"}', annotations: {s: '{{ query "vector(1)" | first | value }}'}}
`, i, i, i)
	}
	for _, variable := range []string{promtest.Prometheus2, promtest.Prometheus3} {
		t.Run(variable, func(t *testing.T) {
			o := prometheusRulesOptions{Config: promapi.DefaultConfig(), Lang: sentei.PromQL}
			o.URL = promtest.StartPrometheus(t, variable, map[string]string{"prometheus.yml": e2eConfig, "a.rules.yml": rules.String()})
			src, err := newPrometheusRules(o, source.Env{Backend: "b", Name: "prometheus_rules", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			var data *sentei.UsageData
			read := func() {
				t.Helper()
				if data, err = src.Consumers(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			promtest.Eventually(t, "load rules", func() bool { read(); return len(data.Consumers) > 0 })
			kinds := make(map[string]int)
			for _, c := range data.Consumers {
				kinds[fmt.Sprintf("%s %s", c.Kind, c.Text)]++
				if c.Opaque != "" || !strings.HasSuffix(c.Location.File, "a.rules.yml") {
					t.Errorf("consumer %+v", c)
				}
			}
			want := map[string]int{
				"recording rule sum(up)":   groups,
				"alerting rule vector(1)":  groups,
				"alerting rule " + broken2: groups,
			}
			if diff := cmp.Diff(want, kinds); diff != "" {
				t.Errorf("consumers (-want +got):\n%s", diff)
			}
			if len(data.Problems) > 0 {
				t.Errorf("problems: %+v", data.Problems)
			}

			resp, err := http.Get(o.URL + `/federate?match[]=up`)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			promtest.Eventually(t, "notice the federation", func() bool { read(); return len(data.Problems) > 0 })
			if p := data.Problems[0]; len(data.Problems) != 1 || !strings.Contains(p.Message, "/federate") || !p.Blocking {
				t.Errorf("problems: %+v", data.Problems)
			}
		})
	}
}

const broken2 = `up + on () group_right () {__name__=~"up|prometheus_build_info"}`
