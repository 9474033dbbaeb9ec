package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// victoriaMetricsNames reads the metric names tracker of VictoriaMetrics.
var victoriaMetricsNames = Info{Class: sentei.ClassQueries, Info: source.New("victoriametrics_names", sentei.Doc{
	Title: "Metrics that VictoriaMetrics says were queried",
	Text: `Reads the metric names tracker of VictoriaMetrics (/api/v1/status/metric_names_stats; version 1.113 or later, on
unless -storage.trackMetricNamesStats=false). It tells for every metric name when samples of it were last fetched, so a
metric with a request in it is read by somebody, with all its labels. By whom, it does not say. For a cluster, url is that
of vmselect with the tenant, such as http://vmselect:8481/select/0/prometheus.

Its window begins at statsCollectedSince: when the tracker was turned on or reset.

What one has to know about the tracker:

- **sentei's own scans count as well**, when they read samples. Read the inventory with the source victoriametrics and
  ` + "`count: index`" + `, which the tracker does not see; not with ` + "`count: queries`" + ` nor with the source prometheus. Replays of
  queries count too. When every metric was requested, a problem says so.
- vmalert counts: a metric that only a recording rule reads is requested, even when nobody reads what the rule records.
- **A query whose filters select no series is not counted**: an alert on {code="503"} leaves no trace on the days without
  a 503. The rules of vmalert, and of everything else that asks such questions, must be known by other sources.
- Requests are counted once for each series that is fetched. They are no number of queries.
- Lookups in the index do not count: /api/v1/series, /api/v1/labels and /api/v1/label/…/values, which Grafana variables
  use. Dashboards must be known by another source.
- Answers out of a cache do not count. The cache keeps finished parts of range queries; the newest part is always
  fetched. A query for a fixed span of the past is counted the first time.
- A metric that the tracker does not know is never counted. That is so for metrics that came while the tracker was full
  (-storage.cacheSizeMetricNamesStats) or whose series were known before it lost its state. So stored metrics that it does
  not know are a blocking problem, and so is a tracker that is filled to nine tenths or more. To list them, servers with
  more than a million series must allow it (-search.maxLabelsAPISeries).
- **The tracker is saved when the server is stopped, not when it crashes.** Then it loses the requests since the start of
  the process that crashed, but still tells the earlier statsCollectedSince. After a crash, reset it
  (/api/v1/admin/status/metric_names_stats/reset).`,
	Example: `- victoriametrics_names:
    url: http://127.0.0.1:8428   # with the path prefix, if there is one; /select/0/prometheus in a cluster
    lookback: 1d                 # the tracker must know all metrics stored in this span; not less than that of the
                                 # inventory
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
}, victoriaMetricsNamesOptions{Config: promapi.DefaultConfig(), Lookback: model.Duration(24 * time.Hour)}, newVictoriaMetricsNames)}

type victoriaMetricsNamesOptions struct {
	promapi.Config `yaml:",inline"`
	Lookback       model.Duration `yaml:"lookback"`
}

// namesTracker asks one server.
type namesTracker struct {
	env      source.Env
	lookback time.Duration
	limit    int // records that are asked for
	client   *promapi.Client
}

// maxNames is how many metric names are read. A tracker with more is a problem.
const maxNames = 5_000_000

func newVictoriaMetricsNames(o victoriaMetricsNamesOptions, env source.Env) (Source, error) {
	o.Answered = func() { env.Meter.Add(1, "requests") }
	client, err := promapi.New(o.Config, env.Dir, env.Logger, env.Now)
	if o.Lookback <= 0 {
		err = errors.Join(err, fmt.Errorf("lookback is %s: it must be more than 0s", o.Lookback))
	}
	if err != nil {
		return nil, err
	}
	return &namesTracker{env: env, lookback: time.Duration(o.Lookback), limit: maxNames, client: client}, nil
}

// Consumers implements Source.
func (s *namesTracker) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	defer s.client.Close()
	ctx, cancel := s.client.WithBudget(ctx)
	defer cancel()
	now, err := s.client.Now(ctx)
	if err != nil {
		return nil, err
	}
	// The names come first: a metric that appears later is in the tracker only.
	stored, storedErr := s.client.AllLabelValues(ctx, model.MetricNameLabel, nil, now.Add(-s.lookback), now)
	stats, warnings, err := s.client.NamesStats(ctx, s.limit)
	if err != nil {
		return nil, err
	}
	if stats.MaxBytes == 0 || stats.Since == 0 {
		return nil, errors.New("the metric names tracker is off: turn it on with -storage.trackMetricNamesStats on every storage node")
	}
	data := &sentei.UsageData{Window: sentei.Window{From: time.Unix(stats.Since, 0).UTC(), To: now}}
	known := make(map[string]bool, len(stats.Records))
	for _, r := range stats.Records {
		known[r.Metric] = true
		if r.Requests > 0 && r.Metric != "" {
			data.Consumers = append(data.Consumers, s.consumer(r, now))
		}
	}
	slices.SortFunc(data.Consumers, func(a, b sentei.Consumer) int { return strings.Compare(a.Name, b.Name) })
	unknown := slices.DeleteFunc(stored, func(name string) bool { return known[name] })
	data.Problems = append(s.problems(stats, warnings), s.unknown(unknown, storedErr)...)
	if len(stats.Records) >= suspicious && len(data.Consumers) == len(stats.Records) {
		data.Problems = append(data.Problems, s.problem(sentei.Problem{
			Message: "every metric was requested, as by something that reads all of them",
			Hint:    "see to it that nothing does, sentei's inventory included (source victoriametrics with count: index), then reset the tracker",
		}))
	}
	return data, nil
}

// suspicious is from how many metrics on it is strange that all of them are
// read.
const suspicious = 20

// consumer is whoever requested the metric.
func (s *namesTracker) consumer(r promapi.NameStats, now time.Time) sentei.Consumer {
	c := sentei.Consumer{
		Kind: sentei.Query, Backend: s.env.Backend, Source: s.env.Name,
		Name:       "somebody reads " + r.Metric + " (metric names tracker, counts fetched series)",
		Expression: sentei.Expression{Text: "{__name__=" + strconv.Quote(r.Metric) + "}", Lang: sentei.PromQL},
		Count:      r.Requests, LastSeen: now,
		Origins: []string{"metric names tracker"},
	}
	if r.Last > 0 {
		c.LastSeen = time.Unix(r.Last, 0).UTC()
	}
	c.ID = sentei.HashID("metric name", c.Backend, c.Source, r.Metric)
	return c
}

func (s *namesTracker) problem(p sentei.Problem) sentei.Problem {
	p.Where = s.client.URL()
	return s.env.Problem(p)
}

// problems returns what the tracker may not have seen.
func (s *namesTracker) problems(stats promapi.NamesStats, warnings []string) []sentei.Problem {
	var found []sentei.Problem
	blocking := func(message, hint string) {
		found = append(found, s.problem(sentei.Problem{Message: message, Hint: hint, Blocking: true}))
	}
	if len(warnings) > 0 {
		blocking("the server warns that its answer may be incomplete", "it says: "+strings.Join(warnings, "; "))
	}
	if len(stats.Records) >= s.limit {
		blocking(fmt.Sprintf("the metric names tracker holds more than the %d metrics that are read", s.limit), "reset the tracker, so that it forgets metrics of the past")
	}
	// It registers nothing new above its maximum. In a cluster the bytes are
	// sums, and one node may be full earlier than the others.
	if stats.UsedBytes*10 >= stats.MaxBytes*9 {
		blocking("the metric names tracker is full or nearly so, and does not register new metrics",
			fmt.Sprintf("it uses %d of %d bytes: raise -storage.cacheSizeMetricNamesStats, then reset it", stats.UsedBytes, stats.MaxBytes))
	}
	return found
}

// unknown returns what follows from stored metrics that the tracker does not
// know, or that could not be listed.
func (s *namesTracker) unknown(names []string, err error) []sentei.Problem {
	const few = 5
	switch {
	case err != nil:
		return []sentei.Problem{s.problem(sentei.Problem{
			Message: "the stored metrics could not be listed, so it is not known whether the tracker knows all of them",
			Hint:    err.Error(), Blocking: true,
		})}
	case len(names) > 0:
		text := strings.Join(names[:min(few, len(names))], ", ")
		if len(names) > few {
			text += fmt.Sprintf(" and %d more", len(names)-few)
		}
		return []sentei.Problem{s.problem(sentei.Problem{
			Message: "the metric names tracker does not know some stored metrics; whether somebody reads them is not known",
			Hint:    text + ": reset the tracker, so that it registers all metrics again", Blocking: true,
		})}
	}
	return nil
}
