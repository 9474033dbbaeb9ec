//go:build e2e

package inventory

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/source"
)

const bigConfig = `
global: {scrape_interval: 1s, query_log_file: LOG}
scrape_configs:
  - job_name: app
    honor_labels: true
    static_configs: [{targets: [APP]}]
  - job_name: prometheus
    static_configs: [{targets: [SELF]}]
    metrics_path: /prom/metrics
`

// TestPrometheusRefusesLargeMetric counts a metric of 3000 series on a server
// that loads no more than 2000 samples for a query.
func TestPrometheusRefusesLargeMetric(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3000 {
			fmt.Fprintf(w, "big_total{job=\"j%d\",path=\"/%d\",code=\"%d\"} 1\n", i%2, i/30, i%30/2)
		}
	}))
	t.Cleanup(app.Close)
	for _, variable := range []string{promtest.Prometheus2, promtest.Prometheus3} {
		t.Run(variable, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "query.log")
			url := promtest.StartPrometheus(t, variable, map[string]string{"prometheus.yml": strings.NewReplacer(
				"LOG", log, "APP", strings.TrimPrefix(app.URL, "http://")).Replace(bigConfig)}, "--query.max-samples=2000")
			cfg := promapi.DefaultConfig()
			cfg.URL = url
			client, err := promapi.New(cfg, "", slog.New(slog.DiscardHandler), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			promtest.Eventually(t, "scrapes", func() bool {
				samples, _, err := client.Query(t.Context(), `count(up == 1) == 2 and count(big_total{path="/99"}) == 30 and count(prometheus_build_info) == 1`, time.Time{})
				return err == nil && len(samples) == 1
			})
			if _, _, err := client.Query(t.Context(), "count(big_total)", time.Time{}); !promapi.TooHeavy(err) {
				t.Fatalf("the server counts big_total in one query: %v", err)
			}
			for _, perQuery := range []int{100_000, 700} {
				start := fileSize(t, log)
				o := prometheusOptions{Config: cfg, Lookback: 3_600_000_000_000, LabelMetrics: 1, MaxSeriesPerQuery: perQuery, MaxSeriesPerScan: maxSeriesPerScan}
				src, err := newPrometheus(o, source.Env{Backend: "b", Name: "prometheus", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				inv, problems, err := src.Inventory(t.Context())
				if err != nil || len(problems) > 0 {
					t.Fatal(problems, err)
				}
				want := []string{"big_total j0 1500 of 1500", "big_total j1 1500 of 1500"}
				got := slices.DeleteFunc(seriesOf(inv), func(s string) bool { return !strings.HasPrefix(s, "big_total ") })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("max_series_per_query %d (-want +got):\n%s", perQuery, diff)
				}
				counted := 0
				for _, q := range loggedSince(t, log, start) {
					if strings.Contains(q.Params.Query, "big_total") {
						counted++
					}
					if most := min(perQuery, 2000); q.Stats.Samples.Total > most && q.Error == "" {
						t.Errorf("%s read %d samples, want no more than %d", q.Params.Query, q.Stats.Samples.Total, most)
					}
					if perQuery < 2000 && q.Error != "" {
						t.Errorf("%s was refused: %s", q.Params.Query, q.Error)
					}
				}
				if counted < 3000/min(perQuery, 2000) {
					t.Errorf("%d queries of big_total in the log", counted)
				}
			}
		})
	}
}

// loggedQuery is a line of the query log.
type loggedQuery struct {
	Params struct{ Query string }
	Error  string
	Stats  struct {
		Samples struct {
			Total int `json:"totalQueryableSamples"`
		}
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func loggedSince(t *testing.T, path string, start int64) (all []loggedQuery) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(start, 0); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var q loggedQuery
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
