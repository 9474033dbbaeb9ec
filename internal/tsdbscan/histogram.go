package tsdbscan

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/sentei/sentei"
)

// maxBounds is how many buckets a classic histogram has at most. A metric with
// more values of le is none.
const maxBounds = 10_000

// newHistogram describes the buckets of a job, nil when it has none.
func newHistogram(bounds []string, native int64) *sentei.Histogram {
	if bounds == nil && native == 0 {
		return nil
	}
	return &sentei.Histogram{Bounds: bounds, NativeSeries: native}
}

// isBuckets reports whether a classic histogram calls its buckets so.
func isBuckets(metric string) bool { return strings.HasSuffix(metric, "_bucket") }

// bounds returns the values of le, sorted as numbers, when the series are the
// buckets of a classic histogram. The counters of the labels are summed up.
func (w *worker) bounds(metric string, j *job) []string {
	if !isBuckets(metric) {
		return nil
	}
	i := slices.IndexFunc(j.labels, func(l *label) bool { return w.text(l.name) == labels.BucketLabel })
	if i < 0 || j.labels[i].series < j.series || len(j.labels[i].values.entries) > maxBounds {
		return nil
	}
	var all []string
	for _, e := range j.labels[i].values.entries {
		le := w.text(uint32(e >> 32))
		if v, err := strconv.ParseFloat(le, 64); err != nil || math.IsNaN(v) {
			return nil
		}
		all = append(all, le)
	}
	slices.SortFunc(all, sentei.CompareBounds)
	return all
}

// isNative reports whether chunks of the encoding hold native histograms.
func isNative(e chunkenc.Encoding) bool { return e != chunkenc.EncXOR && e != chunkenc.EncXOR2 }
