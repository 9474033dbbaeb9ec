//go:build e2e

package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

const nativeConfig = shopConfig + `rules:
  native_histograms: {enabled: true, min_series: 1}
`

const nativeRules = `groups:
  - name: shop
    rules:
      - alert: Slow
        expr: histogram_quantile(0.9, sum by (path, le) (rate(shop_latency_seconds_bucket[10s]))) > 0
`

// TestNativeHistograms does what the proposal says: it keeps both forms at
// first and compares each rewritten query with the old one, then it stores the
// native form alone, and as many series go as promised.
func TestNativeHistograms(t *testing.T) {
	dir := t.TempDir()
	shop, address := serveShop(t), freeAddress(t)
	exprs := []string{
		"sum(rate(shop_latency_seconds_count[10s]))", "sum by (path) (rate(shop_latency_seconds_sum[10s]))",
		`rate(shop_latency_seconds_bucket{le="+Inf"}[10s])`, "max(shop_latency_seconds_count)",
		`sum(rate(shop_latency_seconds_bucket{le="0.5"}[10s])) / sum(rate(shop_latency_seconds_count[10s]))`,
		"histogram_quantile(0.5, rate(shop_latency_seconds_bucket[10s]))",
	}
	fill := strings.NewReplacer("SHOP", shop, "URL", "http://"+address)
	config := fill.Replace(rulesPrometheus)
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": config, "rules.yml": nativeRules, "sentei.yml": fill.Replace(nativeConfig), "shop.json": dashboard(exprs...),
	})
	prom := startPrometheus(t, dir, binary(t, "SENTEI_TEST_PROMETHEUS3"), address)
	for _, e := range append(exprs, "ALERTS") {
		eventually(t, "a few scrapes", func() error { return prom.has(e) })
	}
	storedBefore := stored(t, prom)
	r := keptReport(t, dir)
	i := slices.IndexFunc(r.Proposals, func(p sentei.Proposal) bool { return p.Action.Kind == sentei.ConvertHistograms })
	if i < 0 {
		t.Fatalf("no conversion is proposed; problems %+v", r.Problems)
	}
	p := &r.Proposals[i]
	if len(p.Action.Rewrites) != len(exprs)+1 {
		t.Errorf("%d rewrites: %+v", len(p.Action.Rewrites), p.Action.Rewrites)
	}

	const convert = "job_name: shop\n    convert_classic_histograms_to_nhcb: true"
	reloadWith := func(setting string) {
		writeFiles(t, dir, map[string]string{"prometheus.yml": strings.Replace(config, "job_name: shop", setting, 1)})
		if err := prom.reload(); err != nil {
			t.Fatal(err)
		}
	}
	accept(t, dir, p)
	reloadWith(convert + "\n    always_scrape_classic_histograms: true")
	eventually(t, "a range of both forms", func() error { return prom.has("count_over_time(shop_latency_seconds[1m]) > 12") })
	at := time.Now().Add(-time.Second)
	if got := eventuallyTracked(t, dir, p, sentei.Regretted); got.Realised.Series != 0 || !strings.Contains(got.Note, "series are still there") {
		t.Errorf("with both forms %+v are realised: %s", got.Realised, got.Note)
	}
	for _, rewrite := range p.Action.Rewrites {
		sameValues(t, prom, at, rewrite.From, rewrite.To)
	}

	reloadWith(convert)
	eventually(t, "as many series gone as promised", func() error {
		if gone := storedBefore - stored(t, prom); gone != float64(p.Saving.Series) {
			return fmt.Errorf("%v series are gone, %d were promised", gone, p.Saving.Series)
		}
		return nil
	})
	var rewritten []string
	for _, rewrite := range p.Action.Rewrites {
		rewritten = append(rewritten, rewrite.To)
		if err := prom.has(rewrite.To); err != nil {
			t.Error(err)
		}
	}

	if got := eventuallyTracked(t, dir, p, sentei.Regretted); len(got.Regrets) < len(p.Action.Rewrites) {
		t.Errorf("%d queries are not rewritten, and the regrets are %+v", len(p.Action.Rewrites), got.Regrets)
	}
	writeFiles(t, dir, map[string]string{"shop.json": dashboard(rewritten...), "rules.yml": "groups: []"})
	if got := eventuallyTracked(t, dir, p, sentei.Verified); got.Realised != p.Saving || got.Note != "" {
		t.Errorf("promised %+v, realised %+v (%s)", p.Saving, got.Realised, got.Note)
	}
}

// sameValues wants both expressions to return the same series, with values that
// are equal but for rounding.
func sameValues(t *testing.T, prom server, at time.Time, from, to string) {
	t.Helper()
	old, err := prom.valuesAt(from, at)
	if err != nil || len(old) == 0 {
		t.Fatalf("%s returns %d series, %v", from, len(old), err)
	}
	now, err := prom.valuesAt(to, at)
	if err != nil || len(now) != len(old) {
		t.Errorf("%s returns %v, %v; %s returns %v", from, old, err, to, now)
	}
	for labels, text := range old {
		want, _ := strconv.ParseFloat(text, 64)
		got, err := strconv.ParseFloat(now[labels], 64)
		if err != nil || math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s returns %v for %s; %s returns %q", from, want, labels, to, now[labels])
		}
	}
}
