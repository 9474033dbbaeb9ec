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
	for _, j := range slices.SortedFunc(maps.Values(w.jobs), func(a, b *job) int { return cmp.Compare(a.name, b.name) }) {
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
			keys = append(keys, l.values.top(w.opts.TopValues)...)
		}
		w.reduce(j, &s.JobMetric)
		f.jobs = append(f.jobs, s)
	}
	f.keys, w.keys = slices.Clone(keys), keys
}

// top returns the n numbers with the highest counts, ties by number: each as
// the inverted count in the upper half and the number in the lower. It spoils
// the counter.
func (c *counter) top(n int) []uint64 {
	for i, e := range c.entries {
		c.entries[i] = ^(e<<32)&^(1<<32-1) | e>>32
	}
	c.sort()
	return c.entries[:min(len(c.entries), n)]
}

// sort sorts the entries, many of them byte by byte.
func (c *counter) sort() {
	if len(c.entries) < 128 {
		slices.Sort(c.entries)
		return
	}
	var differ uint64
	for _, e := range c.entries {
		differ |= e ^ c.entries[0]
	}
	c.spare = resize(c.spare, len(c.entries))
	for shift := 0; shift < 64; shift += 8 {
		if differ>>shift&0xff == 0 {
			continue
		}
		var place [256]int
		for _, e := range c.entries {
			place[e>>shift&0xff]++
		}
		sum := 0
		for i, n := range place {
			place[i], sum = sum, sum+n
		}
		for _, e := range c.entries {
			p := &place[e>>shift&0xff]
			c.spare[*p] = e
			*p++
		}
		c.entries, c.spare = c.spare, c.entries
	}
}

// finish fills in the parts of a metric that depend on the span, and the
// values of labels.
func (f *found) finish(name string, sp span, text []string, top int) sentei.Metric {
	m := sentei.Metric{Name: name, Jobs: make([]sentei.JobMetric, len(f.jobs))}
	values := make([]sentei.LabelValue, len(f.keys))
	for i, k := range f.keys {
		values[i] = sentei.LabelValue{Value: text[uint32(k)], Series: int64(^uint32(k >> 32))}
	}
	for i := range f.jobs {
		s := &f.jobs[i]
		c := &s.Cost
		var chunkBytes float64 // a second
		c.SamplesPerSecond, chunkBytes = sp.rates(s.samples, s.recent, s.chunkBytes)
		c.ChurnPerHour = float64(s.created) / (sp.seconds / 3600)
		c.MemoryBytes = sentei.HeadBytes(c.Series, float64(s.labelBytes))
		c.DiskBytesPerDay = 86400 * (chunkBytes + float64(s.indexBytes)/sp.seconds)
		for k := range s.Labels {
			n := min(int(s.Labels[k].Distinct), top)
			s.Labels[k].Values, values = values[:n:n], values[n:]
		}
		m.Jobs[i] = s.JobMetric
	}
	return m
}
