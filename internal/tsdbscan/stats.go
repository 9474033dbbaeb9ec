package tsdbscan

import (
	"maps"
	"slices"

	"github.com/sentei/sentei"
)

// jobStats is a sentei.JobMetric whose cost waits for the span to be known.
type jobStats struct {
	sentei.JobMetric
	created, samples, chunkBytes, indexBytes, labelBytes int64
}

func (w *worker) jobStats(j *job) jobStats {
	s := jobStats{
		JobMetric: sentei.JobMetric{
			Job:    j.name,
			Cost:   sentei.Cost{Series: j.live, SeriesInSpan: j.series},
			Labels: make([]sentei.LabelStats, 0, len(j.labels)),
		},
		created: j.created, samples: j.samples,
		chunkBytes: j.chunkBytes, indexBytes: j.indexBytes, labelBytes: j.labelBytes,
	}
	for _, name := range slices.Sorted(maps.Keys(j.labels)) {
		l := j.labels[name]
		s.Labels = append(s.Labels, sentei.LabelStats{
			Name:              w.text[name],
			Series:            l.series,
			Distinct:          int64(l.values.used),
			Values:            w.topValues(&l.values),
			Complete:          l.values.used <= w.opts.TopValues,
			SeriesWithout:     j.series - l.saved,
			SeriesWithoutLive: j.live - l.savedLive,
		})
	}
	return s
}

// topValues returns the values with most series, ties by name.
func (w *worker) topValues(c *counter) []sentei.LabelValue {
	keys := w.keys[:0] // the inverted count, then the number: they sort as wanted
	c.each(func(v, n uint32) { keys = append(keys, uint64(^n)<<32|uint64(v)) })
	w.keys = keys
	slices.Sort(keys)
	keys = keys[:min(len(keys), w.opts.TopValues)]
	values := make([]sentei.LabelValue, len(keys))
	for i, k := range keys {
		values[i] = sentei.LabelValue{Value: w.text[uint32(k)], Series: int64(^uint32(k >> 32))}
	}
	return values
}

// price fills in the parts of the cost that depend on the span.
func (s *jobStats) price(sp span) {
	c := &s.Cost
	c.SamplesPerSecond = float64(s.samples) / sp.tailSeconds
	c.ChurnPerHour = float64(s.created) / (sp.seconds / 3600)
	c.MemoryBytes = sentei.HeadBytes(c.Series, float64(s.labelBytes))
	c.DiskBytesPerDay = 86400 * (float64(s.chunkBytes)/sp.tailSeconds + float64(s.indexBytes)/sp.seconds)
}
