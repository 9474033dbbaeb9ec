package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

func TestNamespacesShareTheSeriesOfAJob(t *testing.T) {
	namespace := func(complete bool) []sentei.LabelStats {
		return []sentei.LabelStats{{Name: "namespace", Complete: complete, Values: []sentei.LabelValue{{Value: "shop", Series: 6}, {Value: "web", Series: 2}}}}
	}
	tests := map[string]struct {
		labels []sentei.LabelStats
		span   int64
		want   map[string]float64
	}{
		"all have one":          {namespace(true), 8, map[string]float64{"shop": 0.75, "web": 0.25}},
		"some have none":        {namespace(true), 16, map[string]float64{"shop": 0.375, "web": 0.125, "(no namespace)": 0.5}},
		"not all values known":  {namespace(false), 16, map[string]float64{"shop": 0.375, "web": 0.125, "(not known)": 0.5}},
		"no such label":         {[]sentei.LabelStats{}, 8, map[string]float64{"(no namespace)": 1}},
		"labels were not read":  {nil, 8, map[string]float64{"(not known)": 1}},
		"no series in the span": {namespace(true), 0, map[string]float64{"(no namespace)": 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := &sentei.JobMetric{Cost: sentei.Cost{SeriesInSpan: tt.span}, Labels: tt.labels}
			if d := cmp.Diff(tt.want, parts(j, ByNamespace)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLabelVerdictOverJobs(t *testing.T) {
	job := func(v sentei.Verdict, labels ...sentei.LabelUsage) sentei.JobUsage {
		return sentei.JobUsage{Usage: sentei.Usage{Verdict: v}, Labels: labels}
	}
	l := func(name string, v sentei.Verdict) sentei.LabelUsage {
		return sentei.LabelUsage{Name: name, Verdict: v}
	}
	tests := map[string]struct {
		jobs []sentei.JobUsage
		want sentei.Verdict
	}{
		"needed in one job":             {[]sentei.JobUsage{job(sentei.Used, l("a", sentei.Unused)), job(sentei.Used, l("a", sentei.Used))}, sentei.Used},
		"needed in none":                {[]sentei.JobUsage{job(sentei.Used, l("a", sentei.Unused)), job(sentei.Unused)}, sentei.Unused},
		"perhaps in one":                {[]sentei.JobUsage{job(sentei.Used, l("a", sentei.Unknown)), job(sentei.Unused)}, sentei.Unknown},
		"labels of a used job not read": {[]sentei.JobUsage{job(sentei.Used), job(sentei.Unused)}, sentei.Unknown},
		"a used job without the label":  {[]sentei.JobUsage{job(sentei.Used, l("b", sentei.Used)), job(sentei.Unused)}, sentei.Unused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := labelVerdict(&sentei.MetricReport{JobUsage: tt.jobs}, "a"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
