//go:build e2e

package main

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shopConfig reads the shop's Prometheus, its rules and its dashboard. What
// else is read for usage, and options of rules, can be appended.
const shopConfig = `
log: {level: error}
analysis: {min_window: 1s, require: [rules, dashboards]}
store: {path: sentei.db}
backends:
  - name: live
    prometheus_config: prometheus.yml
    inventory:
      - block: {path: data}
      - prometheus: {url: "URL"}
    usage:
      - rule_files: {paths: [rules.yml]}
      - dashboard_files: {paths: [shop.json]}
`

// eachPrometheus runs a test against both major versions, at the same time:
// most of it is waiting for scrapes.
func eachPrometheus(t *testing.T, test func(t *testing.T, prometheus string)) {
	for name, variable := range map[string]string{
		"prometheus 2": "SENTEI_TEST_PROMETHEUS2",
		"prometheus 3": "SENTEI_TEST_PROMETHEUS3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, binary(t, variable))
		})
	}
}

// shopNoise is the number of series that make the scrapes of the shop heavy.
const shopNoise = 3000

// serveShop serves metrics until the test ends: always the same series, the
// gauges with fixed values, the counters growing with time.
func serveShop(t *testing.T) (address string) {
	t.Helper()
	begin := time.Now()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		shopMetrics(w, time.Since(begin).Seconds())
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func shopMetrics(w http.ResponseWriter, seconds float64) {
	for i := range 10 {
		for _, method := range []string{"GET", "POST"} {
			fmt.Fprintf(w, "shop_orders_total{path=\"/%d\",method=%q} %v\n", i, method, seconds*float64(i+1))
		}
		for _, code := range []int{200, 301, 404, 500, 503} {
			fmt.Fprintf(w, "shop_requests_total{path=\"/%d\",code=\"%d\"} %v\n", i, code, seconds*float64(code))
		}
		fmt.Fprintf(w, "shop_visits_total{path=\"/%d\"} %v\n", i, seconds)
		fmt.Fprintf(w, "shop_depth{queue=\"q%d\"} %d\n", i, i)
		fmt.Fprintf(w, "shop_temperature{sensor=\"s%d\",vendor=\"v%d\"} %d\n", i, i%3, 20+i)
		for container := range 3 {
			fmt.Fprintf(w, "shop_pod_info{pod=\"p%d\",container=\"c%d\"} 1\n", i, container)
		}
	}
	fmt.Fprintln(w, "# TYPE shop_latency_seconds histogram")
	for i := range 10 {
		requests := 1e6 + math.Floor(seconds*100)*float64(i+1) // no young counters
		for k, le := range []string{"0.1", "0.5", "1", "5", "+Inf"} {
			fmt.Fprintf(w, "shop_latency_seconds_bucket{path=\"/%d\",le=%q} %.0f\n", i, le, math.Floor(requests*float64(k+1)/5))
		}
		fmt.Fprintf(w, "shop_latency_seconds_sum{path=\"/%d\"} %v\n", i, requests*0.7)
		fmt.Fprintf(w, "shop_latency_seconds_count{path=\"/%d\"} %.0f\n", i, requests)
	}
	for i := range shopNoise {
		fmt.Fprintf(w, "shop_noise{number=\"%d\"} %v\n", i, seconds)
	}
}

// startPrometheus runs a Prometheus on the directory until the test ends.
func startPrometheus(t *testing.T, dir, program, address string, flags ...string) server {
	t.Helper()
	start(t, dir, program, append([]string{
		"--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=" + address,
		"--web.enable-lifecycle", "--scrape.discovery-reload-interval=100ms",
	}, flags...)...)
	return server{"http://" + address}
}

func writeFiles(t *testing.T, dir string, texts map[string]string) {
	t.Helper()
	for file, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// dashboard returns a dashboard with one panel for each expression.
func dashboard(exprs ...string) string {
	var panels []string
	for i, e := range exprs {
		panels = append(panels, fmt.Sprintf(`{"title": "panel %d", "type": "timeseries", "targets": [{"refId": "A", "expr": %q}]}`, i, e))
	}
	return fmt.Sprintf(`{"title": "Shop", "uid": "shop", "panels": [%s]}`, strings.Join(panels, ", "))
}

// count returns the value of an expression without labels, 0 when it returns
// nothing.
func (s server) count(expr string) (float64, error) {
	values, err := s.values(expr)
	if err != nil || len(values) == 0 {
		return 0, err
	}
	if len(values) > 1 {
		return 0, fmt.Errorf("%s returns %d series", expr, len(values))
	}
	return strconv.ParseFloat(values["map[]"], 64)
}

// values runs an instant query and returns the values by their labels, as text.
func (s server) values(expr string) (map[string]string, error) { return s.valuesAt(expr, time.Now()) }

func (s server) valuesAt(expr string, at time.Time) (map[string]string, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := s.get("/api/v1/query", url.Values{"query": {expr}, "time": {at.Format(time.RFC3339Nano)}}, &answer); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range answer.Data.Result {
		out[fmt.Sprint(r.Metric)] = fmt.Sprint(r.Value[1])
	}
	return out, nil
}

// valuesOf returns the values of each expression.
func valuesOf(t *testing.T, prom server, exprs []string) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, e := range exprs {
		values, err := prom.values(e)
		if err != nil {
			t.Fatal(err)
		}
		if len(values) == 0 {
			t.Errorf("%s returns nothing", e)
		}
		all[e] = values
	}
	return all
}
