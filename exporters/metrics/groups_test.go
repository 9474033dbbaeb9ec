package metrics

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// small returns a report with one metric of three jobs.
func small() *sentei.Report {
	job := func(name string, series int64, labels ...sentei.LabelStats) sentei.JobMetric {
		return sentei.JobMetric{Job: name, Cost: sentei.Cost{Series: series, SeriesInSpan: series}, Labels: labels}
	}
	label := func(name string, distinct, without int64) sentei.LabelStats {
		return sentei.LabelStats{Name: name, Series: 100, Distinct: distinct, SeriesWithout: without, SeriesWithoutLive: without}
	}
	namespace := label("namespace", 2, 95)
	namespace.Values, namespace.Complete = []sentei.LabelValue{{Value: "shop", Series: 75}, {Value: "web", Series: 25}}, true
	pod := label("pod", 50, 20)
	pod.SeriesWithoutLive = -1 // but all series of the span are active
	jobs := []sentei.JobMetric{
		job("api", 100, label("code", 9, 40), label("le", 10, 10), namespace, label("path", 30, 10), pod, label("zone", 2, -1)),
		job("", 20),
		job("tiny", 5, label("path", 2, 5)),
	}
	jobs[1].Labels = []sentei.LabelStats{} // read, and there are none
	usage := func(v sentei.Verdict, labels ...sentei.LabelUsage) sentei.JobUsage {
		return sentei.JobUsage{Usage: sentei.Usage{Verdict: v}, Labels: labels}
	}
	m := sentei.MetricReport{
		Backend: "b", Metric: sentei.Metric{Name: "m", Jobs: jobs}, Usage: sentei.Usage{Verdict: sentei.PartlyUsed},
		JobUsage: []sentei.JobUsage{
			usage(sentei.Used, sentei.LabelUsage{Name: "code", Verdict: sentei.Unused}, sentei.LabelUsage{Name: "path", Verdict: sentei.Used}, sentei.LabelUsage{Name: "pod", Verdict: sentei.Unknown}),
			usage(sentei.Unused),
			usage(sentei.Unused),
		},
	}
	m.Cost = m.Metric.Cost()
	return &sentei.Report{Backends: []sentei.Backend{{Name: "b"}}, Metrics: []sentei.MetricReport{m}}
}

// lines returns the series of a family on the page.
func lines(page, family string) []string {
	var out []string
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, family+"{"); ok {
			out = append(out, strings.TrimSpace(rest))
		}
	}
	return out
}

func TestGroups(t *testing.T) {
	all := exposition(t, scanned(t, small(), Options{}))
	two := exposition(t, scanned(t, small(), Options{Top: 2}))
	of := small()
	of.Settings.Owners.Rules = []sentei.OwnerRule{
		{Owner: "web", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "namespace", "web")}},
		{Owner: "web", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", "")}},
	}
	owned := exposition(t, scanned(t, of, Options{}))
	for name, c := range map[string]struct {
		page, family string
		want         []string
	}{
		"jobs": {all, "sentei_job_series", []string{
			`backend="b",stored_job="(no job)",verdict="unused"} 20`,
			`backend="b",stored_job="api",verdict="used"} 100`,
			`backend="b",stored_job="tiny",verdict="unused"} 5`,
		}},
		"the smaller jobs": {two, "sentei_job_series", []string{
			`backend="b",stored_job="(no job)",verdict="unused"} 20`,
			`backend="b",stored_job="__other__",verdict="unused"} 5`,
			`backend="b",stored_job="api",verdict="used"} 100`,
		}},
		"namespaces": {all, "sentei_namespace_series", []string{
			`backend="b",stored_namespace="(no namespace)",verdict="unused"} 25`,
			`backend="b",stored_namespace="shop",verdict="used"} 75`,
			`backend="b",stored_namespace="web",verdict="used"} 25`,
		}},
		"the smaller namespaces": {two, "sentei_namespace_series", []string{
			`backend="b",stored_namespace="(no namespace)",verdict="unused"} 25`,
			`backend="b",stored_namespace="__other__",verdict="used"} 25`,
			`backend="b",stored_namespace="shop",verdict="used"} 75`,
		}},
		"owners": {owned, "sentei_owner_series", []string{
			`backend="b",owner="(nobody)",verdict="unused"} 5`,
			`backend="b",owner="(nobody)",verdict="used"} 75`,
			`backend="b",owner="web",verdict="unused"} 20`,
			`backend="b",owner="web",verdict="used"} 25`,
		}},
		"no owners":               {all, "sentei_owner_series", nil},
		"no money without prices": {all, "sentei_job_cost_per_month", nil},
	} {
		if d := cmp.Diff(c.want, lines(c.page, c.family)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// The three labels that would save most, over all jobs; never le, and none of
// which the effect is not known.
func TestLabels(t *testing.T) {
	page := exposition(t, scanned(t, small(), Options{}))
	want := []string{
		`backend="b",label="code",metric="m",verdict="unused"} 65`,
		`backend="b",label="path",metric="m",verdict="used"} 35`,
		`backend="b",label="pod",metric="m",verdict="unknown"} 45`,
	}
	if d := cmp.Diff(want, lines(page, "sentei_metric_label_series_without")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want = []string{
		`backend="b",label="code",metric="m"} 9`,
		`backend="b",label="path",metric="m"} 30`,
		`backend="b",label="pod",metric="m"} 50`,
	}
	if d := cmp.Diff(want, lines(page, "sentei_metric_label_values")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
