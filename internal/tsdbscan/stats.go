package tsdbscan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sentei/sentei"
)

// jobStats is a sentei.JobMetric of which some parts wait until all is known.
type jobStats struct {
	sentei.JobMetric
	created, samples, recent, chunkBytes, indexBytes, labelBytes int64
}

// stats puts the jobs of a metric into their final form.
func (w *worker) stats(metric string, f *found) {
	f.jobs = make([]jobStats, 0, len(w.jobs))
	keys := w.keys[:0]
	var ends []int // of each label's values in keys
	for _, j := range slices.SortedFunc(maps.Values(w.jobs), func(a, b *job) int { return cmp.Compare(a.name, b.name) }) {
		for _, l := range j.labels {
			w.sums.sumUp(&l.values)
		}
		s := jobStats{
			JobMetric: sentei.JobMetric{
				Job:    j.name,
				Cost:   sentei.Cost{Series: j.live, SeriesInSpan: j.series},
				Labels: make([]sentei.LabelStats, len(j.labels)),

				Histogram: w.histogram(metric, j),
			},
			created: j.created, samples: j.samples, recent: j.recent,
			chunkBytes: j.chunkBytes, indexBytes: j.indexBytes, labelBytes: j.labelBytes,
		}
		for i, l := range j.labels {
			s.Labels[i] = sentei.LabelStats{
				Name:              w.text[l.name],
				Series:            l.series,
				Distinct:          int64(len(l.values.entries)),
				Complete:          len(l.values.entries) <= w.opts.TopValues,
				SeriesWithout:     j.series - l.saved,
				SeriesWithoutLive: j.live - l.savedLive,
			}
			keys = w.top.append(keys, &l.values, w.opts.TopValues)
			ends = append(ends, len(keys))
		}
		w.reduce(j, &s.JobMetric)
		f.jobs = append(f.jobs, s)
	}
	w.keys = keys
	// All lists share memory that is just large enough: there are many.
	values := make([]sentei.LabelValue, len(keys))
	for i, k := range keys {
		values[i] = sentei.LabelValue{Value: w.text[uint32(k)], Series: int64(^uint32(k >> 32))}
	}
	from := 0
	for i := range f.jobs {
		for k := range f.jobs[i].Labels {
			f.jobs[i].Labels[k].Values = values[from:ends[0]:ends[0]]
			from, ends = ends[0], ends[1:]
		}
	}
}

// finish fills in the parts of a metric that depend on the span.
func (f *found) finish(name string, sp span) sentei.Metric {
	m := sentei.Metric{Name: name, Jobs: make([]sentei.JobMetric, len(f.jobs))}
	for i := range f.jobs {
		s := &f.jobs[i]
		c := &s.Cost
		var chunkBytes float64 // a second
		c.SamplesPerSecond, chunkBytes = sp.rates(s.samples, s.recent, s.chunkBytes)
		c.ChurnPerHour = float64(s.created) / (sp.seconds / 3600)
		c.MemoryBytes = sentei.HeadBytes(c.Series, float64(s.labelBytes))
		c.DiskBytesPerDay = 86400 * (chunkBytes + float64(s.indexBytes)/sp.seconds)
		m.Jobs[i] = s.JobMetric
	}
	return m
}
