package tsdbscan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sentei/sentei"
)

// jobStats is a sentei.JobMetric of which some parts wait until all is known.
//
// The statistics of its labels wait too, as numbers: the garbage collector need
// not look at them while the scan goes on.
type jobStats struct {
	sentei.JobMetric
	created, samples, recent, chunkBytes, indexBytes, labelBytes int64
	labels                                                       []labelCounts
}

// labelCounts is what becomes a sentei.LabelStats.
type labelCounts struct {
	name, distinct                           uint32
	values                                   uint32 // number of the list, see valueLists
	series, seriesWithout, seriesWithoutLive int64
}

// stats puts the jobs of a metric into their final form.
func (w *worker) stats(metric string, f *found) {
	f.jobs = make([]jobStats, 0, len(w.jobs))
	labels := w.labels[:0]
	jobs := slices.SortedFunc(maps.Values(w.jobs), func(a, b *job) int { return cmp.Compare(a.name, b.name) })
	for _, j := range jobs {
		for _, l := range j.labels {
			w.sums.sumUp(&l.values)
			labels = append(labels, labelCounts{
				name: l.name, distinct: uint32(len(l.values.entries)), series: l.series,
				seriesWithout: j.series - l.saved, seriesWithoutLive: j.live - l.savedLive,
				values: w.lists.add(w.top.of(&l.values, w.opts.TopValues), &w.hasher),
			})
		}
		s := jobStats{
			JobMetric: sentei.JobMetric{
				Job:       j.name,
				Cost:      sentei.Cost{Series: j.live, SeriesInSpan: j.series},
				Histogram: w.histogram(metric, j),
			},
			created: j.created, samples: j.samples, recent: j.recent,
			chunkBytes: j.chunkBytes, indexBytes: j.indexBytes, labelBytes: j.labelBytes,
		}
		if w.recorder.on {
			s.Labels = w.labelStats(labels[len(labels)-len(j.labels):])
			w.reduce(j, &s.JobMetric)
		}
		f.jobs = append(f.jobs, s)
	}
	w.labels, f.lists = labels, w.lists
	all := slices.Clone(labels)
	for i, j := range jobs {
		f.jobs[i].labels, all = all[:len(j.labels)], all[len(j.labels):]
	}
}

// labelStats returns the statistics of labels, without values.
func (s *scan) labelStats(labels []labelCounts) []sentei.LabelStats {
	stats := make([]sentei.LabelStats, len(labels))
	for i, l := range labels {
		stats[i] = sentei.LabelStats{
			Name:              s.text[l.name],
			Series:            l.series,
			Distinct:          int64(l.distinct),
			Complete:          int(l.distinct) <= s.opts.TopValues,
			SeriesWithout:     l.seriesWithout,
			SeriesWithoutLive: l.seriesWithoutLive,
		}
	}
	return stats
}

// finish fills in the parts of a metric that depend on the span, and turns
// numbers into texts.
func (s *scan) finish(f *found, name string, sp span) sentei.Metric {
	m := sentei.Metric{Name: name, Jobs: make([]sentei.JobMetric, len(f.jobs))}
	for i := range f.jobs {
		j := &f.jobs[i]
		c := &j.Cost
		var chunkBytes float64 // a second
		c.SamplesPerSecond, chunkBytes = sp.rates(j.samples, j.recent, j.chunkBytes)
		c.ChurnPerHour = float64(j.created) / (sp.seconds / 3600)
		c.EndedPerHour = float64(c.SeriesInSpan-c.Series) / (sp.seconds / 3600)
		c.MemoryBytes = sentei.HeadBytes(c.Series, float64(j.labelBytes))
		c.DiskBytesPerDay = 86400 * (chunkBytes + float64(j.indexBytes)/sp.seconds)
		if j.Labels == nil {
			j.Labels = s.labelStats(j.labels)
		}
		for k := range j.Labels {
			j.Labels[k].Values = f.lists.of(j.labels[k].values, s.symbols)
		}
		m.Jobs[i] = j.JobMetric
	}
	return m
}
