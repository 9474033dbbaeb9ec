//go:build e2e

package main

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

const preAggregateConfig = shopConfig + `rehearsal: {enabled: true}
rules:
  pre_aggregate: {enabled: true, min_series: 1, max_error: 0.03, rate_interval: 4m}
`

const preAggregateRules = `groups:
  - name: shop
    rules:
      - alert: Overload
        expr: sum(shop_load) > 1e6
`

// TestPreAggregate lets promtool write two hours of history, loads the
// recording rules of the proposals into a Prometheus that has it, with what
// they would have recorded, and compares the measured errors with what that
// server shows.
func TestPreAggregate(t *testing.T) { eachPrometheus(t, preAggregate) }

func preAggregate(t *testing.T, prometheus string) {
	dir, other := t.TempDir(), t.TempDir()
	promtool := binary(t, "SENTEI_TEST_PROMTOOL")
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { aggregateMetrics(w, 7200, "", "") }))
	t.Cleanup(shop.Close)
	// Scraped at no moment at which a rule is evaluated, so that as many scrapes
	// lie between two evaluations here and there.
	end := time.Now().Truncate(time.Minute).Add(-10*time.Minute + 7*time.Second)
	begin := end.Add(-2 * time.Hour)
	instance := strings.TrimPrefix(shop.URL, "http://")
	writeFiles(t, dir, map[string]string{"history.om": aggregateHistory(begin, end, instance)})
	tool := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	for _, to := range []string{dir, other} {
		tool("tsdb", "create-blocks-from", "openmetrics", filepath.Join(dir, "history.om"), filepath.Join(to, "data"))
	}
	address := freeAddress(t)
	fill := strings.NewReplacer("SHOP", instance, "URL", "http://"+address)
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": fill.Replace(rulesPrometheus), "rules.yml": preAggregateRules, "sentei.yml": fill.Replace(preAggregateConfig),
		"shop.json": dashboard("sum by (path) (shop_load)", "sum by (path) (rate(shop_jobs_total[5m]))"),
	})
	prom := startPrometheus(t, dir, prometheus, address)
	eventually(t, "a scrape", func() error { return prom.has("up == 1") })

	r := reportOf(t, dir)
	var proposals []*sentei.Proposal
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Action.Kind == sentei.Aggregate {
			proposals = append(proposals, p)
		}
	}
	if len(proposals) != 2 {
		t.Fatalf("%d aggregates are proposed; problems %+v", len(proposals), r.Problems)
	}

	writeFiles(t, other, map[string]string{
		"aggregates.yml": run(t, dir, "propose", "-o", "recording_rules"), "prometheus.yml": "rule_files: [aggregates.yml]\n",
	})
	rules := filepath.Join(other, "aggregates.yml")
	tool("check", "rules", rules)
	tool("tsdb", "create-blocks-from", "rules", "--start="+strconv.FormatInt(begin.Unix(), 10), "--end="+strconv.FormatInt(end.Unix(), 10),
		"--url=http://"+address, "--output-dir="+filepath.Join(other, "data"), rules)
	loaded := startPrometheus(t, other, prometheus, freeAddress(t))
	eventually(t, "the rules", func() error {
		var answer struct {
			Data struct {
				Groups []struct{ Rules []struct{ Name string } }
			}
		}
		if err := loaded.get("/api/v1/rules", nil, &answer); err != nil {
			return err
		}
		if len(answer.Data.Groups) != len(proposals) {
			return fmt.Errorf("%+v", answer)
		}
		return nil
	})
	for _, p := range proposals {
		if p.Rehearsal == nil || len(p.Rehearsal.Errors) == 0 {
			t.Errorf("no error is measured of %s: %+v", p.Action.Metric, p.Rehearsal)
			continue
		}
		for _, e := range p.Rehearsal.Errors {
			i := slices.IndexFunc(p.Action.Rewrites, func(w sentei.Rewrite) bool { return w.Consumer == e.Consumer })
			live := liveError(t, loaded, p.Action.Recordings[0].Record, p.Action.Rewrites[i], e)
			t.Logf("%s: measured %.4f%% at most, %s after the aggregate was stored, %.4f%% when just stored; the server shows %.4f%%", e.Expr, 100*e.Max, e.Age, 100*e.Aligned, 100*live)
			if e.Max < 0.001 || e.Aligned > 1e-9 || math.Abs(live-e.Max) > 0.05*e.Max {
				t.Errorf("%s: measured %v (%v when just stored), the server shows %v", e.Expr, e.Max, e.Aligned, live)
			}
		}
	}
}

// liveError returns the largest relative error of the rewritten query on the
// server, next to the instant of the measured one: as long after an evaluation
// of the rule there, which has a moment of its own.
func liveError(t *testing.T, prom server, record string, w sentei.Rewrite, e sentei.MeasuredError) float64 {
	t.Helper()
	stored, err := prom.valuesAt(fmt.Sprintf("max(timestamp(%s))", record), e.At)
	if err != nil || len(stored) != 1 {
		t.Fatalf("%s at %s: %v, %v", record, e.At, stored, err)
	}
	var tick float64
	for _, v := range stored {
		if tick, err = strconv.ParseFloat(v, 64); err != nil {
			t.Fatal(err)
		}
	}
	at := time.UnixMilli(int64(math.Round(1000 * tick))).Add(e.Age)
	old, err := prom.valuesAt(w.From, at)
	if err != nil || len(old) == 0 {
		t.Fatalf("%s at %s: %v, %v", w.From, at, old, err)
	}
	fresh, err := prom.valuesAt(w.To, at)
	if err != nil || len(fresh) != len(old) {
		t.Fatalf("%s at %s: %v, %v instead of %v", w.To, at, fresh, err, old)
	}
	worst := 0.0
	for labels, text := range old {
		a, _ := strconv.ParseFloat(text, 64)
		b, err := strconv.ParseFloat(fresh[labels], 64)
		if err != nil {
			t.Fatalf("%s lacks %s", w.To, labels)
		}
		worst = max(worst, math.Abs(b-a)/math.Abs(a))
	}
	return worst
}

// aggregateHistory returns what was scraped every 15 seconds, as OpenMetrics.
func aggregateHistory(begin, end time.Time, instance string) string {
	var b strings.Builder
	samples := map[string]*strings.Builder{}
	for at := begin; at.Before(end); at = at.Add(15 * time.Second) {
		var scrape strings.Builder
		aggregateMetrics(&scrape, at.Sub(begin).Seconds(), fmt.Sprintf(`,instance=%q,job="shop"`, instance), fmt.Sprintf(" %d", at.Unix()))
		family := ""
		for line := range strings.Lines(scrape.String()) {
			if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
				family, _, _ = strings.Cut(rest, " ")
				continue
			}
			if samples[family] == nil {
				samples[family] = &strings.Builder{}
			}
			samples[family].WriteString(line)
		}
	}
	for _, family := range []string{"shop_jobs_total", "shop_load"} {
		b.WriteString(samples[family].String())
	}
	return b.String() + "# EOF\n"
}

// aggregateMetrics writes a level, and a counter, that grow ever faster.
func aggregateMetrics(w interface{ Write([]byte) (int, error) }, seconds float64, labels, timestamp string) {
	fmt.Fprintln(w, "# TYPE shop_jobs_total counter")
	for i := range 8 {
		fmt.Fprintf(w, "shop_jobs_total{path=\"/%d\",pod=\"p%d\"%s} %v%s\n", i%2, i, labels, float64(i+1)*(6000*seconds+seconds*seconds/2), timestamp)
	}
	fmt.Fprintln(w, "# TYPE shop_load gauge")
	for i := range 8 {
		fmt.Fprintf(w, "shop_load{path=\"/%d\",pod=\"p%d\"%s} %v%s\n", i%2, i, labels, float64(i+1)*(6000+seconds), timestamp)
	}
}
