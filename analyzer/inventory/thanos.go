package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// thanos asks a running Thanos Query.
var thanos = source.New("thanos", sentei.Doc{
	Title: "Asks a running Thanos Query what all its stores hold.",
	Text: `Asks Thanos Query, or a query-frontend before it, for what its stores hold: sidecars, Receive, store gateways.
Nothing but read access to the HTTP API is needed. A Receive answers no queries, so it cannot be asked itself. Several
tenants of a Receive are several backends with a Thanos Query that enforces tenants (--query.enforce-tenancy) and the
tenant of each, as the page of the source mimir shows.

Active series per metric and job are counted by PromQL, metric by metric in groups, as by the source prometheus: those
with a sample in the last 5 minutes. Replicas count once (` + "`dedup`" + `), as queries see them; what the replicas cost
comes on top. Metrics that are quiet now but have had samples within lookback, and label statistics of the label_metrics
largest metrics, are read as by the source prometheus: none of metrics with more than 5 times max_series_per_query series
(500000 by default), which have no what-if either. A metric that is too large for one query is counted in parts.

The statistics of /api/v1/status/tsdb, where Thanos has them, only tell how to group and to split the metrics, and the size
of one that cannot be counted: they count every replica, and only stores that keep such statistics.

When a store does not answer, Thanos refuses to answer too, and the source fails (` + "`partial_response: false`" + `). With
` + "`partial_response: true`" + ` it answers with what it has and a warning. Then the counts may be too low and metrics may be
missing: a blocking problem, under which nothing is called unused.

Thanos does not scrape: name the configuration of Prometheus in ` + "`prometheus_config`" + ` of the backend. Samples per second
(series by scrape_interval or the interval of rules), memory and disk are estimates.

What could not be read is a problem in the report, and its metrics get no verdict.`,
	Example: `- thanos:
    url: http://thanos-query:10902 # with the path prefix, if there is one
    tenant: team-a               # sent as THANOS-TENANT; leave it out where tenants are not enforced
    dedup: true                  # replicas count once
    replica_labels: [replica]    # leave it out to take those of the server (--query.replica-label)
    partial_response: false      # true: go on when a store does not answer
    lookback: 1h                 # metrics with a sample in this span are counted, active or not; at least 5m
    label_metrics: 200           # so many metrics, the largest, get statistics of their labels
    max_series_per_query: 100000 # no request is meant to ask for more series
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
}, thanosOptions{
	prometheusOptions: prometheusOptions{
		Config:            promapi.DefaultConfig(),
		Lookback:          model.Duration(time.Hour),
		LabelMetrics:      200,
		MaxSeriesPerQuery: 100_000,
		MaxSeriesPerScan:  maxSeriesPerScan,
	},
	Dedup:          true,
	ScrapeInterval: model.Duration(usualInterval),
}, newThanos)

type thanosOptions struct {
	prometheusOptions `yaml:",inline"`
	Tenant            string         `yaml:"tenant"`
	Dedup             bool           `yaml:"dedup"`
	ReplicaLabels     []string       `yaml:"replica_labels"`
	PartialResponse   bool           `yaml:"partial_response"`
	ScrapeInterval    model.Duration `yaml:"scrape_interval"`
}

// thanosSource asks one Thanos Query.
type thanosSource struct {
	*prometheusSource
	scrapeInterval time.Duration
}

func newThanos(o thanosOptions, env source.Env) (Source, error) {
	errs := []error{checkInterval(o.ScrapeInterval)}
	if !o.Dedup && len(o.ReplicaLabels) > 0 {
		errs = append(errs, errors.New("replica_labels needs dedup: true"))
	}
	if o.Tenant != "" {
		errs = append(errs, o.SetHeader("THANOS-TENANT", o.Tenant))
	}
	o.Params = url.Values{
		"dedup":            {strconv.FormatBool(o.Dedup)},
		"partial_response": {strconv.FormatBool(o.PartialResponse)},
	}
	if len(o.ReplicaLabels) > 0 {
		o.Params["replicaLabels[]"] = o.ReplicaLabels
	}
	api, err := newPrometheusAPI(o.prometheusOptions, env)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &thanosSource{prometheusSource: api, scrapeInterval: time.Duration(o.ScrapeInterval)}, nil
}

// Inventory implements Source.
func (t *thanosSource) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	inv, problems, err := t.scan(ctx, func(ctx context.Context, s *prometheusScan) error {
		s.readSizes(ctx)
		if err := s.count(ctx); err != nil {
			return err
		}
		s.countQuiet(ctx)
		s.readIntervals(ctx, t.scrapeInterval)
		return nil
	})
	if errors.Is(err, promapi.ErrUnsupported) {
		if tenants, no := t.client.ReceiveTenants(ctx); no == nil {
			err = fmt.Errorf("%w; this is a Thanos Receive (tenants %s), which answers no queries: set url to a Thanos Query before it",
				err, strings.Join(tenants, ", "))
		}
	}
	return inv, problems, err
}

// readSizes reads how large the largest metrics are, which says how to group
// and to split them, and stands in for a count that fails: they count every
// replica, and lack stores without such statistics.
func (s *prometheusScan) readSizes(ctx context.Context) {
	head, err := s.client.TSDBStatus(ctx, 10_000)
	if err != nil {
		s.env.Logger.Debug("sizes of metrics are not known", "err", err)
		return
	}
	s.head.SeriesByMetric = head.SeriesByMetric
}
