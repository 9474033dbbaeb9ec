package inventory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/sentei/sentei/internal/promapi"
)

// topList is the answer of an API that counts the series of a selector by
// metric, but tells only the largest metrics.
type topList struct {
	metrics  []promapi.NameCount
	complete bool // every metric is there
	// names is how many metrics there are, and series how many series; -1 when
	// the API does not tell.
	names, series int64
}

// topCounter counts the series of every metric and job through such an API:
// job by job, and where a job has more metrics than one answer tells, by parts
// of their names.
type topCounter struct {
	*prometheusScan
	limit  int // metrics that one answer tells
	ask    func(ctx context.Context, selector string) (topList, error)
	names  func(ctx context.Context, matchers []string) ([]string, error)
	found  func(metric, job string, series int64)           // called with the lock held
	rescue func(ctx context.Context, selector string) error // counts a job in another way; may be nil

	failed map[string]error // by job that could not be counted
	total  int64            // series counted by ask
}

// countJobs counts the series of all the jobs and of those without a job.
func (c *topCounter) countJobs(ctx context.Context, jobs []string) {
	var group errgroup.Group
	group.SetLimit(c.Concurrency)
	c.failed = make(map[string]error)
	for _, job := range append(slices.Clone(jobs), "") {
		group.Go(func() error {
			selected := []string{model.MetricNameLabel + `!=""`, valueMatcher(model.JobLabel, []string{job})}
			counts, err := c.countJob(ctx, selected)
			if err != nil && c.rescue != nil && ctx.Err() == nil {
				c.env.Logger.Debug("job counted by query", "job", job, "err", err)
				if c.rescue(ctx, join(selected)) == nil {
					return nil
				}
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if err != nil {
				c.failed[job] = err
				return nil
			}
			for metric, series := range counts {
				c.found(metric, job, series)
				c.total += series
			}
			return nil
		})
	}
	_ = group.Wait()
}

// countJob returns the series of each metric that the matchers select.
func (c *topCounter) countJob(ctx context.Context, matchers []string) (map[string]int64, error) {
	list, err := c.ask(ctx, join(matchers))
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int64)
	if list.complete {
		list.addTo(counts)
		return counts, nil
	}
	names, err := c.names(ctx, matchers)
	if err != nil {
		return nil, err
	}
	if int64(len(names)) < list.names {
		return nil, fmt.Errorf("the server lists %d metric names of %d", len(names), list.names)
	}
	for part := range slices.Chunk(names, c.limit) {
		if err := c.countNames(ctx, matchers, part, counts); err != nil {
			return nil, err
		}
	}
	var sum int64
	for _, n := range counts {
		sum += n
	}
	if sum < list.series {
		return nil, fmt.Errorf("its metrics have %d series of %d together", sum, list.series)
	}
	return counts, nil
}

// countNames counts the series of the metrics. Where the answer lacks some of
// them, it asks for halves.
func (c *topCounter) countNames(ctx context.Context, matchers, names []string, counts map[string]int64) error {
	selector := join(append([]string{valueMatcher(model.MetricNameLabel, names)}, matchers[1:]...))
	list, err := c.ask(ctx, selector)
	switch {
	case err == nil && list.complete:
		list.addTo(counts)
		return nil
	case err != nil && !promapi.TooHeavy(err) || ctx.Err() != nil:
		return err
	case len(names) == 1:
		return errors.Join(err, fmt.Errorf("the series of %s are not counted in full", names[0]))
	}
	half := len(names) / 2
	if err := c.countNames(ctx, matchers, names[:half], counts); err != nil {
		return err
	}
	return c.countNames(ctx, matchers, names[half:], counts)
}

func (l *topList) addTo(counts map[string]int64) {
	for _, m := range l.metrics {
		counts[m.Name] += m.Value
	}
}

// firstError returns the error of the first job that could not be counted.
func (c *topCounter) firstError() error {
	first := slices.Min(slices.Collect(maps.Keys(c.failed)))
	return fmt.Errorf("job %q: %w", first, c.failed[first])
}

// uncountedJobs notes that some jobs could not be counted.
func (c *topCounter) uncountedJobs(hint string) {
	var jobs []string
	for _, job := range slices.Sorted(maps.Keys(c.failed)) {
		jobs = append(jobs, strconv.Quote(job))
		c.env.Logger.Debug("series not counted", "job", job, "err", c.failed[job])
	}
	c.problem(true, "the series of some jobs could not be counted; they are not in the inventory", "%s; %s", describe(jobs), hint)
}
