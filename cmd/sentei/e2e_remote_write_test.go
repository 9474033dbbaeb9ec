//go:build e2e

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

const remotePrometheus = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: shop
    static_configs: [{targets: ["SHOP"]}]
remote_write:
  - name: long-term
    url: RECEIVER/api/v1/write
    queue_config: {batch_send_deadline: 1s}
`

const remoteRules = `groups:
  - name: shop
    rules:
      - alert: NoOrders
        expr: sum(rate(shop_orders_total[10s])) < 0
      - alert: Hot
        expr: max by (sensor, vendor) (shop_temperature) > 25
      - alert: Noise
        expr: count(shop_noise) < 10
`

const remoteConfig = `
log: {level: error}
analysis: {min_window: 1s, require: [dashboards]}
store: {path: sentei.db}
backends:
  - name: near
    prometheus_config: prometheus.yml
    inventory:
      - block: {path: data}
      - prometheus: {url: "SENDER"}
    usage:
      - prometheus_rules: {url: "SENDER"}
      - dashboard_files: {paths: [near.json]}
  - name: far
    isolated: true
    inventory:
      - prometheus: {url: "RECEIVER"}
    usage:
      - dashboard_files: {paths: [far.json]}
rules:
  cut_remote_write:
    links: [{from: near, remote_write: long-term, to: far}]
    min_series: 1
`

// TestCutRemoteWrite lets one Prometheus send to another, and cuts what nobody
// reads there: it ends there and goes on at the sender, and the consumers of
// both return what they did before.
func TestCutRemoteWrite(t *testing.T) { eachPrometheus(t, cutRemoteWrite) }

func cutRemoteWrite(t *testing.T, prometheus string) {
	dir, receiverDir := t.TempDir(), t.TempDir()
	shop, sender, receiver := serveShop(t), freeAddress(t), freeAddress(t)
	nearExprs := []string{`ALERTS{alertname="Hot"}`, "max by (sensor, vendor) (shop_temperature)", "count(shop_noise)", "sum by (pod) (shop_pod_info)", "max by (queue) (shop_depth)"}
	farExprs := []string{"up", "max by (queue) (shop_depth)", `count by (code) (shop_requests_total{code=~"5.."})`}
	fill := strings.NewReplacer("SHOP", shop, "RECEIVER", "http://"+receiver, "SENDER", "http://"+sender)
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": fill.Replace(remotePrometheus), "rules.yml": remoteRules, "sentei.yml": fill.Replace(remoteConfig),
		"near.json": dashboard(nearExprs...), "far.json": dashboard(farExprs...),
	})
	writeFiles(t, receiverDir, map[string]string{"prometheus.yml": ""})
	// Remote write marks nothing as stale: what is cut is gone after the lookback.
	far := startPrometheus(t, receiverDir, prometheus, receiver, "--web.enable-remote-write-receiver", "--query.lookback-delta=10s")
	near := startPrometheus(t, dir, prometheus, sender)
	for _, e := range nearExprs {
		eventually(t, "a scrape", func() error { return near.has(e) })
	}
	for _, e := range append(farExprs, `ALERTS{alertname="Hot"}`) {
		eventually(t, "what is sent", func() error { return far.has(e) })
	}

	nearBefore, farBefore := valuesOf(t, near, nearExprs), valuesOf(t, far, farExprs)
	r := keptReport(t, dir)
	applyDiff(t, dir)
	if err := near.reload(); err != nil {
		t.Fatal(err)
	}
	cut := map[string]bool{}
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if p.Rule != "cut_remote_write" {
			continue
		}
		cut[p.Action.Metric] = true
		gone := takenAway(p)
		if n, err := near.count(fmt.Sprintf("count(%s)", gone)); err != nil || n != float64(p.Saving.Series) {
			// What nobody reads at the sender either is dropped there.
			t.Errorf("%s: it promises %d series, the sender has %v of %s, %v", relabeling.Title(p), p.Saving.Series, n, gone, err)
		}
		eventually(t, relabeling.Title(p), func() error { return far.hasNot(gone) })
	}
	for _, metric := range []string{"shop_noise", "shop_temperature", "shop_orders_total", "shop_requests_total", "ALERTS"} {
		if !cut[metric] {
			t.Errorf("%s is not cut, but %v", metric, cut)
		}
	}
	if d := cmp.Diff(nearBefore, valuesOf(t, near, nearExprs)); d != "" {
		t.Errorf("a consumer of the sender sees a difference: %s", d)
	}
	if d := cmp.Diff(farBefore, valuesOf(t, far, farExprs)); d != "" {
		t.Errorf("a consumer of the receiver sees a difference: %s", d)
	}

	wantAllVerified(t, dir, r)
	writeFiles(t, dir, map[string]string{"far.json": dashboard(append(farExprs, "shop_noise")...)})
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Rule == "cut_remote_write" && p.Action.Metric == "shop_noise" {
			eventuallyTracked(t, dir, p, sentei.Regretted)
		}
	}
}
