package inventory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// victoriaMetrics asks a running VictoriaMetrics.
var victoriaMetrics = source.New("victoriametrics", sentei.Doc{
	Title: "Asks a running VictoriaMetrics what it stores: a single node, or the vmselect of a cluster.",
	Text: `Asks VictoriaMetrics what it stores. Nothing but read access to the HTTP API is needed. For a cluster, url is
that of vmselect with the tenant, such as http://vmselect:8481/select/0/prometheus, or /select/42:7/prometheus for project 7
of account 42. Several tenants are several backends, as the page of the source mimir shows; /select/multitenant would mix
them.

There are two ways to count (` + "`count`" + `):

- **index** counts the series of the UTC day per job and metric from the index (/api/v1/status/tsdb), and reads no
  sample. It is cheap, and the metric names tracker (see the source victoriametrics_names) does not see it. Series that
  ended earlier on the day are among them, so "active series" is an estimate that is never too low. How many would remain
  without a label is told where all series of the lookback count as active, and is not known elsewhere. When lookback
  reaches back over midnight, the larger day counts. In a cluster with replication, or after a storage node was away,
  series are counted more than once; metrics whose labels are read are not.
- **queries** counts active series exactly, by PromQL, as the source prometheus does. Every query makes the tracker count
  the metrics that it reads: **after one scan the tracker calls every metric requested**, and is of no use any more. Take
  it when you do not use the tracker.

No list is trusted to be complete: the metrics of a job must add up to its series, and the jobs to all series. Where the
list of the largest 1000 metrics does not hold all, they are asked for by name. What does not add up, and partial answers
of a cluster, are blocking problems. Lists of label values, which VictoriaMetrics cuts without a word
(-search.maxTagValues), are checked by a second request.

Label statistics of the label_metrics largest metrics come from /api/v1/series, which answers for whole UTC days.
VictoriaMetrics refuses to tell more than 30000 series at once (-search.maxSeries), so max_series_per_query should not be
larger than that limit. Metrics with more than 5 times max_series_per_query series (150000 by default) have no label
statistics and no what-if. With count: queries, a metric of more than max_series_per_query is counted in parts.

Scrape jobs are known when a single node scrapes by itself (-promscrape.config). For vmagent, name its configuration in
` + "`prometheus_config`" + ` of the backend. Samples per second, memory and disk are estimates made for Prometheus: VictoriaMetrics
needs less of both.

It needs version 1.60 or later. What could not be read is a problem in the report, and its metrics get no verdict.`,
	Example: `- victoriametrics:
    url: http://127.0.0.1:8428   # with the path prefix, if there is one; /select/0/prometheus in a cluster
    count: index                 # or queries, see above
    lookback: 1h                 # metrics with a sample in this span are counted; at least 5m
    label_metrics: 200           # so many metrics, the largest, get statistics of their labels
    max_series_per_query: 30000  # no request is meant to ask for more series; not above -search.maxSeries
    max_series_per_scan: 20000000 # all of them together do not touch more
    scrape_interval: 1m          # where the targets do not tell it
    concurrency: 4               # requests at once
    timeout: 1m                  # for one request
    budget: 10m                  # for all of them
    # All options of the HTTP client of Prometheus, such as:
    basic_auth:
      username: sentei
      password_file: password
    tls_config:
      min_version: TLS12
`,
}, victoriaMetricsOptions{
	prometheusOptions: prometheusOptions{
		Config:            promapi.DefaultConfig(),
		Lookback:          model.Duration(time.Hour),
		LabelMetrics:      200,
		MaxSeriesPerQuery: 30_000,
		MaxSeriesPerScan:  maxSeriesPerScan,
	},
	Count:          countIndex,
	ScrapeInterval: model.Duration(usualInterval),
}, newVictoriaMetrics)

// The ways to count the series of VictoriaMetrics.
const (
	countIndex   = "index"
	countQueries = "queries"
)

type victoriaMetricsOptions struct {
	prometheusOptions `yaml:",inline"`
	Count             string         `yaml:"count"`
	ScrapeInterval    model.Duration `yaml:"scrape_interval"`
}

// victoriaMetricsSource asks one server.
type victoriaMetricsSource struct {
	*prometheusSource
	queries        bool
	scrapeInterval time.Duration
}

func newVictoriaMetrics(o victoriaMetricsOptions, env source.Env) (Source, error) {
	var errs []error
	if o.Count != countIndex && o.Count != countQueries {
		errs = append(errs, fmt.Errorf("count is %q: it must be %s or %s", o.Count, countIndex, countQueries))
	}
	api, err := newPrometheusAPI(o.prometheusOptions, env)
	if err := errors.Join(append(errs, err, checkInterval(o.ScrapeInterval))...); err != nil {
		return nil, err
	}
	return &victoriaMetricsSource{
		prometheusSource: api, queries: o.Count == countQueries, scrapeInterval: time.Duration(o.ScrapeInterval),
	}, nil
}

func checkInterval(d model.Duration) error {
	if d <= 0 {
		return fmt.Errorf("scrape_interval is %s: it must be more than 0s", d)
	}
	return nil
}

// Inventory implements Source.
func (v *victoriaMetricsSource) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	return v.scan(ctx, func(ctx context.Context, s *prometheusScan) error {
		s.indexOnly, s.silentLimits = !v.queries, true
		for _, day := range days(s.from, s.to) {
			if err := s.countDay(ctx, day); err != nil {
				return err
			}
		}
		if v.queries {
			if err := s.countActive(ctx); err != nil {
				return err
			}
		}
		targets, err := s.client.Targets(ctx)
		if err != nil || len(targets) == 0 { // it does not scrape by itself
			if err != nil && !errors.Is(err, promapi.ErrUnsupported) {
				s.problem(false, "targets could not be read; scrape jobs are not known, so nothing can be proposed for them", "%v", err)
			}
			s.readIntervals(ctx, v.scrapeInterval)
			return nil
		}
		s.readJobsOf(ctx, targets, v.scrapeInterval)
		return nil
	})
}

// days returns the UTC days that the span touches.
func days(from, to time.Time) []time.Time {
	var all []time.Time
	for day := from.UTC().Truncate(24 * time.Hour); !day.After(to); day = day.Add(24 * time.Hour) {
		all = append(all, day)
	}
	return all
}

// countDay counts the series of one day from the index.
func (s *prometheusScan) countDay(ctx context.Context, day time.Time) error {
	end := day.Add(24*time.Hour - time.Millisecond)
	ask := func(ctx context.Context, selector string) (topList, error) {
		status, warnings, err := s.client.DayStatus(ctx, day, selector)
		if err != nil {
			return topList{}, err
		}
		s.warned(warnings)
		return topList{metrics: status.SeriesByMetric, complete: status.Complete(), names: -1, series: status.Series}, nil
	}
	whole, err := ask(ctx, "")
	if err != nil {
		return err
	}
	jobs, warnings, err := s.client.LabelValues(ctx, model.JobLabel, "", day, end)
	if err != nil {
		return err
	}
	s.warned(warnings)
	c := &topCounter{
		prometheusScan: s, limit: 1000, ask: ask,
		names: func(ctx context.Context, matchers []string) ([]string, error) {
			names, warnings, err := s.client.LabelValues(ctx, model.MetricNameLabel, join(matchers), day, end)
			return names, errors.Join(err, incomplete(warnings))
		},
		found: func(metric, job string, series int64) {
			j := s.job(metric, job)
			j.span = max(j.span, series)
			if s.indexOnly {
				j.live = j.span
			}
		},
	}
	c.countJobs(ctx, jobs)
	switch {
	case len(c.failed) == len(jobs)+1:
		return c.firstError()
	case len(c.failed) > 0:
		c.uncountedJobs("raise timeout and budget, and the limits of the server that the log names (-search.max…)")
	case c.total < whole.series:
		s.problem(true, "the series of all jobs are fewer than the series of the day; metrics may be missing in the inventory",
			"counted %d of %d on %s; scan again, and if it stays so, use count: queries", c.total, whole.series, day.Format(time.DateOnly))
	}
	return nil
}

// countActive counts the active series of the metrics that the index knows.
func (s *prometheusScan) countActive(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(s.metrics))
	for _, name := range names {
		var series int64
		for _, j := range s.metrics[name].jobs {
			series += j.span
		}
		s.head.Head.Series += series
		s.head.SeriesByMetric = append(s.head.SeriesByMetric, promapi.NameCount{Name: name, Value: series})
	}
	if err := s.countNamed(ctx, names); err != nil {
		return err
	}
	for _, name := range s.uncounted {
		delete(s.metrics, name)
	}
	return nil
}
