package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/sentei/sentei/internal/promapi"
)

// maxNamesPerQuery keeps sharded queries readable for the server's log.
const maxNamesPerQuery = 500

// count counts the active series of every metric and job. It returns an error
// when nothing could be counted.
func (s *prometheusScan) count(ctx context.Context) error {
	if n := s.head.Head.Series; n > 0 && n <= int64(s.MaxSeriesPerQuery) {
		err := s.countLive(ctx, `{__name__!=""}`, n)
		if err == nil || !promapi.TooHeavy(err) {
			s.env.Logger.Debug("counted in one query", "result", s.counted(), "err", err)
			return err
		}
	}
	names, err := s.names(ctx)
	if err != nil {
		return err
	}
	return s.countNamed(ctx, names)
}

// countNamed counts the active series of the metrics. It returns an error when
// nothing could be counted.
func (s *prometheusScan) countNamed(ctx context.Context, names []string) error {
	sizes := s.sizes(names)
	failed := s.inShards(ctx, s.shards(names, sizes), func(ctx context.Context, names []string) error {
		var guess int64
		for _, name := range names {
			guess += sizes[name]
		}
		return s.countLive(ctx, nameSelector(names), guess)
	})
	s.uncounted = failed.names
	if len(failed.names) > 0 && (len(s.metrics) == 0 || len(failed.names) == len(names)) {
		return failed.err
	}
	if len(failed.names) > 0 {
		s.problem(true, "the series of some metrics could not be counted; these metrics are not in the inventory",
			"%s; %s; raise timeout, budget and max_series_per_scan, or give the server more room (query.max-samples, query.timeout)",
			describe(failed.names), s.counted())
		s.env.Logger.Debug("series not counted", "metrics", failed.names, "err", failed.err)
	}
	return nil
}

// countLive counts the active series that a selector selects, about guess of
// them.
func (s *prometheusScan) countLive(ctx context.Context, selector string, guess int64) error {
	samples, err := s.countQuery(ctx, "count by (__name__, job) ("+selector+")", guess)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sample := range samples {
		s.job(sample.Labels.Get(model.MetricNameLabel), sample.Labels.Get(model.JobLabel)).live = int64(sample.Value)
	}
	return nil
}

// counted says how much of the head was counted.
func (s *prometheusScan) counted() string {
	n := s.live()
	if s.head.Head.Series == 0 {
		return fmt.Sprintf("counted %d series", n)
	}
	return fmt.Sprintf("counted %d of %d series in the head", n, s.head.Head.Series)
}

// live returns how many active series were counted.
func (s *prometheusScan) live() (n int64) {
	for _, m := range s.metrics {
		n += m.live()
	}
	return n
}

// names reads the metric names of the span, quiet ones included.
func (s *prometheusScan) names(ctx context.Context) ([]string, error) {
	names, warnings, err := s.client.LabelValues(ctx, model.MetricNameLabel, "", s.from, s.to)
	if err != nil {
		return nil, err
	}
	if len(warnings) > 0 {
		s.problem(true, "the server warns that its list of metric names may be incomplete", "it says: %s", strings.Join(warnings, "; "))
	}
	return names, nil
}

// sizes returns how many series each metric is expected to have.
func (s *prometheusScan) sizes(names []string) map[string]int64 {
	known := make(map[string]int64, len(s.head.SeriesByMetric))
	rest := s.head.Head.Series
	for _, m := range s.head.SeriesByMetric {
		known[m.Name] = m.Value
		rest -= m.Value
	}
	usual := int64(s.MaxSeriesPerQuery) / maxNamesPerQuery
	if others := int64(len(names) - len(known)); rest > 0 && others > 0 {
		usual = rest / others
	}
	sizes := make(map[string]int64, len(names))
	for _, name := range names {
		n, ok := known[name]
		if !ok {
			n = max(usual, 1)
		}
		sizes[name] = n
	}
	return sizes
}

// shards spreads names so that no shard is expected to hold more than
// MaxSeriesPerQuery series.
func (s *prometheusScan) shards(names []string, sizes map[string]int64) [][]string {
	var shards [][]string
	var shard []string
	var size int64
	for _, name := range names {
		n := sizes[name]
		if len(shard) > 0 && (size+n > int64(s.MaxSeriesPerQuery) || len(shard) == maxNamesPerQuery) {
			shards = append(shards, shard)
			shard, size = nil, 0
		}
		shard = append(shard, name)
		size += n
	}
	if len(shard) > 0 {
		shards = append(shards, shard)
	}
	return shards
}

// failedNames are metrics that could not be asked for, with the first error.
type failedNames struct {
	names []string
	err   error
}

// inShards runs ask for every shard. A shard that is too heavy is cut in
// halves.
func (s *prometheusScan) inShards(ctx context.Context, shards [][]string, ask func(context.Context, []string) error) failedNames {
	var mu sync.Mutex
	var failed failedNames
	var run func(names []string)
	run = func(names []string) {
		err := ask(ctx, names)
		switch {
		case err == nil:
		case promapi.TooHeavy(err) && len(names) > 1 && ctx.Err() == nil:
			run(names[:len(names)/2])
			run(names[len(names)/2:])
		default:
			mu.Lock()
			defer mu.Unlock()
			failed.names = append(failed.names, names...)
			if failed.err == nil {
				failed.err = err
			}
		}
	}
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	for _, names := range shards {
		group.Go(func() error { run(names); return nil })
	}
	_ = group.Wait()
	slices.Sort(failed.names)
	return failed
}

// countQuiet counts the metrics of the span that have no active series: series
// and samples over the whole span.
func (s *prometheusScan) countQuiet(ctx context.Context) {
	names, err := s.names(ctx)
	if err != nil {
		s.problem(true, "metrics without active series could not be listed; they are not in the inventory", "%v", err)
		return
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, uncounted := slices.BinarySearch(s.uncounted, name)
		return s.metrics[name] != nil || uncounted
	})
	failed := s.inShards(ctx, slices.Collect(slices.Chunk(names, 100)), s.countSpan)
	if len(failed.names) > 0 {
		s.problem(true, "metrics without active series could not be counted; they are not in the inventory",
			"%s; raise timeout, budget and max_series_per_scan, or lower lookback", describe(failed.names))
		s.env.Logger.Debug("quiet series not counted", "metrics", failed.names, "err", failed.err)
	}
}

// countSpan counts the series of the metrics that have samples in the span,
// active or not.
func (s *prometheusScan) countSpan(ctx context.Context, names []string) error {
	// last_over_time is the function over a range that keeps metric names.
	expr := fmt.Sprintf("count by (__name__, job) (last_over_time(%s[%s]))", nameSelector(names), s.Lookback)
	samples, err := s.countQuery(ctx, expr, int64(len(names)))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sample := range samples {
		s.job(sample.Labels.Get(model.MetricNameLabel), sample.Labels.Get(model.JobLabel)).span = int64(sample.Value)
	}
	return nil
}

// warned notes that counts may be too low.
func (s *prometheusScan) warned(warnings []string) {
	if len(warnings) > 0 {
		s.problem(true, "the server warns that its counts may be incomplete", "it says: %s", strings.Join(warnings, "; "))
	}
}

// nameSelector selects the metrics of exactly these names.
func nameSelector(names []string) string {
	return join([]string{valueMatcher(model.MetricNameLabel, names)})
}

// describe names a few of the metrics.
func describe(names []string) string {
	const few = 5
	text := strings.Join(names[:min(few, len(names))], ", ")
	if len(names) > few {
		text += fmt.Sprintf(" and %d more", len(names)-few)
	}
	return text
}
