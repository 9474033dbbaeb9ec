package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// oneOf is the job of a metric of ten series for each instance, with the
// instances counted if known is set.
func oneOf(job string, verdict sentei.Verdict, known bool, readers []string, instances ...string) (sentei.JobMetric, sentei.JobUsage) {
	n := int64(10 * len(instances))
	j := sentei.JobMetric{Job: job, Cost: sentei.Cost{Series: n, SeriesInSpan: 2 * n, SamplesPerSecond: float64(n) / 10}}
	if known {
		l := sentei.LabelStats{Name: "instance", Series: 2 * n, Distinct: int64(len(instances)), Complete: true}
		for _, i := range instances {
			l.Values = append(l.Values, sentei.LabelValue{Value: i, Series: 20})
		}
		j.Labels = []sentei.LabelStats{l}
	}
	return j, sentei.JobUsage{Usage: sentei.Usage{Verdict: verdict, Readers: readers}}
}

func TestDuplicateTargets(t *testing.T) {
	type side struct {
		verdict   sentei.Verdict
		known     bool
		readers   []string
		instances []string
		ups       []string // who reads up of it
	}
	pods := side{sentei.Used, true, []string{"both", "only pods"}, []string{"a", "b", "c"}, nil}
	monitor := side{sentei.Used, true, []string{"both"}, []string{"x", "y"}, nil}
	with := func(s side, change func(*side)) side { change(&s); return s }
	two := []sentei.DuplicateTarget{
		{URL: "http://a/metrics", Targets: []sentei.ScrapeTarget{{ScrapeJob: "s1", Job: "pods", Instance: "a"}, {ScrapeJob: "s2", Job: "monitor", Instance: "x"}}},
		{URL: "http://b/metrics", Targets: []sentei.ScrapeTarget{{ScrapeJob: "s1", Job: "pods", Instance: "b"}, {ScrapeJob: "s2", Job: "monitor", Instance: "y"}}},
	}
	tests := map[string]struct {
		pods, monitor side
		targets       []sentei.DuplicateTarget
		apart         bool   // the jobs store other metrics each
		also          string // who reads what monitor alone stores
		message, hint string
		cost          int64
	}{
		"none": {pods: pods, monitor: monitor},
		"the second can go": {pods: pods, monitor: monitor, targets: two, cost: 20,
			message: `2 targets of scrape job s2 are scraped by scrape job s1, too: http://a/metrics, http://b/metrics. Both write 1 metric, about 20 series as job "pods" and 20 as job "monitor". Consumers that can read them through job pods alone: 1 (dashboard "only pods"); through job monitor alone: none; through both: 1`,
			hint:    "nobody reads job monitor alone: compare some values, then let scrape job s2 stop scraping them; see whether those that can read both add them up, and then count them twice now; they scrape every 15s and every 1m: keep the one that readers need"},
		"the first can go": {pods: with(pods, func(s *side) { s.readers = []string{"both"} }), monitor: with(monitor, func(s *side) { s.readers = []string{"both", "only monitor"} }), targets: two, cost: 20,
			message: "through job pods alone: none", hint: "nobody reads job pods alone: compare some values, then let scrape job s1 stop"},
		"both are needed": {pods: pods, monitor: with(monitor, func(s *side) { s.readers = []string{"only monitor"} }), targets: two[:1], cost: 10,
			message: "1 target of scrape job s2 are", hint: "each job has readers of its own: let those of job monitor read job pods"},
		"counted by the share of targets": {pods: pods, monitor: with(monitor, func(s *side) { s.known = false }), targets: two[:1], cost: 10,
			message: `about 10 series as job "pods" and 10 as job "monitor"`},
		"unknown is not unused": {pods: pods, monitor: with(monitor, func(s *side) { s.verdict, s.readers = sentei.Unknown, nil }), targets: two, cost: 20, message: "alone: none",
			hint: "no known consumer reads job monitor alone, but not all are known: it is unknown who reads requests_total; find out first"},
		"read is what only one stores": {pods: pods, monitor: monitor, targets: two, also: "only monitor", cost: 20,
			message: `through job monitor alone: 2 (alerting rule "only monitor", dashboard "both"); through both: 1`, hint: "each job has readers of its own"},
		"read is whether one is up": {pods: pods, monitor: with(monitor, func(s *side) { s.ups = []string{"only monitor"} }), targets: two, cost: 20,
			message: `through job monitor alone: 1 (alerting rule "only monitor"); through both: 1`, hint: "each job has readers of its own"},
		"unread in one":       {pods: pods, monitor: with(monitor, func(s *side) { s.verdict, s.readers = sentei.Unused, nil }), targets: two},
		"unread in the first": {pods: with(pods, func(s *side) { s.verdict, s.readers = sentei.Unused, nil }), monitor: monitor, targets: two},
		"a part each":         {pods: pods, monitor: monitor, targets: two, apart: true},
		"gone":                {pods: pods, monitor: with(monitor, func(s *side) { s.instances = []string{"z"} }), targets: two},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "requests_total"}}
			up := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "up"}}
			other := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "others_total"}}
			for n, s := range []side{tt.monitor, tt.pods} {
				job := []string{"monitor", "pods"}[n]
				j, u := oneOf(job, s.verdict, s.known, s.readers, s.instances...)
				into := &m
				if tt.apart && n == 1 {
					into = &other
				}
				into.Jobs, into.JobUsage = append(into.Jobs, j), append(into.JobUsage, u)
				up.Jobs = append(up.Jobs, sentei.JobMetric{Job: job, Cost: sentei.Cost{Series: int64(len(s.instances))}})
				up.JobUsage = append(up.JobUsage, sentei.JobUsage{Usage: sentei.Usage{Verdict: sentei.Used, Readers: s.ups}})
			}
			if tt.also != "" {
				other.Jobs, other.JobUsage = m.Jobs[:1:1], []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Used, Readers: []string{"both", tt.also}}}}
			}
			r := build([]sentei.ScrapeJob{{Name: "s1", JobLabels: []string{"pods"}, Interval: 15e9}, {Name: "s2", JobLabels: []string{"monitor"}, Interval: 60e9}},
				[]sentei.MetricReport{other, m, up}, reader(sentei.Dashboard, "both"), reader(sentei.Dashboard, "only pods"), reader(sentei.AlertingRule, "only monitor"))
			r.Backends[0].DuplicateTargets = tt.targets
			made, err := duplicateSeriesOptions{MinMetrics: 5, MinSeries: 10, MinShare: 0.9}.Propose(t.Context(), &Input{Report: r})
			if err != nil || len(made.Proposals)+len(made.Problems) > 0 || len(made.Findings) > 1 || (len(made.Findings) == 1) != (tt.message != "") {
				t.Fatalf("%+v, %v", made, err)
			}
			if tt.message == "" {
				return
			}
			f := made.Findings[0]
			if f.Where != "scrape jobs s1 and s2" || !strings.Contains(f.Message, tt.message) || !strings.HasPrefix(f.Hint, tt.hint) ||
				f.Cost.Series != tt.cost || f.Cost.SeriesInSpan != 2*tt.cost || f.PerMonth != float64(tt.cost) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestDuplicateTargetsAlike writes the same job and instance from both.
func TestDuplicateTargetsAlike(t *testing.T) {
	j, u := oneOf("api", sentei.Used, true, []string{"d"}, "a")
	r := build([]sentei.ScrapeJob{scrapeJob("s1", "api"), scrapeJob("s2", "api")},
		[]sentei.MetricReport{{Backend: "b", Metric: sentei.Metric{Name: "m", Jobs: []sentei.JobMetric{j}}, JobUsage: []sentei.JobUsage{u}}}, reader(sentei.Dashboard, "d"))
	at := func(job, instance string) sentei.ScrapeTarget {
		return sentei.ScrapeTarget{ScrapeJob: job, Job: "api", Instance: instance}
	}
	r.Backends[0].DuplicateTargets = []sentei.DuplicateTarget{{URL: "http://a/metrics", Targets: []sentei.ScrapeTarget{at("s1", "a"), at("s2", "a"), at("s3", "a")}}}
	made, err := duplicateSeriesOptions{MinSeries: 1, MinMetrics: 1, MinShare: 1}.Propose(t.Context(), &Input{Report: r})
	if err != nil || len(made.Findings) != 2 {
		t.Fatal(made, err)
	}
	for i, where := range []string{"scrape jobs s1 and s2", "scrape jobs s1 and s3"} {
		f := made.Findings[i]
		if f.Where != where || f.Cost != (sentei.Cost{}) || !strings.Contains(f.Message, `Both write series of 1 metric with job "api" and the same instance, 10 in all`) {
			t.Errorf("%+v", f)
		}
	}
}

// TestDuplicateTargetsAndSeries tells of two jobs once.
func TestDuplicateTargetsAndSeries(t *testing.T) {
	r, series := jobsReport([]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"small", "a:1", "a"}})
	r.Backends[0].DuplicateTargets = []sentei.DuplicateTarget{{URL: "http://a:1/metrics", Targets: []sentei.ScrapeTarget{
		{ScrapeJob: "s1", Job: "big", Instance: "a:1"}, {ScrapeJob: "s2", Job: "small", Instance: "a:1"},
	}}}
	o := duplicateSeriesOptions{MinMetrics: 5, MinSeries: 10, MinShare: 0.9}
	propose := func() []sentei.Finding {
		t.Helper()
		made, err := o.Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": series}})
		if err != nil {
			t.Fatal(err)
		}
		return made.Findings
	}
	found := propose()
	if len(found) != 1 || found[0].Cost.Series != 11 || !strings.HasSuffix(found[0].Message, ". The scrape jobs s1 and s2 scrape 1 address alike: http://a:1/metrics") {
		t.Errorf("%+v", found)
	}
	// What nobody reads in one of the jobs is for other rules to say.
	for i := range r.Metrics {
		for k := range r.Metrics[i].Jobs {
			if r.Metrics[i].Jobs[k].Job == "small" {
				r.Metrics[i].JobUsage[k] = sentei.JobUsage{Usage: sentei.Usage{Verdict: sentei.Unused}}
			}
		}
	}
	if found := propose(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	if d := cmp.Diff("2 addresses", count(2, "address")); d != "" {
		t.Error(d)
	}
}
