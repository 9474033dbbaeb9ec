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

const longerScrapeIntervalKind = "longer_scrape_interval"

type longerScrapeIntervalOptions struct {
	Enabled      bool           `yaml:"enabled"`
	MaxInterval  model.Duration `yaml:"max_interval"`
	RateInterval model.Duration `yaml:"rate_interval"`
	MinSamples   float64        `yaml:"min_samples_per_second"`
}

func longerScrapeInterval() Info {
	return source.New(longerScrapeIntervalKind, sentei.Doc{
		Title: "Scrape a job less often, where every reader looks back over enough time",
		Text: `Proposes a longer scrape_interval for a scrape job. **It is grade B and proposes nothing unless you set ` + "`enabled: true`" + `.** It
saves samples, not series: money only where samples are billed (per_million_samples), and disk.

**What changes.** Values differ slightly, since they come from other moments. A rate over a range keeps four samples or more. A
peak that lasts less than the new interval may fall between two scrapes, and alerts may come up to one new interval later.

The interval goes by the reader that needs the shortest, over all metrics that the job brings, up and scrape_* among them:

- a range selector such as [5m]: at most a quarter of its range;
- an instant selector: at most 2m, so that a missed scrape leaves no gap within the 5 minutes that Prometheus looks back;
- a range that Grafana chooses: a quarter of rate_interval for $__rate_interval; with any other variable as a range nothing is proposed;
- changes, resets, irate, idelta, count_over_time, sum_over_time, timestamp and the like depend on single samples: then nothing is
  proposed, nor for readers in MetricsQL, whose ranges may follow from the scrape interval.

Only scrape jobs are looked at whose series are known for certain: no honor_labels, no job labels from elsewhere, and no other
scrape job that brings the same job label. Nothing is proposed while something makes the usage of the backend unknown.

The saving leaves out the metrics that nobody reads, since dropping them saves all of their samples. Where rules that drop a part
of a metric stand beside it, their samples are counted at both.`,
		Example: `longer_scrape_interval:
  enabled: true
  # Propose no longer interval.
  max_interval: 1m
  # The shortest range that $__rate_interval stands for: four times the scrape
  # interval that the data source has in Grafana.
  rate_interval: 1m
  # Propose nothing that saves fewer.
  min_samples_per_second: 10
`,
	}, longerScrapeIntervalOptions{MaxInterval: model.Duration(time.Minute), RateInterval: model.Duration(time.Minute), MinSamples: 10}, func(o longerScrapeIntervalOptions, _ source.Env) (Rule, error) {
		if o.MaxInterval < 0 || o.RateInterval < 0 || o.MinSamples < 0 {
			return nil, errors.New("max_interval, rate_interval and min_samples_per_second must not be negative")
		}
		return o, nil
	})
}

// intervals are those to choose from, as people write them.
var intervals = [...]time.Duration{2 * time.Minute, time.Minute, 30 * time.Second, 20 * time.Second, 15 * time.Second, 10 * time.Second}

// Propose implements Rule.
func (o longerScrapeIntervalOptions) Propose(_ context.Context, in *Input) (Made, error) {
	var all Made
	if !o.Enabled {
		return all, nil
	}
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		if reason := x.unsure(b); reason != "" {
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: longerScrapeIntervalKind, Message: "no longer scrape interval is proposed, because " + reason,
			}))
			continue
		}
		for k := range b.ScrapeJobs {
			p, reason := o.proposeJob(x, b, &b.ScrapeJobs[k])
			if p != nil {
				all.Proposals = append(all.Proposals, *p)
			} else if reason != "" {
				all.Problems = append(all.Problems, problem(sentei.Problem{
					Backend: b.Name, Source: longerScrapeIntervalKind, Where: fmt.Sprintf("scrape job %q", b.ScrapeJobs[k].Name),
					Message: "no longer scrape interval is proposed, because " + reason,
				}))
			}
		}
	}
	return all, nil
}

// unsure returns why not all readers of the backend are known, or "".
func (x *index) unsure(b *sentei.Backend) string {
	for _, c := range x.obscure() {
		if sameBackend(c, b.Name) {
			return fmt.Sprintf("it is not known what %s reads", describe(c))
		}
	}
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != b.Name {
			continue
		}
		for k := range m.JobUsage {
			u := &m.JobUsage[k]
			if u.Verdict == sentei.Unknown || slices.ContainsFunc(u.Labels, func(l sentei.LabelUsage) bool { return l.Verdict == sentei.Unknown }) {
				return fmt.Sprintf("it is unknown who reads %s", m.Name)
			}
		}
	}
	return ""
}

// proposeJob returns the proposal for a scrape job, or why there is none where
// that is worth telling.
func (o longerScrapeIntervalOptions) proposeJob(x *index, b *sentei.Backend, s *sentei.ScrapeJob) (*sentei.Proposal, string) {
	if s.Interval <= 0 || !ownsItsJobs(b, s) {
		return nil, ""
	}
	need := x.intervalNeed(b, s, time.Duration(o.RateInterval))
	interval := longest(min(need.longest, time.Duration(o.MaxInterval)))
	switch {
	case need.longest == 0 && need.samples > 0 && need.samples >= o.MinSamples:
		return nil, need.reason
	case interval <= s.Interval:
		return nil, ""
	}
	saved := need.samples * (1 - float64(s.Interval)/float64(interval))
	if saved == 0 || saved < o.MinSamples {
		return nil, ""
	}
	p := &sentei.Proposal{
		ID:   sentei.HashID(longerScrapeIntervalKind, b.Name, s.Name, string(sentei.SetInterval), interval.String()),
		Rule: longerScrapeIntervalKind, Grade: sentei.GradeB, State: sentei.Pending,
		Place:  sentei.Place{Backend: b.Name, ScrapeJob: s.Name},
		Action: sentei.Action{Kind: sentei.SetInterval, Interval: interval, Before: s.Interval},
		Saving: sentei.Cost{SamplesPerSecond: saved},
		Risk: fmt.Sprintf("Values differ slightly, for good. Peaks shorter than %s may not be seen, and alerts may come up to %s later. "+
			"A reader that leaves no trace in the sources read may look back over less.", model.Duration(interval), model.Duration(interval)),
		Check:    "Rehearsal cannot show it: scrape one target with the new interval under another job name, and compare.",
		Rollback: "Set the old scrape_interval and reload. Samples of the time between stay as far apart as they are.",
	}
	p.SavingPerMonth = x.report.Settings.Prices.PerMonth(p.Saving)
	why := "No reader asks for a shorter one."
	if need.by != nil {
		why = fmt.Sprintf("The reader that needs the shortest interval is %s: %s.", describe(need.by), need.reason)
	}
	p.Evidence = slices.Concat([]sentei.Evidence{
		{
			Claim: fmt.Sprintf("The job is scraped every %s and brings %.1f samples a second of metrics that somebody reads.", model.Duration(s.Interval), need.samples),
			Query: fmt.Sprintf("sum(scrape_samples_scraped{job=~%q})", strings.Join(s.JobLabels, "|")),
		},
		{Claim: why},
	}, sourcesRead(x.report, b.Name))
	if need.rates {
		p.Evidence = append(p.Evidence, sentei.Evidence{Claim: fmt.Sprintf("Dashboards look back over $__rate_interval, which is taken as %s: four times the scrape interval that the data source has in Grafana.", o.RateInterval)})
	}
	return p, ""
}

// longest returns the longest of the usual intervals that is not above most, or
// zero.
func longest(most time.Duration) time.Duration {
	for _, d := range intervals {
		if d <= most {
			return d
		}
	}
	return 0
}

// ownsItsJobs reports whether exactly the series with the scrape job's labels
// come through it.
func ownsItsJobs(b *sentei.Backend, s *sentei.ScrapeJob) bool {
	if s.HonorLabels || s.OpenJobs || len(s.JobLabels) == 0 {
		return false
	}
	return !slices.ContainsFunc(s.JobLabels, func(job string) bool { return len(feedersOf(b, job)) != 1 })
}
