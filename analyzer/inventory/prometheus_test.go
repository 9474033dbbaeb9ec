package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
)

func shopServer() *fakePrometheus {
	return &fakePrometheus{
		active: []labels.Labels{
			promSeries("up", "job", "web", "instance", "a"),
			promSeries("up", "job", "web", "instance", "b"),
			promSeries("up", "job", "db", "instance", "c"),
			promSeries("http_seconds_bucket", "job", "web", "instance", "a", "le", "1"),
			promSeries("http_seconds_bucket", "job", "web", "instance", "a", "le", "+Inf"),
			promSeries("job:up:sum", "job", "web"),
			promSeries("nobody"),
		},
		ended: []labels.Labels{
			promSeries("http_seconds_bucket", "job", "web", "instance", "z", "le", "1"),
			promSeries("batch_last_run", "job", "web", "shard", "1"),
			promSeries("batch_last_run", "job", "web", "shard", "2"),
		},
		static: map[string]string{
			"targets": `{"activeTargets":[
				{"scrapePool":"web","labels":{"job":"web","instance":"a"},"scrapeInterval":"10s","scrapeUrl":"http://a:1/metrics"},
				{"scrapePool":"web","labels":{"job":"web","instance":"b"},"scrapeInterval":"10s","scrapeUrl":"http://b:1/metrics"},
				{"scrapePool":"pushed","labels":{"job":"pods","instance":"10.0.0.2"},"scrapeUrl":"http://b:1/metrics"},
				{"scrapePool":"included","labels":{"job":"db","instance":"c"},"scrapeInterval":"30s","scrapeUrl":"http://a:1/metrics"}]}`,
			"status/config": `{"yaml":"global:\n  scrape_interval: 20s\n  evaluation_interval: 15s\nscrape_configs:\n- job_name: web\n  honor_labels: false\n  scrape_interval: 10s\n  unknown: [1]\n- job_name: pushed\n  honor_labels: true\n"}`,
			"scrape_pools":  `{"scrapePools":["web","pushed","included"]}`,
			"metadata":      `{"http_seconds":[{"type":"histogram","unit":"seconds","help":"Time."}],"up":[{"type":"gauge","help":"x"},{"type":"gauge","help":"y"}]}`,
			"rules":         `{"groups":[{"name":"g","file":"f","interval":60,"rules":[{"type":"recording","name":"job:up:sum","query":"up"}]}]}`,
		},
	}
}

func TestPrometheusInventory(t *testing.T) {
	inv, problems, err := fakeSource(t, shopServer(), 100, 10).Inventory(t.Context())
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	one := func(v string) []sentei.LabelValue { return []sentei.LabelValue{{Value: v, Series: 1}} }
	want := &sentei.Inventory{
		Backend: "b", Source: "prometheus", From: fakeNow.Add(-time.Hour), To: fakeNow,
		Estimated: []string{"churn_per_hour", "disk_bytes_per_day", "ended_per_hour", "memory_bytes", "samples_per_second", "series_in_span"},
		ScrapeJobs: []sentei.ScrapeJob{
			{Name: "included", JobLabels: []string{"db"}, HonorLabels: true, OpenJobs: true, Assumed: true, Interval: 30 * time.Second, Targets: 1},
			{Name: "pushed", JobLabels: []string{"pods"}, HonorLabels: true, Interval: 20 * time.Second, Targets: 1},
			{Name: "web", JobLabels: []string{"web"}, Interval: 10 * time.Second, Targets: 2},
		},
		// How targets of the job "included" are asked is not known.
		DuplicateTargets: []sentei.DuplicateTarget{{URL: "http://b:1/metrics", Targets: []sentei.ScrapeTarget{
			{ScrapeJob: "pushed", Job: "pods", Instance: "10.0.0.2"}, {ScrapeJob: "web", Job: "web", Instance: "b"},
		}}},
		Metrics: []sentei.Metric{
			{Name: "batch_last_run", Jobs: []sentei.JobMetric{{Job: "web", Cost: sentei.Cost{SeriesInSpan: 2}, Labels: []sentei.LabelStats{
				{Name: "shard", Series: 2, Distinct: 2, Values: []sentei.LabelValue{{Value: "1", Series: 1}, {Value: "2", Series: 1}}, Complete: true, SeriesWithout: 1},
			}}}},
			{Name: "http_seconds_bucket", Type: "histogram", Unit: "seconds", Help: "Time.", Jobs: []sentei.JobMetric{{
				Job: "web", Cost: sentei.Cost{Series: 2, SeriesInSpan: 3, SamplesPerSecond: 0.2}, Labels: []sentei.LabelStats{
					{Name: "instance", Series: 3, Distinct: 2, Values: []sentei.LabelValue{{Value: "a", Series: 2}, {Value: "z", Series: 1}}, Complete: true, SeriesWithout: 2, SeriesWithoutLive: 2},
					{Name: "le", Series: 3, Distinct: 2, Values: []sentei.LabelValue{{Value: "1", Series: 2}, {Value: "+Inf", Series: 1}}, Complete: true, SeriesWithout: 2, SeriesWithoutLive: 1},
				},
			}}},
			{Name: "job:up:sum", Jobs: []sentei.JobMetric{{Job: "web", Cost: sentei.Cost{Series: 1, SeriesInSpan: 1, SamplesPerSecond: 1.0 / 60}, Labels: []sentei.LabelStats{}}}},
			{Name: "nobody", Jobs: []sentei.JobMetric{{Cost: sentei.Cost{Series: 1, SeriesInSpan: 1, SamplesPerSecond: 1.0 / 20}, Labels: []sentei.LabelStats{}}}},
			{Name: "up", Type: "gauge", Jobs: []sentei.JobMetric{
				{Job: "db", Cost: sentei.Cost{Series: 1, SeriesInSpan: 1, SamplesPerSecond: 1.0 / 30}, Labels: []sentei.LabelStats{
					{Name: "instance", Series: 1, Distinct: 1, Values: one("c"), Complete: true, SeriesWithout: 1, SeriesWithoutLive: 1},
				}},
				{Job: "web", Cost: sentei.Cost{Series: 2, SeriesInSpan: 2, SamplesPerSecond: 0.2}, Labels: []sentei.LabelStats{
					{Name: "instance", Series: 2, Distinct: 2, Values: []sentei.LabelValue{{Value: "a", Series: 1}, {Value: "b", Series: 1}}, Complete: true, SeriesWithout: 1, SeriesWithoutLive: 1},
				}},
			}},
		},
	}
	estimates := cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".MemoryBytes" || p.Last().String() == ".DiskBytesPerDay"
	}, cmp.Ignore())
	if diff := cmp.Diff(want, inv, estimates); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
	bucket := inv.Metrics[1].Jobs[0].Cost
	// Label text of its three series: 45, 48 and 45 bytes.
	if memory := sentei.HeadBytes(2, 2*46); bucket.MemoryBytes != memory {
		t.Errorf("memory %v, want %v", bucket.MemoryBytes, memory)
	}
	if disk := 0.2*86400*1.7 + 3*150; bucket.DiskBytesPerDay != disk {
		t.Errorf("disk %v, want %v", bucket.DiskBytesPerDay, disk)
	}
}

// manyServer has 40 metrics of up to 8 series in two jobs.
func manyServer() *fakePrometheus {
	f := &fakePrometheus{static: map[string]string{"targets": `{"activeTargets":[]}`, "status/config": `{"yaml":""}`, "metadata": `{}`}}
	for m := range 40 {
		for n := range m%8 + 1 {
			f.active = append(f.active, promSeries(fmt.Sprintf("m.%02d", m), "job", fmt.Sprint(n%2), "pod", fmt.Sprint(n)))
		}
	}
	f.active = append(f.active, promSeries("m.39", "job", "1"))
	return f
}

func counts(inv *sentei.Inventory) []string {
	var all []string
	for _, m := range inv.Metrics {
		for _, j := range m.Jobs {
			all = append(all, fmt.Sprintf("%s %s %d %v", m.Name, j.Job, j.Cost.Series, j.Labels))
		}
	}
	return all
}

func TestPrometheusShards(t *testing.T) {
	whole, _, err := fakeSource(t, manyServer(), 1000, 100).Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		perQuery int
		refused  int // queries over more series than this are refused
	}{
		"one query":                  {1000, 1000},
		"one query, refused":         {1000, 20},
		"several":                    {20, 1000},
		"several, some refused":      {20, 9},
		"labels in parts":            {4, 9},
		"head size unknown, refused": {100, 9},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := manyServer()
			f.fail = func(w http.ResponseWriter, path, what string) bool {
				if path == "status/tsdb" && strings.HasPrefix(name, "head size unknown") {
					return refuse(w, 404, "not_found", "no")
				}
				if path != "query" || !strings.HasPrefix(what, "count by") {
					return false
				}
				selector := what[strings.Index(what, "{") : strings.LastIndex(what, "}")+1]
				n := 0
				for _, l := range f.active {
					if matchesAll(selector, l) {
						n++
					}
				}
				return n > tt.refused && refuse(w, 422, "execution", "query processing would load too many samples into memory")
			}
			inv, problems, err := fakeSource(t, f, tt.perQuery, 100).Inventory(t.Context())
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			if diff := cmp.Diff(counts(whole), counts(inv)); diff != "" {
				t.Errorf("counts (-in one query +got):\n%s", diff)
			}
		})
	}
}

// TestPrometheusManySeries leaves out the labels of a metric that would take
// too much memory.
func TestPrometheusManySeries(t *testing.T) {
	f := manyServer()
	for i := range 11 {
		f.active = append(f.active, promSeries("many", "i", fmt.Sprint(i)))
	}
	inv, problems, err := fakeSource(t, f, 2, 100).Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 1 || !strings.HasPrefix(problems[0].Hint, "many;") || problems[0].Blocking {
		t.Errorf("problems %+v", problems)
	}
	for _, m := range inv.Metrics {
		if got, want := m.Jobs[0].Labels == nil, m.Name == "many"; got != want {
			t.Errorf("%s: labels unknown: %v", m.Name, got)
		}
	}
}

// TestPrometheusUnevenParts reads a metric whose parts are smaller than a
// split in halves makes one think.
func TestPrometheusUnevenParts(t *testing.T) {
	f := manyServer()
	f.active = nil
	for i := range 240 {
		f.active = append(f.active, promSeries("uneven", "job", fmt.Sprint(i%2), "path", fmt.Sprint(i)))
	}
	inv, problems, err := fakeSource(t, f, 50, 1).Inventory(t.Context())
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if l := inv.Metrics[0].Jobs[1].Labels; len(l) != 1 || l[0].Distinct != 120 {
		t.Errorf("labels %+v", l)
	}
}

func TestPrometheusPartialFailures(t *testing.T) {
	tests := map[string]struct {
		fail     func(w http.ResponseWriter, path, what string) bool
		perQuery int
		problem  string // blocking ones begin with "!"
		missing  string // metric that must not be there
		noLabels string // metric whose labels must not be known
	}{
		"one shard fails": {
			perQuery: 2,
			fail: func(w http.ResponseWriter, path, what string) bool {
				return path == "query" && strings.HasPrefix(what, "count by (__name__, job) ({") && matchesName(what, "nobody") && refuse(w, 500, "internal", "broken")
			},
			problem: "!the series of some metrics could not be counted; these metrics are not in the inventory", missing: "nobody",
		},
		"quiet metrics fail": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				return strings.Contains(what, "last_over_time") && refuse(w, 500, "internal", "broken")
			},
			problem: "metrics without active series could not be counted; the verdicts of these metrics are unknown", noLabels: "batch_last_run",
		},
		"quiet metrics and their jobs fail": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				return (strings.Contains(what, "last_over_time") || path == "label/job/values" && strings.Contains(what, "batch_last_run")) &&
					refuse(w, 500, "internal", "broken")
			},
			problem: "!metrics without active series could not be counted; they are not in the inventory", missing: "batch_last_run",
		},
		"names fail": {
			fail: func(w http.ResponseWriter, path, _ string) bool {
				return path == "label/__name__/values" && refuse(w, 500, "internal", "broken")
			},
			problem: "!metrics without active series could not be listed; they are not in the inventory", missing: "batch_last_run",
		},
		"counts with a warning": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				if path != "query" || !strings.HasPrefix(what, "count by (__name__, job) ({") {
					return false
				}
				fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1,"1"]}]},"warnings":["a store is down"]}`)
				return true
			},
			problem: "!the server warns that its counts may be incomplete",
		},
		"names with a warning": {
			fail: func(w http.ResponseWriter, path, _ string) bool {
				if path != "label/__name__/values" {
					return false
				}
				fmt.Fprint(w, `{"status":"success","data":["up"],"warnings":["results truncated due to limit"]}`)
				return true
			},
			problem: "!the server warns that its list of metric names may be incomplete",
		},
		"series of a metric fail": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				return path == "series" && strings.Contains(what, `"up"`) && refuse(w, 500, "internal", "broken")
			},
			problem: "the labels of some metrics could not be read; any label of these may have any value", noLabels: "up",
		},
		"series of a metric are always too much": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				return path == "series" && strings.Contains(what, `"up"`) && refuse(w, 422, "execution", "too many")
			},
			problem: "the labels of some metrics could not be read; any label of these may have any value", noLabels: "up",
		},
		"labels to split by fail": {
			perQuery: 1,
			fail: func(w http.ResponseWriter, path, what string) bool {
				return path == "label/job/values" && strings.Contains(what, `"up"`) && refuse(w, 500, "internal", "broken")
			},
			problem: "the labels of some metrics could not be read; any label of these may have any value", noLabels: "up",
		},
		"names of labels to split by fail": {
			perQuery: 1,
			fail: func(w http.ResponseWriter, path, what string) bool {
				return path == "labels" && strings.Contains(what, `"up"`) && refuse(w, 500, "internal", "broken")
			},
			problem: "the labels of some metrics could not be read; any label of these may have any value", noLabels: "up",
		},
		"series of a metric with a warning": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				if path != "series" || !strings.Contains(what, `"up"`) {
					return false
				}
				fmt.Fprint(w, `{"status":"success","data":[{"__name__":"up"}],"warnings":["results truncated due to limit"]}`)
				return true
			},
			problem: "the labels of some metrics could not be read; any label of these may have any value", noLabels: "up",
		},
		"active series of a metric fail": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				return path == "query" && strings.HasPrefix(what, `{__name__="http_seconds_bucket"`) && refuse(w, 500, "internal", "broken")
			},
			problem: "the labels of some metrics could not be read; any label of these may have any value", noLabels: "http_seconds_bucket",
		},
		"no targets": {
			fail:    func(w http.ResponseWriter, path, _ string) bool { return path == "targets" && refuse(w, 403, "", "no") },
			problem: "targets could not be read; scrape jobs are not known, so nothing can be proposed for them",
		},
		"no configuration": {
			fail: func(w http.ResponseWriter, path, _ string) bool {
				return path == "status/config" && refuse(w, 403, "", "no")
			},
			problem: "!the server's configuration could not be read; external labels and remote write are not known",
		},
		"a configuration without text": {
			fail: func(w http.ResponseWriter, path, _ string) bool {
				if path != "status/config" {
					return false
				}
				fmt.Fprint(w, `{"status":"success","data":{}}`)
				return true
			},
			problem: "!the server's configuration could not be read; external labels and remote write are not known",
		},
		"a server without configuration": {
			fail: func(w http.ResponseWriter, path, _ string) bool {
				return path == "status/config" && refuse(w, 404, "", "no")
			},
			problem: "the server's configuration could not be read; external labels and remote write are not known",
		},
		"a short list of series": {
			fail: func(w http.ResponseWriter, path, what string) bool {
				if (path != "series" && path != "query") || !strings.HasPrefix(what, `{__name__="up"`) {
					return false
				}
				fmt.Fprint(w, map[string]string{
					"series": `{"status":"success","data":[{"__name__":"up"}]}`,
					"query":  `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1,"1"]}]}}`,
				}[path])
				return true
			},
			problem: "the labels of some metrics could not be read; any label of these may have any value", noLabels: "up",
		},
		"no metadata": {
			fail: func(w http.ResponseWriter, path, _ string) bool {
				return path == "metadata" && refuse(w, 404, "", "no")
			},
			problem: "metadata could not be read; types, units and help texts are missing",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var ids [][]string
			for range 2 {
				f := shopServer()
				f.fail = tt.fail
				perQuery := max(tt.perQuery, 1)
				if tt.perQuery == 0 {
					perQuery = 100
				}
				inv, problems, err := fakeSource(t, f, perQuery, 10).Inventory(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(problems) != 1 || strings.TrimPrefix(tt.problem, "!") != problems[0].Message || strings.HasPrefix(tt.problem, "!") != problems[0].Blocking {
					t.Fatalf("problems %+v, want %q", problems, tt.problem)
				}
				if problems[0].Hint == "" {
					t.Error("the problem has no hint")
				}
				for _, m := range inv.Metrics {
					if m.Name == tt.missing {
						t.Errorf("%s is in the inventory", m.Name)
					}
					if m.Name == tt.noLabels && m.Jobs[0].Labels != nil {
						t.Errorf("%s has labels %v", m.Name, m.Jobs[0].Labels)
					}
				}
				ids = append(ids, []string{problems[0].Message})
			}
			if !slices.Equal(ids[0], ids[1]) {
				t.Errorf("the problem is told differently the second time: %v", ids)
			}
		})
	}
}

func matchesName(query, name string) bool {
	return matchesAll(query[strings.Index(query, "{"):strings.LastIndex(query, "}")+1], promSeries(name))
}

func TestPrometheusFailures(t *testing.T) {
	tests := map[string]struct {
		path, what string
		err        string
	}{
		"nothing works":    {path: "query", what: "time()", err: "query time(): POST"},
		"count fails":      {path: "query", what: "count by", err: "500 Internal Server Error"},
		"everything fails": {err: "500 Internal Server Error: internal: broken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := shopServer()
			f.fail = func(w http.ResponseWriter, path, what string) bool {
				return strings.HasPrefix(path, tt.path) && strings.HasPrefix(what, tt.what) && refuse(w, 500, "internal", "broken")
			}
			for _, perQuery := range []int{100, 2} {
				inv, problems, err := fakeSource(t, f, perQuery, 10).Inventory(t.Context())
				if err == nil || !strings.Contains(err.Error(), tt.err) || inv != nil || problems != nil {
					t.Errorf("got %v, %v, error %v, want %q", inv, problems, err, tt.err)
				}
			}
		})
	}
}

func TestPrometheusDoc(t *testing.T) {
	var items []map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(prometheus.Doc.Example), &items); err != nil {
		t.Fatal(err)
	}
	node := items[0][prometheus.Kind]
	o := prometheusServerOptions{}
	if err := node.Load(&o, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if o.Lookback == 0 || o.LabelMetrics == 0 || o.MaxSeriesPerQuery == 0 || o.URL == "" || o.Concurrency == 0 || o.Timeout == 0 || o.Budget == 0 || o.HTTP.BasicAuth == nil || o.ListSeries == 0 {
		t.Errorf("the example leaves options out: %+v", o)
	}
}

// TestPrometheusStops looks at what is left when the budget ends after the
// count, and when somebody stops the scan.
func TestPrometheusStops(t *testing.T) {
	src := fakeSource(t, shopServer(), 100, 10).(*prometheusSource)
	s := &prometheusScan{prometheusSource: src, metrics: make(map[string]*prometheusMetric), from: fakeNow.Add(-time.Hour), to: fakeNow}
	if err := s.count(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the budget is used up"))
	s.countQuiet(ctx)
	s.readJobs(ctx)
	s.readMetadata(ctx)
	s.readLabels(ctx)
	if got := s.metrics["up"].live(); got != 3 || s.metrics["up"].jobs["web"].labels != nil {
		t.Errorf("up has %d series", got)
	}
	var messages []string
	for _, p := range s.problems() {
		messages = append(messages, p.Message)
	}
	want := []string{
		"metadata could not be read; types, units and help texts are missing",
		"metrics without active series could not be listed; they are not in the inventory",
		"targets could not be read; scrape jobs are not known, so nothing can be proposed for them",
		"the labels of some metrics could not be read; any label of these may have any value",
		"the server's configuration could not be read; external labels and remote write are not known",
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}

	stopped, stop := context.WithCancel(t.Context())
	f := shopServer()
	f.fail = func(_ http.ResponseWriter, path, _ string) bool {
		if path == "metadata" {
			stop()
		}
		return false
	}
	if inv, _, err := fakeSource(t, f, 100, 10).Inventory(stopped); !errors.Is(err, context.Canceled) || inv != nil {
		t.Errorf("stopped: got %v, error %v", inv, err)
	}
}
