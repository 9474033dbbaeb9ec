package relabel

import (
	"fmt"
	"io"
	"testing"

	"github.com/sentei/sentei"
)

// BenchmarkWrite writes 2 000 proposals over 100 000 metrics of one backend:
// all of one scrape job or of a hundred; a metric each or values of their own
// each, which no two proposals share in a rule.
func BenchmarkWrite(b *testing.B) {
	for _, jobs := range []int{1, 100} {
		for _, kind := range []sentei.ActionKind{sentei.DropMetric, sentei.DropValues} {
			r := manyProposals(100_000, 2_000, jobs, kind)
			for _, d := range []Dialect{prometheusDialect, vmagentDialect, mimirDialect} {
				b.Run(fmt.Sprintf("%s/jobs=%d/%s", d.Name, jobs, kind), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := d.Write(io.Discard, r, Options{}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// manyProposals returns a report of metrics, of which the first ones get a
// proposal.
func manyProposals(metrics, proposals, jobs int, kind sentei.ActionKind) *sentei.Report {
	r := &sentei.Report{Backends: []sentei.Backend{{Name: "b"}}}
	for i := range jobs {
		name := fmt.Sprintf("job-%03d", i)
		r.Backends[0].ScrapeJobs = append(r.Backends[0].ScrapeJobs, sentei.ScrapeJob{Name: name, JobLabels: []string{name}})
	}
	for i := range metrics {
		name, job := fmt.Sprintf("component_%05d_requests_total", i), fmt.Sprintf("job-%03d", i%jobs)
		m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: name, Jobs: []sentei.JobMetric{{Job: job}}}}
		usage := sentei.Usage{Verdict: sentei.Used}
		if i < proposals {
			a := sentei.Action{Kind: kind, Metric: name}
			var labels []sentei.LabelUsage
			if kind == sentei.DropValues {
				a.Label, a.Values = "path", []string{fmt.Sprintf("/%d/a", i), fmt.Sprintf("/%d/b", i)}
				labels = []sentei.LabelUsage{{Name: a.Label, Verdict: sentei.Used, UnusedValues: a.Values}}
			} else {
				usage.Verdict = sentei.Unused
			}
			m.JobUsage = []sentei.JobUsage{{Usage: usage, Labels: labels}}
			r.Proposals = append(r.Proposals, sentei.Proposal{ID: sentei.HashID(name), Grade: sentei.GradeA, Action: a,
				Place: sentei.Place{Backend: "b", ScrapeJob: job, Job: job}})
		} else {
			m.JobUsage = []sentei.JobUsage{{Usage: usage}}
		}
		r.Metrics = append(r.Metrics, m)
	}
	return r
}
