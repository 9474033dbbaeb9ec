//go:build e2e

package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/sentei/sentei"
)

const apiSeriesConfig = `
log: {level: error}
analysis: {min_window: 1s, require: [rules, dashboards]}
backends:
  - name: live
    prometheus_config: prometheus.yml
    inventory:
      - INVENTORY
    usage:
      - rule_files: {paths: [rules.yml]}
      - dashboard_files: {paths: [shop.json]}
      - prometheus_rules: {url: "URL"}
rules:
  drop_unused_values: {min_series: 1}
  drop_unused_buckets: {min_series: 1}
  strip_unused_label: {min_series: 1, min_span: 20h}
  merge_constant_series: {min_series: 1}
`

// TestProposalsOverAPI wants the same proposals from a running server as from
// its directory, executed over the same series, those that ended a day ago
// among them.
func TestProposalsOverAPI(t *testing.T) { eachPrometheus(t, sameOverAPI) }

func sameOverAPI(t *testing.T, prometheus string) {
	dir := t.TempDir()
	shop, address := serveShop(t), freeAddress(t)
	fill := strings.NewReplacer("URL", "http://"+address, `["SHOP"]`, `["`+shop+`"], labels: {zone: a}`)
	panels := []string{
		"sum by (path) (rate(shop_requests_total{code=~\"5..\"}[10s]))", `sum by (path) (rate(shop_latency_seconds_bucket{le="0.5"}[10s]))`,
		"sum by (path) (shop_orders_total)", "max by (sensor) (shop_temperature)",
	}
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": fill.Replace(rulesPrometheus), "rules.yml": rulesRules, "shop.json": dashboard(panels...),
	})
	writeEndedBlock(t, filepath.Join(dir, "data"), shop)
	prom := startPrometheus(t, dir, prometheus, address)
	for _, e := range append(panels, "up", "shop:depth:max", "path:visits:rate") {
		eventually(t, "a few scrapes", func() error { return prom.has(e) })
	}

	type made struct {
		Rule, Metric, Label string
		Values              []string
		Grade               sentei.Grade
		Live                int64
		Executed            *sentei.Executed
	}
	proposals := func(inventory string) (out map[string]made, r *sentei.Report) {
		writeFiles(t, dir, map[string]string{"sentei.yml": fill.Replace(strings.Replace(apiSeriesConfig, "INVENTORY", inventory, 1))})
		r, out = reportOf(t, dir), map[string]made{}
		for i := range r.Proposals {
			p := &r.Proposals[i]
			out[p.ID] = made{p.Rule, p.Action.Metric, p.Action.Label, p.Action.Values, p.Grade, p.Saving.Series, p.Proof.Executed}
		}
		return out, r
	}
	want, _ := proposals(`block: {path: data}`)
	got, r := proposals(`prometheus: {url: "URL"}`)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("proposals (-directory +API):\n%s", d)
	}
	if b := r.Backends[0]; b.Listed.Duration() < 29*time.Hour || b.Listed.Duration() > 30*time.Hour {
		t.Errorf("series are listed from %s to %s", b.Listed.From, b.Listed.To)
	}
	kinds := map[string]int{}
	for _, p := range got {
		kinds[p.Rule]++
		if p.Label == "zone" && p.Metric == "shop_temperature" {
			t.Error("a series that ended a day ago becomes equal to another without zone")
		}
	}
	if kinds["strip_unused_label"] < 2 || kinds["drop_unused_values"] < 1 || kinds["drop_unused_metric"] < 1 {
		t.Errorf("proposals: %v", kinds)
	}
	var told bool
	for _, p := range r.Problems {
		told = told || strings.Contains(p.Message, "become equal")
		t.Logf("problem %s %s: %s (%s)", p.Source, p.Where, p.Message, p.Hint)
	}
	if !told {
		t.Error("no problem says which series become equal")
	}
}

// writeEndedBlock writes what was stored from 30 to 20 hours ago: the target,
// and a series without the label zone.
func writeEndedBlock(t *testing.T, dir, instance string) {
	t.Helper()
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (24 * time.Hour).Milliseconds())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	app := w.Appender(t.Context())
	now := time.Now()
	for at := now.Add(-30 * time.Hour); at.Before(now.Add(-20 * time.Hour)); at = at.Add(2 * time.Minute) {
		for _, set := range []labels.Labels{
			labels.FromStrings(model.MetricNameLabel, "up", "zone", "a", model.JobLabel, "shop", model.InstanceLabel, instance),
			labels.FromStrings(model.MetricNameLabel, "shop_temperature", "sensor", "s0", "vendor", "v0", model.JobLabel, "shop", model.InstanceLabel, instance),
			labels.FromStrings(model.MetricNameLabel, "shop_orders_total", "path", "/gone", "method", "GET", "zone", "a", model.JobLabel, "shop", model.InstanceLabel, instance),
		} {
			if _, err := app.Append(0, set, at.UnixMilli(), 1); err != nil {
				t.Fatal(fmt.Errorf("append %s: %w", set, err))
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
