package tsdbscan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sentei/sentei"
)

// jobFacts are what waits until the span is known.
type jobFacts struct {
	created, samples, recent, chunkBytes, indexBytes, labelBytes int64
}

func (j *job) facts() jobFacts {
	return jobFacts{j.created, j.samples, j.recent, j.chunkBytes, j.indexBytes, j.labelBytes}
}

// stats puts the jobs of a metric into their final form, as far as it does not
// depend on the span. The values of labels wait, too, as numbers of lists.
func (w *worker) stats(metric string, f *found) {
	jobs := slices.SortedFunc(maps.Values(w.jobs), func(a, b *job) int { return cmp.Compare(a.name, b.name) })
	f.jobs, f.facts = make([]sentei.JobMetric, len(jobs)), make([]jobFacts, len(jobs))
	// All labels share memory that is just large enough: there are many.
	n := len(w.pool.labels.inUse())
	labels := make([]sentei.LabelStats, n)
	f.lists, f.values = w.lists, make([]uint32, 0, n)
	for i, j := range jobs {
		n := len(j.labels)
		s := sentei.JobMetric{
			Job:    j.name,
			Cost:   sentei.Cost{Series: j.live, SeriesInSpan: j.series},
			Labels: labels[:n:n],
		}
		labels = labels[n:]
		for k, l := range j.labels {
			w.sums.sumUp(&l.values)
			distinct := len(l.values.entries)
			s.Labels[k] = sentei.LabelStats{
				Name:              w.text(l.name),
				Series:            l.series,
				Distinct:          int64(distinct),
				Complete:          distinct <= w.opts.TopValues,
				SeriesWithout:     j.series - l.saved,
				SeriesWithoutLive: j.live - l.savedLive,
			}
			f.values = append(f.values, w.lists.add(w.top.of(&l.values, w.opts.TopValues), &w.hasher))
		}
		s.Histogram = newHistogram(w.bounds(metric, j), j.native)
		w.reduce(j, &s)
		f.jobs[i] = s
		f.facts[i] = j.facts()
		j.place = i
	}
}

// finish fills in the parts of a metric that depend on the span, and turns
// numbers into texts.
func (s *scan) finish(f *found, name string, sp span) sentei.Metric {
	values := f.values
	for i := range f.jobs {
		j, facts := &f.jobs[i], &f.facts[i]
		c := &j.Cost
		var chunkBytes float64 // a second
		c.SamplesPerSecond, chunkBytes = sp.rates(facts.samples, facts.recent, facts.chunkBytes)
		c.ChurnPerHour = float64(facts.created) / (sp.seconds / 3600)
		c.EndedPerHour = float64(c.SeriesInSpan-c.Series) / (sp.seconds / 3600)
		c.MemoryBytes = sentei.HeadBytes(c.Series, float64(facts.labelBytes))
		c.DiskBytesPerDay = 86400 * (chunkBytes + float64(facts.indexBytes)/sp.seconds)
		for k := range j.Labels {
			j.Labels[k].Values = f.lists.of(values[k], s.symbols)
		}
		values = values[len(j.Labels):]
	}
	return sentei.Metric{Name: name, Jobs: f.jobs}
}
