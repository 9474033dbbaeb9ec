package rules

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const dropUnusedBucketsKind = "drop_unused_buckets"

type dropUnusedBucketsOptions struct {
	MinSeries int64 `yaml:"min_series"`
}

func dropUnusedBuckets() Info {
	return source.New(dropUnusedBucketsKind, sentei.Doc{
		Title: "Drop buckets of classic histograms, where every reader names the bucket that it wants",
		Text: `Proposes to drop buckets of a classic histogram that no reader asks for. That is right only where every selector that
can read the _bucket metric in the job has a matcher on le: an alert on the share of requests below ` + "`le=\"0.3\"`" + `, say.
One histogram_quantile over the metric needs every bucket, and then nothing is proposed. Results stay the same to the bit
(grade A), also while the rule is deployed.

The bucket +Inf always stays, and _count and _sum are metrics of their own. A whole number is matched in both forms in which
it may be stored: Prometheus 3 stores le="1" as 1.0.

The risk is what people do later: quantiles over the buckets that remain are not missing but coarse. If that may happen,
store the histogram as a native one instead.`,
		Example: `drop_unused_buckets:
  # Propose nothing that drops fewer series.
  min_series: 10
`,
	}, dropUnusedBucketsOptions{MinSeries: 10}, func(o dropUnusedBucketsOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 {
			return nil, errors.New("min_series must be 1 or more")
		}
		return o, nil
	})
}

// Propose implements Rule.
func (o dropUnusedBucketsOptions) Propose(_ context.Context, in *Input) (Made, error) {
	const infinity, maxBuckets = "+Inf", 500
	r := valueRule{
		kind: dropUnusedBucketsKind, minSeries: o.MinSeries, maxValues: maxBuckets,
		values: func(metric string, u *sentei.LabelUsage) []string {
			if u.Name != model.BucketLabel || !strings.HasSuffix(metric, "_bucket") {
				return nil
			}
			return slices.DeleteFunc(slices.Clone(u.UnusedValues), func(v string) bool { return v == infinity })
		},
		risk: "A histogram_quantile over the metric that somebody writes later is coarse, without an error: only the buckets that are read now remain. Readers that leave no trace in the sources read would miss the buckets.",
	}
	return r.propose(in), nil
}
