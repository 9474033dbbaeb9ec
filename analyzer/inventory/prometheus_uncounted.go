package inventory

import (
	"context"
	"slices"
	"sync"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
)

// keepUncounted puts metrics that could not be counted even alone into the
// inventory, with the jobs that the index names and the size that the server
// tells, and returns them, sorted. They hide nothing of the other metrics, so
// only their own verdicts are unknown. Those of which not even the jobs are
// known go to failed.names.
func (s *prometheusScan) keepUncounted(ctx context.Context, how counting, failed *failedNames) []string {
	sizes := s.sizes(failed.alone, 0)
	var mu sync.Mutex
	var kept []string
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	for _, name := range failed.alone {
		group.Go(func() error {
			err := s.keep(ctx, how, name, sizes[name])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				kept = append(kept, name)
			} else {
				failed.names = append(failed.names, name)
			}
			return nil
		})
	}
	_ = group.Wait()
	slices.Sort(failed.names)
	slices.Sort(kept)
	if len(kept) > 0 {
		s.env.Logger.Debug("series not counted", "metrics", kept, "err", failed.err)
	}
	return kept
}

// keep keeps one metric of about n series.
func (s *prometheusScan) keep(ctx context.Context, how counting, name string, n int64) error {
	s.mu.Lock()
	m := s.metrics[name]
	s.mu.Unlock()
	if m != nil { // its jobs were counted in another way
		for _, j := range m.jobs {
			how.set(j, j.span)
			j.uncounted = true
		}
		return nil
	}
	splitter := seriesSplitter{prometheusScan: s}
	jobs, err := splitter.values(ctx, model.JobLabel, []string{valueMatcher(model.MetricNameLabel, []string{name})})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shares := max(int64(len(jobs)), 1)
	for i, job := range append(jobs, "") { // there may be series without a job
		j := s.job(name, job)
		j.uncounted = true
		// How they spread over the jobs is not known.
		if int64(i) < shares {
			how.set(j, (n+shares-1-int64(i))/shares)
		}
	}
	return nil
}

// uncounted reports whether the series could not be counted.
func (m *prometheusMetric) uncounted() bool {
	for _, j := range m.jobs {
		return j.uncounted // all of them or none
	}
	return false
}
