package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
)

// TestFollowedScan scans the sample data with a store: an accepted proposal of
// before, whose rule stands in prometheus.yml, was carried out, and what is
// proposed has the state that was decided.
func TestFollowedScan(t *testing.T) {
	c := sampleConfig(t)
	c.Rehearsal.Enabled = false
	c.Store.Path = filepath.Join(t.TempDir(), "sentei.db")
	text, err := os.ReadFile(c.Path(c.Backends[0].PrometheusConfig))
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "- job_name: shop\n", "- job_name: shop\n    metric_relabel_configs: [{source_labels: [__name__], regex: shop_old_total, action: drop}]\n", 1))
	// All scrape jobs stand in a file of scrape_config_files.
	at := bytes.Index(text, []byte("scrape_configs:\n"))
	dir := t.TempDir()
	c.Backends[0].PrometheusConfig = filepath.Join(dir, "prometheus.yml")
	for name, part := range map[string][]byte{"prometheus.yml": append([]byte("scrape_config_files: [jobs.*]\n"), text[:at]...), "jobs.yml": text[at:]} {
		if err := os.WriteFile(filepath.Join(dir, name), part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := OpenStore(t.Context(), c, false)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	scan := func() *sentei.Report {
		s, err := NewScanner(c, slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		s.UseStore(st)
		r, err := s.Scan(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := scan()
	old := sentei.Proposal{
		ID: "old", Rule: "drop_unused_metric", Place: sentei.Place{Backend: "demo", ScrapeJob: "shop", Job: "shop"}, Saving: sentei.Cost{Series: 40},
		Action: sentei.Action{Kind: sentei.DropMetric, Metric: "shop_old_total"},
	}
	r.Proposals = append(r.Proposals, old)
	if err := Keep(t.Context(), st, c, r); err != nil {
		t.Fatal(err)
	}
	rejected := r.Proposals[0].ID
	for id, state := range map[string]sentei.State{"old": sentei.Accepted, rejected: sentei.Rejected} {
		if err := st.Decide(t.Context(), sentei.Decision{Proposal: id, State: state, Reason: "because", By: "kim", At: r.At}); err != nil {
			t.Fatal(err)
		}
	}
	r = scan()
	if len(r.Tracked) != 1 || r.Tracked[0].ID != "old" || r.Tracked[0].State != sentei.Verified || r.Tracked[0].Realised.Series != 40 || r.Tracked[0].Decision.By != "kim" {
		t.Errorf("%+v", r.Tracked)
	}
	if p := r.Proposals[0]; p.ID != rejected || p.State != sentei.Rejected {
		t.Errorf("%s is %s", p.ID, p.State)
	}
	open, remark := OpenProposals(r, c)
	if len(open.Proposals) != len(r.Proposals)-1 || remark != "Proposals that are pending or accepted; left out: 1 rejected." {
		t.Error(remark)
	}

	// Without a prometheus.yml to read, and without a store to read.
	c.Backends[0].PrometheusConfig = ""
	if r := scan(); len(r.Tracked) != 1 || r.Tracked[0].State != sentei.Verified {
		t.Errorf("by the series alone: %+v", r.Tracked)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range scan().Problems {
		found = found || p.Source == "store" && !p.Blocking && strings.Contains(p.Hint, "counts as pending")
	}
	if !found {
		t.Error("no problem says that the store cannot be read")
	}
}

// TestConfigurationInForce reads it from the server, with the jobs of files
// that no server shows.
func TestConfigurationInForce(t *testing.T) {
	const loaded = "global: {scrape_interval: 30s}\nscrape_config_files: [/etc/jobs.yml]\nscrape_configs:\n- {job_name: a, metric_relabel_configs: [{source_labels: [x], target_label: y}]}\n"
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status": "success", "data": {"yaml": %q}}`, loaded)
	}))
	defer server.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sentei.yml": fmt.Sprintf("backends:\n- {name: main, prometheus_config: prometheus.yml, inventory: [{prometheus: {url: %q}}]}\n"+
			"- {name: file, prometheus_config: prometheus.yml, inventory: [{block: {path: data}}]}\n- {name: none, inventory: [{block: {path: data}}]}\n", server.URL),
		"prometheus.yml": "scrape_config_files: [jobs.yml]\nscrape_configs:\n- {job_name: a, scrape_interval: 10s}\n",
		"jobs.yml":       "scrape_configs:\n- {job_name: b, scrape_interval: 20s}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "sentei.yml"), config.Overlay{})
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{config: c, logger: slog.New(slog.DiscardHandler), now: time.Now}
	for i, want := range []time.Duration{30 * time.Second, 10 * time.Second} {
		e, err := f.effects(t.Context(), &c.Backends[i])
		if err != nil || e.Loaded != (i == 0) || e.Jobs["a"].Interval != want || e.Jobs["b"].Interval != 20*time.Second {
			t.Errorf("%s: %+v, %v", c.Backends[i].Name, e, err)
		}
		if i == 0 && e.Jobs["a"].Rules[0].Replacement != "" {
			t.Error("the server shows no empty replacement")
		}
	}
	if e, err := f.effects(t.Context(), &c.Backends[2]); e != nil || err != nil {
		t.Errorf("a backend without: %+v, %v", e, err)
	}
	status = http.StatusForbidden
	if e, err := f.effects(t.Context(), &c.Backends[0]); e != nil || err == nil {
		t.Errorf("a server that refuses: %+v, %v", e, err)
	}
}

// TestCounters asks the servers of backends whose series cannot be read.
func TestCounters(t *testing.T) {
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answer == "" {
			w.WriteHeader(http.StatusForbidden)
		}
		fmt.Fprintf(w, `{"status": "success", %s}`, answer)
	}))
	defer server.Close()
	dir := t.TempDir()
	text := "backends:\n"
	for _, name := range []string{"asked", "listed"} {
		text += fmt.Sprintf("- {name: %s, inventory: [{prometheus: {url: %q}}]}\n", name, server.URL)
	}
	if err := os.WriteFile(filepath.Join(dir, "sentei.yml"), []byte(text+"- {name: none, inventory: [{block: {path: data}}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(dir, "sentei.yml"), config.Overlay{})
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{config: c, logger: slog.New(slog.DiscardHandler), now: time.Now}
	counters, done := f.counters(map[string]sentei.SeriesReader{"listed": noSeries{}})
	defer done()
	if len(counters) != 1 || counters["asked"] == nil {
		t.Fatalf("counters of %d backends", len(counters))
	}
	m := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", "m")}
	for text, want := range map[string]int64{
		`"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "7"]}]}`:                       7,
		`"data": {"resultType": "vector", "result": []}`:                                                        0,
		`"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "7"]}]}, "warnings": ["half"]`: -1,
		"": -1,
	} {
		answer = text
		if n, known := counters["asked"](t.Context(), m); known != (want >= 0) || known && n != want {
			t.Errorf("%s: %d, %v", text, n, known)
		}
	}
}

type noSeries struct{}

func (noSeries) ReadSeries(context.Context, []string, func(sentei.Series) error) error { return nil }
