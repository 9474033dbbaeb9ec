package rules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// target is one target of a job: its series are m0 … m4 in two modes, and an
// info metric with the host's name.
type target struct{ job, instance, host string }

func (t target) series() list {
	var out list
	for i := range 5 {
		for _, mode := range []string{"idle", "user"} {
			out = append(out, labels.FromStrings("__name__", fmt.Sprintf("m%d", i), "job", t.job, "instance", t.instance, "mode", mode))
		}
	}
	return append(out, labels.FromStrings("__name__", "uname_info", "job", t.job, "instance", t.instance, "host", t.host))
}

// jobsReport counts the series of the targets.
func jobsReport(targets []target, consumers ...sentei.Consumer) (*sentei.Report, list) {
	var all list
	for _, t := range targets {
		all = append(all, t.series()...)
	}
	counts := map[[2]string]int64{}
	for _, l := range all {
		counts[[2]string{l.Get("__name__"), l.Get("job")}]++
	}
	var metrics []sentei.MetricReport
	for _, name := range []string{"m0", "m1", "m2", "m3", "m4", "uname_info"} {
		m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: name}}
		for _, job := range []string{"big", "small"} {
			if n := counts[[2]string{name, job}]; n > 0 {
				m.Jobs = append(m.Jobs, sentei.JobMetric{Job: job, Cost: sentei.Cost{Series: n, SeriesInSpan: n, SamplesPerSecond: float64(n) / 10}})
				m.JobUsage = append(m.JobUsage, sentei.JobUsage{Usage: sentei.Usage{Verdict: sentei.Used, Readers: []string{"both", "only " + job}}})
			}
		}
		metrics = append(metrics, m)
	}
	return build([]sentei.ScrapeJob{scrapeJob("s1", "big"), scrapeJob("s2", "small")}, metrics, consumers...), all
}

func TestDuplicateSeries(t *testing.T) {
	tests := map[string]struct {
		targets []target
		want    string // a part of the finding; "" when there is none
		cost    int64
	}{
		"one job":                  {[]target{{"big", "a:1", "a"}}, "", 0},
		"the same address":         {[]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"small", "a:1", "a"}}, "1 target of job small are collected by job big, too: 11 of 11 series (6 metrics) differ in the job label alone", 11},
		"other hosts":              {[]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"small", "c:1", "c"}, {"small", "d:1", "d"}}, "", 0},
		"other hosts, one address": {[]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"small", "a:1", "c"}}, "10 of 11 series", 10},
		"the same by other names":  {[]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"big", "c:1", "c"}, {"small", "10.0.0.1:1", "a"}, {"small", "10.0.0.2:1", "b"}}, "2 targets of job small are collected by job big, too: 22 of 22 series (6 metrics) differ in job and instance alone", 22},
		"one by another name":      {[]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"small", "10.0.0.1:1", "a"}}, "", 0},
		"copies of one program":    {[]target{{"big", "a:1", "x"}, {"big", "b:1", "x"}, {"small", "c:1", "x"}, {"small", "d:1", "x"}}, "", 0},
		"one more than there is":   {[]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"big", "c:1", "c"}, {"small", "d:1", "a"}, {"small", "e:1", "b"}, {"small", "f:1", "z"}}, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			both, big, small := reader(sentei.Dashboard, "both"), reader(sentei.Dashboard, "only big"), reader(sentei.AlertingRule, "only small")
			r, series := jobsReport(tt.targets, both, big, small)
			o := duplicateSeriesOptions{MinMetrics: 5, MinSeries: 10, MinShare: 0.9}
			made, err := o.Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": series}})
			if err != nil || len(made.Proposals)+len(made.Problems) > 0 || len(made.Findings) > 1 {
				t.Fatalf("%+v, %v", made, err)
			}
			if tt.want == "" {
				if len(made.Findings) > 0 {
					t.Errorf("%+v", made.Findings)
				}
				return
			}
			if len(made.Findings) == 0 {
				t.Fatal("nothing is found")
			}
			f := made.Findings[0]
			who := `job big alone: 1 (dashboard "only big"); through job small alone: 1 (alerting rule "only small"); through both: 1`
			if !strings.Contains(f.Message, tt.want) || !strings.Contains(f.Message, who) || f.Cost.Series != tt.cost || !strings.Contains(f.Hint, "job big through scrape job s1, job small through scrape job s2") {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestDuplicateSeriesLimits raises each limit, and breaks the list of series.
func TestDuplicateSeriesLimits(t *testing.T) {
	r, series := jobsReport([]target{{"big", "a:1", "a"}, {"big", "b:1", "b"}, {"small", "a:1", "c"}})
	found := func(o duplicateSeriesOptions, s sentei.SeriesReader) Made {
		made, err := o.Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": s}})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	for o, want := range map[duplicateSeriesOptions]int{
		{MinMetrics: 5, MinSeries: 10, MinShare: 0.9}:  1,
		{MinMetrics: 7, MinSeries: 10, MinShare: 0.9}:  0,
		{MinMetrics: 5, MinSeries: 11, MinShare: 0.9}:  0,
		{MinMetrics: 5, MinSeries: 10, MinShare: 0.99}: 0,
	} {
		if made := found(o, series); len(made.Findings) != want {
			t.Errorf("%+v: %d findings", o, len(made.Findings))
		}
	}
	if made := found(duplicateSeriesOptions{MinMetrics: 5, MinSeries: 1, MinShare: 0.5}, broken{series}); len(made.Problems) != 1 || len(made.Findings) > 0 {
		t.Errorf("%+v", made)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := duplicateSeriesOptions{MinMetrics: 1, MinSeries: 1, MinShare: 0.5}.Propose(ctx, &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": broken{series}}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
