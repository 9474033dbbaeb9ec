//go:build e2e

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// TestEndToEnd does what a user does, with real servers: a Prometheus scrapes
// node_exporter and sentei; sentei reads that Prometheus; its diff is applied
// with git, checked with promtool and loaded; the dropped metrics stop, and
// every rule and panel returns what it did before.
func TestEndToEnd(t *testing.T) {
	for name, variable := range map[string]string{
		"prometheus 2": "SENTEI_TEST_PROMETHEUS2",
		"prometheus 3": "SENTEI_TEST_PROMETHEUS3",
	} {
		t.Run(name, func(t *testing.T) { endToEnd(t, binary(t, variable)) })
	}
}

const e2ePrometheus = `# The configuration of a careful person.
global:
  scrape_interval: 1s   # short for the test
  evaluation_interval: 1s
  query_log_file: query.log

rule_files: [rules.yml]

scrape_configs:
  - job_name: node   # the machine
    static_configs:
      - targets: ["NODE"]
        labels: {rack: r1}   # that nobody asks for

  - job_name: prometheus
    static_configs:
      - targets: ["PROMETHEUS"]

  # Our own tool.
  - job_name: sentei
    static_configs:
    - targets: ["SENTEI"]
    metric_relabel_configs:
    - source_labels: [__name__]
      regex: go_memstats_.*
      action: drop
`

const e2eRules = `groups:
  - name: node
    rules:
      - record: instance:node_cpu:rate
        expr: sum by (instance) (rate(node_cpu_seconds_total{mode!="idle"}[10s]))
      - record: instance:node_filesystem_free:ratio   # nobody reads it
        expr: node_filesystem_free_bytes / node_filesystem_size_bytes
      - alert: NodeBusy
        expr: instance:node_cpu:rate > 1000
        annotations:
          summary: '{{ query "node_load1" | first | value }}'
      - alert: SlowQueries
        expr: sum(rate(prometheus_http_request_duration_seconds_bucket{le="0.1"}[10s])) < 0
      - alert: NodeGone
        expr: absent(node_boot_time_seconds)
`

const e2eDashboard = `{"title": "Node", "uid": "node", "templating": {"list": [
  {"name": "instance", "type": "query", "query": {"query": "label_values(node_uname_info, instance)", "refId": "A"}}]},
 "panels": [{"title": "Memory", "type": "timeseries", "targets": [
  {"refId": "A", "expr": "node_memory_MemAvailable_bytes{instance=~\"$instance\"}"}]}]}
`

const e2eConfig = `
log: {level: error}
web: {listen_address: SENTEI}
analysis: {min_window: 1s}
prices: {currency: EUR, per_thousand_series: 8}
backends:
  - name: live
    prometheus_config: prometheus.yml
    inventory:
      - block: {path: data}   # its head: there is no block yet
      - prometheus: {url: "URL"}
    usage:
      - prometheus_rules: {url: "URL"}
      - dashboard_files: {paths: [node.json]}
      - query_log: {paths: [query.log]}
rules:
  drop_unused_values: {min_series: 1}
  drop_unused_buckets: {min_series: 1}
  strip_unused_label: {min_series: 1, min_span: 0s}
`

func endToEnd(t *testing.T, prometheus string) {
	dir := t.TempDir()
	node, own, address := freeAddress(t), freeAddress(t), freeAddress(t)
	prom := server{"http://" + address}
	fill := strings.NewReplacer("NODE", node, "SENTEI", own, "URL", prom.url, "PROMETHEUS", address)
	for file, text := range map[string]string{
		"prometheus.yml": e2ePrometheus, "rules.yml": e2eRules, "node.json": e2eDashboard, "sentei.yml": e2eConfig,
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(fill.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, dir, binary(t, "SENTEI_TEST_NODE_EXPORTER"), "--web.listen-address="+node)
	start(t, dir, prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
		"--web.listen-address="+address, "--web.enable-lifecycle")
	eventually(t, "the recorded series", func() error { return prom.has("instance:node_cpu:rate") })
	if err := prom.has("node_procs_running"); err != nil { // an ad hoc query, known from the log alone
		t.Fatal(err)
	}

	serveSentei(t, dir, "--scan.schedule=@every 5s")
	eventually(t, "Prometheus has scraped sentei", func() error { return prom.has(`sentei_source_up{backend="live"} == 1`) })

	r := reportOf(t, dir)
	wantVerdicts(t, r)
	if t.Failed() {
		return
	}

	exprs := []string{
		"instance:node_cpu:rate", "node_load1", "node_boot_time_seconds", "node_uname_info",
		"node_memory_MemAvailable_bytes", "node_procs_running", "up", "ALERTS",
		`sum(rate(prometheus_http_request_duration_seconds_bucket{le="0.1"}[10s]))`,
	}
	before := results(t, prom, exprs)
	r = reportOf(t, dir) // these queries are in the query log now
	applyDiff(t, dir)
	if err := prom.reload(); err != nil {
		t.Fatal(err)
	}
	made := map[sentei.ActionKind]int{}
	for i := range r.Proposals {
		p := &r.Proposals[i]
		made[p.Action.Kind]++
		eventually(t, relabeling.Title(p), func() error { return prom.hasNot(takenAway(p)) })
	}
	for _, kind := range []sentei.ActionKind{sentei.DropMetric, sentei.DropValues, sentei.StripLabel} {
		if made[kind] == 0 {
			t.Errorf("no proposal of kind %s", kind)
		}
	}
	if d := cmp.Diff(before, results(t, prom, exprs)); d != "" {
		t.Errorf("a consumer sees a difference: %s", d)
	}
	if err := prom.has("sum(rate(node_cpu_seconds_total[10s]))"); err != nil {
		t.Error(err)
	}
}

// takenAway selects what must be gone when the proposal has been deployed.
func takenAway(p *sentei.Proposal) string {
	a := &p.Action
	matchers := []string{fmt.Sprintf("__name__=%q", a.Metric)}
	if p.Place.Job != "" { // what is cut at remote write may go for all jobs
		matchers = append(matchers, fmt.Sprintf("job=%q", p.Place.Job))
	}
	switch a.Kind {
	case sentei.DropValues:
		matchers = append(matchers, fmt.Sprintf("%s=~%q", a.Label, relabeling.ValuesRegex(a.Label, a.Values)))
	case sentei.StripLabel:
		matchers = append(matchers, a.Label+`!=""`)
	}
	return "{" + strings.Join(matchers, ",") + "}"
}

// serveSentei runs the daemon with further flags until the test ends.
func serveSentei(t *testing.T, dir string, flags ...string) {
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int)
	var stderr bytes.Buffer
	go func() {
		code <- Run(ctx, append([]string{"serve", "--config.file", filepath.Join(dir, "sentei.yml")}, flags...), nil, &stderr, &stderr)
	}()
	t.Cleanup(func() {
		cancel()
		if c := <-code; c != exitOK {
			t.Errorf("serve exits with %d: %s", c, stderr.String())
		}
	})
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append(args, "--config.file", filepath.Join(dir, "sentei.yml"))
	if code := Run(t.Context(), args, nil, &stdout, &stderr); code != exitOK {
		t.Fatalf("sentei %q exits with %d: %s", args, code, stderr.String())
	}
	return stdout.String()
}

func reportOf(t *testing.T, dir string) *sentei.Report {
	t.Helper()
	var r sentei.Report
	if err := json.Unmarshal([]byte(run(t, dir, "report", "-o", "json")), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func wantVerdicts(t *testing.T, r *sentei.Report) {
	t.Helper()
	for name, want := range map[string]sentei.Verdict{
		"node_cpu_seconds_total":         sentei.Used, // through a recording rule and an alert
		"instance:node_cpu:rate":         sentei.Used,
		"node_load1":                     sentei.Used, // query in an annotation
		"node_boot_time_seconds":         sentei.Used, // absent()
		"node_memory_MemAvailable_bytes": sentei.Used, // panel
		"node_uname_info":                sentei.Used, // variable
		"node_procs_running":             sentei.Used, // query log
		"node_filesystem_size_bytes":     sentei.Unused,
		"node_memory_MemFree_bytes":      sentei.Unused,
	} {
		m := r.Metric("live", name)
		switch {
		case m == nil:
			t.Errorf("%s is not in the inventory", name)
		case m.Verdict != want:
			t.Errorf("%s is %s %q, want %s", name, m.Verdict, m.Reasons, want)
		}
	}
	if len(r.Proposals) < 50 {
		t.Errorf("%d proposals", len(r.Proposals))
	}
	for _, p := range r.Problems {
		t.Logf("problem %s %s %s: %s (%s)", p.ID, p.Source, p.Where, p.Message, p.Hint)
	}
}

// results returns the label sets that each expression yields.
func results(t *testing.T, prom server, exprs []string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, e := range exprs {
		sets, err := prom.series(e)
		if err != nil {
			t.Fatal(err)
		}
		all[e] = sets
	}
	return all
}

// applyDiff applies the diff with git and checks the result with promtool.
func applyDiff(t *testing.T, dir string) {
	t.Helper()
	diff := run(t, dir, "propose", "-o", "diff")
	if err := os.WriteFile(filepath.Join(dir, "sentei.diff"), []byte(diff), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"git", "init", "-q"},
		{"git", "apply", "--verbose", "sentei.diff"},
		{binary(t, "SENTEI_TEST_PROMTOOL"), "check", "config", "prometheus.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s\n%s", args, err, out, diff)
		}
	}
}
