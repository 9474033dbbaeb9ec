package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// TestMimirtoolErrsOnTheSafeSide wants only what is unused everywhere to be
// additional.
func TestMimirtoolErrsOnTheSafeSide(t *testing.T) {
	metric := func(backend, name string, v sentei.Verdict, jobs ...sentei.JobMetric) sentei.MetricReport {
		return sentei.MetricReport{Backend: backend, Metric: sentei.Metric{Name: name, Jobs: jobs}, Usage: sentei.Usage{Verdict: v}}
	}
	job := func(name string, series int64) sentei.JobMetric {
		return sentei.JobMetric{Job: name, Cost: sentei.Cost{Series: series, SeriesInSpan: 9}}
	}
	r := &sentei.Report{
		Metrics: []sentei.MetricReport{
			metric("a", "elsewhere", sentei.Unused, job("x", 1)),
			metric("a", "gone", sentei.Unused, job("x", 0)),
			metric("a", "partly", sentei.PartlyUsed, job("x", 2), job("y", 3)),
			metric("a", "unknown", sentei.Unknown, job("x", 4)),
			metric("a", "unused", sentei.Unused, job("x", 5), job("y", 0), job("z", 5)),
			metric("b", "elsewhere", sentei.Used, job("x", 2)),
			metric("b", "unused", sentei.Unused, job("y", 6)),
		},
		Problems: []sentei.Problem{
			{Backend: "a", Source: "grafana", Message: "is down", Blocking: true},
			{Backend: "a", Source: "grafana", Message: "is odd", Blocking: true, Accepted: "so what"},
			{Backend: "a", Source: "grafana", Message: "is slow"},
		},
	}
	want := `{
  "total_active_series": 28,
  "in_use_active_series": 12,
  "additional_active_series": 16,
  "in_use_metric_counts": [
    {
      "metric": "partly",
      "count": 5,
      "job_counts": [
        {
          "job": "y",
          "count": 3
        },
        {
          "job": "x",
          "count": 2
        }
      ]
    },
    {
      "metric": "unknown",
      "count": 4,
      "job_counts": [
        {
          "job": "x",
          "count": 4
        }
      ]
    },
    {
      "metric": "elsewhere",
      "count": 3,
      "job_counts": [
        {
          "job": "x",
          "count": 3
        }
      ]
    }
  ],
  "additional_metric_counts": [
    {
      "metric": "unused",
      "count": 16,
      "job_counts": [
        {
          "job": "y",
          "count": 6
        },
        {
          "job": "x",
          "count": 5
        },
        {
          "job": "z",
          "count": 5
        }
      ]
    }
  ],
  "errors": [
    "a/grafana: is down"
  ]
}
`
	if diff := cmp.Diff(want, render(t, "mimirtool", r, Options{})); diff != "" {
		t.Error(diff)
	}
}
