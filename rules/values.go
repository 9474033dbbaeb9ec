package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// valueRule proposes to drop the series with label values that no reader of a
// metric asks for. The kinds of it differ in the labels that they look at.
type valueRule struct {
	kind      string
	minSeries int64
	maxValues int
	// values returns those of the unused values of the label that may go.
	values func(metric string, u *sentei.LabelUsage) []string
	risk   string
}

// propose goes through the metrics of all backends.
func (o *valueRule) propose(in *Input) Made {
	var all Made
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
	return all
}

// proposeJob makes the proposals for one metric in its j-th job.
func (o *valueRule) proposeJob(x *index, b *sentei.Backend, m *sentei.MetricReport, j int, read []sentei.Evidence) []sentei.Proposal {
	job := &m.Jobs[j]
	if j >= len(m.JobUsage) || m.JobUsage[j].Verdict != sentei.Used || job.Job == "" {
		return nil
	}
	labels := slices.Clone(m.JobUsage[j].Labels)
	slices.SortStableFunc(labels, func(a, b sentei.LabelUsage) int { return cmp.Compare(b.UnusedValueSeries, a.UnusedValueSeries) })
	feeders := feedersOf(b, job.Job)
	var out []sentei.Proposal
	for i := range labels {
		values := o.values(m.Name, &labels[i])
		series := seriesWith(job.Label(labels[i].Name), values)
		if len(values) == 0 || len(values) > o.maxValues || series < o.minSeries {
			continue
		}
		for n, feeder := range feeders {
			p := o.proposal(x, m, job, feeder, labels[i].Name, values)
			p.Evidence = slices.Concat(valueEvidence(job, labels[i].Name, values, m.Name, series), read, feederEvidence(feeders, job.Job))
			// Without a list of the series it is not known how several labels
			// overlap, so that only the first one counts.
			if n == 0 && len(out) == 0 {
				live := int64(float64(job.Cost.Series) * float64(series) / float64(max(1, job.Cost.SeriesInSpan)))
				p.Saving = job.Cost.Part(live, series)
				p.SavingPerMonth = x.report.Settings.Prices.PerMonth(p.Saving)
			}
			out = append(out, p)
		}
	}
	return out
}

func (o *valueRule) proposal(x *index, m *sentei.MetricReport, job *sentei.JobMetric, feeder *sentei.ScrapeJob, label string, values []string) sentei.Proposal {
	a := sentei.Action{Kind: sentei.DropValues, Metric: m.Name, Label: label, Values: values}
	return sentei.Proposal{
		ID: sentei.HashID(slices.Concat(
			[]string{o.kind, m.Backend, feeder.Name, job.Job, string(a.Kind), m.Name, label}, values)...),
		Rule: o.kind, Grade: sentei.GradeA, State: sentei.Pending,
		Place: sentei.Place{
			Backend: m.Backend, ScrapeJob: feeder.Name, Job: job.Job,
			Shared: len(feeder.JobLabels) > 1 || feeder.HonorLabels || feeder.OpenJobs || len(m.Jobs) > 1 || x.readerInAnyJob(m, &a) != nil,
		},
		Action: a,
		Risk:   o.risk,
		Check: fmt.Sprintf("Run `sentei explain metric %s`, which names everybody who reads it, and look at the series with %s.",
			shellWord(m.Name), valueQuery(m.Name, job.Job, label, values)),
		Rollback: "Remove the rule and reload; the series resume at the next scrape, with a gap for the time between.",
	}
}

// seriesWith counts the series of the job that have one of the values.
func seriesWith(l *sentei.LabelStats, values []string) int64 {
	var n int64
	if l != nil {
		for _, v := range l.Values {
			if slices.Contains(values, v.Value) {
				n += v.Series
			}
		}
	}
	return n
}

func valueEvidence(job *sentei.JobMetric, label string, values []string, metric string, series int64) []sentei.Evidence {
	return []sentei.Evidence{
		{
			Claim: fmt.Sprintf("%d of the %s in the span have %s %s.", series, count(job.Cost.SeriesInSpan, "series"), label, listed(values)),
			Query: valueQuery(metric, job.Job, label, values),
		},
		{Claim: fmt.Sprintf("Every selector that reads the metric asks for other values of %s; the proof names them.", label)},
	}
}

// valueQuery is the PromQL that counts the series by hand.
func valueQuery(metric, job, label string, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return fmt.Sprintf("count({__name__=%s,job=%s,%s=~%s})", strconv.Quote(metric), strconv.Quote(job), inQuery(label), strconv.Quote(strings.Join(quoted, "|")))
}

// inQuery writes a label name as PromQL wants it: in quotes when it has other
// characters than names used to have.
func inQuery(label string) string {
	if model.UTF8Validation.IsValidLabelName(label) && !model.LegacyValidation.IsValidLabelName(label) {
		return strconv.Quote(label)
	}
	return label
}

// listed writes "a, b or c", and how many more there are.
func listed(values []string) string {
	const most = 8
	if len(values) == 1 {
		return values[0]
	}
	if len(values) > most {
		return fmt.Sprintf("%s or %d others", strings.Join(values[:most], ", "), len(values)-most)
	}
	return strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
}
