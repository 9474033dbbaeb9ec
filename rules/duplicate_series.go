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
		Text: `Compares the series that get samples now, job by job, and tells of two stored jobs that hold the same series. It
proposes nothing: which of the two should go depends on who reads which, and the finding says how many consumers can read
only the one, only the other, or both. The cost is that of the copies in the smaller job.

Two jobs are compared when they have at least min_metrics metrics in common (up, scrape_* and probe_* do not count) and these
make up min_share of the metrics of the smaller. They are told of when

- targets have the same instance in both, and at least min_share of their series differ in the job label alone; or
- the instances differ, but two or more targets of the smaller job, each with series unlike those of all others, have
  exactly the series of one target of the other job each, but for job and instance. Copies of one program look alike
  without being the same target; that is why each must be unlike the others.

That series have equal labels is a fact; that they come from the same place is likely, not certain: two paths or modules of
one exporter may answer alike. Compare some values before you remove a job. It needs an inventory that lists series, such as
the source block.`,
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
		reader := in.Series[b.Name]
		pairs := o.pairs(x, b.Name)
		if reader == nil || len(pairs) == 0 {
			continue
		}
		if err := compareJobs(ctx, reader, pairs); err != nil {
			if ctx.Err() != nil {
				return Made{}, ctx.Err()
			}
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: duplicateSeriesKind, Message: fmt.Sprintf("jobs could not be compared: %v", err),
			}))
			continue
		}
		for _, p := range pairs {
			if f, ok := o.finding(x, b, p); ok {
				all.Findings = append(all.Findings, f)
			}
		}
	}
	return all, nil
}
