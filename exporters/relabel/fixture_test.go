package relabel

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if len(got) == 0 {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: nothing was written", path)
		}
		return
	}
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// stored is one metric in one job, and whether it is to be dropped.
type stored struct {
	metric, job string
	verdict     sentei.Verdict
	scrapeJob   string // "" when nothing is proposed
	shared      bool
}

// reportOf returns a report of one backend.
func reportOf(backend string, jobs []sentei.ScrapeJob, series ...stored) *sentei.Report {
	r := &sentei.Report{
		At:       time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC),
		Settings: sentei.Settings{Prices: sentei.Prices{Currency: "EUR", PerThousandSeries: 6.5}},
		Backends: []sentei.Backend{{Name: backend, ScrapeJobs: jobs}},
		Consumers: []sentei.Consumer{
			{ID: "1", Kind: sentei.AlertingRule, Backend: backend},
			{ID: "2", Kind: sentei.Dashboard, Backend: backend},
			{ID: "3", Kind: sentei.RecordingRule, Backend: backend, Dead: true},
		},
	}
	at := map[string]int{}
	for i, s := range series {
		n, known := at[s.metric]
		if !known {
			n = len(r.Metrics)
			at[s.metric] = n
			r.Metrics = append(r.Metrics, sentei.MetricReport{Backend: backend, Metric: sentei.Metric{Name: s.metric}})
		}
		cost := sentei.Cost{Series: int64(10 * (i + 1)), SamplesPerSecond: float64(i+1) / 1.5}
		m := &r.Metrics[n]
		m.Jobs = append(m.Jobs, sentei.JobMetric{Job: s.job, Cost: cost})
		m.JobUsage = append(m.JobUsage, sentei.JobUsage{Usage: sentei.Usage{Verdict: s.verdict}})
		if s.scrapeJob == "" {
			continue
		}
		r.Proposals = append(r.Proposals, sentei.Proposal{
			ID: sentei.HashID(backend, s.scrapeJob, s.job, s.metric), Rule: "drop_unused_metric", Grade: sentei.GradeA,
			Place:  sentei.Place{Backend: backend, ScrapeJob: s.scrapeJob, Job: s.job, Shared: s.shared},
			Action: sentei.Action{Kind: sentei.DropMetric, Metric: s.metric},
			Saving: cost, SavingPerMonth: r.Settings.Prices.PerMonth(cost),
		})
	}
	return r
}

// parts adds proposals that take a part of a metric's series away, and a label.
func parts(r *sentei.Report, backend, metric, job, scrapeJob string, shared bool) {
	m := r.Metric(backend, metric)
	for k := range m.Jobs {
		if m.Jobs[k].Job != job {
			continue
		}
		m.Jobs[k].Labels = []sentei.LabelStats{
			{Name: "cpu", Values: []sentei.LabelValue{{Value: "0"}, {Value: "1"}}},
			{Name: "le", Values: []sentei.LabelValue{{Value: "1.0"}, {Value: "2.5"}, {Value: "+Inf"}}},
			{Name: "mode.x", Values: []sentei.LabelValue{{Value: "idle"}, {Value: "nice"}, {Value: "st;al"}}},
		}
		m.JobUsage[k].Labels = []sentei.LabelUsage{
			{Name: "cpu", Verdict: sentei.Unused},
			{Name: "le", Verdict: sentei.Used, UnusedValues: []string{"1.0", "2.5"}},
			{Name: "mode.x", Verdict: sentei.Used, UnusedValues: []string{"nice", "st;al"}},
		}
	}
	place := sentei.Place{Backend: backend, ScrapeJob: scrapeJob, Job: job, Shared: shared}
	for i, a := range []sentei.Action{
		{Kind: sentei.DropValues, Metric: metric, Label: "le", Values: []string{"1.0", "2.5"}},
		{Kind: sentei.DropValues, Metric: metric, Label: "mode.x", Values: []string{"nice", "st;al"}},
		{Kind: sentei.StripLabel, Metric: metric, Label: "cpu"},
	} {
		grade := sentei.GradeA
		if a.Kind == sentei.StripLabel {
			grade = sentei.GradeASteady
		}
		cost := sentei.Cost{Series: int64(i)}
		r.Proposals = append(r.Proposals, sentei.Proposal{
			ID: sentei.HashID(metric, job, a.Label), Grade: grade, Place: place, Action: a,
			Saving: cost, SavingPerMonth: r.Settings.Prices.PerMonth(cost),
		})
	}
}

// shop returns a report with jobs of all sorts.
func shop() *sentei.Report {
	const no, used = sentei.Unused, sentei.Used
	r := reportOf("prod",
		[]sentei.ScrapeJob{
			{Name: "node", JobLabels: []string{"node"}},
			{Name: "shop", JobLabels: []string{"cart", "checkout"}},
			{Name: "otel", JobLabels: []string{"otel;1"}, HonorLabels: true},
			{Name: "vendor's", JobLabels: []string{"vendor"}},
		},
		stored{"node_arp_entries", "node", no, "node", false},
		stored{"node_cpu_seconds_total", "node", used, "", false},
		stored{"node_schedstat_running_seconds_total", "node", no, "node", false},
		stored{"go_threads", "node", no, "node", true},
		stored{"go_threads", "cart", no, "shop", true},
		stored{"go_threads", "checkout", used, "", false},
		stored{"cart_items_bucket", "cart", no, "shop", true},
		stored{"cart_items_count", "cart", used, "", false},
		stored{"http.server.duration", "otel;1", no, "otel", true},
		stored{"http_server_duration", "otel;1", used, "", false},
		stored{`temperature in °C, "outside" \ it's`, "otel;1", no, "otel", true},
		stored{"two\nlines", "otel;1", no, "otel", true},
		stored{"a|b", "vendor", no, "vendor's", false},
		stored{"a", "vendor", used, "", false},
		stored{"b", "vendor", used, "", false},
	)
	parts(r, "prod", "node_cpu_seconds_total", "node", "node", false)
	parts(r, "prod", "cart_items_count", "cart", "shop", true)
	edge := reportOf("edge", []sentei.ScrapeJob{{Name: "node", JobLabels: []string{"node"}}},
		stored{"node_arp_entries", "node", no, "node", false},
		stored{"node_cpu_seconds_total", "node", no, "", false},
	)
	r.Backends = append(edge.Backends, r.Backends...)
	r.Metrics = append(edge.Metrics, r.Metrics...)
	r.Consumers = append(r.Consumers, edge.Consumers...)
	r.Proposals = append(r.Proposals, edge.Proposals...)
	return r
}

// cluster returns shop with a backend of the prometheus-operator, and with
// proposals of every kind and place.
func cluster() *sentei.Report {
	const no, used = sentei.Unused, sentei.Used
	const cart, checkout, home, dc = "serviceMonitor/shop/cart/1", "podMonitor/shop/checkout/0", "probe/shop/home", "scrapeConfig/dc/switch"
	c := reportOf("cluster",
		[]sentei.ScrapeJob{
			{Name: cart, JobLabels: []string{"cart"}, Interval: time.Minute},
			{Name: checkout, JobLabels: []string{"shop/checkout"}},
			{Name: home, JobLabels: []string{"home"}},
			{Name: dc, JobLabels: []string{"switch"}},
			{Name: "serviceMonitor/shop/cart", JobLabels: []string{"additional"}},
		},
		stored{"cart_items", "cart", used, "", false},
		stored{"cart_paid_bucket", "cart", no, cart, false},
		stored{"cart_paid_count", "cart", used, "", false},
		stored{"checkout_paid_bucket", "shop/checkout", no, checkout, true},
		stored{"checkout_paid_count", "shop/checkout", no, checkout, true},
		stored{"probe_dns_lookup_time_seconds", "home", no, home, false},
		stored{"cost_$_total", "switch", no, dc, false},
		stored{"go_threads", "additional", no, "serviceMonitor/shop/cart", false},
		stored{"http_requests_total", "cart", used, "", false},
		stored{"http_inflight", "cart", used, "", false},
		stored{"http_weight", "cart", used, "", false},
	)
	parts(c, "cluster", "cart_items", "cart", cart, false)
	m := c.Metric("cluster", "cart_items")
	m.JobUsage[0].Labels = append(m.JobUsage[0].Labels, sentei.LabelUsage{Name: "zone", Verdict: sentei.Unused})
	for i := range c.Metrics {
		if m := &c.Metrics[i]; m.Jobs[0].Job == "cart" && m.Name != "cart_items" {
			m.JobUsage[0].Labels = []sentei.LabelUsage{{Name: "zone", Verdict: sentei.Unused}}
		}
	}
	add := func(scrapeJob, remoteWrite string, a sentei.Action) {
		c.Proposals = append(c.Proposals, sentei.Proposal{
			ID: sentei.HashID(scrapeJob, remoteWrite, string(a.Kind), a.Metric, a.Function), Grade: sentei.GradeC, Action: a,
			Place:  sentei.Place{Backend: "cluster", ScrapeJob: scrapeJob, RemoteWrite: remoteWrite, Job: "cart"},
			Saving: sentei.Cost{Series: 7}, Risk: "Ranges of fewer than two intervals go empty.",
		})
	}
	add(cart, "", sentei.Action{Kind: sentei.StripLabel, Label: "zone"})
	add("", "http://far/write", sentei.Action{Kind: sentei.DropMetric, Metric: "cart_paid_count"})
	add("", "", sentei.Action{Kind: sentei.DeleteRules, Rules: []string{"a"}})
	add(cart, "", sentei.Action{Kind: sentei.SetInterval, Interval: time.Minute})
	add(cart, "", sentei.Action{Kind: sentei.ConvertHistograms})
	for _, a := range []struct {
		metric, function string
		series           sentei.SeriesType
	}{
		{"http_requests_total", "sum", sentei.CounterSeries}, {"http_inflight", "sum", sentei.GaugeSeries}, {"http_inflight", "max", sentei.GaugeSeries},
		{"http_weight", "sum", ""}, {"http_weight", "count", ""}, {"http_weight", "avg", ""},
	} {
		action := sentei.Action{Kind: sentei.Aggregate, Metric: a.metric, Labels: []string{"instance", "pod"}, Function: a.function, Series: a.series, Interval: 2 * time.Minute}
		if a.function == "max" {
			action.Recordings = []sentei.Recording{{Record: "http_inflight:max_without_instance_pod", Expr: "max without (instance, pod) (http_inflight)"}}
			action.Rewrites = []sentei.Rewrite{{Consumer: "a", From: "max(http_inflight)", To: "max(http_inflight:max_without_instance_pod)"}}
		}
		add(cart, "", action)
	}
	r := shop()
	r.Backends = append(c.Backends, r.Backends...)
	r.Metrics = append(c.Metrics, r.Metrics...)
	r.Consumers = append(r.Consumers, c.Consumers...)
	r.Proposals = append(r.Proposals, c.Proposals...)
	return r
}

func write(t *testing.T, d Dialect, r *sentei.Report, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
