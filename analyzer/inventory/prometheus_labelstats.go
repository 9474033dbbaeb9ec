package inventory

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// maxLabelValues is how many values of a label are told. A label with more is
// not complete.
const maxLabelValues = 1000

// labelCounter counts one label over the series of a JobMetric.
type labelCounter struct {
	series int64
	values map[string]int64
	// without and withoutLive are the label sets that remain without the
	// label, as hashes, of the series that have it.
	without, withoutLive map[uint64]bool
}

// countLabels counts every label but the metric name and the job. Label sets
// are told apart by 64-bit hashes.
func countLabels(all []liveSeries) []sentei.LabelStats {
	counters := make(map[string]*labelCounter)
	whole := make([]uint64, len(all)) // sum of the hashes of the labels
	for i, one := range all {
		one.labels.Range(func(l labels.Label) { whole[i] += hashLabel(l) })
		one.labels.Range(func(l labels.Label) {
			if l.Name == model.MetricNameLabel || l.Name == model.JobLabel {
				return
			}
			c := counters[l.Name]
			if c == nil {
				c = &labelCounter{values: make(map[string]int64), without: make(map[uint64]bool), withoutLive: make(map[uint64]bool)}
				counters[l.Name] = c
			}
			rest := whole[i] - hashLabel(l)
			c.series++
			c.values[l.Value]++
			c.without[rest] = true
			if one.live {
				c.withoutLive[rest] = true
			}
		})
	}
	stats := make([]sentei.LabelStats, 0, len(counters))
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		c := counters[name]
		// Series that never had the label stay as they are, and others may
		// become equal to them.
		for i, one := range all {
			if one.labels.Has(name) {
				continue
			}
			c.without[whole[i]] = true
			if one.live {
				c.withoutLive[whole[i]] = true
			}
		}
		stats = append(stats, c.stats(name))
	}
	return stats
}

// hashLabel hashes a label so that the sum over a label set stands for the
// set: what remains without a label is a subtraction.
func hashLabel(l labels.Label) uint64 {
	var d xxhash.Digest
	d.Reset()
	d.WriteString(l.Name)
	d.Write([]byte{0xff}) // never in UTF-8
	d.WriteString(l.Value)
	return d.Sum64()
}

func (c *labelCounter) stats(name string) sentei.LabelStats {
	values := make([]sentei.LabelValue, 0, len(c.values))
	for value, n := range c.values {
		values = append(values, sentei.LabelValue{Value: value, Series: n})
	}
	slices.SortFunc(values, func(a, b sentei.LabelValue) int {
		return cmp.Or(cmp.Compare(b.Series, a.Series), cmp.Compare(a.Value, b.Value))
	})
	return sentei.LabelStats{
		Name:              name,
		Series:            c.series,
		Distinct:          int64(len(values)),
		Complete:          len(values) <= maxLabelValues,
		Values:            slices.Clone(values[:min(maxLabelValues, len(values))]),
		SeriesWithout:     int64(len(c.without)),
		SeriesWithoutLive: int64(len(c.withoutLive)),
	}
}
