package inventory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"
)

// readLabels reads the label statistics of the metrics with most series.
func (s *prometheusScan) readLabels(ctx context.Context) {
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	unread := make([]bool, min(s.LabelMetrics, len(s.metrics)))
	for i, name := range s.largest(len(unread)) {
		group.Go(func() error {
			unread[i] = !s.readLabelsOf(ctx, name)
			return nil
		})
	}
	group.Wait()
	n := 0
	for _, u := range unread {
		if u {
			n++
		}
	}
	if n > 0 {
		s.problem(false, "the label statistics of some metrics could not be read; any of their labels counts as one that may have any value",
			"%d of %d metrics; raise max_series_per_query, timeout and budget, or lower label_metrics", n, len(unread))
	}
}

// largest returns the n metrics with most series, the largest first.
func (s *prometheusScan) largest(n int) []string {
	names := slices.Collect(maps.Keys(s.metrics))
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.metrics[b].live(), s.metrics[a].live()), cmp.Compare(a, b))
	})
	return names[:n]
}

// readLabelsOf reads the series of one metric and counts their labels. It
// reports whether all of them could be read.
func (s *prometheusScan) readLabelsOf(ctx context.Context, name string) bool {
	s.mu.Lock()
	m := s.metrics[name]
	s.mu.Unlock()
	live := m.live()
	if live > int64(s.MaxSeriesPerQuery) {
		return false
	}
	selector := nameSelector([]string{name})
	series, warnings, err := s.client.Series(ctx, selector, s.from, s.to, s.MaxSeriesPerQuery+1)
	if err != nil || len(warnings) > 0 || len(series) > s.MaxSeriesPerQuery {
		s.env.Logger.Debug("labels not read", "metric", name, "series", len(series), "warnings", warnings, "err", err)
		return false
	}
	sets := newSeriesSet(series)
	if int64(len(series)) == live {
		sets.allLive()
	} else {
		samples, warnings, err := s.client.Query(ctx, selector, s.to)
		if err != nil || len(warnings) > 0 {
			s.env.Logger.Debug("active series not read", "metric", name, "warnings", warnings, "err", err)
			return false
		}
		for _, sample := range samples {
			sets.addLive(sample.Labels)
		}
	}
	byJob := sets.byJob()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, job := range slices.Sorted(maps.Keys(byJob)) {
		j := s.job(name, job)
		j.setLabels(byJob[job])
	}
	return true
}

// setLabels takes over what the series themselves say.
func (j *prometheusJob) setLabels(all []liveSeries) {
	j.live, j.span, j.labelBytes = 0, int64(len(all)), 0
	for _, one := range all {
		if one.live {
			j.live++
		}
		one.labels.Range(func(l labels.Label) {
			j.labelBytes += float64(len(l.Name) + len(l.Value))
		})
	}
	j.labelBytes /= float64(len(all))
	j.labels = countLabels(all)
}

// liveSeries is a label set, and whether it is active.
type liveSeries struct {
	labels labels.Labels
	live   bool
}

// seriesSet holds distinct label sets.
type seriesSet struct {
	series []liveSeries
	index  map[uint64]int // by hash of the label set
}

func newSeriesSet(series []labels.Labels) *seriesSet {
	set := &seriesSet{index: make(map[uint64]int, len(series))}
	for _, l := range series {
		set.add(l)
	}
	return set
}

// add returns the place of the label set.
func (s *seriesSet) add(l labels.Labels) int {
	hash := l.Hash()
	if i, ok := s.index[hash]; ok {
		return i
	}
	s.index[hash] = len(s.series)
	s.series = append(s.series, liveSeries{labels: l})
	return len(s.series) - 1
}

// addLive adds a label set that is active. One that appeared after the others
// were read is not there yet.
func (s *seriesSet) addLive(l labels.Labels) { s.series[s.add(l)].live = true }

func (s *seriesSet) allLive() {
	for i := range s.series {
		s.series[i].live = true
	}
}

func (s *seriesSet) byJob() map[string][]liveSeries {
	jobs := make(map[string][]liveSeries)
	for _, one := range s.series {
		job := one.labels.Get(model.JobLabel)
		jobs[job] = append(jobs[job], one)
	}
	return jobs
}
