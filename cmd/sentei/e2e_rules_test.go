//go:build e2e

package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

const rulesPrometheus = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: shop
    static_configs: [{targets: ["SHOP"]}]
`

const rulesRules = `groups:
  - name: shop
    rules:
      - record: job:orders:rate
        expr: sum by (job) (rate(shop_orders_total[10s]))
      # For a report that is gone.
      - record: path:visits:rate
        expr: sum by (path) (rate(shop_visits_total[10s]))
      - record: sensor:temperature:max
        expr: max by (sensor) (shop_temperature)
      - alert: NoOrders
        expr: job:orders:rate < 0
      - alert: Hot
        expr: sensor:temperature:max > 25
  - name: gone
    rules:
      - record: shop:depth:max
        expr: max(shop_depth)
`

const rulesConfig = shopConfig + `      - prometheus_rules: {url: "URL"}
rules:
  drop_unused_values: {min_series: 1}
  drop_unused_buckets: {min_series: 1}
  strip_unused_label: {min_series: 1, min_span: 0s, observed: true}
  merge_constant_series: {min_series: 1, min_span: 10m}
`

// TestProposalsKeepTheirPromise applies one diff with every kind of change that
// it can hold: dead recording rules with their inputs, metrics, values, buckets,
// labels, and series that become one. What each proposal promised to save is
// what goes, to the series, and every consumer returns what it did before.
func TestProposalsKeepTheirPromise(t *testing.T) { eachPrometheus(t, keepPromises) }

func keepPromises(t *testing.T, prometheus string) {
	dir := t.TempDir()
	shop, address := serveShop(t), freeAddress(t)
	steady := []string{ // their values are the same at any time
		`max by (pod) (shop_pod_info)`, "sensor:temperature:max", `ALERTS{alertname="Hot",alertstate="firing"}`, "up",
		`count by (code) (shop_requests_total{code=~"5.."})`,
	}
	moving := []string{
		"job:orders:rate", `sum by (path) (rate(shop_requests_total{code=~"5.."}[10s]))`,
		`sum by (path) (rate(shop_latency_seconds_bucket{le="0.5"}[10s]))`, "shop_orders_total",
	}
	fill := strings.NewReplacer("SHOP", shop, "URL", "http://"+address)
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": fill.Replace(rulesPrometheus), "rules.yml": rulesRules, "sentei.yml": fill.Replace(rulesConfig),
		"shop.json": dashboard(append(moving, steady...)...),
	})
	writePodBlock(t, filepath.Join(dir, "data"), shop)
	prom := startPrometheus(t, dir, prometheus, address)
	for _, e := range append(moving, append(steady, "path:visits:rate", "shop:depth:max")...) {
		eventually(t, "a few scrapes", func() error { return prom.has(e) })
	}

	labelsBefore, valuesBefore := results(t, prom, moving), valuesOf(t, prom, steady)
	storedBefore := stored(t, prom)
	r := keptReport(t, dir)
	promised := wantPromises(t, prom, r)
	applyDiff(t, dir)
	check := exec.CommandContext(t.Context(), binary(t, "SENTEI_TEST_PROMTOOL"), "check", "rules", "rules.yml")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("check rules: %v\n%s", err, out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "rules.yml")); err != nil || strings.Contains(string(text), "gone") {
		t.Errorf("the rule file is, %v:\n%s", err, text)
	}
	if err := prom.reload(); err != nil {
		t.Fatal(err)
	}
	for i := range r.Proposals {
		if p := &r.Proposals[i]; !p.Action.Merges {
			eventually(t, relabeling.Title(p), func() error { return prom.hasNot(goneWith(r, p)) })
		}
	}
	eventually(t, "as many series gone as promised", func() error {
		if gone := storedBefore - stored(t, prom); gone != promised {
			return fmt.Errorf("%v series are gone, %v were promised", gone, promised)
		}
		return nil
	})
	if d := cmp.Diff(labelsBefore, results(t, prom, moving)); d != "" {
		t.Errorf("a consumer sees a difference: %s", d)
	}
	if d := cmp.Diff(valuesBefore, valuesOf(t, prom, steady)); d != "" {
		t.Errorf("a consumer sees a difference: %s", d)
	}

	wantAllVerified(t, dir, r)
	writeFiles(t, dir, map[string]string{"shop.json": dashboard("path:visits:rate", "shop_orders_total{method=\"GET\"}")})
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Action.Metric == "path:visits:rate" {
			if got := eventuallyTracked(t, dir, p, sentei.Regretted); len(got.Regrets) != 1 {
				t.Errorf("regrets %+v", got.Regrets)
			}
		}
	}
}

// writePodBlock writes the past of a metric whose series may become one: only
// blocks tell that all of its samples are 1.
func writePodBlock(t *testing.T, dir, instance string) {
	t.Helper()
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (2 * time.Hour).Milliseconds())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	app := w.Appender(t.Context())
	end := time.Now().Add(-10 * time.Minute)
	for at := end.Add(-30 * time.Minute); at.Before(end); at = at.Add(30 * time.Second) {
		past := func(label ...string) {
			set := labels.FromStrings(append(label, model.JobLabel, "shop", model.InstanceLabel, instance)...)
			if _, err := app.Append(0, set, at.UnixMilli(), 1); err != nil {
				t.Fatal(err)
			}
		}
		past(model.MetricNameLabel, "up")
		for pod := range 10 {
			for container := range 3 {
				past(model.MetricNameLabel, "shop_pod_info", "pod", fmt.Sprint("p", pod), "container", fmt.Sprint("c", container))
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// stored returns how many series have samples now.
func stored(t *testing.T, prom server) float64 {
	t.Helper()
	n, err := prom.count(`count({__name__!=""})`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantPromises holds what each proposal promises to save against the series
// that are there, and returns the sum.
func wantPromises(t *testing.T, prom server, r *sentei.Report) float64 {
	t.Helper()
	var sum float64
	made := map[string]int{}
	for i := range r.Proposals {
		p := &r.Proposals[i]
		made[p.Rule]++
		sum += float64(p.Saving.Series)
		want := fmt.Sprintf("count(%s)", goneWith(r, p))
		switch {
		case p.Action.Merges:
			want = fmt.Sprintf("count(%s) - count(count without (%s) (%[1]s))", p.Action.Metric, p.Action.Label)
		case p.Action.Kind == sentei.StripLabel:
			want = "vector(0)" // as many series as before
		}
		if n, err := prom.count(want); err != nil || n != float64(p.Saving.Series) {
			t.Errorf("%s: it promises %d series, %s is %v, %v", relabeling.Title(p), p.Saving.Series, want, n, err)
		}
	}
	for rule, atLeast := range map[string]int{
		"delete_dead_rule": 2, "drop_unused_metric": 3, "drop_unused_values": 1, "drop_unused_buckets": 1,
		"strip_unused_label": 1, "merge_constant_series": 1,
	} {
		if made[rule] < atLeast {
			t.Errorf("%d proposals of %s, want %d", made[rule], rule, atLeast)
		}
	}
	for _, p := range r.Problems {
		t.Logf("problem %s %s: %s (%s)", p.Source, p.Where, p.Message, p.Hint)
	}
	return sum
}

// goneWith selects what must be gone when the proposal has been deployed.
func goneWith(r *sentei.Report, p *sentei.Proposal) string {
	if p.Action.Kind == sentei.DeleteRules {
		return fmt.Sprintf("{__name__=%q}", r.Consumer(p.Action.Rules[0]).Records)
	}
	return takenAway(p)
}
