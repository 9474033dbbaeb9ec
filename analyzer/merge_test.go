package analyzer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// TestMergeSets merges what two inventories found out about sets of labels and
// about buckets.
func TestMergeSets(t *testing.T) {
	type label = sentei.LabelStats
	one, two := []sentei.Reduction{{Labels: []string{"a"}}}, []sentei.Reduction{{Labels: []string{"b"}}}
	for name, c := range map[string]struct{ first, second, want sentei.JobMetric }{
		"only the second has read labels": {
			sentei.JobMetric{},
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{}}}, Reductions: one, Histogram: &sentei.Histogram{NativeSeries: 1}},
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{}}}, Reductions: one, Histogram: &sentei.Histogram{NativeSeries: 1}},
		},
		"only the second has looked at sets": {
			sentei.JobMetric{Labels: []label{{Name: "a"}, {Name: "b"}}},
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{"b"}}, {Name: "b", DeterminedBy: []string{}}}, Reductions: one},
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{"b"}}, {Name: "b", DeterminedBy: []string{}}}, Reductions: one},
		},
		"both have looked": {
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{"b", "c"}}, {Name: "b", DeterminedBy: []string{}}, {Name: "c", DeterminedBy: []string{"a"}}}, Reductions: one},
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{"c"}}, {Name: "b", DeterminedBy: []string{"a"}}, {Name: "c", DeterminedBy: []string{"b"}}}, Reductions: two},
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{"c"}}, {Name: "b", DeterminedBy: []string{}}, {Name: "c", DeterminedBy: []string{}}}, Reductions: one},
		},
		"other labels": {
			sentei.JobMetric{Labels: []label{{Name: "a"}, {Name: "c"}}},
			sentei.JobMetric{Labels: []label{{Name: "a", DeterminedBy: []string{}}, {Name: "b", DeterminedBy: []string{"a"}}}, Reductions: two},
			sentei.JobMetric{Labels: []label{{Name: "a"}, {Name: "b"}, {Name: "c"}}},
		},
		"only the second has counted": {
			sentei.JobMetric{Cost: sentei.Cost{Series: 9}, Uncounted: true},
			sentei.JobMetric{Cost: sentei.Cost{Series: 7}, Labels: []label{{Name: "a"}}},
			sentei.JobMetric{Cost: sentei.Cost{Series: 7}, Labels: []label{{Name: "a"}}},
		},
		"only the first has counted": {
			sentei.JobMetric{Cost: sentei.Cost{Series: 7}, Labels: []label{{Name: "a"}}},
			sentei.JobMetric{Cost: sentei.Cost{Series: 9}, Uncounted: true},
			sentei.JobMetric{Cost: sentei.Cost{Series: 7}, Labels: []label{{Name: "a"}}},
		},
		"buckets": {
			sentei.JobMetric{Labels: []label{{Name: "le"}}, Histogram: &sentei.Histogram{Bounds: []string{"1", "10", "+Inf"}}},
			sentei.JobMetric{Labels: []label{{Name: "le"}}, Histogram: &sentei.Histogram{Bounds: []string{"1", "5", "+Inf"}, NativeSeries: 2}},
			sentei.JobMetric{Labels: []label{{Name: "le"}}, Histogram: &sentei.Histogram{Bounds: []string{"1", "5", "10", "+Inf"}, NativeSeries: 2}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := mergeJobs([]sentei.JobMetric{c.first}, []sentei.JobMetric{c.second}, true)
			if d := cmp.Diff([]sentei.JobMetric{c.want}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestMergeEstimated names the estimates of those inventories alone of which
// figures are taken.
func TestMergeEstimated(t *testing.T) {
	metric := func(name string, jobs ...string) sentei.Metric {
		m := sentei.Metric{Name: name}
		for _, j := range jobs {
			m.Jobs = append(m.Jobs, sentei.JobMetric{Job: j})
		}
		return m
	}
	counts := &sentei.Inventory{Metrics: []sentei.Metric{metric("m", "a", "b"), metric("n", "a")}, Estimated: []string{"memory_bytes"}}
	for name, c := range map[string]struct {
		second []sentei.Metric
		want   []string
	}{
		"nothing new":  {[]sentei.Metric{metric("m", "b")}, []string{"memory_bytes"}},
		"a new metric": {[]sentei.Metric{metric("o", "b")}, []string{"memory_bytes", "samples_per_second"}},
		"a new job":    {[]sentei.Metric{metric("n", "b")}, []string{"memory_bytes", "samples_per_second"}},
	} {
		second := &sentei.Inventory{Metrics: c.second, Estimated: []string{"samples_per_second"}}
		got := merge(&collection{backend: &Backend{}, inventories: []*sentei.Inventory{counts, second}})
		if d := cmp.Diff(c.want, got.Estimated); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
