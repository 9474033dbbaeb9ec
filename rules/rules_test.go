package rules

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

var at = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// build returns a report of one backend, with the verdict of each job as the
// consumers give it when job labels alone are looked at.
func build(scrapeJobs []sentei.ScrapeJob, metrics []sentei.MetricReport, consumers ...sentei.Consumer) *sentei.Report {
	r := &sentei.Report{
		At:       at,
		Settings: sentei.Settings{Window: 24 * time.Hour, Prices: sentei.Prices{Currency: "EUR", PerThousandSeries: 1000}},
		Backends: []sentei.Backend{{Name: "b", From: at.Add(-time.Hour), To: at, Listed: sentei.Window{From: at.Add(-time.Hour), To: at}, ScrapeJobs: scrapeJobs}},
		Metrics:  metrics,
	}
	for i := range consumers {
		c := consumers[i]
		c.Backend = "b"
		if c.ID == "" {
			c.ID = c.Name
		}
		r.Consumers = append(r.Consumers, c)
	}
	return r
}

// metric returns a metric whose n-th job has the n-th verdict and 10*n series.
func metric(name string, jobs []string, verdicts ...sentei.Verdict) sentei.MetricReport {
	m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: name}}
	for i, j := range jobs {
		m.Jobs = append(m.Jobs, sentei.JobMetric{Job: j, Cost: sentei.Cost{Series: int64(10 * (i + 1)), SeriesInSpan: 50, SamplesPerSecond: 2}})
		m.JobUsage = append(m.JobUsage, sentei.JobUsage{Usage: sentei.Usage{Verdict: verdicts[min(i, len(verdicts)-1)]}})
	}
	m.Cost = m.Metric.Cost()
	return m
}

func reader(kind sentei.ConsumerKind, name string, matchers ...*labels.Matcher) sentei.Consumer {
	return sentei.Consumer{Kind: kind, Name: name, Selectors: []sentei.Selector{{Matchers: matchers}}}
}

func eq(name, value string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, name, value)
}

func scrapeJob(name string, jobs ...string) sentei.ScrapeJob {
	return sentei.ScrapeJob{Name: name, JobLabels: jobs}
}

func allRules(t interface {
	Helper()
	Fatal(...any)
}) []Rule {
	t.Helper()
	var out []Rule
	for _, info := range All() {
		rule, err := info.Build(nil, source.Env{})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rule)
	}
	return out
}

// propose runs the rules without a way to list series.
func propose(t interface {
	Helper()
	Context() context.Context
	Fatal(...any)
}, r *sentei.Report, rules []Rule) ([]sentei.Proposal, []sentei.Problem) {
	t.Helper()
	made, err := Propose(t.Context(), &Input{Report: r}, rules)
	if err != nil {
		t.Fatal(err)
	}
	return made.Proposals, made.Problems
}

// places returns "scrape job/job metric" of each proposal, with * when shared.
func places(proposals []sentei.Proposal) []string {
	var out []string
	for _, p := range proposals {
		s := p.Place.ScrapeJob + "/" + p.Place.Job + " " + p.Action.Metric
		if p.Place.Shared {
			s += "*"
		}
		out = append(out, s)
	}
	return out
}

// TestFilesAreListed wants a rule for every file that builds one.
func TestFilesAreListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var builders int
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "source.New(") || strings.HasSuffix(f, "_test.go") {
			continue
		}
		builders++
		kind := strings.TrimSuffix(f, ".go")
		if !slices.ContainsFunc(All(), func(i Info) bool { return i.Kind == kind && i.Doc.Title != "" && i.Doc.Text != "" }) {
			t.Errorf("%s is not in All, or has no documentation", f)
		}
	}
	if builders != len(All()) {
		t.Errorf("%d files, %d rules", builders, len(All()))
	}
}

// TestExamples builds every rule from the example of its documentation.
func TestExamples(t *testing.T) {
	for _, info := range All() {
		var example map[string]yaml.Node
		if err := yaml.Unmarshal([]byte(info.Doc.Example), &example); err != nil {
			t.Fatal(err)
		}
		node := example[info.Kind]
		if _, err := info.Build(&node, source.Env{}); err != nil {
			t.Errorf("%s: %v", info.Kind, err)
		}
	}
}

func TestProposeOrder(t *testing.T) {
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("b", "b")}, []sentei.MetricReport{
		metric("m1", []string{"a", "b"}, sentei.Unused),
		metric("m2", []string{"a", "b"}, sentei.Unused),
	})
	proposals, problems := propose(t, r, allRules(t))
	if len(problems) > 0 {
		t.Errorf("problems %+v", problems)
	}
	want := []string{"b/b m1", "b/b m2", "a/a m1", "a/a m2"}
	if d := cmp.Diff(want, places(proposals)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if again, _ := propose(t, r, allRules(t)); !cmp.Equal(proposals, again) {
		t.Error("a second run differs")
	}
}

// TestResolve runs a rule twice: nothing may be counted twice.
func TestResolve(t *testing.T) {
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("also a", "a")}, []sentei.MetricReport{metric("m1", []string{"a"}, sentei.Unused)})
	once, _ := propose(t, r, allRules(t))
	twice, _ := propose(t, r, append(allRules(t), allRules(t)...))
	if d := cmp.Diff(once, twice); d != "" || len(once) != 2 {
		t.Errorf("%d proposals, -once +twice\n%s", len(once), d)
	}
	r.Proposals = twice
	if saved, perMonth := r.Savings(); saved != r.Metrics[0].Cost || perMonth != 10 {
		t.Errorf("saves %+v, %v a month; all there is is %+v", saved, perMonth, r.Metrics[0].Cost)
	}
}
