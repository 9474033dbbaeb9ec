//go:build e2e

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/sentei/sentei"
)

const aggregateConfig = `
log: {level: error}
analysis: {min_window: 1s, require: [dashboards]}
store: {path: sentei.db}
backends:
  - name: far
    prometheus_config: shop.yml   # what comes from the sender
    inventory:
      - prometheus: {url: "RECEIVER"}
    usage:
      - dashboard_files: {paths: [far.json]}
rules:
  pre_aggregate: {enabled: true, min_series: 1}
`

// TestAggregateAtRemoteWrite stores at a receiver what a recording rule writes
// in the place of the raw series: that is seen there, and so is who still reads
// the raw series.
func TestAggregateAtRemoteWrite(t *testing.T) { eachPrometheus(t, aggregateAtRemoteWrite) }

func aggregateAtRemoteWrite(t *testing.T, prometheus string) {
	dir, receiverDir := t.TempDir(), t.TempDir()
	shop, sender, receiver := serveShop(t), freeAddress(t), freeAddress(t)
	exprs := []string{"max by (vendor) (shop_temperature)", "up"}
	fill := strings.NewReplacer("SHOP", shop, "RECEIVER", "http://"+receiver)
	config := fill.Replace(remotePrometheus)
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": config, "rules.yml": "groups: []", "sentei.yml": fill.Replace(aggregateConfig), "far.json": dashboard(exprs...),
		"shop.yml": config[:strings.Index(config, "remote_write:")],
	})
	writeFiles(t, receiverDir, map[string]string{"prometheus.yml": ""})
	far := startPrometheus(t, receiverDir, prometheus, receiver, "--web.enable-remote-write-receiver", "--query.lookback-delta=10s")
	near := startPrometheus(t, dir, prometheus, sender)
	for _, e := range exprs {
		eventually(t, "what is sent", func() error { return far.has(e) })
	}

	r := keptReport(t, dir)
	i := slices.IndexFunc(r.Proposals, func(p sentei.Proposal) bool {
		return p.Action.Kind == sentei.Aggregate && p.Action.Metric == "shop_temperature"
	})
	if i < 0 {
		t.Fatalf("no aggregation is proposed; problems %+v", r.Problems)
	}
	p := &r.Proposals[i]
	accept(t, dir, p)
	rules := run(t, dir, "propose", "-o", "recording_rules")
	writeFiles(t, dir, map[string]string{
		"rules.yml": strings.ReplaceAll(rules, "interval: 1m", "interval: 1s"), // a minute is long for a test
		"prometheus.yml": strings.Replace(config, "name: long-term\n",
			"name: long-term\n    write_relabel_configs: [{source_labels: [__name__], regex: shop_temperature, action: drop}]\n", 1),
	})
	if err := near.reload(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the aggregate", func() error { return far.has(p.Action.Recordings[0].Record) })

	got := eventuallyTracked(t, dir, p, sentei.Regretted)
	if len(got.Regrets) != 1 || !strings.Contains(got.Regrets[0].Selector, "shop_temperature") {
		t.Errorf("the query is not rewritten yet, and the regrets are %+v", got.Regrets)
	}
	writeFiles(t, dir, map[string]string{"far.json": dashboard(p.Action.Rewrites[0].To, "up")})
	got = eventuallyTracked(t, dir, p, sentei.Verified)
	if got.Realised != p.Saving || !strings.HasPrefix(got.Note, "seen by the series alone") {
		t.Errorf("promised %+v, realised %+v (%s)", p.Saving, got.Realised, got.Note)
	}
	if err := far.has(p.Action.Rewrites[0].To); err != nil {
		t.Error(err)
	}
}
