//go:build e2e

package relabel

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi/promtest"
)

// exposition is what a target of job shop exposes. Names are quoted where
// Prometheus 2 would not have them.
const exposition = `# TYPE kept_total counter
kept_total{pod="a"} 1
# TYPE dropped_total counter
dropped_total{pod="a"} 1
# TYPE cost gauge
{"cost_$_x"} 1
{"cost_$1_x"} 1
# TYPE took_seconds histogram
took_seconds_bucket{le="1"} 1
took_seconds_bucket{le="2.5"} 2
took_seconds_bucket{le="+Inf"} 3
took_seconds_sum 4
took_seconds_count 3
# TYPE stripped gauge
stripped{pod="a",zone="z"} 1
stripped{pod="b",zone="z"} 1
`

// shopReport proposes changes of each sort to what the target exposes.
func shopReport() *sentei.Report {
	const no, used = sentei.Unused, sentei.Used
	r := reportOf("b", []sentei.ScrapeJob{{Name: "shop", JobLabels: []string{"shop"}}},
		stored{"kept_total", "shop", used, "", false},
		stored{"dropped_total", "shop", no, "shop", false},
		stored{"cost_$_x", "shop", no, "shop", true},
		stored{"cost_$1_x", "shop", used, "", false},
		stored{"took_seconds_bucket", "shop", used, "", false},
		stored{"took_seconds_count", "shop", used, "", false},
		stored{"took_seconds_sum", "shop", used, "", false},
		stored{"stripped", "shop", used, "", false},
	)
	for _, a := range []sentei.Action{
		{Kind: sentei.DropValues, Metric: "took_seconds_bucket", Label: "le", Values: []string{"1.0"}},
		{Kind: sentei.StripLabel, Metric: "stripped", Label: "zone"},
		{Kind: sentei.DropValues, Metric: "stripped", Label: "pod", Values: []string{"b"}},
	} {
		r.Metric("b", a.Metric).JobUsage[0].Labels = append(r.Metric("b", a.Metric).JobUsage[0].Labels,
			sentei.LabelUsage{Name: a.Label, Verdict: sentei.Unused, UnusedValues: a.Values})
		r.Proposals = append(r.Proposals, sentei.Proposal{ID: sentei.HashID(a.Metric, a.Label), Action: a,
			Place: sentei.Place{Backend: "b", ScrapeJob: "shop", Job: "shop"}})
	}
	return r
}

func target(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=1.0.0; escaping=allow-utf-8")
		io.WriteString(w, exposition)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// withTarget adds a target to the only job of the scrape_configs.
func withTarget(t *testing.T, scrapeConfigs any, address string) {
	t.Helper()
	job := scrapeConfigs.([]any)[0].(map[string]any)
	job["static_configs"] = []any{map[string]any{"targets": []any{address}}}
	job["scrape_interval"] = "1s"
}

func writeYAML(t *testing.T, name string, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func documents(t *testing.T, text []byte) []any {
	t.Helper()
	var out []any
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var v any
		if err := decoder.Decode(&v); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
}

// TestVmagentLoads lets vmagent check rules and aggregations of all sorts.
func TestVmagentLoads(t *testing.T) {
	var scrape, aggregations int
	for i, doc := range documents(t, write(t, vmagentDialect, cluster(), Options{})) {
		args := []string{"-dryRun", "-remoteWrite.tmpDataPath=" + t.TempDir()}
		switch doc.(type) {
		case map[string]any:
			scrape++
			args = append(args, "-promscrape.config="+writeYAML(t, "scrape.yml", doc))
		case []any:
			aggregations++
			args = append(args, "-remoteWrite.url=http://127.0.0.1:1/", "-remoteWrite.streamAggr.config="+writeYAML(t, "aggregate.yml", doc))
		}
		if out, err := exec.Command(promtest.Binary(t, promtest.Vmagent), args...).CombinedOutput(); err != nil {
			t.Errorf("document %d: %v\n%s", i, err, out)
		}
	}
	if scrape == 0 || aggregations == 0 {
		t.Errorf("%d and %d documents", scrape, aggregations)
	}
	broken := writeYAML(t, "scrape.yml", map[string]any{"scrape_configs": []any{map[string]any{"job_name": "x", "metric_relabel_configs": []any{map[string]any{"if": "{", "action": "drop"}}}}})
	if exec.Command(promtest.Binary(t, promtest.Vmagent), "-dryRun", "-promscrape.config="+broken).Run() == nil {
		t.Error("vmagent takes anything")
	}
}

// TestVictoriaMetricsCarriesOut lets the real server scrape with the rules.
func TestVictoriaMetricsCarriesOut(t *testing.T) {
	doc := documents(t, write(t, vmagentDialect, shopReport(), Options{}))[0].(map[string]any)
	withTarget(t, doc["scrape_configs"], target(t))
	server := promtest.StartVictoriaMetrics(t, "-promscrape.config="+writeYAML(t, "scrape.yml", doc))
	want := []string{
		`cost_$1_x`, `kept_total pod=a`, `stripped pod=a`, `took_seconds_bucket le=+Inf`, `took_seconds_bucket le=2.5`,
		`took_seconds_count`, `took_seconds_sum`, `up`,
	}
	got := map[string]bool{}
	promtest.Eventually(t, "scrape", func() bool {
		http.Get(server + "/internal/force_flush")
		resp, err := http.Get(server + "/api/v1/series?" + url.Values{"match[]": {`{__name__!~"scrape_.*"}`}}.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct{ Data []map[string]string }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		clear(got)
		for _, l := range answer.Data {
			name := l["__name__"]
			for _, label := range []string{"__name__", "job", "instance"} {
				delete(l, label)
			}
			for _, label := range slices.Sorted(maps.Keys(l)) {
				name += " " + label + "=" + l[label]
			}
			got[name] = true
		}
		return got["kept_total pod=a"] && got["up"]
	})
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" {
		t.Errorf("-want +stored\n%s", d)
	}
}
