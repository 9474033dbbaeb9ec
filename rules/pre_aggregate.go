package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const preAggregateKind = "pre_aggregate"

type preAggregateOptions struct {
	Enabled      bool           `yaml:"enabled"`
	MinSeries    int64          `yaml:"min_series"`
	RateInterval model.Duration `yaml:"rate_interval"`
}

func preAggregate() Info {
	return source.New(preAggregateKind, sentei.Doc{
		Title: "Store a metric added up over labels that nobody reads, by stream aggregation",
		Text: `Proposes to store a metric without some labels, the series that become equal combined into one: by the stream aggregation of
vmagent or VictoriaMetrics, by Grafana Cloud Adaptive Metrics, or by a recording rule of which only the output is sent to the remote store. **It is
grade C and proposes nothing unless you set ` + "`enabled: true`" + `:** results stay within a tolerance at best. It is for metrics where nothing
stricter lowers the number of series. Relabel rules of Prometheus cannot add up, so the dialect prometheus leaves it out.

**Which metrics.** Those of which no reader needs the labels, in any job, and all of whose readers aggregate first, in a way that one stored
aggregate can serve:

| every reader reads | stored | what breaks |
|---|---|---|
| sum(rate(x[r])) or sum(increase(x[r])) of a counter | sum, as a counter (total) | rates differ around restarts and where series begin and end |
| sum(x), or sum over avg, last, deriv or delta over time, of a gauge | sum | a series that has ended is still counted until the interval is over |
| max(x), max(max_over_time(x[r])) | max | as above |
| min(x), min(min_over_time(x[r])) | min | as above |
| group, absent, label_values | any of them | as above |

Not with count, avg, quantile, stddev or topk, with max or min of a rate, where readers want different aggregates, with changes,
irate and the like, which depend on single samples, with ranges shorter than four intervals, nor with readers that do not name the metric.
Values come once an interval: 1m, or twice the scrape interval if that is longer.

**The saving** is counted from the searched sets of labels (` + "`sentei explain metric`" + ` shows them), or for the one label that saves most. It
arises where the aggregate is stored. Bytes are not counted. With Grafana's $__rate_interval the range is taken as rate_interval.`,
		Example: `pre_aggregate:
  enabled: true
  # Propose nothing that saves fewer active series.
  min_series: 1000
  # The shortest range that $__rate_interval stands for: four times the scrape
  # interval that the data source has in Grafana.
  rate_interval: 1m
`,
	}, preAggregateOptions{MinSeries: 1000, RateInterval: model.Duration(time.Minute)}, func(o preAggregateOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 || o.RateInterval < 0 {
			return nil, errors.New("min_series must be 1 or more, and rate_interval not negative")
		}
		return o, nil
	})
}

// Propose implements Rule.
func (o preAggregateOptions) Propose(_ context.Context, in *Input) (Made, error) {
	var all Made
	if !o.Enabled {
		return all, nil
	}
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		read := sourcesRead(x.report, b.Name)
		for _, m := range x.scraped(b) {
			for j := range m.Jobs {
				all.Proposals = append(all.Proposals, o.proposeJob(x, b, m, j, read)...)
			}
		}
	}
	return all, nil
}

func (o preAggregateOptions) proposeJob(x *index, b *sentei.Backend, m *sentei.MetricReport, j int, read []sentei.Evidence) []sentei.Proposal {
	job := &m.Jobs[j]
	feeders := feedersOf(b, job.Job)
	if j >= len(m.JobUsage) || m.JobUsage[j].Verdict != sentei.Used || job.Job == "" || len(feeders) != 1 {
		return nil
	}
	if slices.ContainsFunc(m.JobUsage[j].Labels, func(u sentei.LabelUsage) bool { return len(u.UnusedValues) > 0 }) {
		return nil // dropping these values comes first
	}
	strip, live, inSpan := removable(b, m, job)
	saved := job.Cost.Series - live
	if len(strip) == 0 || saved < o.MinSeries {
		return nil
	}
	interval := aggregationInterval(feeders[0])
	served := x.aggregateOf(m, strip, interval, time.Duration(o.RateInterval))
	if served.unless != "" {
		return nil
	}
	cost := job.Cost.Part(saved, max(0, job.Cost.SeriesInSpan-inSpan))
	cost.MemoryBytes, cost.DiskBytesPerDay = 0, 0
	cost.SamplesPerSecond = max(0, job.Cost.SamplesPerSecond-float64(live)/interval.Seconds())
	return []sentei.Proposal{{
		ID: sentei.HashID(slices.Concat([]string{preAggregateKind, b.Name, feeders[0].Name, job.Job, string(sentei.Aggregate), m.Name, served.function}, strip)...),

		Rule: preAggregateKind, Grade: sentei.GradeC, State: sentei.Pending,
		Place:          sentei.Place{Backend: b.Name, ScrapeJob: feeders[0].Name, Job: job.Job, Shared: true},
		Action:         sentei.Action{Kind: sentei.Aggregate, Metric: m.Name, Labels: strip, Function: served.function, Interval: interval},
		Saving:         cost,
		SavingPerMonth: x.report.Settings.Prices.PerMonth(cost),
		Transient:      x.longestRange(m, job),
		Evidence: slices.Concat([]sentei.Evidence{
			{
				Claim: fmt.Sprintf("Without %s, %d of %s with samples now remain.", strings.Join(strip, ", "), live, count(job.Cost.Series, "series")),
				Query: fmt.Sprintf("count(count without (%s) ({__name__=%q,job=%q}))", strings.Join(strip, ", "), m.Name, job.Job),
			},
			{Claim: fmt.Sprintf("Read by %s, each of which aggregates first, in a way that the %s serves; the proof names them.", count(len(served.readers), "selector"), served.function)},
		}, read),
		Risk: served.breaks + " Who wants to look at one of the series later cannot: only the aggregate is stored. " +
			"Readers that leave no trace in the sources read would see other values.",
		Check:    "Store the aggregate under another name beside the metric for a week, and compare the queries of the proof over both.",
		Rollback: "Take the aggregation away; the series come back from then on, and the time between has the aggregate alone.",
	}}
}

// aggregationInterval is how often an aggregate is stored.
func aggregationInterval(s *sentei.ScrapeJob) time.Duration { return max(time.Minute, 2*s.Interval) }

// removable returns labels that nobody needs in any job and whose removal saves
// series, sorted, and how many series remain without them: those of the steps
// of the search for labels to remove that need no other label, or else the one
// that saves most.
func removable(b *sentei.Backend, m *sentei.MetricReport, job *sentei.JobMetric) (strip []string, live, inSpan int64) {
	live, inSpan = job.Cost.Series, job.Cost.SeriesInSpan
	for _, step := range job.Reductions {
		if slices.ContainsFunc(step.Labels, func(l string) bool { return !mayGo(b, m, l) }) {
			break
		}
		strip = append(strip, step.Labels...)
		live, inSpan = step.SeriesWithoutLive, step.SeriesWithout
	}
	if len(strip) == 0 {
		for _, l := range job.Labels {
			if l.SeriesWithoutLive >= 0 && l.SeriesWithout >= 0 && l.SeriesWithoutLive < live && mayGo(b, m, l.Name) {
				strip, live, inSpan = []string{l.Name}, l.SeriesWithoutLive, l.SeriesWithout
			}
		}
	}
	slices.Sort(strip)
	return strip, live, inSpan
}

// mayGo reports whether an aggregation may take the label away: nobody needs it
// in any job. The instance may go, too: the series of all targets are combined.
func mayGo(b *sentei.Backend, m *sentei.MetricReport, label string) bool {
	if label != model.InstanceLabel && !strippable(b, label) || slices.Contains(b.ExternalLabels, label) || len(m.JobUsage) != len(m.Jobs) {
		return false
	}
	for k := range m.JobUsage {
		u := &m.JobUsage[k]
		i := slices.IndexFunc(u.Labels, func(l sentei.LabelUsage) bool { return l.Name == label })
		switch {
		case u.Verdict == sentei.Unused:
		case u.Verdict != sentei.Used:
			return false
		case i >= 0 && u.Labels[i].Verdict != sentei.Unused:
			return false
		case i < 0 && (m.Jobs[k].Labels == nil || m.Jobs[k].Label(label) != nil):
			return false
		}
	}
	return true
}
