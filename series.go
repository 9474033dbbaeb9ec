package sentei

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Series is one stored series.
type Series struct {
	Labels labels.Labels
	// From and To are the times of the first and the last sample; zero when
	// they are not known.
	From, To time.Time
	// Live says that it still received samples at the end of the span.
	Live bool
}

// SeriesReader lists what an inventory counted, series by series. It reads the
// state that the inventory saw, as far as that is still there.
type SeriesReader interface {
	// ReadSeries calls f with every series of the metrics over the whole span,
	// once each, sorted by labels within a metric. It stops at the first error
	// of f. The error of a reader that cannot list all series is never nil.
	ReadSeries(ctx context.Context, metrics []string, f func(Series) error) error
}

// ConstantReader is what a SeriesReader also is that can read samples.
type ConstantReader interface {
	// ReadConstant looks at every sample of the metric that it can reach, and
	// stops at the first that differs from the others, or when it has seen
	// more than most of them.
	ReadConstant(ctx context.Context, metric string, most int64) (Constant, error)
}

// Constant says whether all samples of a metric have one value.
type Constant struct {
	Value float64
	// Unless says why that is not so, or not known; empty when it is so.
	Unless string
	// Samples is how many were looked at, From and To the time that the chunks
	// that hold them cover.
	Samples  int64
	From, To time.Time
}
