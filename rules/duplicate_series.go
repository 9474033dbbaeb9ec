package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const duplicateSeriesKind = "duplicate_series"

type duplicateSeriesOptions struct {
	MinMetrics int     `yaml:"min_metrics"`
	MinSeries  int64   `yaml:"min_series"`
	MinShare   float64 `yaml:"min_share"`
}

func duplicateSeries() Info {
	return source.New(duplicateSeriesKind, sentei.Doc{
		Title: "Find targets that two scrape jobs collect",
		Text: `Looks at the addresses that are scraped and at the series that get samples now, and tells of what two scrape jobs collect. It
proposes nothing: which of the two should go depends on who reads which, and the finding says how many consumers can read
only the one, only the other, or both. What nobody reads in one of the jobs is not told of, and does not count in the
cost: drop_unused_metric proposes to drop it.

**By address.** Two scrape jobs scrape a target twice when scheme, address, path and parameters are equal after relabeling, and
proxies, headers, credentials, formats and rules that drop series are set alike: kubernetes-pods and the job of a ServiceMonitor, for example. The targets are
those that the server tells of (sources prometheus and victoriametrics), else those of static_configs in prometheus_config. The
cost is that of the metrics that both write, in the job that fewer consumers read alone, of which up and what only one job stores count, too. Jobs that store no metric in
common share a target on purpose and are not told of; nor are two servers that scrape the same target, which is how Prometheus is
made redundant. Two names of one host are two addresses here.

**By series.** Two stored jobs are compared when they have at least min_metrics metrics in common (up, scrape_* and probe_* do not count) and these
make up min_share of the metrics of the smaller. They are told of when

- targets have the same instance in both, and at least min_share of their series differ in the job label alone; or
- the instances differ, but two or more targets of the smaller job, each with series unlike those of all others, have
  exactly the series of one target of the other job each, but for job and instance. Copies of one program look alike
  without being the same target; that is why each must be unlike the others.

The cost is that of the copies in the smaller job. That series have equal labels is a fact; that they come from the same place
is likely, not certain: two paths or modules of one exporter may answer alike. This part needs an inventory that lists series,
such as the sources block and prometheus. Jobs of which the inventory's label values show that too few series can be equal are
not listed: jobs with other pods, for example. The series of the others are listed once, however many jobs are compared, and
take 8 to 16 bytes each while they are, and about 100 for each metric of a target.

Compare some values before you remove a job.`,
		Example: `duplicate_series:
  # Jobs with fewer metrics in common are not compared.
  min_metrics: 20
  # Tell of nothing that concerns fewer active series.
  min_series: 100
  # How much of the smaller job must be in the other, 0 to 1.
  min_share: 0.9
`,
	}, duplicateSeriesOptions{MinMetrics: 20, MinSeries: 100, MinShare: 0.9}, func(o duplicateSeriesOptions, _ source.Env) (Rule, error) {
		if o.MinMetrics < 1 || o.MinSeries < 1 || o.MinShare <= 0 || o.MinShare > 1 {
			return nil, errors.New("min_metrics and min_series must be 1 or more, and min_share above 0 and at most 1")
		}
		return o, nil
	})
}

// Propose implements Rule. It makes findings only.
func (o duplicateSeriesOptions) Propose(ctx context.Context, in *Input) (Made, error) {
	var all Made
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		addresses := targetPairs(b)
		told, err := o.seriesFindings(ctx, x, b, in.Series[b.Name], addresses)
		if ctx.Err() != nil {
			return Made{}, ctx.Err()
		}
		if err != nil {
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: duplicateSeriesKind, Message: fmt.Sprintf("jobs could not be compared: %v", err),
			}))
		}
		all.add(told)
		for _, p := range addresses {
			if !p.told {
				if f, ok := o.targetFinding(x, b, p); ok {
					all.Findings = append(all.Findings, f)
				}
			}
		}
	}
	return all, nil
}

// seriesFindings compares the series of the jobs. Where two jobs also have
// addresses in common, one finding tells both.
func (o duplicateSeriesOptions) seriesFindings(ctx context.Context, x *index, b *sentei.Backend, reader sentei.SeriesReader, addresses []*targetPair) (Made, error) {
	var made Made
	if reader == nil {
		return made, nil
	}
	pairs := o.pairs(x, b.Name)
	if len(pairs) == 0 {
		return made, nil
	}
	if err := compareJobs(ctx, reader, pairs); err != nil {
		return made, err
	}
	for _, p := range pairs {
		if ctx.Err() != nil {
			return made, ctx.Err()
		}
		f, ok := o.finding(x, b, p)
		if !ok {
			continue
		}
		for _, t := range addresses {
			if t.jobs == [2]string{p.a, p.b} || t.jobs == [2]string{p.b, p.a} {
				t.told = true
				f.Message += fmt.Sprintf(". The scrape jobs %s and %s scrape %s alike: %s",
					t.scrapeJobs[0], t.scrapeJobs[1], count(len(t.urls), "address"), t.addresses())
			}
		}
		made.Findings = append(made.Findings, finding(f))
	}
	return made, nil
}
