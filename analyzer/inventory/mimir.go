package inventory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// mimir asks a running Mimir or Cortex.
var mimir = source.New("mimir", sentei.Doc{
	Title: "Asks a running Grafana Mimir, Grafana Cloud or Cortex what a tenant stores.",
	Text: `Asks Mimir what one tenant stores, through the query-frontend or any gateway before it. Nothing but read access
to the Prometheus API of the tenant is needed.

There are two ways to count (` + "`count`" + `):

- **cardinality** asks the cardinality API for active series per job and metric (count_method=active): those that the
  ingesters hold and that got a sample in the last 20 minutes, which is what Grafana Cloud bills. It is cheap. It must be
  turned on for the tenant: -querier.cardinality-analysis-enabled, or cardinality_analysis_enabled in its limits. A job
  that it cannot count is counted by a query. Mimir divides by its replication and rounds.
- **queries** counts active series by PromQL, as the source prometheus does: those with a sample in the last 5 minutes.
  **Cortex has no cardinality API, so it needs this.** It serves the API of Prometheus under /prometheus, or /api/prom in
  older ones; a query above its limits (max_fetched_series_per_query and the like) is refused with 422 and cut in halves; a
  metric that is too large for one is counted in parts, by job, instance and values of its other labels.

The cardinality API tells at most limit metrics at once, and says how many there are. Where a job has more, they are asked
for by name. Its number of series is that of the tenant, whatever was asked for, so it is not what lists are held against:
what counts is the number of metrics of a job, and of jobs. A list that stays short is a blocking problem.

Metrics that are quiet now but have had samples within lookback are counted by queries, and label statistics of the
label_metrics largest metrics are read, as by the source prometheus: none of metrics with more than 5 times
max_series_per_query series (500000 by default), which have no what-if either. Keep lookback above 20 minutes: active series that
are older would be missing in the lists of names.

Mimir does not scrape: name the configuration of Prometheus, or of what writes to it, in ` + "`prometheus_config`" + ` of the
backend. Samples per second (series by scrape_interval or the interval of rules), memory and disk are estimates.

**Several tenants** are several backends: each has its own metrics, its own readers and its own part of the report, beside
a sum of all. Give each the sources that read its tenant, and to dashboard_files the data sources of Grafana that ask for
it; one that asks for several tenants (team-a|team-b) belongs to each of them. The tenant's name may come from a file, by
http_headers. Where no tenant gets series of another, as by remote write or rules with source_tenants, say isolated: true
at each; else nothing is proposed for what another one may read.

    backends:
      - name: team-a
        isolated: true
        prometheus_config: team-a/prometheus.yml
        inventory:
          - mimir: {url: http://mimir:8080/prometheus, tenant: team-a}
        usage:
          - prometheus_rules:
              url: http://mimir:8080/prometheus
              http_headers: {X-Scope-OrgID: {values: [team-a]}}
          - dashboard_files: {paths: [dashboards], datasources: [mimir-team-a]}
      - name: team-b
        isolated: true
        prometheus_config: team-b/prometheus.yml
        inventory:
          - mimir:
              url: http://mimir:8080/prometheus
              http_headers: {X-Scope-OrgID: {files: [secrets/team-b]}} # in place of tenant
        usage:
          - prometheus_rules:
              url: http://mimir:8080/prometheus
              http_headers: {X-Scope-OrgID: {files: [secrets/team-b]}}
          - dashboard_files: {paths: [dashboards], datasources: [mimir-team-b]}

What could not be read is a problem in the report, and its metrics get no verdict.`,
	Example: `- mimir:
    url: http://mimir:8080/prometheus # with the prefix of the Prometheus API
    tenant: team-a               # sent as X-Scope-OrgID; leave it out when a gateway sets it
    count: cardinality           # or queries, see above
    limit: 500                   # not above -querier.cardinality-api-max-series-limit
    lookback: 1h                 # metrics with a sample in this span are counted, active or not; at least 20m
    label_metrics: 200           # so many metrics, the largest, get statistics of their labels
    max_series_per_query: 100000 # no request is meant to ask for more series; not above the limits of the tenant
    max_series_per_scan: 20000000 # all of them together do not touch more
    scrape_interval: 1m          # where no rule tells it
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
}, mimirOptions{
	prometheusOptions: prometheusOptions{
		Config:            promapi.DefaultConfig(),
		Lookback:          model.Duration(time.Hour),
		LabelMetrics:      200,
		MaxSeriesPerQuery: 100_000,
		MaxSeriesPerScan:  maxSeriesPerScan,
	},
	Count:          countCardinality,
	Limit:          maxCardinality,
	ScrapeInterval: model.Duration(usualInterval),
}, newMimir)

// countCardinality is the way to count through the cardinality API.
const countCardinality = "cardinality"

const (
	// maxCardinality is the highest limit that Mimir takes by default.
	maxCardinality = 500
	// minMimirLookback is how long a series without samples stays active.
	minMimirLookback = model.Duration(20 * time.Minute)
	// minCounted is the percentage of a tenant's series below which a count
	// is called short.
	minCounted = 95
)

type mimirOptions struct {
	prometheusOptions `yaml:",inline"`
	Tenant            string         `yaml:"tenant"`
	Count             string         `yaml:"count"`
	Limit             int            `yaml:"limit"`
	ScrapeInterval    model.Duration `yaml:"scrape_interval"`
}

// mimirSource asks for one tenant.
type mimirSource struct {
	*prometheusSource
	queries        bool
	limit          int
	scrapeInterval time.Duration
}

func newMimir(o mimirOptions, env source.Env) (Source, error) {
	errs := []error{checkInterval(o.ScrapeInterval)}
	if o.Count != countCardinality && o.Count != countQueries {
		errs = append(errs, fmt.Errorf("count is %q: it must be %s or %s", o.Count, countCardinality, countQueries))
	}
	if o.Limit < 1 {
		errs = append(errs, fmt.Errorf("limit is %d: it must be 1 or more", o.Limit))
	}
	if o.Count == countCardinality && o.Lookback < minMimirLookback {
		errs = append(errs, fmt.Errorf("lookback is %s: it must be at least %s, the time for which series stay active", o.Lookback, minMimirLookback))
	}
	if o.Count == countCardinality && strings.Contains(o.Tenant, "|") {
		errs = append(errs, fmt.Errorf("tenant %q names several: the cardinality API answers for one, so make a source for each, or use count: %s", o.Tenant, countQueries))
	}
	if o.Tenant != "" {
		errs = append(errs, o.SetHeader("X-Scope-OrgID", o.Tenant))
	}
	api, err := newPrometheusAPI(o.prometheusOptions, env)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &mimirSource{
		prometheusSource: api, queries: o.Count == countQueries, limit: o.Limit, scrapeInterval: time.Duration(o.ScrapeInterval),
	}, nil
}

// Inventory implements Source.
func (m *mimirSource) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	return m.scan(ctx, func(ctx context.Context, s *prometheusScan) error {
		count := s.count
		if !m.queries {
			s.otherCount = true
			count = func(ctx context.Context) error { return s.countCardinality(ctx, m.limit) }
		}
		if err := count(ctx); err != nil {
			return err
		}
		s.countQuiet(ctx)
		s.readIntervals(ctx, m.scrapeInterval)
		return nil
	})
}

// countCardinality counts the active series of every metric and job through
// the cardinality API. It returns an error when nothing could be counted.
func (s *prometheusScan) countCardinality(ctx context.Context, limit int) error {
	known, err := s.client.Cardinality(ctx, model.JobLabel, "", limit)
	if errors.Is(err, promapi.ErrNoCardinality) {
		err = fmt.Errorf("%w; or use count: %s", err, countQueries)
	}
	if err != nil {
		return err
	}
	values := func(label string, matchers []string) ([]string, error) {
		selector := ""
		if len(matchers) > 0 {
			selector = join(matchers)
		}
		found, warnings, err := s.client.LabelValues(ctx, label, selector, s.from, s.to)
		return found, errors.Join(err, incomplete(warnings))
	}
	jobs, err := values(model.JobLabel, nil)
	if err != nil {
		return err
	}
	c := &topCounter{
		prometheusScan: s, limit: limit,
		ask: func(ctx context.Context, selector string) (topList, error) {
			found, err := s.client.Cardinality(ctx, model.MetricNameLabel, selector, limit)
			return topList{metrics: found.Top, complete: found.Complete(), names: found.Values, series: -1}, err
		},
		names: func(_ context.Context, matchers []string) ([]string, error) {
			return values(model.MetricNameLabel, matchers)
		},
		found: func(metric, job string, series int64) {
			if series > 0 { // not rounded down to nothing: that is left to the count of quiet metrics
				s.job(metric, job).live = series
			}
		},
		rescue: func(ctx context.Context, selector string) error { return s.countLive(ctx, selector, 0) },
	}
	c.countJobs(ctx, jobs)
	switch {
	case len(c.failed) == len(jobs)+1:
		return c.firstError()
	case len(c.failed) > 0:
		c.uncountedJobs("raise timeout and budget, and the limits of the tenant that the log names")
	case int64(len(jobs)) < known.Values:
		s.problem(true, "the list of jobs is shorter than the number of jobs; metrics may be missing in the inventory",
			"listed %d of %d; raise lookback, or the limit of the tenant on label values", len(jobs), known.Values)
	}
	// Series come and go during the count, and each number is rounded.
	if n := s.live(); n*100 < known.Tenant*minCounted {
		s.problem(true, "the series that were counted are much fewer than those of the tenant; metrics may be missing in the inventory",
			"counted %d of %d; scan again, and if it stays so, use count: queries", n, known.Tenant)
	}
	return nil
}
