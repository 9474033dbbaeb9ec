package rules

import (
	"context"
	"errors"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const dropUnusedValuesKind = "drop_unused_values"

type dropUnusedValuesOptions struct {
	MinSeries int64    `yaml:"min_series"`
	MaxValues int      `yaml:"max_values"`
	Except    []string `yaml:"except_labels"`
}

func dropUnusedValues() Info {
	return source.New(dropUnusedValuesKind, sentei.Doc{
		Title: "Drop series by label value, where every reader of the metric asks for other values",
		Text: `Proposes to drop those series of a metric that has readers whose label has a value that no reader asks for: every
selector that can read the metric in the job has a matcher on that label which refuses the value. A dashboard that shows
` + "`node_cpu_seconds_total{mode!=\"nice\"}`" + ` and an alert on ` + "`{mode=\"idle\"}`" + ` leave nothing that reads ` + "`nice`" + `. Results stay the same
to the bit (grade A), also while the rule is deployed, because the matchers refuse the value whatever the other labels are.
The proof lists each selector with the matcher that refuses.

Only values that are stored are named in the rule; a value that appears later is not dropped. Nothing is proposed for

- a metric that one reader reads without a matcher on the label, or with one that a dashboard variable fills in;
- the labels job and instance, whose values come and go, those in except_labels, and le: see drop_unused_buckets;
- external labels, since who reads them elsewhere may see another value;
- labels with more than max_values such values: a rule that long ages quickly;
- what drop_unused_metric leaves alone: recorded series, those of Prometheus itself, and metrics that another backend of
  the report reads.

Where several labels of a metric have such values, a series that several rules drop is counted once.`,
		Example: `drop_unused_values:
  # Propose nothing that drops fewer series.
  min_series: 10
  # Propose no rule that names more values.
  max_values: 50
  # Leave these labels alone, too.
  except_labels: [version]
`,
	}, dropUnusedValuesOptions{MinSeries: 10, MaxValues: 50}, func(o dropUnusedValuesOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 || o.MaxValues < 1 {
			return nil, errors.New("min_series and max_values must be 1 or more")
		}
		return o, nil
	})
}

// Propose implements Rule.
func (o dropUnusedValuesOptions) Propose(_ context.Context, in *Input) (Made, error) {
	except := append([]string{model.MetricNameLabel, model.JobLabel, model.InstanceLabel, model.BucketLabel}, o.Except...)
	r := valueRule{
		kind: dropUnusedValuesKind, minSeries: o.MinSeries, maxValues: o.MaxValues,
		values: func(_ string, u *sentei.LabelUsage) []string {
			if slices.Contains(except, u.Name) {
				return nil
			}
			return slices.Clone(u.UnusedValues)
		},
		risk: "Readers that leave no trace in the sources read would miss these values. A sum over the metric that somebody writes later lacks them.",
	}
	return r.propose(in), nil
}
