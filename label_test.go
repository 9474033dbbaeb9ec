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

func TestWithout(t *testing.T) {
	job := func(live, inSpan, without, withoutLive int64) JobMetric {
		return JobMetric{
			Cost:   Cost{Series: live, SeriesInSpan: inSpan},
			Labels: []LabelStats{{Name: "a", Distinct: 7, SeriesWithout: without, SeriesWithoutLive: withoutLive}},
		}
	}
	others := JobMetric{Cost: Cost{Series: 5, SeriesInSpan: 9}, Labels: []LabelStats{{Name: "b", SeriesWithout: -1, SeriesWithoutLive: -1}}}
	tests := map[string]struct {
		jobs []JobMetric
		want int64 // -1: not known
	}{
		"counted":                                     {[]JobMetric{job(8, 20, 12, 3)}, 3},
		"all of the span are taken as active":         {[]JobMetric{job(8, 8, 3, -1)}, 3},
		"some ended, nobody knows which":              {[]JobMetric{job(8, 20, 3, -1)}, -1},
		"nothing is known":                            {[]JobMetric{job(8, 8, -1, -1)}, -1},
		"counted over more series than there are":     {[]JobMetric{job(8, 20, 12, 9)}, -1},
		"no series has it":                            {[]JobMetric{others}, 5},
		"labels were not read":                        {[]JobMetric{{Cost: Cost{Series: 8, SeriesInSpan: 8}}}, -1},
		"the sum of jobs":                             {[]JobMetric{job(8, 20, 12, 3), job(8, 8, 2, -1), others}, 10},
		"a sum of which a part is not known":          {[]JobMetric{job(8, 20, 12, 3), job(8, 20, 3, -1)}, -1},
		"a sum of which the labels of one are unread": {[]JobMetric{job(8, 20, 12, 3), {Cost: Cost{Series: 1}}}, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, known := (&Metric{Jobs: tt.jobs}).Without("a")
			if known != (tt.want >= 0) || known && got.Without != tt.want {
				t.Errorf("got %+v, %v; want %d", got, known, tt.want)
			}
			if len(tt.jobs) == 1 {
				if got, known := tt.jobs[0].Without("a"); known != (tt.want >= 0) || known && got != tt.want {
					t.Errorf("the job says %d, %v; want %d", got, known, tt.want)
				}
			}
		})
	}
}
