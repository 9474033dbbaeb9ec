package rules

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestDropUnusedMetric(t *testing.T) {
	const unused, used, unknown = sentei.Unused, sentei.Used, sentei.Unknown
	jobs := func(j ...sentei.ScrapeJob) []sentei.ScrapeJob { return j }
	a := scrapeJob("a", "a")
	honor := sentei.ScrapeJob{Name: "push", JobLabels: []string{"push"}, HonorLabels: true}
	recorded := metric("m", []string{"a"}, unused)
	recorded.RecordedBy = "some rule"
	short := metric("m", []string{"a", "b"}, unused)
	short.JobUsage = short.JobUsage[:1]

	tests := map[string]struct {
		report   *sentei.Report
		want     []string
		problems []string
	}{
		"unused":      {report: build(jobs(a), []sentei.MetricReport{metric("m", []string{"a"}, unused)}), want: []string{"a/a m"}},
		"used":        {report: build(jobs(a), []sentei.MetricReport{metric("m", []string{"a"}, used)})},
		"unknown":     {report: build(jobs(a), []sentei.MetricReport{metric("m", []string{"a"}, unknown)})},
		"partly used": {report: build(jobs(a), []sentei.MetricReport{metric("m", []string{"a"}, sentei.PartlyUsed)})},
		"used in another job: ask for the job": {
			report: build(jobs(a, scrapeJob("b", "b")), []sentei.MetricReport{metric("m", []string{"a", "b"}, unused, used)}),
			want:   []string{"a/a m*"},
		},
		"unknown in a job that nobody feeds: ask for the job": {
			report: build(jobs(a), []sentei.MetricReport{metric("m", []string{"a", "z"}, unused, unknown)}),
			want:   []string{"a/a m*"},
		},
		"verdicts missing: ask for the job": {
			report: build(jobs(a), []sentei.MetricReport{short}),
			want:   []string{"a/a m*"},
		},
		"a scrape job with two job labels": {
			report: build(jobs(scrapeJob("pods", "a", "b")), []sentei.MetricReport{metric("m", []string{"a", "b"}, unused)}),
			want:   []string{"pods/b m*", "pods/a m*"},
		},
		"a scrape job that honors labels": {
			report: build(jobs(honor), []sentei.MetricReport{metric("m", []string{"push"}, unused)}),
			want:   []string{"push/push m*"},
		},
		"two scrape jobs bring it": {
			report: build(jobs(scrapeJob("z", "a"), scrapeJob("y", "a")), []sentei.MetricReport{metric("m", []string{"a"}, unused)}),
			want:   []string{"y/a m", "z/a m"},
		},
		"written by Prometheus": {report: build(jobs(a), []sentei.MetricReport{
			metric("up", []string{"a"}, unused), metric("scrape_series_added", []string{"a"}, unused),
			metric("scrape_something_new", []string{"a"}, unused), metric("scrape_body_size_bytes", []string{"a"}, unused),
			metric("ALERTS", []string{"a"}, unused), metric("ALERTS_FOR_STATE", []string{"a"}, unused),
		})},
		"recorded": {
			report:   build(jobs(a), []sentei.MetricReport{recorded}),
			problems: []string{"1 unused metric with 10 series (m), because recording rules write them, which no relabel rule reaches"},
		},
		"recorded in another backend, and by convention": {
			report: func() *sentei.Report {
				r := build(jobs(a), []sentei.MetricReport{metric("job:m:sum", []string{"a", "b"}, unused), metric("m", []string{"a"}, unused)})
				r.Consumers = []sentei.Consumer{{ID: "1", Kind: sentei.RecordingRule, Backend: "ruler", Records: "m", Dead: true}}
				return r
			}(),
			problems: []string{"2 unused metrics with 40 series (job:m:sum, m), because recording rules write them, which no relabel rule reaches"},
		},
		"nobody feeds the job": {
			report: build(jobs(a, honor), []sentei.MetricReport{
				metric("m1", []string{"a", "pushed"}, unused), metric("m2", []string{"pushed"}, unused),
				metric("m3", []string{"pushed"}, unused), metric("m4", []string{"pushed"}, unused),
			}),
			want:     []string{"a/a m1", "push/a m1*"}, // m1 may come through both
			problems: []string{`job "pushed": 4 unused metrics with 50 series (m1, m2, m3, …), because job "pushed" is not fed by a scrape job known here`},
		},
		"a reader of a job that is not stored now": {
			report: build(jobs(a), []sentei.MetricReport{metric("m1", []string{"a"}, unused), metric("m2", []string{"a"}, unused)},
				reader(sentei.AlertingRule, "BatchStuck", eq("__name__", "m1"), eq("job", "batch"))),
			want: []string{"a/a m1*", "a/a m2"},
		},
		"job labels may come with discovered targets": {
			report: build(jobs(sentei.ScrapeJob{Name: "pods", JobLabels: []string{"a"}, OpenJobs: true}), []sentei.MetricReport{metric("m", []string{"a"}, unused)}),
			want:   []string{"pods/a m*"},
		},
		"no job label": {
			report:   build(jobs(scrapeJob("a", "", "a")), []sentei.MetricReport{metric("m", []string{""}, unused)}),
			problems: []string{"1 unused metric with 10 series (m), because they have no job label, so it is not known what brings them"},
		},
		"no scrape jobs": {
			report:   build(nil, []sentei.MetricReport{metric("m1", []string{"", "a", "b"}, unused), metric("m2", []string{"a", "b"}, unused, used)}),
			problems: []string{"2 unused metrics with 70 series (m1, m2), because no scrape job of this backend is known"},
		},
		"no scrape jobs and nothing unused": {report: build(nil, []sentei.MetricReport{metric("m1", []string{"a"}, used)})},
		"without series now":                {report: build(jobs(a), []sentei.MetricReport{{Backend: "b", Metric: sentei.Metric{Name: "m", Jobs: []sentei.JobMetric{{Job: "a"}}}, JobUsage: []sentei.JobUsage{{Usage: sentei.Usage{Verdict: unused}}}}})},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			proposals, problems := propose(t, tt.report, allRules(t))
			if d := cmp.Diff(tt.want, places(proposals)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			var got []string
			for _, p := range problems {
				text, ok := strings.CutPrefix(p.Message, "not proposed: ")
				if !ok || p.Blocking || p.Hint == "" || p.ID == "" || p.Backend != "b" || p.Source != "drop_unused_metric" {
					t.Errorf("problem %+v", p)
				}
				if p.Where != "" {
					text = p.Where + ": " + text
				}
				got = append(got, text)
			}
			if d := cmp.Diff(tt.problems, got); d != "" {
				t.Errorf("problems, -want +got\n%s", d)
			}
		})
	}
}

func TestMinSeries(t *testing.T) {
	info := All()[0]
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("b", "b")}, []sentei.MetricReport{metric("m", []string{"a", "b"}, sentei.Unused)})
	for min, want := range map[int]int{1: 2, 10: 2, 11: 1, 21: 0} {
		var node yaml.Node
		if err := yaml.Unmarshal(fmt.Appendf(nil, "min_series: %d", min), &node); err != nil {
			t.Fatal(err)
		}
		rule, err := info.Build(node.Content[0], source.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := propose(t, r, []Rule{rule}); len(got) != want {
			t.Errorf("min_series %d: %v", min, places(got))
		}
	}
	var node yaml.Node
	if err := yaml.Unmarshal([]byte("min_series: 0"), &node); err != nil {
		t.Fatal(err)
	}
	if _, err := info.Build(node.Content[0], source.Env{}); err == nil || !strings.Contains(err.Error(), "min_series must be 1 or more") {
		t.Errorf("error %v", err)
	}
}

func TestUnfedHint(t *testing.T) {
	b := &sentei.Backend{}
	for n, want := range []string{"at the sender", "through j0, whose", "through j0, j1, whose", "through j0, j1, j2, whose", "one of 4 scrape jobs"} {
		if hint := unfedHint(b); !strings.Contains(hint, want) {
			t.Errorf("%d jobs: %s", n, hint)
		}
		b.ScrapeJobs = append(b.ScrapeJobs, sentei.ScrapeJob{Name: fmt.Sprintf("j%d", n), HonorLabels: true})
	}
}

// TestText compares a whole proposal: of a histogram's buckets, read by a dead
// recording rule, fed by two scrape jobs, with an accepted problem.
func TestText(t *testing.T) {
	dead := reader(sentei.RecordingRule, "job:m:rate", eq("__name__", "m_bucket"))
	dead.Records, dead.Dead, dead.Location = "job:m:rate", true, sentei.Location{File: "rules.yml", Line: 7, Group: "g"}
	old := reader(sentei.Query, "m_bucket", eq("__name__", "m_bucket"))
	old.LastSeen = at.AddDate(0, 0, -2)
	buckets := metric("m_bucket", []string{"it's"}, sentei.Unused)
	buckets.JobUsage[0].DeadReaders = []string{dead.Name}
	r := build([]sentei.ScrapeJob{scrapeJob("x", "it's"), scrapeJob("y", "it's")},
		[]sentei.MetricReport{buckets, metric("m_count", []string{"it's"}, sentei.Used), metric("m_sum", []string{"other"}, sentei.Used)},
		dead, old,
		reader(sentei.AlertingRule, "A", eq("__name__", "m_count")),
		reader(sentei.Dashboard, "D", eq("__name__", "m_sum")), reader(sentei.Dashboard, "E", eq("__name__", "m_sum")),
		reader(sentei.Declared, "F", eq("__name__", "m_sum")))
	r.Sources = []sentei.SourceStatus{
		{Backend: "b", Name: "block", Up: true},
		{Backend: "b", Name: "rule_files", Class: sentei.ClassRules, Up: true, Items: 2},
		{Backend: "b", Name: "query_log", Class: sentei.ClassQueries, Up: true, Items: 1, Window: sentei.Window{From: at.AddDate(0, 0, -3), To: at}},
		{Backend: "b", Name: "grafana", Class: sentei.ClassDashboards},
		{Backend: "other", Name: "declared", Class: sentei.ClassDeclared, Up: true},
	}
	r.Problems = []sentei.Problem{{Backend: "b", Source: "grafana", Message: "no answer", Blocking: true, Accepted: "an old server"}}
	far := metric("m_bucket", []string{"it's", "x"}, sentei.Used, sentei.Unused)
	far.Backend = "far"
	r.Metrics = append(r.Metrics, far)
	r.Backends = append(r.Backends, sentei.Backend{Name: "far", ScrapeJobs: []sentei.ScrapeJob{{Name: "z"}}})
	proposals, problems := propose(t, r, allRules(t)[:1])
	want := `not proposed: 1 unused metric with 10 series (m_bucket), because backend far stores them too, and there they are not unused`
	if len(proposals) != 0 || len(problems) != 2 || problems[0].Message != want {
		t.Errorf("%+v, %+v", proposals, problems)
	}
	r.Backends[0].Isolated = true
	proposals, problems = propose(t, r, allRules(t))
	if len(problems) != 1 || problems[0].Backend != "far" {
		t.Errorf("%+v", problems)
	}
	got, err := json.MarshalIndent(proposals, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/proposals.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(text), string(got)+"\n"); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestAnotherBackendIsNotKnown leaves out what a backend may store whose
// inventory was not read in full.
func TestAnotherBackendIsNotKnown(t *testing.T) {
	for name, tt := range map[string]struct {
		problem  sentei.Problem
		isolated bool
		want     []string
	}{
		"it failed":                  {problem: sentei.Problem{Backend: "far", Source: "prometheus", Blocking: true}},
		"it failed, nothing leaves":  {problem: sentei.Problem{Backend: "far", Source: "prometheus", Blocking: true}, isolated: true, want: []string{"a/a m"}},
		"it failed, accepted":        {problem: sentei.Problem{Backend: "far", Source: "prometheus", Blocking: true, Accepted: "gone"}, want: []string{"a/a m"}},
		"a note":                     {problem: sentei.Problem{Backend: "far", Source: "prometheus"}, want: []string{"a/a m"}},
		"its rules, not its storage": {problem: sentei.Problem{Backend: "far", Source: "rule_files", Blocking: true}, want: []string{"a/a m"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{metric("m", []string{"a"}, sentei.Unused)})
			r.Backends = append(r.Backends, sentei.Backend{Name: "far"})
			r.Backends[0].Isolated = tt.isolated
			r.Sources = append(r.Sources, sentei.SourceStatus{Backend: "far", Name: "prometheus"},
				sentei.SourceStatus{Backend: "far", Name: "rule_files", Class: sentei.ClassRules})
			r.Problems = append(r.Problems, tt.problem)
			proposals, problems := propose(t, r, allRules(t))
			if d := cmp.Diff(tt.want, places(proposals)); d != "" {
				t.Error(d)
			}
			want := "not proposed: 1 unused metric with 10 series (m), because backend far could not be read in full, and may store them too"
			if tt.want == nil && (len(problems) != 1 || problems[0].Message != want) {
				t.Errorf("problems %+v", problems)
			}
		})
	}
}

func TestUsedInAnotherBackend(t *testing.T) {
	for name, tt := range map[string]struct {
		verdict  sentei.Verdict
		isolated bool
		want     []string
	}{
		"federated under another job, and used": {sentei.Used, false, nil},
		"perhaps used there":                    {sentei.Unknown, false, nil},
		"unused there too":                      {sentei.Unused, false, []string{"a/a m"}},
		"used there, but nothing leaves":        {sentei.Used, true, []string{"a/a m"}},
	} {
		t.Run(name, func(t *testing.T) {
			far := metric("m", []string{"federate"}, tt.verdict)
			far.Backend = "far"
			r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{metric("m", []string{"a"}, sentei.Unused), far})
			r.Backends = append(r.Backends, sentei.Backend{Name: "far"})
			r.Backends[0].Isolated = tt.isolated
			proposals, _ := propose(t, r, allRules(t))
			if d := cmp.Diff(tt.want, places(proposals)); d != "" {
				t.Error(d)
			}
		})
	}
}
