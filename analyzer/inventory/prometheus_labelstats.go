package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// maxLabelValues is how many values of a label are told. A label with more is
// not complete.
const maxLabelValues = 1000

// countLabels counts every label but the metric name and the job. Label sets
// are told apart by 64-bit hashes.
func countLabels(all []liveSeries) []sentei.LabelStats {
	names := make(map[string]bool)
	whole := make([]uint64, len(all)) // the label set: the sum of the hashes of its labels
	for i, one := range all {
		one.labels.Range(func(l labels.Label) {
			whole[i] += hashLabel(l.Name, l.Value)
			names[l.Name] = true
		})
	}
	delete(names, model.MetricNameLabel)
	delete(names, model.JobLabel)
	stats := make([]sentei.LabelStats, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		stats = append(stats, countLabel(name, all, whole))
	}
	return stats
}

// countLabel counts one label. whole are the hashes of the label sets.
func countLabel(name string, all []liveSeries, whole []uint64) sentei.LabelStats {
	values := make(map[string]int64)
	// What remains without the label. Series that never had it stay as they
	// are, and others may become equal to them.
	without, withoutLive := make(map[uint64]bool), make(map[uint64]bool)
	l := sentei.LabelStats{Name: name}
	for i, one := range all {
		rest := whole[i]
		if value := one.labels.Get(name); value != "" {
			l.Series++
			values[value]++
			rest -= hashLabel(name, value)
		}
		without[rest] = true
		if one.live {
			withoutLive[rest] = true
		}
	}
	l.SeriesWithout, l.SeriesWithoutLive = int64(len(without)), int64(len(withoutLive))
	l.Distinct = int64(len(values))
	l.Complete = len(values) <= maxLabelValues
	l.Values = topValues(values)
	return l
}

// hashLabel hashes a label so that the sum over a label set stands for the
// set: what remains without a label is a subtraction.
func hashLabel(name, value string) uint64 {
	var d xxhash.Digest
	d.Reset()
	d.WriteString(name)
	d.Write([]byte{0xff}) // never in UTF-8
	d.WriteString(value)
	return d.Sum64()
}

// topValues returns the values with most series first, at most maxLabelValues.
func topValues(counts map[string]int64) []sentei.LabelValue {
	values := make([]sentei.LabelValue, 0, len(counts))
	for value, n := range counts {
		values = append(values, sentei.LabelValue{Value: value, Series: n})
	}
	slices.SortFunc(values, func(a, b sentei.LabelValue) int {
		return cmp.Or(cmp.Compare(b.Series, a.Series), cmp.Compare(a.Value, b.Value))
	})
	top := slices.Clone(values[:min(maxLabelValues, len(values))])
	for i := range top {
		top[i].Value = strings.Clone(top[i].Value) // lets go of the whole label set
	}
	return top
}
