package inventory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// prometheus asks a running server.
var prometheus = source.New("prometheus", sentei.Doc{
	Title: "Asks a running Prometheus what it stores, through its HTTP API.",
	Text: `Asks a Prometheus, or a server that speaks its API, what it stores now. Nothing but read access to the
HTTP API is needed; no admin API, no disk.

What is read:

- Active series per metric and job, counted by PromQL at one instant: those that have a sample in the look-back of the
  server (5 minutes). While the head holds no more series than max_series_per_query this is one query. Above, the
  metrics are spread over several, and a query that the server refuses is cut in halves. A metric that is too large for
  one query is counted in parts: by job, then by instance, then by ranges of values of its other labels. How large it is
  says /api/v1/status/tsdb, how its series spread over a label is a guess (evenly; a part may be twice as large).
- Metrics that are quiet now but have had samples within lookback (batch jobs): series and samples of that span.
- Label statistics of the label_metrics metrics with most series: their label sets are read and counted here. They span
  lookback. The server answers from its index, so that series which ended up to three hours earlier can be among them;
  that makes more label values known, never fewer.
- Scrape jobs: targets (and which of them two jobs scrape), configuration (honor_labels) and scrape pools. A job that only
  an included file defines is taken to honor labels, which is the careful side, unless prometheus_config shows it.
- Metadata (type, unit, help) as the active targets tell it.

What is estimated: samples per second (series by scrape or rule interval), memory and disk. Churn is not known to this
source: reports show "?". To have these counted, use a source that reads the blocks.

It is a light guest: at most concurrency requests at once (other sources that ask the same server count theirs), timeout
for each request, budget for the whole scan, and max_series_per_scan for the series that all requests of a scan touch
together: what is left after the count goes to the labels of the metrics with most series. It measures the server by the
server itself: how long does it take for the same trivial question (time()) as at the start? When that takes three times
as long, when a request takes more than 5 seconds, and after each 429 and 503, half as many requests run at once, and a
server that is slow even with one gets half of the time for itself. Retry-After stops all requests. Retries come only
after connection errors and the statuses 429, 502, 503 and 504. Every query ends in the comment "# sentei".

**Series are listed** when a rule asks for those of a metric: proposals are executed over all series that the server has
stored, also those that ended long ago, with Prometheus's own relabel code. This takes two requests for a metric, uses what
the scan has left of budget, and touches at most list_series series; the metrics that proposals and findings are about are read, no
others. A list counts only when it is known to be whole: each active series must be in it. A warning, an answer that was cut, one
that lacks series, more than max_series_per_query series of a metric over all that is stored, a budget that is used up, and another
server behind the same address (url must not be that of a load balancer) make the metric one that is not listed: then no label is
taken off it, and the report says why. For how long samples are stored is found by asking for the metric up at a few earlier hours;
without targets it is not known. Nothing is listed of servers that may leave out series without a word: those that are no Prometheus
with a storage of its own, such as Mimir and Thanos, those with remote_read, and those whose configuration cannot be read.

What a data directory shows and the API does not: when each series began and ended, so strip_unused_label proposes nothing of
labels that targets expose unless its min_span is 0s; which labels follow from others, so it proposes labels of the targets only
where they have one value in the job; and whether all samples are alike, so merge_constant_series proposes nothing. For these,
add the source block.

What could not be read is a problem in the report, and its metrics are not in the inventory: they get no verdict. A metric that
cannot be counted even in parts, while the others can, is in the inventory with the size that /api/v1/status/tsdb tells, and its
own verdict is unknown unless somebody reads it. Metrics beyond label_metrics, and those with more than 5 times
max_series_per_query series (500000 by default), have no label statistics and no what-if, however much they cost: then any label
may have any value. Raise max_series_per_query to have them: so many label sets are held in memory.`,
	Example: `- prometheus:
    url: http://127.0.0.1:9090   # with the path prefix, if there is one
    lookback: 1h                 # metrics with a sample in this span are counted, active or not; never less than
                                 # the server's --query.lookback-delta (5m)
    label_metrics: 200           # so many metrics, the largest, get statistics of their labels
    max_series_per_query: 100000 # no request is meant to ask for more series; 5 times as many of a metric have labels
    max_series_per_scan: 20000000 # all of them together do not touch more
    list_series: 1000000         # so many series are listed for proposals after that; 0: none
    concurrency: 4               # requests at once
    timeout: 1m                  # for one request
    budget: 10m                  # for all of them
    # All options of the HTTP client of Prometheus:
    basic_auth:                  # or authorization, or oauth2
      username: sentei
      password_file: password
    tls_config:
      # ca_file: ca.pem          # files of certificates must be there from the start
      # cert_file: client.pem
      # key_file: client.key
      server_name: prometheus.example.org
      min_version: TLS12
      insecure_skip_verify: false
    http_headers:
      X-Scope-OrgID:
        values: [tenant]
    proxy_url: http://proxy.example.org:3128
    no_proxy: 127.0.0.1
    follow_redirects: true       # within the same host only
    enable_http2: true
`,
}, prometheusServerOptions{
	prometheusOptions: prometheusOptions{
		Config:            promapi.DefaultConfig(),
		Lookback:          model.Duration(time.Hour),
		LabelMetrics:      200,
		MaxSeriesPerQuery: 100_000,
		MaxSeriesPerScan:  maxSeriesPerScan,
	},
	ListSeries: 1_000_000,
}, newPrometheusServer)

type prometheusOptions struct {
	promapi.Config    `yaml:",inline"`
	Lookback          model.Duration `yaml:"lookback"`
	LabelMetrics      int            `yaml:"label_metrics"`
	MaxSeriesPerQuery int            `yaml:"max_series_per_query"`
	MaxSeriesPerScan  int64          `yaml:"max_series_per_scan"`
	listSeries        int64          // 0 for sources that list none
}

type prometheusServerOptions struct {
	prometheusOptions `yaml:",inline"`
	ListSeries        int64 `yaml:"list_series"`
}

// maxSeriesPerScan is enough to count ten million series and to read the
// labels of most of them.
const maxSeriesPerScan = 20_000_000

// minLookback is the span in which a query finds the last sample of a series,
// unless the server is told otherwise (--query.lookback-delta). Below it,
// active series would be missing in the span.
const minLookback = model.Duration(5 * time.Minute)

// prometheusSource asks one server.
type prometheusSource struct {
	prometheusOptions
	env    source.Env
	client *promapi.Client
}

func newPrometheusServer(o prometheusServerOptions, env source.Env) (Source, error) {
	if o.ListSeries < 0 {
		return nil, fmt.Errorf("list_series is %d: it must be 0 or more", o.ListSeries)
	}
	o.listSeries = o.ListSeries
	return newPrometheus(o.prometheusOptions, env)
}

func newPrometheus(o prometheusOptions, env source.Env) (Source, error) {
	p, err := newPrometheusAPI(o, env)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// newPrometheusAPI is the part of sources for servers that speak the API of
// Prometheus.
func newPrometheusAPI(o prometheusOptions, env source.Env) (*prometheusSource, error) {
	o.Answered = func() { env.Meter.Add(1, "requests") }
	client, err := promapi.New(o.Config, env.Dir, env.Logger, env.Now)
	errs := []error{err}
	if o.Lookback < minLookback {
		errs = append(errs, fmt.Errorf("lookback is %s: it must be at least %s, the look-back of queries", o.Lookback, minLookback))
	}
	if o.LabelMetrics < 0 {
		errs = append(errs, fmt.Errorf("label_metrics is %d: it must be 0 or more", o.LabelMetrics))
	}
	if o.MaxSeriesPerQuery < 1 {
		errs = append(errs, fmt.Errorf("max_series_per_query is %d: it must be 1 or more", o.MaxSeriesPerQuery))
	}
	if o.MaxSeriesPerScan < int64(o.MaxSeriesPerQuery) {
		errs = append(errs, fmt.Errorf("max_series_per_scan (%d) is less than max_series_per_query (%d)", o.MaxSeriesPerScan, o.MaxSeriesPerQuery))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &prometheusSource{prometheusOptions: o, env: env, client: client}, nil
}

// Inventory implements Source.
func (p *prometheusSource) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	return p.scan(ctx, func(ctx context.Context, s *prometheusScan) error {
		s.readHead(ctx)
		if err := s.count(ctx); err != nil {
			return err
		}
		s.countQuiet(ctx)
		s.readJobs(ctx)
		s.series, s.listed = s.lister(ctx)
		return nil
	})
}

// scan reads the server once. count counts the series of every metric and job,
// and finds the scrape jobs and intervals; what follows is the same for all
// servers that speak the API of Prometheus.
func (p *prometheusSource) scan(ctx context.Context, count func(context.Context, *prometheusScan) error) (*sentei.Inventory, []sentei.Problem, error) {
	defer p.client.Close()
	budget, cancel := p.client.WithBudget(ctx)
	defer cancel()
	s := &prometheusScan{prometheusSource: p, metrics: make(map[string]*prometheusMetric)}
	to, err := p.client.Now(budget)
	if err != nil {
		return nil, nil, err
	}
	s.to, s.from = to, to.Add(-time.Duration(p.Lookback))
	if err := count(budget, s); err != nil {
		return nil, nil, err
	}
	s.readMetadata(budget)
	s.readLabels(budget)
	if err := ctx.Err(); err != nil { // stopped from outside, not by the budget
		return nil, nil, context.Cause(ctx)
	}
	return s.inventory(), s.problems(), nil
}
