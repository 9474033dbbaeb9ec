package sentei

import (
	"context"
	"fmt"
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
	// of f. The error of a reader that cannot list all series is never nil: it
	// is an *UnlistedError when nothing but some metrics are missing.
	ReadSeries(ctx context.Context, metrics []string, f func(Series) error) error
}

// UnlistedError says that some metrics could not be listed. Of these no series
// was told, of the others all were.
type UnlistedError struct {
	Metrics []string // sorted
	Err     error    // why the first of them could not
}

// Error implements error.
func (e *UnlistedError) Error() string {
	if len(e.Metrics) == 1 {
		return fmt.Sprintf("the series of %s cannot be listed: %v", e.Metrics[0], e.Err)
	}
	return fmt.Sprintf("the series of %s and %d more metrics cannot be listed: %v", e.Metrics[0], len(e.Metrics)-1, e.Err)
}

// Unwrap returns why.
func (e *UnlistedError) Unwrap() error { return e.Err }

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
