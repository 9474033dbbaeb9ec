package rehearsal

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// fleet is 5882 series of 40 minutes: a service of 20 pods with classic
// histograms, what Kubernetes says of its pods, one of which is recreated with
// a minute of overlap, ten nodes, a recorded metric, and 800 series that
// nobody reads.
func fleet(t testing.TB) *Data {
	t.Helper()
	const end = 40 * time.Minute
	var g generator
	for p := range 20 {
		pod := fmt.Sprintf("api-%d", p)
		api := func(f func(int) float64, name string, more ...string) {
			g.add(0, end, f, append([]string{"__name__", name, "job", "api", "instance", fmt.Sprintf("10.0.0.%d:8080", p), "pod", pod}, more...)...)
		}
		for i := range 40 {
			api(counter(float64(i)), fmt.Sprintf("go_thing_%d", i))
		}
		for n := range 10 {
			path := fmt.Sprintf("/p%d", n)
			share := []float64{.02, .05, .15, .3, .5, .7, .82, .9, .96, .986, 1, 1}
			for b, le := range []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"} {
				api(counter(100*math.Pow(share[b], 1+float64(n)/10)), "http_request_duration_seconds_bucket", "path", path, "le", le)
			}
			api(counter(float64(n+p+1)*20), "http_request_duration_seconds_sum", "path", path)
			api(counter(100), "http_request_duration_seconds_count", "path", path)
			for c, code := range []string{"200", "301", "404", "500"} {
				for m, method := range []string{"GET", "POST"} {
					api(counter(float64((p+1)*(m+2)*(n+1))/float64(c*9+1)), "http_requests_total", "path", path, "code", code, "method", method)
				}
			}
		}
		ksm := func(from, to time.Duration, name string, more ...string) {
			g.add(from, to, constant(1), append([]string{"__name__", name, "job", "ksm", "pod", pod}, more...)...)
		}
		ksm(0, end, "kube_pod_status_phase", "phase", "Running")
		node := fmt.Sprintf("n%d", p%10)
		if p < 19 {
			ksm(0, end, "kube_pod_info", "node", node, "uid", "u"+pod, "pod_ip", fmt.Sprintf("10.1.0.%d", p))
		} else {
			ksm(0, end/2+time.Minute, "kube_pod_info", "node", node, "uid", "old", "pod_ip", "10.1.0.98")
			ksm(end/2, end, "kube_pod_info", "node", node, "uid", "new", "pod_ip", "10.1.0.99")
		}
	}
	for n := range 10 {
		for cpu := range 8 {
			for m, mode := range []string{"idle", "user", "system", "nice", "iowait", "irq", "softirq", "steal"} {
				g.add(0, end, counter(float64(m+n+1)), "__name__", "node_cpu_seconds_total", "job", "node", "instance", fmt.Sprintf("n%d", n), "cpu", fmt.Sprint(cpu), "mode", mode)
			}
		}
	}
	g.add(0, end, constant(3), "__name__", "job:http_requests:rate5m", "job", "api")
	if len(g.series) != 5882 {
		t.Fatalf("%d series", len(g.series))
	}
	return g.block(t)
}

// readersOfFleet are twelve consumers.
func readersOfFleet() *sentei.Report {
	rule := consumer(sentei.RecordingRule, "rule", `sum by (job) (rate(http_requests_total[5m]))`)
	rule.Records = "job:http_requests:rate5m"
	return report(
		rule,
		consumer(sentei.AlertingRule, "busy", `job:http_requests:rate5m > 1`),
		consumer(sentei.Dashboard, "p99", `histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`),
		consumer(sentei.Dashboard, "latency", `sum by (pod) (rate({__name__=~"http_request_duration_.*_sum"}[5m])) / sum by (pod) (rate({__name__=~"http_request_duration_.*_count"}[5m]))`),
		consumer(sentei.Dashboard, "pods", `count(kube_pod_info)`),
		consumer(sentei.Dashboard, "node", `kube_pod_status_phase * on (pod) group_left (node) max by (pod, node) (kube_pod_info)`),
		consumer(sentei.Dashboard, "idle", `sum by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`),
		consumer(sentei.Dashboard, "codes", `sum by (code) (rate(http_requests_total[5m]))`),
		consumer(sentei.Dashboard, "biggest", `max(rate(http_requests_total[5m]))`),
		consumer(sentei.Dashboard, "paths", `sum by (path) (rate(http_requests_total[5m]))`),
		consumer(sentei.AlertingRule, "errors", `sum(rate(http_requests_total{code="500"}[5m])) > 1`),
		consumer(sentei.Query, "up", `up == 0`),
	)
}

// TestExperiment rehearses ten proposals, most of which a look at names alone
// calls safe.
func TestExperiment(t *testing.T) {
	d, r := fleet(t), readersOfFleet()
	requests := func(kind string) []string {
		return []string{"biggest " + kind, "codes " + kind, "errors " + kind, "paths " + kind, "rule " + kind}
	}
	tests := []struct {
		name, job, rules string
		series, dropped  int
		collisions       int
		differs          []string
		detail           string // of the first difference
	}{
		{name: "drop go_thing_*", job: "api", rules: `[{source_labels: [__name__], regex: 'go_thing_.*', action: drop}]`, series: 800, dropped: 800},
		{name: "clear pod_ip", job: "kube", rules: `[{source_labels: [__name__], regex: kube_pod_info, target_label: pod_ip, replacement: ''}]`, series: 21},
		{
			name: "clear uid and pod_ip", job: "kube", rules: `
- {source_labels: [__name__], regex: kube_pod_info, target_label: pod_ip, replacement: ''}
- {source_labels: [__name__], regex: kube_pod_info, target_label: uid, replacement: ''}`,
			series: 21, collisions: 1, differs: []string{"pods value"}, detail: "21 → 20",
		},
		{
			name: "clear path", job: "api", rules: `[{source_labels: [__name__], regex: http_request_duration_seconds_bucket, target_label: path, replacement: ''}]`,
			series: 2400, collisions: 240, differs: []string{"p99 value"}, detail: "→",
		},
		{
			name: "drop _sum and _count", job: "api", rules: `[{source_labels: [__name__], regex: 'http_request_duration_seconds_(sum|count)', action: drop}]`,
			series: 400, dropped: 400, differs: []string{"latency series"}, detail: "20 series → 0",
		},
		{
			name: "drop buckets", job: "api", rules: `[{source_labels: [__name__, le], regex: 'http_request_duration_seconds_bucket;(0\.25|2\.5|5)(\.0)?', action: drop}]`,
			series: 600, dropped: 600, differs: []string{"p99 value"}, detail: "→",
		},
		{
			name: "keep mode idle", job: "node", rules: `[{source_labels: [__name__, mode], regex: 'node_cpu_seconds_total;(user|system|nice|iowait|irq|softirq|steal)', action: drop}]`,
			series: 560, dropped: 560,
		},
		{
			name: "labeldrop pod", job: "kube", rules: `[{regex: pod, action: labeldrop}]`,
			series: 41, collisions: 1, differs: []string{"node error"}, detail: "many-to-many",
		},
		{
			name: "drop http_requests_total", job: "api", rules: `[{source_labels: [__name__], regex: http_requests_total, action: drop}]`,
			series: 1600, dropped: 1600, differs: requests("series"), detail: "lost",
		},
		{
			name: "clear method", job: "api", rules: `[{source_labels: [__name__], regex: http_requests_total, target_label: method, replacement: ''}]`,
			series: 1600, collisions: 800, differs: requests("value"), detail: "→",
		},
	}
	o := DefaultOptions()
	o.Cutover, o.Instants = 0, 8
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := Run(t.Context(), Input{Report: r, Backend: "b", Changes: changesOf(t, r, tt.job, tt.rules), Data: d}, o)
			if err != nil {
				t.Fatal(err)
			}
			var differs []string
			for _, x := range res.Differences {
				differs = append(differs, x.Consumers[0].ID+" "+x.Kind)
				if !strings.Contains(x.Detail, tt.detail) {
					t.Errorf("%s: %s", x.Expr, x.Detail)
				}
				t.Logf("%s at %d of %d instants: %s", x.Expr, x.Instants, o.Instants, x.Detail)
			}
			slices.Sort(differs)
			if diff := cmp.Diff(tt.differs, differs); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			dropped := 0
			for _, c := range res.Changes {
				dropped += c.Dropped
			}
			f := res.Figures
			if f.Series != tt.series || dropped != tt.dropped || f.Collisions != tt.collisions || f.Consumers != 12 || f.Unstable+f.NotRehearsed > 0 {
				t.Errorf("%d series, %d dropped, figures %+v", f.Series, dropped, f)
			}
		})
	}
}
