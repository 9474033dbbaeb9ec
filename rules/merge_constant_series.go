package rules

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const mergeConstantSeriesKind = "merge_constant_series"

type mergeConstantSeriesOptions struct {
	Metrics    string         `yaml:"metrics"`
	MinSeries  int64          `yaml:"min_series"`
	MinSpan    model.Duration `yaml:"min_span"`
	MaxSamples int64          `yaml:"max_samples"`

	names *regexp.Regexp
}

func mergeConstantSeries() Info {
	return source.New(mergeConstantSeriesKind, sentei.Doc{
		Title: "Let series of an info metric become one, where nobody counts them and their values are all the same",
		Text: `Proposes to take labels off a metric whose samples are all 1, or all 0, so that several series of a target become one: a
kube_pod_info of which no reader wants the uid and the pod_ip. This is how relabel rules alone lower the number of active series:
strip_unused_label never does. Results stay the same in steady state (grade A′). When the rules are deployed the series end and
begin anew, so results that look back over that moment are off, for as long as the longest range that reads the metric.

**What must hold**, and is checked:

- No living reader needs the labels: their verdict is *unused*, as for strip_unused_label.
- No living reader counts series that are alike. That is so below max, min, avg, group, quantile, stddev and stdvar, on the right side of
  and/unless, below absent, and below count by (…) of which only the groups are counted. Between the selector and these
  operators may stand comparisons with a number, abs, ceil, floor, sgn, and max, min, avg, last, first, present, stddev and stdvar over
  time. Everything else keeps the metric as it is: sum, count, joins of the raw series, and what depends on how many
  samples a series has, such as count_over_time, rate and subqueries of the raw series.
- Every reader names the metric in full, in PromQL.
- Every sample of the metric in the blocks, in all jobs, is 1, or every one is 0. Samples that are only in the head are not read,
  so the blocks must hold it for min_span.
- Series become one only within a target: labels that the series ` + "`up`" + ` of the job has are never taken off, and each
  series must have the labels of a target that ` + "`up`" + ` shows. Then all of them come with one scrape, and Prometheus stores
  the first.

Where several labels go together, one proposal stands for each label. They belong to one group, and the saving is that of all
of them, counted at the first. Should the metric get other values one day, Prometheus would keep one of several without a word. It needs an
inventory that lists series and reads samples, such as the source block.`,
		Example: `merge_constant_series:
  # The metrics to look at, as a regular expression for the whole name.
  metrics: .+_info
  # Propose nothing that saves fewer active series.
  min_series: 10
  # How much time the samples in blocks must cover.
  min_span: 7d
  # Leave a metric alone that has more samples than that: about two seconds' reading.
  max_samples: 100000000
`,
	}, mergeConstantSeriesOptions{Metrics: ".+_info", MinSeries: 10, MinSpan: model.Duration(7 * 24 * time.Hour), MaxSamples: 100_000_000}, newMergeConstantSeries)
}

func newMergeConstantSeries(o mergeConstantSeriesOptions, _ source.Env) (Rule, error) {
	if o.MinSeries < 1 || o.MaxSamples < 1 || o.MinSpan < 0 {
		return nil, errors.New("min_series and max_samples must be 1 or more, and min_span not negative")
	}
	var err error
	if o.names, err = regexp.Compile("^(?:" + o.Metrics + ")$"); err != nil {
		return nil, fmt.Errorf("metrics is no regular expression: %w", err)
	}
	return o, nil
}

// Propose implements Rule.
func (o mergeConstantSeriesOptions) Propose(ctx context.Context, in *Input) (Made, error) {
	var all Made
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		made, err := o.proposeBackend(ctx, in, b)
		if ctx.Err() != nil {
			return Made{}, ctx.Err()
		}
		if err != nil {
			made = Made{Problems: []sentei.Problem{problem(sentei.Problem{
				Backend: b.Name, Source: mergeConstantSeriesKind,
				Message: fmt.Sprintf("no series could be looked at: %v", err), Hint: "proposals of this rule are missing until the next scan",
			})}}
		}
		all.add(made)
	}
	return all, nil
}

func (o mergeConstantSeriesOptions) proposeBackend(ctx context.Context, in *Input, b *sentei.Backend) (Made, error) {
	x := in.index()
	candidates := o.candidates(x, b)
	if len(candidates) == 0 {
		return Made{}, nil
	}
	left := func(reason, hint string) Made {
		return Made{Problems: []sentei.Problem{problem(sentei.Problem{
			Backend: b.Name, Source: mergeConstantSeriesKind, Hint: hint,
			Message: fmt.Sprintf("not proposed: to let series of %s become one, because %s", count(len(candidates), "metric"), reason),
		})}}
	}
	reader := in.Series[b.Name]
	samples, ok := reader.(sentei.ConstantReader)
	if !ok {
		return left("no inventory of the backend reads samples", "add the source block, which reads a data directory"), nil
	}
	if span := b.Listed.Duration(); span < time.Duration(o.MinSpan) {
		return left(fmt.Sprintf("the inventory that lists series covers %s, and min_span is %s", model.Duration(span.Round(time.Second)), o.MinSpan),
			"let it cover more, or lower rules.merge_constant_series.min_span"), nil
	}
	var made Made
	merges, err := x.readMerges(ctx, reader, candidates)
	if _, some := errors.AsType[*sentei.UnlistedError](err); some {
		made.Problems = append(made.Problems, problem(sentei.Problem{
			Backend: b.Name, Source: mergeConstantSeriesKind, Message: fmt.Sprintf("not proposed: to let series of all metrics become one, because %v", err),
		}))
	} else if err != nil {
		return Made{}, err
	}
	for _, g := range merges {
		if g.saved.Series < o.MinSeries {
			continue
		}
		c, err := samples.ReadConstant(ctx, g.metric.Name, o.MaxSamples)
		if err != nil {
			return Made{}, err
		}
		unless := c.Unless
		switch span := c.To.Sub(c.From); {
		case unless != "":
		case c.Value != 0 && c.Value != 1:
			unless = fmt.Sprintf("its value is %v, and neither 0 nor 1", c.Value)
		case span < time.Duration(o.MinSpan):
			unless = fmt.Sprintf("the blocks hold %s of it, and min_span is %s", model.Duration(span.Round(time.Second)), o.MinSpan)
		}
		if unless != "" {
			made.Problems = append(made.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: mergeConstantSeriesKind, Where: g.metric.Name,
				Message: fmt.Sprintf("not proposed: to let %s become one each, because %s", count(g.saved.Series, "series"), unless),
			}))
			continue
		}
		made.Proposals = append(made.Proposals, o.proposals(x, b, &g, c)...)
	}
	return made, nil
}

// candidates returns the metrics that may have series to merge, with the labels
// that nobody needs and that the targets expose.
func (o mergeConstantSeriesOptions) candidates(x *index, b *sentei.Backend) []mergeCandidate {
	var out []mergeCandidate
	for _, m := range x.scraped(b) {
		if !o.names.MatchString(m.Name) {
			continue
		}
		if _, counts := x.mergeReaders(m); counts != nil {
			continue
		}
		for k := range m.Jobs {
			job := &m.Jobs[k]
			if k >= len(m.JobUsage) || m.JobUsage[k].Verdict != sentei.Used || job.Job == "" || len(feedersOf(b, job.Job)) == 0 {
				continue
			}
			if job.Reductions != nil && len(job.Reductions) == 0 { // no series becomes another
				continue
			}
			var labels []string
			for _, u := range m.JobUsage[k].Labels {
				if u.Verdict == sentei.Unused && job.Label(u.Name) != nil && strippable(b, u.Name) && !x.onUp(b.Name, job.Job, u.Name) {
					labels = append(labels, u.Name)
				}
			}
			if len(labels) > 0 {
				slices.Sort(labels)
				out = append(out, mergeCandidate{m, job, labels})
			}
		}
	}
	return out
}

// onUp reports whether the series up of the job have the label, or are not
// known.
func (x *index) onUp(backend, job, label string) bool {
	if up := x.metric(backend, "up"); up != nil {
		for i := range up.Jobs {
			if up.Jobs[i].Job == job {
				return up.Jobs[i].Labels == nil || up.Jobs[i].Label(label) != nil
			}
		}
	}
	return true
}

// proposals returns one for each label and scrape job, the saving at the first.
func (o mergeConstantSeriesOptions) proposals(x *index, b *sentei.Backend, g *merge, c sentei.Constant) []sentei.Proposal {
	feeders := feedersOf(b, g.job.Job)
	evidence := slices.Concat([]sentei.Evidence{
		{
			Claim: fmt.Sprintf("Without %s, %d of %s with samples now remain.", strings.Join(g.labels, ", "), g.job.Cost.Series-g.saved.Series, count(g.job.Cost.Series, "series")),
			Query: fmt.Sprintf("count(count without (%s) ({__name__=%q,job=%q}))", strings.Join(g.labels, ", "), g.metric.Name, g.job.Job),
		},
		{
			Claim: fmt.Sprintf("All %d samples in blocks, from %s to %s, are %v; samples that only the head has were not read.", c.Samples, c.From.Format(time.RFC3339), c.To.Format(time.RFC3339), c.Value),
			Query: fmt.Sprintf("count({__name__=%q} != %v)", g.metric.Name, c.Value),
		},
		{Claim: "Each series has the labels of a target that up shows, and no label that up has is taken off: only series of one target become one."},
	}, sourcesRead(x.report, b.Name), feederEvidence(feeders, g.job.Job))
	var out []sentei.Proposal
	for _, feeder := range feeders {
		for _, label := range g.labels {
			out = append(out, sentei.Proposal{
				ID:   sentei.HashID(mergeConstantSeriesKind, b.Name, feeder.Name, g.job.Job, string(sentei.StripLabel), g.metric.Name, label),
				Rule: mergeConstantSeriesKind, Grade: sentei.GradeASteady, State: sentei.Pending,
				Place:     sentei.Place{Backend: b.Name, ScrapeJob: feeder.Name, Job: g.job.Job, Shared: true},
				Action:    sentei.Action{Kind: sentei.StripLabel, Metric: g.metric.Name, Label: label, Merges: true},
				Transient: x.longestRange(g.metric, g.job),
				Evidence:  evidence,
				Risk: "While it is deployed every series ends and begins anew, so results that look back over that moment are off. " +
					"Should the metric ever have different values, Prometheus keeps one of them without a word. Readers that leave no trace in the sources read would miss the label, or count fewer series.",
				Check: fmt.Sprintf("Run `sentei explain metric %s`, which says who reads which label, and look at the query of each piece of evidence.",
					shellWord(g.metric.Name)),
				Rollback: "Remove the rule and reload; the series get the label back at the next scrape, and again end and begin anew.",
			})
		}
	}
	out[0].Saving, out[0].SavingPerMonth = g.saved, x.report.Settings.Prices.PerMonth(g.saved)
	return out
}
