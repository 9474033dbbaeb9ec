//go:build e2e

package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

const intervalConfig = shopConfig + `rules:
  longer_scrape_interval: {enabled: true, min_samples_per_second: 1}
`

const intervalRules = `groups:
  - name: shop
    rules:
      - alert: NoOrders
        expr: sum(rate(shop_orders_total[40s])) < 0
`

// TestLongerScrapeInterval sets the interval that is proposed: a quarter of the
// shortest range. Every consumer still returns the same series, from two
// samples in half of the range or more, and as many samples a second are saved
// as promised.
func TestLongerScrapeInterval(t *testing.T) { eachPrometheus(t, longerScrapeInterval) }

func longerScrapeInterval(t *testing.T, prometheus string) {
	dir := t.TempDir()
	shop, address := serveShop(t), freeAddress(t)
	exprs := []string{"sum by (path) (rate(shop_orders_total[40s]))", "shop_temperature", "max_over_time(shop_depth[1m])", "sum(shop_noise)", "up"}
	fill := strings.NewReplacer("SHOP", shop, "URL", "http://"+address)
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": fill.Replace(rulesPrometheus), "rules.yml": intervalRules, "sentei.yml": fill.Replace(intervalConfig),
		"shop.json": dashboard(exprs...),
	})
	prom := startPrometheus(t, dir, prometheus, address)
	eventually(t, "more than ten scrapes", func() error { return prom.has(`count_over_time(up{job="shop"}[1m]) > 10`) })

	before := results(t, prom, exprs)
	r := keptReport(t, dir)
	i := slices.IndexFunc(r.Proposals, func(p sentei.Proposal) bool { return p.Action.Kind == sentei.SetInterval })
	if i < 0 {
		t.Fatalf("no interval is proposed; problems %+v", r.Problems)
	}
	p := &r.Proposals[i]
	interval := model.Duration(p.Action.Interval).String()
	if p.Place.ScrapeJob != "shop" || interval != "10s" {
		t.Fatalf("job %s shall be scraped every %s", p.Place.ScrapeJob, interval)
	}
	if diff := run(t, dir, "propose", "-o", "diff"); !strings.Contains(diff, "+    scrape_interval: "+interval) || !strings.Contains(diff, p.ID) {
		t.Errorf("the diff does not set the interval:\n%s", diff)
	}
	samples := `sum(count_over_time({__name__=~"shop_orders_total|shop_temperature|shop_depth|shop_noise|up"}[%[1]ds])) / %[1]d`
	often, err := prom.count(fmt.Sprintf(samples, 10))
	if err != nil {
		t.Fatal(err)
	}
	applyDiff(t, dir) // the interval, and metrics that nobody reads
	if err := prom.reload(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "only scrapes after that", func() error { return prom.hasNot(`count_over_time(up{job="shop"}[20s]) > 3`) })
	seldom, err := prom.count(fmt.Sprintf(samples, 20))
	if err != nil {
		t.Fatal(err)
	}
	if saved := often - seldom; math.Abs(saved-p.Saving.SamplesPerSecond) > 0.2*p.Saving.SamplesPerSecond {
		t.Errorf("%v samples a second are saved (from %v to %v), %v were promised", saved, often, seldom, p.Saving.SamplesPerSecond)
	}
	if err := prom.hasNot(`count_over_time(shop_orders_total[20s]) < 2`); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(before, results(t, prom, exprs)); d != "" {
		t.Errorf("a consumer sees a difference: %s", d)
	}

	if got := eventuallyTracked(t, dir, p, sentei.Applied); !strings.Contains(got.Note, "samples came every") || got.Realised.SamplesPerSecond >= p.Saving.SamplesPerSecond {
		t.Errorf("realised %+v: %s", got.Realised, got.Note) // of minutes in which samples came more often
	}
	fresh, other := t.TempDir(), freeAddress(t) // has samples of after that alone
	text, err := os.ReadFile(filepath.Join(dir, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, fresh, map[string]string{"prometheus.yml": string(text), "rules.yml": intervalRules})
	started := startPrometheus(t, fresh, prometheus, other)
	writeFiles(t, dir, map[string]string{
		"sentei.yml": strings.NewReplacer("URL", "http://"+other, "path: data", "path: "+filepath.Join(fresh, "data")).Replace(intervalConfig),
	})
	eventually(t, "a few scrapes", func() error { return started.has(`count_over_time(shop_noise[1m]) > 3`) })
	got := eventuallyTracked(t, dir, p, sentei.Verified)
	if math.Abs(got.Realised.SamplesPerSecond-p.Saving.SamplesPerSecond) > 0.1*p.Saving.SamplesPerSecond || got.Note != "" {
		t.Errorf("promised %+v, realised %+v (%s)", p.Saving, got.Realised, got.Note)
	}
	writeFiles(t, dir, map[string]string{"shop.json": dashboard(append(exprs, "rate(shop_depth[30s])")...)})
	eventuallyTracked(t, dir, p, sentei.Regretted)
}
