//go:build e2e

package inventory

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/source"
)

const blockConfig = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: node
    static_configs: [{targets: [NODE]}]
  - job_name: second
    scrape_interval: 2s
    static_configs: [{targets: [NODE]}]
`

// TestBlockServers reads the directory of a running server and compares what is
// there with what PromQL answers for the same instant.
func TestBlockServers(t *testing.T) {
	node := promtest.StartNodeExporter(t)
	for _, variable := range []string{promtest.Prometheus2, promtest.Prometheus3} {
		t.Run(variable, func(t *testing.T) {
			url := promtest.StartPrometheus(t, variable, map[string]string{
				"prometheus.yml": strings.ReplaceAll(blockConfig, "NODE", node),
				"rules.yml":      e2eRules,
			})
			cfg := promapi.DefaultConfig()
			cfg.URL = url
			client, err := promapi.New(cfg, "", slog.New(slog.DiscardHandler), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			promtest.Eventually(t, "scrapes and rules", func() bool {
				samples, _, err := client.Query(t.Context(), `count(count_over_time(node_load1[1m]) > 2) + count(all:up:sum) == 3`, time.Time{})
				return err == nil && len(samples) == 1
			})
			dir := dataDirectory(t, url)
			before := untouched(t, dir)
			inv, problems, err := build(t, dir, "path: .").Inventory(t.Context())
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			if diff := cmp.Diff(before, untouched(t, dir)); diff != "" {
				t.Errorf("the directory has changed:\n%s", diff)
			}
			if age := time.Since(inv.To); age > 10*time.Second {
				t.Errorf("the head ends %s ago", age)
			}

			var got, want []string
			for _, m := range inv.Metrics {
				for _, j := range m.Jobs {
					if j.Cost.Series > 0 {
						got = append(got, fmt.Sprintf("%s %s %d", m.Name, j.Job, j.Cost.Series))
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
			if diff := cmp.Diff(want, got); diff != "" || len(want) < 100 {
				t.Errorf("%d metrics (-server +directory):\n%s", len(want), diff)
			}
			for _, metric := range []string{"node_cpu_seconds_total", "node_filesystem_size_bytes", "up", "job:up:sum", "all:up:sum"} {
				compareLabels(t, client, inv, metric)
			}
			compareLists(t, url, inv)
		})
	}
}

// compareLists lists every series of the directory through the API as well.
func compareLists(t *testing.T, url string, directory *sentei.Inventory) {
	t.Helper()
	o := prometheusServerOptions{
		prometheusOptions: prometheusOptions{Config: promapi.DefaultConfig(), Lookback: model.Duration(time.Hour), MaxSeriesPerQuery: 100_000, MaxSeriesPerScan: maxSeriesPerScan},
		ListSeries:        1_000_000,
	}
	o.URL = url
	src, err := newPrometheusServer(o, source.Env{Backend: "b", Name: "prometheus", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server, problems, err := src.Inventory(t.Context())
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	var metrics []string
	for i := range directory.Metrics {
		metrics = append(metrics, directory.Metrics[i].Name)
	}
	want, err := readAll(t, directory, metrics...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t, server, metrics...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 100 {
		t.Errorf("%d series (-directory +API):\n%s", len(want), diff)
	}
}

// dataDirectory asks a server where its data is.
func dataDirectory(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url + "/api/v1/status/flags")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var flags struct{ Data map[string]string }
	if err := json.NewDecoder(resp.Body).Decode(&flags); err != nil {
		t.Fatal(err)
	}
	return flags.Data["storage.tsdb.path"]
}

// untouched lists all files of a directory, the lock among them, with the time
// of the last change of those that a running server leaves alone.
func untouched(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		files[name] = info.Mode().String()
		if !strings.HasPrefix(name, "wal"+string(os.PathSeparator)) && name != "queries.active" {
			files[name] += " " + info.ModTime().String()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := files["wal"]; !ok {
		t.Error("there is no wal: is this the directory of the server?")
	}
	return files
}
