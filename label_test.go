package sentei

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShares(t *testing.T) {
	namespace := func(complete bool) []LabelStats {
		return []LabelStats{{Name: "namespace", Complete: complete, Values: []LabelValue{{Value: "shop", Series: 6}, {Value: "web", Series: 2}}}}
	}
	tests := map[string]struct {
		labels []LabelStats
		span   int64
		want   map[string]float64
	}{
		"all have one":          {namespace(true), 8, map[string]float64{"shop": 0.75, "web": 0.25}},
		"some have none":        {namespace(true), 16, map[string]float64{"shop": 0.375, "web": 0.125, "(no namespace)": 0.5}},
		"not all values known":  {namespace(false), 16, map[string]float64{"shop": 0.375, "web": 0.125, "(not known)": 0.5}},
		"no such label":         {[]LabelStats{}, 8, map[string]float64{"(no namespace)": 1}},
		"labels were not read":  {nil, 8, map[string]float64{"(not known)": 1}},
		"no series in the span": {namespace(true), 0, map[string]float64{"(no namespace)": 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := &JobMetric{Cost: Cost{SeriesInSpan: tt.span}, Labels: tt.labels}
			if d := cmp.Diff(tt.want, j.Shares("namespace")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLabelVerdictOverJobs(t *testing.T) {
	job := func(v Verdict, labels ...LabelUsage) JobUsage {
		return JobUsage{Usage: Usage{Verdict: v}, Labels: labels}
	}
	l := func(name string, v Verdict) LabelUsage {
		return LabelUsage{Name: name, Verdict: v}
	}
	tests := map[string]struct {
		jobs []JobUsage
		want Verdict
	}{
		"needed in one job":             {[]JobUsage{job(Used, l("a", Unused)), job(Used, l("a", Used))}, Used},
		"needed in none":                {[]JobUsage{job(Used, l("a", Unused)), job(Unused)}, Unused},
		"perhaps in one":                {[]JobUsage{job(Used, l("a", Unknown)), job(Unused)}, Unknown},
		"labels of a used job not read": {[]JobUsage{job(Used), job(Unused)}, Unknown},
		"a used job without the label":  {[]JobUsage{job(Used, l("b", Used)), job(Unused)}, Unused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (&MetricReport{JobUsage: tt.jobs}).LabelVerdict("a"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
