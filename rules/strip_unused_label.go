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

const stripUnusedLabelKind = "strip_unused_label"

type stripUnusedLabelOptions struct {
	MinSeries int64          `yaml:"min_series"`
	MinSpan   model.Duration `yaml:"min_span"`
	Observed  bool           `yaml:"observed"`
	WholeJob  bool           `yaml:"whole_job"`
}

func stripUnusedLabel() Info {
	return source.New(stripUnusedLabelKind, sentei.Doc{
		Title: "Take a label off a metric, where no result depends on it and no two series become equal",
		Text: `Proposes to take a label off the series of a metric when its verdict is *unused* (no reader of the metric groups,
joins or matches by it, shows it or passes it on) and the series stay distinct without it: those of the whole span, on all
targets, also without the labels that a reader's operators remove before they aggregate. Results stay the same in steady state
(grade A′). When the rule is deployed every series ends and begins anew under its shorter name, so results that look back over
that moment are off, for as long as the longest range that reads the metric.

**What it saves** is the text of the label, in the memory of the head and in the index of every block. It does not lower the
number of series, by design: a bill per active series stays the same. The saving says 0 series.

**Which labels.** Only labels of the targets, by default: those that the series ` + "`up`" + ` of the job has as well. All series
of one target have the same value of such a label, so that no two of them can become equal when it goes, now or later, and the
targets stay apart by instance. With ` + "`observed: true`" + ` also labels that the targets expose: that those keep series apart is
known only for the time that was looked at, at least min_span. A second value on one target next week would make Prometheus
drop one of two samples without a word, so compare scrape_samples_post_metric_relabeling with the number of series then.

With ` + "`whole_job: true`" + ` a label that can be taken off every metric of a scrape job that has it is taken off by one rule
without the names (labeldrop): metrics that come later lose the label, too. Not where a scrape job may bring other job labels
than those known, as with honor_labels, nor where metrics were counted over less time than series are listed, as by the source
prometheus: then each metric has a rule of its own.

Never proposed: job, instance, le, quantile, external labels, labels of recorded series and of those that Prometheus writes
itself, and anything where a reader depends on the order of series (topk, limitk). It needs an inventory that lists
series, such as the sources block and prometheus (whose page says what is missing there).`,
		Example: `strip_unused_label:
  # Propose nothing that touches fewer active series.
  min_series: 100
  # How much time the series that are listed must cover; of labels that
  # targets expose, those of the metric in the job.
  min_span: 7d
  # Also labels that targets expose, judged by the stored series alone.
  observed: false
  # One labeldrop where a label goes from all metrics of a scrape job.
  whole_job: false
`,
	}, stripUnusedLabelOptions{MinSeries: 100, MinSpan: model.Duration(7 * 24 * time.Hour)}, func(o stripUnusedLabelOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 || o.MinSpan < 0 {
			return nil, errors.New("min_series must be 1 or more, and min_span not negative")
		}
		return o, nil
	})
}

// Propose implements Rule.
func (o stripUnusedLabelOptions) Propose(ctx context.Context, in *Input) (Made, error) {
	var all Made
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		proposals, exposed := o.proposeBackend(x, b)
		span, reason, hint := b.Listed.Duration(), "", ""
		switch {
		case len(proposals) == 0:
		case in.Series[b.Name] == nil:
			reason, hint = "no inventory of the backend lists series", "add the source block, which reads a data directory, or the source prometheus"
		case span < time.Duration(o.MinSpan):
			reason = fmt.Sprintf("the inventory that lists series covers %s, and min_span is %s", model.Duration(span.Round(time.Second)), o.MinSpan)
			hint = "let it cover more, or lower rules.strip_unused_label.min_span"
		}
		if reason != "" {
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: stripUnusedLabelKind, Hint: hint,
				Message: fmt.Sprintf("not proposed: to take off %s that nobody reads, because %s", count(len(proposals), "label"), reason),
			}))
			continue
		}
		old, young, err := o.longKnown(ctx, in.Series[b.Name], proposals, exposed)
		if ctx.Err() != nil {
			return Made{}, ctx.Err()
		}
		if young > 0 {
			reason = fmt.Sprintf("their metrics are stored for less than min_span (%s)", o.MinSpan)
			if err != nil {
				reason = fmt.Sprintf("it could not be read how long their metrics are stored: %v", err)
			}
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: stripUnusedLabelKind,
				Message: fmt.Sprintf("not proposed: to take off %s that targets expose, because %s", count(young, "label"), reason),
			}))
		}
		// A metric that was quiet while metrics were counted would lose the label
		// unseen.
		if o.WholeJob && b.To.Sub(b.From) >= max(span, time.Duration(o.MinSpan)) {
			old = o.joined(x, b, old)
		}
		all.Proposals = append(all.Proposals, old...)
	}
	return all, nil
}

// proposeBackend proposes every label that nobody reads, and tells which of the
// proposals are about labels that targets expose. Whether the series
// stay distinct is found out when the rules are executed.
func (o stripUnusedLabelOptions) proposeBackend(x *index, b *sentei.Backend) ([]sentei.Proposal, map[string]bool) {
	read := sourcesRead(x.report, b.Name)
	exposed := map[string]bool{}
	var out []sentei.Proposal
	for _, m := range x.scraped(b) {
		for k := range m.Jobs {
			job := &m.Jobs[k]
			if k >= len(m.JobUsage) || m.JobUsage[k].Verdict != sentei.Used || job.Job == "" || job.Cost.Series < o.MinSeries {
				continue
			}
			if x.orderCounts(m, job) {
				continue
			}
			feeders := feedersOf(b, job.Job)
			for _, u := range m.JobUsage[k].Labels {
				l := job.Label(u.Name)
				ofTarget := x.targetLabel(b.Name, job.Job, u.Name) && fixedByTarget(job, l) &&
					!slices.ContainsFunc(feeders, func(s *sentei.ScrapeJob) bool { return s.HonorLabels })
				if u.Verdict != sentei.Unused || l == nil || !strippable(b, u.Name) || !ofTarget && (!o.Observed || l.SeriesWithout != job.Cost.SeriesInSpan) {
					continue
				}
				for n, feeder := range feeders {
					p := o.proposal(x, m, k, feeder, l, ofTarget)
					p.Evidence = slices.Concat(stripEvidence(m, job, l, ofTarget), read, feederEvidence(feeders, job.Job))
					if n > 0 {
						p.Saving, p.SavingPerMonth = sentei.Cost{}, 0
					}
					if !ofTarget {
						exposed[p.ID] = true
					}
					out = append(out, p)
				}
			}
		}
	}
	return out, exposed
}

// strippable reports whether a label may go at all: not what tells targets and
// buckets apart, nor what another value takes the place of when it is gone.
func strippable(b *sentei.Backend, label string) bool {
	return !slices.Contains([]string{
		model.MetricNameLabel, model.JobLabel, model.InstanceLabel, model.BucketLabel, model.QuantileLabel, "__type__", "__unit__",
	}, label) && !slices.Contains(b.ExternalLabels, label)
}

// targetLabel reports whether the label is one of the targets of a job: series
// that a scrape makes up have the labels of the target and no others, and keep
// apart by instance.
func (x *index) targetLabel(backend, job, label string) bool {
	up := x.metric(backend, "up")
	if up == nil {
		return false
	}
	for i := range up.Jobs {
		j := &up.Jobs[i]
		if j.Job != job {
			continue
		}
		l, instance := j.Label(label), j.Label(model.InstanceLabel)
		return l != nil && instance != nil && l.Series == j.Cost.SeriesInSpan && l.SeriesWithoutLive == j.Cost.Series
	}
	return false
}

// fixedByTarget reports whether all stored series of a target have the same
// value of the label: a rule of the job may have changed it.
func fixedByTarget(job *sentei.JobMetric, l *sentei.LabelStats) bool {
	return l != nil && (slices.Contains(l.DeterminedBy, model.InstanceLabel) || l.Distinct == 1 && l.Series == job.Cost.SeriesInSpan)
}

func (o stripUnusedLabelOptions) proposal(x *index, m *sentei.MetricReport, k int, feeder *sentei.ScrapeJob, l *sentei.LabelStats, ofTarget bool) sentei.Proposal {
	job := &m.Jobs[k]
	a := sentei.Action{Kind: sentei.StripLabel, Metric: m.Name, Label: l.Name}
	p := sentei.Proposal{
		ID:   sentei.HashID(stripUnusedLabelKind, m.Backend, feeder.Name, job.Job, string(a.Kind), m.Name, l.Name),
		Rule: stripUnusedLabelKind, Grade: sentei.GradeASteady, State: sentei.Pending,
		Place: sentei.Place{
			Backend: m.Backend, ScrapeJob: feeder.Name, Job: job.Job,
			Shared: len(feeder.JobLabels) > 1 || feeder.HonorLabels || feeder.OpenJobs || len(m.Jobs) > 1 || x.readerOfLabelInAnyJob(m, l.Name) != nil,
		},
		Action: a,
		Saving: textCost(job, l),
		Risk: "While it is deployed every series ends and begins anew, so results that look back over that moment are off. " +
			"It saves bytes, not series. Readers that leave no trace in the sources read would miss the label.",
		Check: fmt.Sprintf("Run `sentei explain metric %s`, which says who reads which label, and compare count({__name__=%q,job=%q}) with count(count without (%s) ({__name__=%q,job=%q})).",
			shellWord(m.Name), m.Name, job.Job, inQuery(l.Name), m.Name, job.Job),
		Rollback: "Remove the rule and reload; the series get the label back at the next scrape, and again end and begin anew.",
	}
	if !ofTarget {
		p.Risk += " The targets expose the label: a second value of it on one target would make two series one, of which Prometheus keeps the first without a word."
	}
	p.Transient = x.longestRange(m, job)
	p.SavingPerMonth = x.report.Settings.Prices.PerMonth(p.Saving)
	return p
}

// textCost is what the text of a label costs: in the head, where every series
// has it, and in the index, whose postings name every series once a label.
func textCost(job *sentei.JobMetric, l *sentei.LabelStats) sentei.Cost {
	var bytes, series float64
	for _, v := range l.Values {
		bytes += float64(v.Series) * float64(len(l.Name)+len(v.Value))
		series += float64(v.Series)
	}
	if series == 0 || job.Cost.SeriesInSpan == 0 {
		return sentei.Cost{}
	}
	live := float64(job.Cost.Series) / float64(job.Cost.SeriesInSpan)
	with := float64(l.Series) * live // active series that have it
	return sentei.Cost{MemoryBytes: sentei.HeadBytes(0, bytes/series*with)}
}

// orderCounts reports whether a reader of the metric depends on the order of
// its series, which labels decide.
func (x *index) orderCounts(m *sentei.MetricReport, job *sentei.JobMetric) bool {
	return slices.ContainsFunc(x.readings(m.Name), func(r reading) bool {
		return r.selector.OrderSensitive && sameBackend(r.consumer, m.Backend) && x.mayRead(m, job, r.selector.Matchers)
	})
}

// longestRange is how far readers of the metric look back at most, with the
// time for which an instant selector takes the last sample.
func (x *index) longestRange(m *sentei.MetricReport, job *sentei.JobMetric) time.Duration {
	const lookback = 5 * time.Minute
	longest := time.Duration(0)
	for _, r := range x.readings(m.Name) {
		if sameBackend(r.consumer, m.Backend) && job.MayMatch(m.Name, r.selector.Matchers, x.external[m.Backend]) {
			longest = max(longest, r.selector.Range)
		}
	}
	return longest + lookback
}

func stripEvidence(m *sentei.MetricReport, job *sentei.JobMetric, l *sentei.LabelStats, ofTarget bool) []sentei.Evidence {
	out := []sentei.Evidence{{
		Claim: fmt.Sprintf("%d of %s have the label, with %s.", l.Series, count(job.Cost.SeriesInSpan, "series"), count(l.Distinct, "value")),
		Query: fmt.Sprintf("count by (%s) ({__name__=%q,job=%q})", inQuery(l.Name), m.Name, job.Job),
	}}
	if ofTarget {
		out = append(out, sentei.Evidence{
			Claim: "It is a label of the targets: the series up has it too, so it is the same for all series of a target.",
			Query: fmt.Sprintf("count by (instance) (count by (instance, %s) (up{job=%q})) > 1", inQuery(l.Name), job.Job),
		})
	} else if len(l.DeterminedBy) > 0 {
		out = append(out, sentei.Evidence{Claim: fmt.Sprintf("On all stored series its value follows from each of: %s.", strings.Join(l.DeterminedBy, ", "))})
	}
	return out
}
