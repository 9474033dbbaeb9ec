//go:build e2e

package inventory

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/source"
)

const e2eConfig = `
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: [SELF]}]
    metrics_path: /prom/metrics
  - job_name: node
    scrape_interval: 2s
    honor_labels: true
    static_configs: [{targets: [NODE]}]
    relabel_configs: [{target_label: job, replacement: machines}]
  - job_name: nowhere
  - job_name: again
    static_configs: [{targets: [SELF], labels: {instance: self, job: twin}}]
    metrics_path: /prom/metrics
`

const e2eRules = `
groups:
  - name: g
    interval: 3s
    rules:
      - {record: job:up:sum, expr: sum by (job) (up)}
      - {record: all:up:sum, expr: sum(up)}
`

// TestPrometheusServers compares the inventory with what PromQL answers for
// the same instant.
func TestPrometheusServers(t *testing.T) {
	node := promtest.StartNodeExporter(t)
	for _, variable := range []string{promtest.Prometheus2, promtest.Prometheus3} {
		t.Run(variable, func(t *testing.T) {
			url := promtest.StartPrometheus(t, variable, map[string]string{
				"prometheus.yml": strings.ReplaceAll(e2eConfig, "NODE", node),
				"rules.yml":      e2eRules,
			})
			cfg := promapi.DefaultConfig()
			cfg.URL = url
			client, err := promapi.New(cfg, "", slog.New(slog.DiscardHandler), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			promtest.Eventually(t, "scrapes and rules", func() bool {
				samples, _, err := client.Query(t.Context(), `count(node_load1) + count(all:up:sum) + count(up == 1) == 5`, time.Time{})
				return err == nil && len(samples) == 1
			})
			for _, perQuery := range []int{100_000, 50} { // in one query, in shards
				t.Run(fmt.Sprint(perQuery), func(t *testing.T) {
					compareWithServer(t, client, url, perQuery)
				})
			}
		})
	}
}

func compareWithServer(t *testing.T, client *promapi.Client, url string, perQuery int) {
	env := source.Env{Backend: "b", Name: "prometheus", Logger: slog.New(slog.DiscardHandler), Now: time.Now}
	o := prometheusOptions{Config: promapi.DefaultConfig(), Lookback: 3_600_000_000_000, LabelMetrics: 10_000, MaxSeriesPerQuery: perQuery, MaxSeriesPerScan: maxSeriesPerScan}
	o.URL = url
	src, err := newPrometheus(o, env)
	if err != nil {
		t.Fatal(err)
	}
	inv, problems, err := src.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Errorf("problems: %+v", problems)
	}

	var got, want []string
	for _, m := range inv.Metrics {
		for _, j := range m.Jobs {
			if j.Cost.Series > 0 {
				got = append(got, fmt.Sprintf("%s %s %d", m.Name, j.Job, j.Cost.Series))
			}
			if j.Labels == nil {
				t.Errorf("%s of %s has no label statistics", m.Name, j.Job)
			}
		}
	}
	samples, _, err := client.Query(t.Context(), `count by (__name__, job) ({__name__!=""})`, inv.To)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		want = append(want, fmt.Sprintf("%s %s %.0f", s.Labels.Get("__name__"), s.Labels.Get("job"), s.Value))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-server +inventory):\n%s", diff)
	}

	for _, metric := range []string{"node_cpu_seconds_total", "prometheus_http_request_duration_seconds_bucket", "up", "job:up:sum", "all:up:sum"} {
		compareLabels(t, client, inv, metric)
	}
	wantJobs := []sentei.ScrapeJob{
		{Name: "again", JobLabels: []string{"twin"}, Interval: time.Second, Targets: 1},
		{Name: "node", JobLabels: []string{"machines"}, HonorLabels: true, Interval: 2 * time.Second, Targets: 1},
		{Name: "nowhere", Interval: time.Second},
		{Name: "prometheus", JobLabels: []string{"prometheus"}, Interval: time.Second, Targets: 1},
	}
	if diff := cmp.Diff(wantJobs, inv.ScrapeJobs); diff != "" {
		t.Errorf("scrape jobs (-want +got):\n%s", diff)
	}
	wantTwice := []sentei.DuplicateTarget{{URL: url + "/metrics", Targets: []sentei.ScrapeTarget{
		{ScrapeJob: "again", Job: "twin", Instance: "self"},
		{ScrapeJob: "prometheus", Job: "prometheus", Instance: strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/prom")},
	}}}
	if diff := cmp.Diff(wantTwice, inv.DuplicateTargets); diff != "" {
		t.Errorf("duplicate targets (-want +got):\n%s", diff)
	}
}

// compareLabels checks the what-if of every label by asking the server.
func compareLabels(t *testing.T, client *promapi.Client, inv *sentei.Inventory, name string) {
	t.Helper()
	count := func(expr string) int64 {
		samples, _, err := client.Query(t.Context(), expr, inv.To)
		if err != nil {
			t.Fatal(err)
		}
		if len(samples) == 0 {
			return 0
		}
		return int64(samples[0].Value)
	}
	i := slices.IndexFunc(inv.Metrics, func(m sentei.Metric) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no metric %s", name)
	}
	for _, j := range inv.Metrics[i].Jobs {
		selector := fmt.Sprintf("{%s,%s}", labels.MustNewMatcher(labels.MatchEqual, "__name__", name), labels.MustNewMatcher(labels.MatchEqual, "job", j.Job))
		for _, l := range j.Labels {
			want := [3]int64{
				count(fmt.Sprintf(`count(last_over_time(%s[1h]) and last_over_time({%s!=""}[1h]))`, selector, l.Name)),
				count(fmt.Sprintf(`count(count by (%s) (last_over_time(%s[1h]) and last_over_time({%s!=""}[1h])))`, l.Name, selector, l.Name)),
				count(fmt.Sprintf(`count(count without (%s) (%s))`, l.Name, selector)),
			}
			got := [3]int64{l.Series, l.Distinct, l.SeriesWithoutLive}
			if got != want {
				t.Errorf("%s: label %s: series, distinct values, live series without it: got %v, the server says %v", selector, l.Name, got, want)
			}
			if !l.Complete || int64(len(l.Values)) != l.Distinct {
				t.Errorf("%s: label %s is not complete", selector, l.Name)
			}
		}
	}
}
