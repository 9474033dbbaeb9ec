package rules

import (
	"cmp"
	"context"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// instances are the targets of one job, by the label instance.
type instances map[string]*storedTarget

// storedTarget is the live series of one job and instance.
type storedTarget struct {
	metrics []targetMetric // sorted by name
}

// targetMetric is the series of one metric. A hash stands for the labels of a
// series but job and instance: that takes 8 bytes a series, however many pairs
// of jobs are compared.
type targetMetric struct {
	name   string
	hashes []uint64  // sorted
	print  [2]uint64 // of all series together, their order does not matter
}

// compareJobs lists the series of the metrics that pairs have in common, once,
// and gives each pair its targets.
func compareJobs(ctx context.Context, reader sentei.SeriesReader, pairs []*jobPair) error {
	metrics := map[string]bool{}
	jobs := map[string]instances{}
	for _, p := range pairs {
		for _, m := range p.metrics {
			metrics[m] = true
		}
		for _, job := range []string{p.a, p.b} {
			if jobs[job] == nil {
				jobs[job] = instances{}
			}
		}
	}
	seeds := [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	var name string
	var buf []byte
	err := reader.ReadSeries(ctx, slices.Sorted(maps.Keys(metrics)), func(s sentei.Series) error {
		targets := jobs[s.Labels.Get(model.JobLabel)]
		if !s.Live || targets == nil {
			return nil
		}
		if n := s.Labels.Get(model.MetricNameLabel); n != name {
			name = strings.Clone(n)
		}
		buf = s.Labels.BytesWithoutLabels(buf, model.InstanceLabel, model.JobLabel)
		m := targets.metric(s.Labels.Get(model.InstanceLabel), name)
		m.hashes = append(m.hashes, maphash.Bytes(seeds[0], buf))
		for i := range seeds {
			m.print[i] += maphash.Bytes(seeds[i], buf)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, targets := range jobs {
		for _, t := range targets {
			slices.SortFunc(t.metrics, func(a, b targetMetric) int { return cmp.Compare(a.name, b.name) })
			for i := range t.metrics {
				slices.Sort(t.metrics[i].hashes)
			}
		}
	}
	for _, p := range pairs {
		p.left, p.right = jobs[p.a], jobs[p.b]
	}
	return nil
}

// metric returns the metric of a target while the series are listed, which is
// metric by metric.
func (j instances) metric(instance, name string) *targetMetric {
	t := j[instance]
	if t == nil {
		t = &storedTarget{}
		j[strings.Clone(instance)] = t // not all labels of the series
	}
	if n := len(t.metrics); n == 0 || t.metrics[n-1].name != name {
		t.metrics = append(t.metrics, targetMetric{name: name})
	}
	return &t.metrics[len(t.metrics)-1]
}

// metric returns the series of the metric, or nil.
func (t *storedTarget) metric(name string) *targetMetric {
	i, ok := slices.BinarySearchFunc(t.metrics, name, func(m targetMetric, name string) int { return cmp.Compare(m.name, name) })
	if !ok {
		return nil
	}
	return &t.metrics[i]
}

// of returns those of the metrics, which are sorted, that the target has.
func (t *storedTarget) of(metrics []string) iter.Seq[*targetMetric] {
	return func(yield func(*targetMetric) bool) {
		for i := range t.metrics {
			if _, ok := slices.BinarySearch(metrics, t.metrics[i].name); ok && !yield(&t.metrics[i]) {
				return
			}
		}
	}
}

// print returns the fingerprint of the series of the metrics, and their number.
func (t *storedTarget) print(metrics []string) (print [2]uint64, series int64) {
	for m := range t.of(metrics) {
		for i := range print {
			print[i] += m.print[i]
		}
		series += int64(len(m.hashes))
	}
	return print, series
}

// inCommon counts the series that both have; o may be nil.
func (m *targetMetric) inCommon(o *targetMetric) int64 {
	if o == nil {
		return 0
	}
	if m.print == o.print {
		return int64(len(m.hashes))
	}
	var n int64
	for i, j := 0, 0; i < len(m.hashes) && j < len(o.hashes); {
		switch c := cmp.Compare(m.hashes[i], o.hashes[j]); {
		case c < 0:
			i++
		case c > 0:
			j++
		default:
			n, i, j = n+1, i+1, j+1
		}
	}
	return n
}
