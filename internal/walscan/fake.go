package walscan

import (
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
)

// NewHead makes a head of series with the given labels, for tests of what
// reads heads. Each must have samples. Recent counts only where the last sample
// is recent.
func NewHead(lbls []labels.Labels, series []Series) (*Head, error) {
	c := newCollector()
	var e record.Encoder
	for i, l := range lbls {
		if err := c.addSeries(e.Series([]record.RefSeries{{Ref: chunks.HeadSeriesRef(i + 1), Labels: l}}, nil)); err != nil {
			return nil, fmt.Errorf("make head: %w", err)
		}
		s, in := c.series.at(uint32(i)), &series[i]
		s.First, s.Last, s.Stale, s.Native = in.First, in.Last, in.Stale, in.Native
		s.Samples, s.Recent, s.before = in.Samples, in.Recent, 0
	}
	return c.head(math.MaxInt64), nil
}
