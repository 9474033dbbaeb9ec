package rehearsal

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
	"github.com/sentei/sentei/internal/relabeling"
)

var start = time.Date(2026, time.November, 20, 10, 0, 0, 0, time.UTC)

var staleNaN = math.Float64frombits(value.StaleNaN)

const (
	step   = 15 * time.Second
	length = 2 * time.Hour
)

// generator collects series for a block.
type generator struct{ series []storage.Series }

// add adds a series with the value of f at every scrape between the offsets,
// and a stale marker when it ends before the data does.
func (g *generator) add(from, to time.Duration, f func(i int) float64, label ...string) {
	var samples []chunks.Sample
	for at := from; at < to; at += step {
		samples = append(samples, &sample{t: start.Add(at).UnixMilli(), f: f(int(at / step)), kind: chunkenc.ValFloat})
	}
	if to < length {
		samples = append(samples, &sample{t: start.Add(to).UnixMilli(), f: staleNaN, kind: chunkenc.ValFloat})
	}
	g.series = append(g.series, storage.NewListSeries(labels.FromStrings(label...), samples))
}

func (g *generator) whole(f func(i int) float64, label ...string) { g.add(0, length, f, label...) }

func counter(perStep float64) func(int) float64 {
	return func(i int) float64 { return perStep * float64(i) }
}

func constant(v float64) func(int) float64 { return func(int) float64 { return v } }

// write writes the series and returns the directory of the block.
func (g *generator) write(t testing.TB) string {
	t.Helper()
	slices.SortFunc(g.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	dir, err := tsdb.CreateBlock(g.series, t.TempDir(), (4 * time.Hour).Milliseconds(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// block writes the series and opens what was written.
func (g *generator) block(t testing.TB) *Data { return open(t, g.write(t)) }

func open(t testing.TB, dir string) *Data {
	t.Helper()
	d, err := OpenBlocks(dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// cluster is a small Kubernetes: an HTTP service with classic histograms, the
// state of its pods, a node, and metrics that nobody reads.
func cluster(t testing.TB) *Data { return clusterSeries().block(t) }

func clusterSeries() *generator {
	var g generator
	pods := []string{"api-0", "api-1", "api-2"}
	for p, pod := range pods {
		instance := fmt.Sprintf("10.0.0.%d:8080", p)
		api := func(name string, more ...string) []string {
			return append([]string{"__name__", name, "job", "api", "instance", instance, "pod", pod}, more...)
		}
		for i := range 5 {
			g.whole(counter(float64(i)), api(fmt.Sprintf("go_thing_%d", i))...)
		}
		for n, path := range []string{"/", "/cart", "/pay"} {
			for b, le := range []string{"0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "+Inf"} {
				g.whole(counter(float64((b+1)*(n*n+1)*(p+1))), api("http_request_duration_seconds_bucket", "path", path, "le", le)...)
			}
			g.whole(counter(float64(n+p+1)*0.3), api("http_request_duration_seconds_sum", "path", path)...)
			g.whole(counter(float64(n+p+1)*7), api("http_request_duration_seconds_count", "path", path)...)
		}
		for m, method := range []string{"GET", "POST"} {
			for c, code := range []string{"200", "500"} {
				f := counter(float64((p+1)*(m+2)) / float64(c*9+1))
				if pod == "api-1" { // restarts after 50 minutes
					whole := f
					f = func(i int) float64 { return whole(i % 200) }
				}
				g.whole(f, api("http_requests_total", "method", method, "code", code)...)
			}
		}
		g.whole(constant(1), "__name__", "kube_pod_status_phase", "job", "ksm", "pod", pod, "phase", "Running")
		if pod != "api-2" {
			g.whole(constant(1), "__name__", "kube_pod_info", "job", "ksm", "pod", pod, "node", "n1", "uid", "u"+pod, "pod_ip", "10.0.0."+strconv.Itoa(p))
		}
	}
	// api-2 is recreated after an hour; both are there for a minute.
	info := []string{"__name__", "kube_pod_info", "job", "ksm", "pod", "api-2", "node", "n1"}
	g.add(0, time.Hour+time.Minute, constant(1), append(slices.Clone(info), "uid", "old", "pod_ip", "10.0.0.7")...)
	g.add(time.Hour, length, constant(1), append(slices.Clone(info), "uid", "new", "pod_ip", "10.0.0.8")...)
	for m, mode := range []string{"idle", "user", "system", "steal"} {
		for cpu := range 2 {
			g.whole(counter(float64(m+1)), "__name__", "node_cpu_seconds_total", "job", "node", "instance", "n1", "cpu", strconv.Itoa(cpu), "mode", mode)
		}
	}
	for _, job := range []string{"api", "ksm", "node"} {
		g.whole(constant(1), "__name__", "up", "job", job, "instance", "i")
	}
	g.whole(constant(3), "__name__", "job:http_requests:rate5m", "job", "api")
	g.whole(constant(1), "__name__", "ALERTS", "alertname", "Slow", "job", "api", "pod", "api-0")
	return &g
}

func consumer(kind sentei.ConsumerKind, name, expr string) sentei.Consumer {
	return sentei.Consumer{ID: name, Kind: kind, Name: name, Expression: sentei.Expression{Text: expr}}
}

// report returns a report with the consumers and the scrape jobs of cluster.
func report(consumers ...sentei.Consumer) *sentei.Report {
	r := &sentei.Report{Backends: []sentei.Backend{{Name: "b", ScrapeJobs: []sentei.ScrapeJob{
		{Name: "api", JobLabels: []string{"api"}}, {Name: "kube", JobLabels: []string{"ksm"}}, {Name: "node", JobLabels: []string{"node"}},
	}}}}
	for _, c := range consumers {
		c.Backend = "b"
		if c.Opaque == "" {
			a := promql.Analyze(c.Expression, sentei.AllLabelsBut())
			c.Selectors, c.Opaque = a.Selectors, a.Opaque
		}
		r.Consumers = append(r.Consumers, c)
	}
	return r
}

// consumersOfCluster are those of a usual setup.
func consumersOfCluster() *sentei.Report {
	rule := consumer(sentei.RecordingRule, "rule", `sum by (job) (rate(http_requests_total[5m]))`)
	rule.Records = "job:http_requests:rate5m"
	return report(
		rule,
		consumer(sentei.AlertingRule, "busy", `job:http_requests:rate5m > 1`),
		consumer(sentei.Dashboard, "p99", `histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`),
		consumer(sentei.Dashboard, "latency", `sum by (pod) (rate({__name__=~"http_request_duration_.*_sum"}[5m])) / sum by (pod) (rate({__name__=~"http_request_duration_.*_count"}[5m]))`),
		consumer(sentei.Dashboard, "pods", `count(kube_pod_info)`),
		consumer(sentei.Dashboard, "nodes", `kube_pod_status_phase * on (pod) group_left (node) max by (pod, node) (kube_pod_info)`),
		consumer(sentei.Dashboard, "phases", `kube_pod_status_phase * on (pod) group_left (node) kube_pod_info`),
		consumer(sentei.Dashboard, "idle", `sum(rate(node_cpu_seconds_total{mode="idle"}[5m]))`),
		consumer(sentei.Dashboard, "codes", `sum by (code) (rate(http_requests_total[5m]))`),
		consumer(sentei.Dashboard, "biggest", `max(rate(http_requests_total[5m]))`),
		consumer(sentei.Query, "up", `up == 0`),
	)
}

// rulesOf reads relabel rules as Prometheus does.
func rulesOf(t testing.TB, text string) []*relabel.Config {
	t.Helper()
	var rules []*relabel.Config
	if err := yaml.UnmarshalStrict([]byte(text), &rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if err := r.Validate(model.UTF8Validation); err != nil {
			t.Fatal(err)
		}
	}
	return rules
}

// changesOf returns the rules of a scrape job of the report as changes.
func changesOf(t testing.TB, r *sentei.Report, scrapeJob, text string) []Change {
	t.Helper()
	scope, ok := relabeling.ScopeOf(&r.Backends[0], scrapeJob)
	if !ok {
		t.Fatalf("no scrape job %s", scrapeJob)
	}
	return Split(scrapeJob, scope, 0, rulesOf(t, text))
}

func run(t testing.TB, r *sentei.Report, d *Data, changes []Change) *Result {
	t.Helper()
	res, err := Run(context.Background(), Input{Report: r, Backend: "b", Changes: changes, Data: d}, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return res
}
