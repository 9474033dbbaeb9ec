package report

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

func TestMergedVerdict(t *testing.T) {
	for _, c := range []struct {
		of   []sentei.Verdict
		want sentei.Verdict
	}{
		{[]sentei.Verdict{sentei.Unused, sentei.Used}, sentei.Used},
		{[]sentei.Verdict{sentei.Unknown, sentei.PartlyUsed, sentei.Used}, sentei.Used},
		{[]sentei.Verdict{sentei.Unknown, sentei.PartlyUsed}, sentei.PartlyUsed},
		{[]sentei.Verdict{sentei.Unused, sentei.Unknown}, sentei.Unknown},
		{[]sentei.Verdict{sentei.Unused, ""}, sentei.Unknown}, // not judged
		{[]sentei.Verdict{sentei.Unused, sentei.Unused}, sentei.Unused},
	} {
		var of []*sentei.MetricReport
		for _, verdict := range c.of {
			of = append(of, &sentei.MetricReport{Usage: sentei.Usage{Verdict: verdict}})
		}
		if got := strongest(of); got != c.want {
			t.Errorf("%v: %s, want %s", c.of, got, c.want)
		}
		slices.Reverse(of)
		if got := strongest(of); got != c.want {
			t.Errorf("%v, reversed: %s, want %s", c.of, got, c.want)
		}
	}
}

func TestMergedMetrics(t *testing.T) {
	grown := int64(3)
	metric := func(backend, name string, verdict sentei.Verdict, without int64, growth *int64) sentei.MetricReport {
		m := sentei.MetricReport{Backend: backend, PerMonth: 1, SeriesGrowth: growth, Usage: sentei.Usage{Verdict: verdict}}
		m.Name, m.Cost = name, sentei.Cost{Series: 100, SamplesPerSecond: 10, MemoryBytes: 1, DiskBytesPerDay: 2}
		m.Jobs = []sentei.JobMetric{{Job: "j", Cost: m.Cost, Labels: []sentei.LabelStats{{Name: "pod", SeriesWithoutLive: without}}}}
		m.JobUsage = []sentei.JobUsage{{Usage: m.Usage}}
		return m
	}
	r := &sentei.Report{
		Backends: []sentei.Backend{{Name: "a"}, {Name: "b"}, {Name: "c"}},
		Metrics: []sentei.MetricReport{
			metric("a", "everywhere", sentei.Used, 10, &grown), metric("a", "half_known", sentei.Unused, 10, &grown),
			metric("b", "everywhere", sentei.Unused, 20, &grown), metric("b", "half_known", sentei.Unknown, -1, nil),
			metric("c", "alone", sentei.Unused, 30, &grown), metric("c", "everywhere", sentei.Unknown, 30, &grown),
		},
		Proposals: []sentei.Proposal{
			{ID: "1", State: sentei.Pending, Place: sentei.Place{Backend: "b"}, Action: sentei.Action{Metric: "everywhere"}, Saving: sentei.Cost{Series: 7}},
			{ID: "2", State: sentei.Pending, Place: sentei.Place{Backend: "c"}, Action: sentei.Action{Metric: "everywhere"}, Saving: sentei.Cost{Series: 5}},
		},
	}
	v := newView(r)
	rows, _ := v.listed(Options{MergeBackends: true})
	var got []string
	for _, m := range rows {
		w, ok := worstLabels(m)
		growth := "unknown"
		if m.SeriesGrowth != nil {
			growth = fmt.Sprint(*m.SeriesGrowth)
		}
		row := csvRow(v, m)
		got = append(got, fmt.Sprint(someBackends(v.backends(m)), "|", m.Name, "|", m.Verdict, "|", m.Cost.Series, m.Cost.SamplesPerSecond,
			m.Cost.MemoryBytes, m.Cost.DiskBytesPerDay, m.PerMonth, "|", growth, "|", w.Name, w.Without, ok, "|", jobNames(m), "|", v.why(m),
			"|", row[slices.Index(csvHeader(), "saving_series")]))
	}
	want := []string{
		"3 backends|everywhere|used|300 30 3 6 3|9|pod60 true|[j]|; nobody in backend b; unknown in backend c|12",
		"a, b|half_known|unknown|200 20 2 4 2|unknown|200 false|[j]|not judged|0",
		"c|alone|unused|100 10 1 2 1|3|pod30 true|[j]|nobody|0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if side, _ := v.listed(Options{}); len(side) != len(r.Metrics) {
		t.Errorf("side by side: %d metrics of %d", len(side), len(r.Metrics))
	}
	jobs := v.groups(ByJob, true)
	if len(jobs) != 1 || jobs[0].metrics != 3 || jobs[0].series != 600 || jobs[0].unused != 300 || jobs[0].unknown != 200 || len(jobs[0].backends) != 3 {
		t.Errorf("the job of all backends: %+v", jobs)
	}
}

// TestMergedNotKnown wants what one backend does not tell to be no number of
// the sum.
func TestMergedNotKnown(t *testing.T) {
	golden(t, "merged-not-known.txt", render(t, "wide", counted(), Options{MergeBackends: true}))
	v := newView(counted())
	rows, _ := v.listed(Options{MergeBackends: true})
	up := rows[slices.IndexFunc(rows, func(m *sentei.MetricReport) bool { return m.Name == "up" })]
	if row := csvRow(v, up); row[slices.Index(csvHeader(), "churn_per_hour")] != "" {
		t.Errorf("churn of a part stands for the sum: %v", row)
	}
}
