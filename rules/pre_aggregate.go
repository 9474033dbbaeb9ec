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
	MaxError     float64        `yaml:"max_error"`
}

func preAggregate() Info {
	return source.New(preAggregateKind, sentei.Doc{
		Title: "Store a metric added up over labels that nobody reads, by stream aggregation",
		Text: `Proposes to store a metric without some labels, the series that become equal combined into one: by recording rules of which only the
output is sent to the remote store, by the stream aggregation of vmagent or VictoriaMetrics, or by Grafana Cloud Adaptive Metrics. **It is
grade C and proposes nothing unless you set ` + "`enabled: true`" + `:** results stay within a tolerance at best. It is for metrics where nothing
stricter lowers the number of series. Relabel rules of Prometheus cannot add up, so the dialect prometheus leaves it out.

**Which metrics.** Those of which no reader needs the labels, in any job, and all of whose readers aggregate first, in a way that one stored
aggregate can serve:

| every reader reads | stored | what breaks |
|---|---|---|
| sum(rate(x[r])) or sum(increase(x[r])) of a counter | sum: of the rates over r, a metric for each r; as a counter (total) by stream aggregation | by recording rules, values are those of the last interval; by stream aggregation, rates differ around restarts and where series begin and end |
| sum(x) of a gauge | sum | a series that has ended is still counted until the interval is over |
| max(x), max(max_over_time(x[r])) | max | as above |
| min(x), min(min_over_time(x[r])) | min | as above |
| group, absent, label_values | any of them | as above |

Whether it is a counter or a gauge is what the metadata say (a source that asks a server has them); without them no sum is proposed. Not
with count, avg, quantile, stddev or topk, with max or min of a rate, where readers want different aggregates, with changes, irate and the like, which depend on single
samples, with a sum over avg, last, deriv or delta over time, where series that begin or end make the difference, with ranges shorter than four
intervals, with a rate over a range that a variable chooses, at a fixed time (@ 1609746000), nor with readers that do not name
the metric. Values come once an interval: 1m, or twice the scrape interval if that is longer.

**The rules and the rewritten queries.** The proposal holds the recording rules and, for each reader, the query over what they record
(` + "`sentei explain proposal ID`" + `; ` + "`sentei propose -o recording_rules`" + ` writes a rule file). A reader that cannot be rewritten keeps the proposal
from being made. Stream aggregation and Adaptive Metrics keep the name of the metric, so there queries stay as they are.

**The error** is measured by [rehearsal](../rehearsal.md#aggregates): the recording rules are evaluated by Prometheus's engine over the stored
raw series, every rewritten query is replayed over what they would have recorded, and compared with the old one. The report lists the
largest and the median relative error of each reader, and how old the aggregate was then. A proposal is withdrawn when the error of a reader
is above max_error at any instant, when a series is missing or new, and when an alert fires at other times. It is the error of the recording
rules; that of stream aggregation is another one.

**The saving** is counted from the searched sets of labels (` + "`sentei explain metric`" + ` shows them), or for the one label that saves most, less what
the recording rules write. It arises where the aggregate is stored. Bytes are not counted. With Grafana's $__rate_interval the range is
taken as rate_interval.`,
		Example: `pre_aggregate:
  enabled: true
  # Propose nothing that saves fewer active series.
  min_series: 1000
  # The shortest range that $__rate_interval stands for: four times the scrape
  # interval that the data source has in Grafana.
  rate_interval: 1m
  # Withdraw a proposal when its rehearsal measures a larger relative error of a
  # value: 0.05 for 5 %.
  max_error: 0.05
`,
	}, preAggregateOptions{MinSeries: 1000, RateInterval: model.Duration(time.Minute), MaxError: 0.05}, func(o preAggregateOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 || o.RateInterval < 0 || !(o.MaxError > 0) {
			return nil, errors.New("min_series must be 1 or more, rate_interval not negative, and max_error above 0")
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
	if len(strip) == 0 || job.Cost.Series-live < o.MinSeries {
		return nil
	}
	interval := aggregationInterval(feeders[0])
	served := x.aggregateOf(m, job.Job, strip, interval, time.Duration(o.RateInterval))
	stored := live * int64(len(served.recordings))
	saved := job.Cost.Series - stored
	if served.unless != "" || stored == 0 || saved < o.MinSeries {
		return nil
	}
	cost := job.Cost.Part(saved, max(0, job.Cost.SeriesInSpan-inSpan*int64(len(served.recordings))))
	cost.MemoryBytes, cost.DiskBytesPerDay = 0, 0
	cost.SamplesPerSecond = max(0, job.Cost.SamplesPerSecond-float64(stored)/interval.Seconds())
	return []sentei.Proposal{{
		ID: sentei.HashID(slices.Concat([]string{preAggregateKind, b.Name, feeders[0].Name, job.Job, string(sentei.Aggregate), m.Name, served.function}, strip)...),

		Rule: preAggregateKind, Grade: sentei.GradeC, State: sentei.Pending,
		Place: sentei.Place{Backend: b.Name, ScrapeJob: feeders[0].Name, Job: job.Job, Shared: true},
		Action: sentei.Action{
			Kind: sentei.Aggregate, Metric: m.Name, Labels: strip, Function: served.function, Series: served.series, Interval: interval,
			Recordings: served.recordings, Rewrites: served.rewrites,
		},
		Tolerance:      o.MaxError,
		Saving:         cost,
		SavingPerMonth: x.report.Settings.Prices.PerMonth(cost),
		Transient:      x.longestRange(m, job),
		Evidence: slices.Concat([]sentei.Evidence{
			{
				Claim: fmt.Sprintf("Without %s, %d of %s with samples now remain.", strings.Join(strip, ", "), live, count(job.Cost.Series, "series")),
				Query: fmt.Sprintf("count(count without (%s) ({__name__=%q,job=%q}))", strings.Join(strip, ", "), m.Name, job.Job),
			},
			{Claim: fmt.Sprintf("Read by %s, each of which aggregates first, in a way that the %s serves; the proof names them.", count(len(served.readers), "selector"), served.function)},
			{Claim: fmt.Sprintf("Those that read this job can be rewritten to read what %s would write: %s.", count(len(served.recordings), "recording rule"), count(len(served.rewrites), "expression"))},
		}, read),
		Risk: served.breaks + " Who wants to look at one of the series later cannot: only the aggregate is stored. " +
			"Readers that leave no trace in the sources read would see other values.",
		Check:    "Load the recording rules (sentei propose -o recording_rules) beside the metric for a week, and compare the old queries with the rewritten ones.",
		Rollback: "Use the old queries and take the aggregation away; the series come back from then on, and the time between has the aggregate alone.",
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
