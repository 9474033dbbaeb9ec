package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"
)

// maxLabelRequests times MaxSeriesPerQuery is how many series of one metric
// are held in memory for their labels.
const maxLabelRequests = 5

// readLabels reads the label statistics of the metrics with most series: one
// after the other while they are large, then several at once.
func (s *prometheusScan) readLabels(ctx context.Context) {
	var mu sync.Mutex
	var unread []string
	read := func(name string) {
		if err := s.readLabelsOf(ctx, name); err != nil {
			s.env.Logger.Debug("labels not read", "metric", name, "err", err)
			mu.Lock()
			defer mu.Unlock()
			unread = append(unread, name)
		}
	}
	names := s.largest(s.LabelMetrics)
	for _, name := range names {
		if s.metrics[name].live() > int64(s.MaxSeriesPerQuery) {
			read(name)
		}
	}
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	for _, name := range names {
		if s.metrics[name].live() <= int64(s.MaxSeriesPerQuery) {
			group.Go(func() error { read(name); return nil })
		}
	}
	_ = group.Wait()
	if len(unread) > 0 {
		slices.Sort(unread)
		s.problem(false, "the labels of some metrics could not be read; any label of these may have any value",
			"%s; raise max_series_per_query, max_series_per_scan, timeout and budget, or lower label_metrics", describe(unread))
	}
}

// largest returns the n metrics with most series, of those that were counted,
// the largest first.
func (s *prometheusScan) largest(n int) []string {
	names := slices.Collect(maps.Keys(s.metrics))
	names = slices.DeleteFunc(names, func(name string) bool { return s.metrics[name].uncounted() })
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.metrics[b].live(), s.metrics[a].live()), cmp.Compare(a, b))
	})
	return names[:min(n, len(names))]
}

// readLabelsOf reads the series of one metric and counts their labels.
func (s *prometheusScan) readLabelsOf(ctx context.Context, name string) error {
	live := s.metrics[name].live()
	r := seriesReader{prometheusScan: s, max: maxLabelRequests * s.MaxSeriesPerQuery, set: newSeriesSet()}
	if live > int64(r.max) {
		return fmt.Errorf("%d series", live)
	}
	if err := r.read(ctx, name, live); err != nil {
		return err
	}
	if !s.indexOnly {
		if err := r.markLive(ctx, live); err != nil {
			return err
		}
	}
	// Nobody else touches this metric.
	for job, series := range r.set.byJob() {
		j := s.metrics[name].job(job)
		before := j.live
		j.setLabels(series)
		if s.indexOnly {
			j.forgetLive(before)
		}
	}
	return nil
}

// forgetLive is for series of which it is not known whether they are active,
// but which were counted as so many; 0 when they appeared after the count.
func (j *prometheusJob) forgetLive(counted int64) {
	j.live = min(cmp.Or(counted, j.span), j.span)
	for i := range j.labels {
		j.labels[i].SeriesWithoutLive = -1
	}
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
	mixed  bool           // two label sets had the same hash, of which one is here
}

func newSeriesSet() *seriesSet { return &seriesSet{index: make(map[uint64]int)} }

// add returns the place of the label set.
func (s *seriesSet) add(l labels.Labels) int {
	hash := l.Hash()
	if i, ok := s.index[hash]; ok {
		s.mixed = s.mixed || !labels.Equal(s.series[i].labels, l)
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

// live returns how many of the series are active.
func (s *seriesSet) live() (n int64) {
	for _, one := range s.series {
		if one.live {
			n++
		}
	}
	return n
}

func (s *seriesSet) byJob() map[string][]liveSeries {
	jobs := make(map[string][]liveSeries)
	for _, one := range s.series {
		job := one.labels.Get(model.JobLabel)
		jobs[job] = append(jobs[job], one)
	}
	return jobs
}
