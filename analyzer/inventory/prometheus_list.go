package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"

	"github.com/sentei/sentei"
)

// seriesLister lists the series of a Prometheus over all that it has stored, up
// to the instant of the scan. Only metrics that are asked for are read, at most
// as many at once as requests, and none with more than MaxSeriesPerQuery
// series. Its requests use up what the scan has left of its budget, and touch
// no more than listSeries series. When each series began and ended is not known
// to it.
type seriesLister struct {
	*prometheusScan                  // with a span and a count of series of its own
	counted         map[string]int64 // active series of each metric; -1 when not counted
	server          time.Time        // when it was started

	one  sync.Mutex    // held by ReadSeries
	used time.Duration // of the budget
}

// lister returns what lists the series, and the span that it is known to cover.
// It returns nil for a server that may leave out series without a word: one that
// is no Prometheus with a storage of its own, or that asks others for a part of
// its answers, whose warnings it does not pass on.
func (s *prometheusScan) lister(ctx context.Context) (*seriesLister, sentei.Window) {
	if s.listSeries == 0 || !s.ownStorage {
		return nil, sentei.Window{}
	}
	process, err := s.client.RuntimeInfo(ctx)
	if err != nil || process.Retention == "" || process.Start.IsZero() {
		s.env.Logger.Debug("series will not be listed", "retention", process.Retention, "err", err)
		return nil, sentei.Window{}
	}
	own := *s.prometheusSource
	own.MaxSeriesPerScan = s.listSeries
	l := &seriesLister{
		prometheusScan: &prometheusScan{prometheusSource: &own, from: time.UnixMilli(0), to: s.to},
		counted:        make(map[string]int64, len(s.metrics)),
		server:         process.Start,
	}
	for name, m := range s.metrics {
		l.counted[name] = m.live()
		if m.uncounted() {
			l.counted[name] = -1
		}
	}
	return l, sentei.Window{From: s.storedSince(ctx, process.Retention), To: s.to}
}

// maxProbed is how far back storedSince looks.
const maxProbed = 365 * 24 * time.Hour

// storedSince returns an instant at which samples of targets are stored, as
// early as few questions find one; the end of the span when none is known.
func (s *prometheusScan) storedSince(ctx context.Context, retention string) time.Time {
	reach := maxProbed
	text, _, _ := strings.Cut(retention, " or ") // a size may follow
	if d, err := model.ParseDuration(text); err == nil {
		reach = min(reach, time.Duration(d))
	}
	var targets int64
	for _, j := range s.jobs {
		targets += int64(j.Targets)
	}
	stored := func(hours int) bool {
		if s.spend(targets) != nil {
			return false
		}
		found, warnings, err := s.client.Query(ctx, "count(up)", s.to.Add(-time.Duration(hours)*time.Hour))
		return err == nil && len(warnings) == 0 && len(found) == 1
	}
	yes, no := 0, int(reach/time.Hour)+1
	for no-yes > 1 && ctx.Err() == nil {
		if middle := (yes + no) / 2; stored(middle) {
			yes = middle
		} else {
			no = middle
		}
	}
	return s.to.Add(-time.Duration(yes) * time.Hour)
}

// ReadSeries implements sentei.SeriesReader.
func (l *seriesLister) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	l.one.Lock()
	defer l.one.Unlock()
	start := l.env.Now()
	defer func() { l.used += l.env.Now().Sub(start) }()
	defer l.client.Close()
	if err := l.sameServer(ctx); err != nil {
		return err
	}
	budget, cancel := l.client.WithRest(ctx, l.used)
	defer cancel()
	unlisted := &sentei.UnlistedError{}
	for batch := range slices.Chunk(metrics, l.Concurrency) {
		read := make([][]liveSeries, len(batch))
		errs := make([]error, len(batch))
		var group errgroup.Group
		for i, name := range batch {
			group.Go(func() error {
				read[i], errs[i] = l.list(budget, name)
				return nil
			})
		}
		_ = group.Wait()
		if ctx.Err() != nil { // stopped from outside, not by the budget
			return context.Cause(ctx)
		}
		for i, name := range batch {
			if errs[i] != nil {
				l.env.Logger.Debug("series not listed", "metric", name, "err", errs[i])
				unlisted.Metrics = append(unlisted.Metrics, name)
				if unlisted.Err == nil {
					unlisted.Err = errs[i]
				}
				continue
			}
			for _, one := range read[i] {
				if err := f(sentei.Series{Labels: one.labels, Live: one.live}); err != nil {
					return err
				}
			}
		}
	}
	if err := l.sameServer(ctx); err != nil {
		return err
	}
	if len(unlisted.Metrics) > 0 {
		slices.Sort(unlisted.Metrics)
		return unlisted
	}
	return nil
}

// sameServer returns an error unless the process answers that was scanned:
// another replica may have stored less.
func (l *seriesLister) sameServer(ctx context.Context) error {
	process, err := l.client.RuntimeInfo(ctx)
	if err == nil && !process.Start.Equal(l.server) {
		err = fmt.Errorf("%s was restarted after the scan, or several servers answer there: set url to one of them", l.client.URL())
	}
	return err
}

// list returns all series of one metric, sorted. A list that is not known to be
// whole is an error.
func (l *seriesLister) list(ctx context.Context, name string) ([]liveSeries, error) {
	const tries = 2 // a sample may come in between two requests
	var missing int
	for range tries {
		set, unseen, err := l.listOnce(ctx, name)
		if err != nil {
			return nil, err
		}
		if missing = unseen; missing == 0 {
			slices.SortFunc(set.series, func(a, b liveSeries) int { return labels.Compare(a.labels, b.labels) })
			return set.series, nil
		}
	}
	return nil, fmt.Errorf("the list of series is short: it lacks %d that have samples", missing)
}

// listOnce returns the series of a metric, and how many of the active ones were
// not in the server's list.
func (l *seriesLister) listOnce(ctx context.Context, name string) (set *seriesSet, missing int, err error) {
	live := l.counted[name]
	r := seriesReader{prometheusScan: l.prometheusScan, max: l.MaxSeriesPerQuery, set: newSeriesSet()}
	if live < 0 {
		return nil, 0, errors.New("its active series could not be counted")
	}
	if live > int64(r.max) {
		return nil, 0, tooMany(r.max)
	}
	if err := r.read(ctx, name, live); err != nil {
		return nil, 0, err
	}
	whole := len(r.set.series)
	for _, selector := range r.parts {
		samples, warnings, err := r.liveSeries(ctx, selector, live/int64(len(r.parts)))
		if err := errors.Join(err, incomplete(warnings)); err != nil {
			return nil, 0, err
		}
		for _, sample := range samples {
			r.set.addLive(sample.Labels)
		}
	}
	for _, one := range r.set.series {
		if one.labels.Get(model.MetricNameLabel) != name {
			return nil, 0, fmt.Errorf("the server answers with series of %s", one.labels.Get(model.MetricNameLabel))
		}
	}
	if r.set.mixed {
		return nil, 0, errors.New("two series have the same hash")
	}
	// What was counted by the same server at the same instant must be there.
	if active := r.set.live(); active*100 < live*minCounted {
		return nil, 0, fmt.Errorf("%d of the %d active series that were counted: the list of series is short", active, live)
	}
	return r.set, len(r.set.series) - whole, nil
}

func tooMany(most int) error {
	return fmt.Errorf("it has more than %d over the time that is stored: raise max_series_per_query", most)
}
