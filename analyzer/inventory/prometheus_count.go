package inventory

import (
	"context"
	"errors"
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

// counting is a way to count series by metric and job.
type counting struct {
	query string // %s stands for a selector
	set   func(j *prometheusJob, series int64)
}

// countingLive counts the active series.
func countingLive() counting {
	return counting{
		query: "count by (__name__, job) (%s)",
		set:   func(j *prometheusJob, series int64) { j.live = series },
	}
}

// countingSpan counts the series that have samples in the span, active or not.
func (s *prometheusScan) countingSpan() counting {
	return counting{
		// last_over_time is the function over a range that keeps metric names.
		query: "count by (__name__, job) (last_over_time(%s[" + s.Lookback.String() + "]))",
		set:   func(j *prometheusJob, series int64) { j.span = series },
	}
}

// countNamed counts the active series of the metrics. It returns an error when
// nothing could be counted.
func (s *prometheusScan) countNamed(ctx context.Context, names []string) error {
	sizes := s.sizes(names, s.usual(names))
	failed := s.countShards(ctx, countingLive(), s.shards(names, sizes, maxNamesPerQuery), sizes)
	if n := len(failed.names) + len(failed.alone); n > 0 && (len(s.metrics) == 0 || n == len(names)) {
		return failed.err
	}
	const advice = "raise timeout, budget and max_series_per_scan, or give the server more room (query.max-samples, query.timeout)"
	if kept := s.keepUncounted(ctx, countingLive(), &failed); len(kept) > 0 {
		s.problem(false, "the series of some metrics could not be counted; the verdicts of these metrics are unknown",
			"%s; %s; %s", describe(kept), s.counted(), advice)
	}
	s.uncounted = failed.names
	if len(failed.names) > 0 {
		s.problem(true, "the series of some metrics could not be counted; these metrics are not in the inventory",
			"%s; %s; %s", describe(failed.names), s.counted(), advice)
		s.env.Logger.Debug("series not counted", "metrics", failed.names, "err", failed.err)
	}
	return nil
}

// countLive counts the active series that a selector selects, about guess of
// them.
func (s *prometheusScan) countLive(ctx context.Context, selector string, guess int64) error {
	return s.countSelected(ctx, countingLive(), selector, guess)
}

// countSelected counts the series that a selector selects, about guess of them.
func (s *prometheusScan) countSelected(ctx context.Context, how counting, selector string, guess int64) error {
	samples, err := s.countQuery(ctx, fmt.Sprintf(how.query, selector), guess)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sample := range samples {
		how.set(s.job(sample.Labels.Get(model.MetricNameLabel), sample.Labels.Get(model.JobLabel)), int64(sample.Value))
	}
	return nil
}

// countOne counts the series of one metric, about guess of them, in parts where
// they are too many for one query.
func (s *prometheusScan) countOne(ctx context.Context, how counting, name string, guess int64) error {
	// How the series of a metric spread over its labels is a guess: its parts
	// are taken to be up to twice as large.
	const margin = 2
	jobs := make(map[string]int64)
	var refused error
	ask := func(ctx context.Context, matchers []string, n int64) (bool, error) {
		if n > int64(s.MaxSeriesPerQuery) || len(matchers) > 1 && n > int64(s.MaxSeriesPerQuery)/margin {
			return false, nil
		}
		samples, err := s.countQuery(ctx, fmt.Sprintf(how.query, join(matchers)), n)
		if promapi.TooHeavy(err) && ctx.Err() == nil {
			refused = err
			return false, nil
		}
		for _, sample := range samples {
			jobs[sample.Labels.Get(model.JobLabel)] += int64(sample.Value)
		}
		return err == nil, err
	}
	if err := (seriesSplitter{s, ask}).metric(ctx, name, guess); err != nil {
		return errors.Join(err, refused)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for job, series := range jobs {
		how.set(s.job(name, job), series)
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
		if !m.uncounted() {
			n += m.live()
		}
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

// sizes returns how many series each metric is expected to have: what the
// server tells, else otherwise.
func (s *prometheusScan) sizes(names []string, otherwise int64) map[string]int64 {
	sizes := make(map[string]int64, len(names))
	for _, name := range names {
		sizes[name] = otherwise
	}
	for _, m := range s.head.SeriesByMetric {
		if _, ok := sizes[m.Name]; ok {
			sizes[m.Name] = m.Value
		}
	}
	return sizes
}

// usual returns how many series a metric is expected to have of which the
// server does not tell.
func (s *prometheusScan) usual(names []string) int64 {
	rest := s.head.Head.Series
	for _, m := range s.head.SeriesByMetric {
		rest -= m.Value
	}
	if others := int64(len(names) - len(s.head.SeriesByMetric)); rest > 0 && others > 0 {
		return max(rest/others, 1)
	}
	return max(int64(s.MaxSeriesPerQuery)/maxNamesPerQuery, 1)
}

// shards spreads names, at most so many together, so that no shard of several
// names is expected to hold more than MaxSeriesPerQuery series.
func (s *prometheusScan) shards(names []string, sizes map[string]int64, most int) [][]string {
	var shards [][]string
	var shard []string
	var size int64
	for _, name := range names {
		n := sizes[name]
		if len(shard) > 0 && (size+n > int64(s.MaxSeriesPerQuery) || len(shard) == most) {
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

// failedNames are metrics that could not be counted, with the first error.
type failedNames struct {
	names []string // sorted
	alone []string // asked for one by one, sorted
	err   error
}

// countShards counts every shard. A shard that is too heavy is cut in halves,
// and a metric in parts.
func (s *prometheusScan) countShards(ctx context.Context, how counting, shards [][]string, sizes map[string]int64) failedNames {
	var mu sync.Mutex
	var failed failedNames
	count := func(names []string) error {
		var guess int64
		for _, name := range names {
			guess += sizes[name]
		}
		if len(names) == 1 {
			return s.countOne(ctx, how, names[0], guess)
		}
		return s.countSelected(ctx, how, nameSelector(names), guess)
	}
	var run func(names []string)
	run = func(names []string) {
		err := count(names)
		if err == nil {
			return
		}
		if promapi.TooHeavy(err) && len(names) > 1 && ctx.Err() == nil {
			run(names[:len(names)/2])
			run(names[len(names)/2:])
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if len(names) == 1 {
			failed.alone = append(failed.alone, names...)
		} else {
			failed.names = append(failed.names, names...)
		}
		if failed.err == nil {
			failed.err = err
		}
	}
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	for _, names := range shards {
		group.Go(func() error { run(names); return nil })
	}
	_ = group.Wait()
	slices.Sort(failed.names)
	slices.Sort(failed.alone)
	return failed
}

// maxQuietNames is how many quiet metrics are counted together: their queries
// read the samples of the whole span.
const maxQuietNames = 100

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
	sizes := s.sizes(names, 1)
	failed := s.countShards(ctx, s.countingSpan(), s.shards(names, sizes, maxQuietNames), sizes)
	const advice = "raise timeout, budget and max_series_per_scan, or lower lookback"
	if kept := s.keepUncounted(ctx, s.countingSpan(), &failed); len(kept) > 0 {
		s.problem(false, "metrics without active series could not be counted; the verdicts of these metrics are unknown",
			"%s; %s", describe(kept), advice)
	}
	if len(failed.names) > 0 {
		s.problem(true, "metrics without active series could not be counted; they are not in the inventory",
			"%s; %s", describe(failed.names), advice)
		s.env.Logger.Debug("quiet series not counted", "metrics", failed.names, "err", failed.err)
	}
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
