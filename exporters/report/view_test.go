package report

import (
	"slices"
	"testing"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

func TestWhy(t *testing.T) {
	v := newView(reporttest.Report())
	for name, want := range map[string]string{
		"prod/http_requests_total":                  "alert CheckoutAbsent +1, recording rule job:http_requests:rate5m, dashboard Shop",
		"prod/pg_stat_user_tables_seq_scan":         "1 logged query",
		"prod/shop_cart_items":                      "declared invoices",
		"prod/go_gc_duration_seconds":               "dashboard Go processes; nobody in job node +1",
		"prod/container_tasks_state":                "nobody",
		"prod/node_memory_Active_bytes":             "only recording rule instance:go_heap:avg1h, which nobody reads",
		"prod/instance:go_heap:avg1h":               "nobody; written by recording rule instance:go_heap:avg1h",
		"edge/node_schedstat_running_seconds_total": "grafana#2: get https://grafana.edge.example.com/api/search: context deadline exceeded +2",
	} {
		backend, metric := name[:4], name[5:]
		if got := v.why(v.Metric(backend, metric)); got != want {
			t.Errorf("why(%s) = %q, want %q", name, got, want)
		}
	}
	if got := v.why(&sentei.MetricReport{}); got != "not judged" {
		t.Errorf("without a verdict: %q", got)
	}
}

func TestWorstLabel(t *testing.T) {
	stats := func(name string, without int64) sentei.LabelStats {
		return sentei.LabelStats{Name: name, Distinct: 7, SeriesWithout: without, SeriesWithoutLive: without}
	}
	metric := func(jobs ...sentei.JobMetric) *sentei.MetricReport {
		m := &sentei.MetricReport{Metric: sentei.Metric{Jobs: jobs}}
		m.Cost = m.Metric.Cost()
		return m
	}
	job := func(series int64, labels ...sentei.LabelStats) sentei.JobMetric {
		return sentei.JobMetric{Cost: sentei.Cost{Series: series}, Labels: labels}
	}
	for name, c := range map[string]struct {
		metric *sentei.MetricReport
		label  string
		left   int64
	}{
		"the biggest effect":               {metric(job(100, stats("a", 50), stats("b", 10))), "b", 10},
		"le and quantile are never it":     {metric(job(100, stats("le", 1), stats("quantile", 1), stats("a", 50))), "a", 50},
		"a label that saves nothing":       {metric(job(100, stats("a", 100))), "", 0},
		"over all jobs":                    {metric(job(100, stats("a", 10)), job(50, stats("a", 5))), "a", 15},
		"a job without the label keeps it": {metric(job(100, stats("a", 10)), job(50, stats("b", 50))), "a", 60},
		"unknown effect in one job":        {metric(job(100, stats("a", 10)), job(50, stats("a", -1))), "", 0},
		"labels not read in one job":       {metric(job(100, stats("a", 10)), job(50)), "", 0},
		"ties by name":                     {metric(job(100, stats("a", 10), stats("b", 10))), "a", 10},
	} {
		got, ok := worstLabel(c.metric)
		if ok != (c.label != "") || ok && (got.Name != c.label || got.Without != c.left) {
			t.Errorf("%s: %v %v, want %s → %d", name, got, ok, c.label, c.left)
		}
	}
}

func TestWorstLabels(t *testing.T) {
	job := func(left int64, determined bool, names ...string) sentei.JobMetric {
		j := sentei.JobMetric{
			Cost:       sentei.Cost{Series: 100},
			Labels:     []sentei.LabelStats{{Name: "code", SeriesWithoutLive: 40}},
			Reductions: []sentei.Reduction{{Labels: names, SeriesWithoutLive: left}},
		}
		for i, name := range names {
			l := sentei.LabelStats{Name: name, SeriesWithoutLive: 100}
			if determined {
				l.DeterminedBy = slices.Concat(names[:i], names[i+1:])
			}
			j.Labels = append(j.Labels, l)
		}
		return j
	}
	unsearched := job(1, true, "pod", "uid")
	unsearched.Reductions = nil
	for name, c := range map[string]struct {
		jobs []sentei.JobMetric
		want string
		left int64
	}{
		"together they save more":        {[]sentei.JobMetric{job(10, true, "pod", "uid"), job(5, true, "pod", "uid")}, "pod, uid", 15},
		"one label saves more":           {[]sentei.JobMetric{job(40, true, "pod", "uid")}, "code", 40},
		"they do not belong together":    {[]sentei.JobMetric{job(10, false, "pod", "uid")}, "code", 40},
		"never le":                       {[]sentei.JobMetric{job(10, true, "le", "pod")}, "code", 40},
		"other sets in other jobs":       {[]sentei.JobMetric{job(10, true, "pod", "uid"), job(5, true, "id", "uid")}, "code", 80},
		"a job that nobody has searched": {[]sentei.JobMetric{job(10, true, "pod", "uid"), unsearched}, "code", 80},
	} {
		m := &sentei.MetricReport{Metric: sentei.Metric{Jobs: c.jobs}}
		m.Cost = m.Metric.Cost()
		if got, ok := worstLabels(m); !ok || got.Name != c.want || got.Without != c.left {
			t.Errorf("%s: %v %v, want %s → %d", name, got, ok, c.want, c.left)
		}
	}
}

func TestPlainFloat(t *testing.T) {
	for f, want := range map[float64]string{1e21: "1000000000000000000000", 0.25: "0.25", 100: "100"} {
		if got := plainFloat(f); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAdviceAlwaysSaysSomething(t *testing.T) {
	readByAll := reporttest.Report()
	readByAll.Proposals = nil
	for i := range readByAll.Metrics {
		m := &readByAll.Metrics[i]
		m.Usage, m.JobUsage = sentei.Usage{Verdict: sentei.Used}, nil
	}
	noRule := reporttest.Report()
	noRule.Proposals, noRule.Metrics = nil, noRule.Metrics[6:8]
	noMetrics := reporttest.Report()
	noMetrics.Proposals, noMetrics.Metrics = nil, nil
	reasonsOnly := reporttest.Unknown()
	reasonsOnly.Problems = nil

	for name, c := range map[string]struct {
		report *sentei.Report
		want   string
	}{
		"empty":        {reporttest.Empty(), "add a backend with an inventory source to the configuration; nothing was scanned."},
		"no metrics":   {noMetrics, "look at the inventory sources; they found no metrics."},
		"all used":     {readByAll, "nothing. Every metric is read by somebody."},
		"no rule":      {noRule, "nothing. No rule proposes a change, though nobody reads 1 metric."},
		"reasons only": {reasonsOnly, "36 metrics with 1,371,202 series cannot be judged. Mend first:"},
		"proposals":    {reporttest.Report(), "13 proposals would save 714,340 series (52.1% of all), 34,159 new series a day and 4,691.49 EUR/month."},
	} {
		if got := newView(c.report).advice(); got[0].text != c.want {
			t.Errorf("%s: %q, want %q", name, got[0].text, c.want)
		}
	}
}
