package rehearsal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"

	"github.com/sentei/sentei"
)

// outcomeOf rehearses for a single consumer.
func outcomeOf(t *testing.T, d *Data, c sentei.Consumer, job, rules string, o Options) (*Result, Outcome) {
	t.Helper()
	r := report(c)
	res, err := Run(context.Background(), Input{Report: r, Backend: "b", Changes: changesOf(t, r, job, rules), Data: d}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Outcomes) != 1 {
		t.Fatalf("outcomes %+v", res.Outcomes)
	}
	return res, res.Outcomes[0]
}

// TestOutcomes rehearses consumers that are out of the ordinary.
func TestOutcomes(t *testing.T) {
	d := cluster(t)
	dropAPI := `[{source_labels: [__name__], regex: 'http_requests_total', action: drop}]`
	drop500 := `[{source_labels: [__name__, code], regex: 'http_requests_total;500', action: drop}]`
	few := DefaultOptions()
	few.MaxSamples = 5
	metricsQL := consumer(sentei.Query, "q", `sum(http_requests_total) default 0`)
	metricsQL.Lang = sentei.MetricsQL
	dead := consumer(sentei.RecordingRule, "dead", `sum(http_requests_total)`)
	dead.Records, dead.Dead = "x", true
	twice := consumer(sentei.RecordingRule, "twice", `http_requests_total`)
	twice.Records, twice.RecordLabels = "x", map[string]string{"method": "any"}
	template := func(expr string, v ...sentei.Variable) sentei.Consumer {
		c := consumer(sentei.Dashboard, "panel", expr)
		c.Template, c.Variables = true, v
		return c
	}
	variable := func(query string) sentei.Consumer {
		c := consumer(sentei.Dashboard, "variable", query)
		c.VariableQuery = true
		return c
	}
	tests := map[string]struct {
		consumer sentei.Consumer
		rules    string
		options  Options
		status   Status
		reason   string
		replayed []string
	}{
		"MetricsQL":       {consumer: metricsQL, status: NotRehearsed, reason: "MetricsQL"},
		"opaque":          {consumer: consumer(sentei.Query, "q", `sum(`), status: NotRehearsed, reason: "cannot be understood"},
		"dead":            {consumer: dead, status: Dead, reason: "nobody reads"},
		"too big":         {consumer: consumer(sentei.Query, "q", `http_requests_total`), options: few, status: NotRehearsed, reason: "too many samples"},
		"fails":           {consumer: consumer(sentei.Query, "q", `http_requests_total + on (job) http_requests_total`), rules: drop500, status: NotRehearsed, reason: "fails already without any change: "},
		"fails no longer": {consumer: consumer(sentei.Query, "q", `http_requests_total + on (job) http_requests_total`), status: Differs},
		"a rule fails":    {consumer: twice, rules: drop500, status: NotRehearsed, reason: "fails already"},
		"mixed":           {consumer: consumer(sentei.Query, "q", `time() - http_requests_total * 0 + on () group_left () absent(nothing) * 0`), status: Differs},
		"known values": {
			consumer: template(`sum by (code) (rate(http_requests_total{method="$m"}[$__rate_interval]))`, sentei.Variable{Name: "m", Values: []string{"GET", "POST"}}),
			status:   Differs, replayed: []string{`sum by (code) (rate(http_requests_total{method="GET"}[5m]))`, `sum by (code) (rate(http_requests_total{method="POST"}[5m]))`},
		},
		"values of the data": {
			consumer: template(`http_requests_total{pod=~"$pod", instance="[[host]]", code!~"${code:regex}"} > 1`),
			status:   Differs, replayed: []string{
				`http_requests_total{code!~"200",instance="10.0.0.0:8080",pod=~"api-0"} > 1`,
				`http_requests_total{code!~"200",instance="10.0.0.1:8080",pod=~"api-1"} > 1`,
				`http_requests_total{code!~"200",instance="10.0.0.2:8080",pod=~"api-2"} > 1`,
			},
		},
		"all": {
			consumer: template(`count(http_requests_total{job=~"$job"})`),
			status:   Differs, replayed: []string{`count(http_requests_total{job=~"api"})`, `count(http_requests_total{job=~".+"})`},
		},
		"a grouping that is not known": {consumer: template(`sum by ($by) (http_requests_total)`), status: NotRehearsed, reason: "no value is known for the variable $by"},
		"a format":                     {consumer: template(`http_requests_total{pod="${pod:percentencode}"}`), status: NotRehearsed, reason: "format"},
		"label values lost":            {consumer: variable(`label_values(http_requests_total{pod=~"$pod"}, code)`), status: Differs},
		"label values kept": {
			consumer: variable(`label_values({__name__=~"http_.*"}, pod)`), status: Same,
		},
		"label values kept for some pods only": {
			consumer: variable(`label_values({__name__=~"http_.*",pod="$pod"}, job)`),
			rules:    `[{source_labels: [pod], regex: api-0, action: drop}]`, status: Differs,
		},
		"label names":  {consumer: variable(`label_names(http_requests)`), status: Differs},
		"metric names": {consumer: variable(`metrics(http_)`), status: Differs},
		"query result": {consumer: variable(`query_result(sum(http_requests_total))`), status: Differs},
		"series":       {consumer: variable(`http_requests_total{code="500"}`), status: Differs},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.rules == "" {
				tt.rules = dropAPI
			}
			if tt.options.Instants == 0 {
				tt.options = DefaultOptions()
			}
			res, o := outcomeOf(t, d, tt.consumer, "api", tt.rules, tt.options)
			if o.Status != tt.status || !strings.Contains(o.Reason, tt.reason) || (o.Reason == "") != (tt.reason == "") {
				t.Errorf("%s, because %q", o.Status, o.Reason)
			}
			if tt.replayed != nil {
				if diff := cmp.Diff(tt.replayed, o.Replayed); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
			if (o.Status == Differs) != (len(res.Differences) > 0) {
				t.Errorf("differences %+v", res.Differences)
			}
		})
	}
}

// TestUnionAloneShows wants a consumer to be found that only two changes
// together touch.
func TestUnionAloneShows(t *testing.T) {
	d := cluster(t)
	res, o := outcomeOf(t, d, consumer(sentei.Query, "q", `count(kube_pod_info{uid="",pod_ip=""})`), "kube", `
- {source_labels: [__name__], regex: kube_pod_info, target_label: pod_ip, replacement: ''}
- {source_labels: [__name__], regex: kube_pod_info, target_label: uid, replacement: ''}`, DefaultOptions())
	if o.Status != Differs || len(res.Differences[0].Changes) != 2 {
		t.Errorf("%+v, %+v", o, res.Differences)
	}
}

// TestMissedByTheAnalysis takes the selectors away from consumers: what the
// engine asks for must make up for it.
func TestMissedByTheAnalysis(t *testing.T) {
	d := cluster(t)
	panel := consumer(sentei.Dashboard, "panel", `sum by (code) (rate(http_requests_total{pod=~"$pod", job="$job", code="500"}[$__rate_interval]))`)
	panel.Template = true
	r := report(
		consumer(sentei.Query, "query", `sum(rate(http_requests_total[5m])) / count({job="node"})`), panel,
		consumer(sentei.Query, "other", `http_requests_total{code="200"}`), consumer(sentei.Query, "up", `up`),
	)
	for i := range r.Consumers {
		r.Consumers[i].Selectors = nil
	}
	res := run(t, r, d, changesOf(t, r, "api", `[{source_labels: [__name__, code], regex: 'http_requests_total;500', action: drop}]`))
	var differs []string
	for _, x := range res.Differences {
		differs = append(differs, x.Consumers[0].ID)
	}
	if diff := cmp.Diff([]string{"panel", "query"}, differs); diff != "" || res.Figures.Untouched != 2 {
		t.Errorf("%+v, -want +got\n%s", res.Figures, diff)
	}
}

// TestRenamedMetric rehearses changes of one metric next to one that renames
// it, so that matchers on labels must wait for both.
func TestRenamedMetric(t *testing.T) {
	d, r := cluster(t), report(consumer(sentei.Query, "q", `count(renamed{pod=""})`))
	changes := slices.Concat(
		changesOf(t, r, "kube", `[{source_labels: [__name__], regex: kube_pod_info, target_label: __name__, replacement: renamed}]`),
		changesOf(t, r, "kube", `[{regex: pod, action: labeldrop}]`),
	)
	changes[0].Metric, changes[1].Metric, changes[1].ID = "kube_pod_info", "kube_pod_info", "pod"
	res := run(t, r, d, changes)
	if len(res.Differences) != 1 || len(res.Differences[0].Changes) != 2 {
		t.Errorf("%+v, %+v", res.Figures, res.Differences)
	}
}

// TestNativeHistograms clears a label that keeps native histograms apart, and
// one that does not.
func TestNativeHistograms(t *testing.T) {
	var g generator
	for pod := range 2 {
		var samples []chunks.Sample
		for at := time.Duration(0); at < length; at += step {
			h := tsdbutil.GenerateTestHistogram(int64(at/step) * int64(pod+1))
			samples = append(samples, &sample{t: start.Add(at).UnixMilli(), h: h, kind: chunkenc.ValHistogram})
		}
		l := labels.FromStrings("__name__", "latency_seconds", "job", "api", "pod", strconv.Itoa(pod), "zone", "z")
		g.series = append(g.series, storage.NewListSeries(l, samples))
	}
	d := g.block(t)
	r := report(consumer(sentei.Query, "q", `histogram_quantile(0.9, sum(rate(latency_seconds[5m])))`), consumer(sentei.Query, "h", `sum without (zone, pod) (latency_seconds)`))
	if res := run(t, r, d, changesOf(t, r, "api", `[{regex: zone, action: labeldrop}]`)); !res.Clean() || res.Figures.Same != 2 || res.Figures.Empty > 0 {
		t.Errorf("%+v, %+v", res.Figures, res.Differences)
	}
	res := run(t, r, d, changesOf(t, r, "api", `[{regex: pod, action: labeldrop}]`))
	if f := res.Figures; f.Differs != 2 || f.Ambiguous != 1 {
		t.Errorf("%+v, %+v", f, res.Outcomes)
	}
	for _, x := range res.Differences {
		if x.Kind == KindError {
			t.Error(x.Detail)
		}
	}
}

// TestBlocksThatOverlap splits the data in two blocks with a common part: what
// is replayed must be the same.
func TestBlocksThatOverlap(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	var whole generator
	var halves [2]generator
	for i := range 4 {
		l := []string{"__name__", "m_total", "job", "api", "pod", strconv.Itoa(i)}
		whole.whole(counter(float64(i)), l...)
		halves[0].add(0, length*2/3, counter(float64(i)), l...)
		halves[1].add(length/3, length, counter(float64(i)), l...)
	}
	dir := t.TempDir()
	for i := range halves {
		for k := range halves[i].series { // without the stale marker that add writes
			halves[i].series[k] = withoutStale(t, halves[i].series[k])
		}
		if _, err := tsdb.CreateBlock(halves[i].series, dir, (4 * time.Hour).Milliseconds(), logger); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenBlocks(dir, 0, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	one := whole.block(t)
	if len(d.Edges) == 0 || !d.From.Equal(one.From) || !d.To.Equal(one.To) {
		t.Errorf("%s to %s, edges %s", d.From, d.To, d.Edges)
	}
	both := &Data{Queryable: d.Queryable, From: one.From, To: one.To}
	r := report(consumer(sentei.Query, "q", `sum(rate(m_total[5m]))`), consumer(sentei.Query, "r", `m_total`))
	changes := changesOf(t, r, "api", `[{source_labels: [pod], regex: '3', action: drop}]`)
	if diff := cmp.Diff(run(t, r, one, changes), run(t, r, both, changes)); diff != "" {
		t.Errorf("-one block +two\n%s", diff)
	}
}

func withoutStale(t *testing.T, s storage.Series) storage.Series {
	t.Helper()
	samples, err := collect([]relabeled{{Series: s}})
	if err != nil {
		t.Fatal(err)
	}
	var out []chunks.Sample
	for i := range samples {
		if !samples[i].stale() {
			out = append(out, &samples[i])
		}
	}
	return storage.NewListSeries(s.Labels(), out)
}

func TestTime(t *testing.T) {
	d, r := cluster(t), consumersOfCluster()
	changes := changesOf(t, r, "api", `[{source_labels: [__name__], regex: 'http_.*', action: drop}]`)
	o := DefaultOptions()
	o.Concurrency = 1
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	o.Progress = func(done, total int) {
		calls++
		if done != calls || total != 5 {
			t.Errorf("%d of %d", done, total)
		}
		cancel()
	}
	if _, err := Run(ctx, Input{Report: r, Backend: "b", Changes: changes, Data: d}, o); !errors.Is(err, context.Canceled) || calls == 0 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	// What is not reached until the deadline is not rehearsed.
	o.Progress = nil
	expired, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	run := &runner{data: d, changes: changes, options: o}
	s := subjects(r, "b")[0]
	s.prepare()
	if outcome, differing := run.replay(expired, s, []time.Time{start}); outcome.Status != NotRehearsed || outcome.Reason != "out of time" || differing != nil {
		t.Errorf("%+v", outcome)
	}
}

func TestTooManySeries(t *testing.T) {
	d, r := cluster(t), consumersOfCluster()
	o := DefaultOptions()
	o.MaxSeries = 5
	_, err := Run(context.Background(), Input{Report: r, Backend: "b", Data: d, Changes: changesOf(t, r, "api", `[{regex: pod, action: labeldrop}]`)}, o)
	if err == nil || !strings.Contains(err.Error(), "more than 5 series") {
		t.Errorf("error %v", err)
	}
}

func TestInvalidRules(t *testing.T) {
	d, r := cluster(t), consumersOfCluster()
	for _, rule := range []*relabel.Config{nil, {}, {Action: relabel.Replace}} {
		_, err := Run(context.Background(), Input{Report: r, Backend: "b", Data: d, Changes: []Change{{ID: "x", Rules: []*relabel.Config{rule}}}}, DefaultOptions())
		if err == nil || !strings.Contains(err.Error(), "x: rule 0") {
			t.Errorf("error %v", err)
		}
	}
}

func TestOpenBlocks(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, "wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.Mkdir(filepath.Join(broken, "01JCW8TM0NNYXGZ3B7T0AP9D2E"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(empty, "none"): "no such file",
		empty:                        "no blocks yet",
		broken:                       "meta.json",
	} {
		if _, err := OpenBlocks(path, 0, logger); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	d, err := OpenBlocks("../../testdata/tsdb", time.Hour, logger)
	if err != nil {
		t.Fatal(err)
	}
	if !d.From.Before(d.To) || len(d.Edges) != 0 {
		t.Errorf("%s to %s, edges %s", d.From, d.To, d.Edges)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := new(Data).Close(); err != nil {
		t.Error(err)
	}
}
