package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// metric proposes what to cut of a metric of the receiver.
func (c *cutter) metric(m *sentei.MetricReport) []sentei.Proposal {
	sent := c.x.metric(c.from.Name, m.Name)
	if sent == nil || c.usedBeyond(m) || c.x.onlyDeadWrite(c.from, m.Name) {
		return nil
	}
	drop := sentei.Action{Kind: sentei.DropMetric, Metric: m.Name}
	if unusedEverywhere(m) && c.x.readerInAnyJob(m, &drop) == nil {
		gone := true
		for k := range sent.Jobs {
			gone = gone && c.goesAtTheSource(sent, k)
		}
		if cost := smaller(sent.Cost, m.Cost); !gone && cost.Series >= c.MinSeries {
			p := c.proposal(drop, "", cost)
			p.Evidence = slices.Concat([]sentei.Evidence{{
				Claim: fmt.Sprintf("%s has %s of it, and %s stores %d.", c.from.Name, count(sent.Cost.Series, "active series"), c.to.Name, m.Cost.Series),
				Query: fmt.Sprintf("count({__name__=%q})", m.Name),
			}}, c.readers(sent.Readers), c.read)
			return []sentei.Proposal{p}
		}
		return nil
	}
	var out []sentei.Proposal
	for k := range m.Jobs {
		i := slices.IndexFunc(sent.Jobs, func(j sentei.JobMetric) bool { return j.Job == m.Jobs[k].Job })
		if c.jobs && m.Jobs[k].Job != "" && i >= 0 && k < len(m.JobUsage) && !c.goesAtTheSource(sent, i) {
			out = append(out, c.job(m, k, sent, i)...)
		}
	}
	return out
}

// job proposes what to cut of a metric in its k-th job, which is the i-th job
// of the metric at the sender.
func (c *cutter) job(m *sentei.MetricReport, k int, sent *sentei.MetricReport, i int) []sentei.Proposal {
	job, usage := &m.Jobs[k], &m.JobUsage[k]
	readers := c.readers(sent.JobUsage[i].Readers)
	cost := smaller(sent.Jobs[i].Cost, job.Cost)
	switch {
	case usage.Verdict == sentei.Unused && cost.Series >= c.MinSeries:
		p := c.proposal(sentei.Action{Kind: sentei.DropMetric, Metric: m.Name}, job.Job, cost)
		p.Evidence = slices.Concat(storedEvidence(c.to, m, job), readers, c.read)
		return []sentei.Proposal{p}
	case usage.Verdict != sentei.Used:
		return nil
	}
	labels := slices.Clone(usage.Labels)
	slices.SortStableFunc(labels, func(a, b sentei.LabelUsage) int { return cmp.Compare(b.UnusedValueSeries, a.UnusedValueSeries) })
	var out []sentei.Proposal
	for n := range labels {
		u := &labels[n]
		values := c.values(m.Name, u)
		series := seriesWith(job.Label(u.Name), values)
		live := int64(float64(cost.Series) * float64(series) / float64(max(1, job.Cost.SeriesInSpan)))
		if len(values) == 0 || len(values) > c.MaxValues || live < c.MinSeries {
			continue
		}
		saved := cost.Part(live, min(series, cost.SeriesInSpan))
		if len(out) > 0 { // how several labels overlap is known when the rules are executed
			saved = sentei.Cost{}
		}
		p := c.proposal(sentei.Action{Kind: sentei.DropValues, Metric: m.Name, Label: u.Name, Values: values}, job.Job, saved)
		p.Evidence = slices.Concat(valueEvidence(job, u.Name, values, m.Name, series), readers, c.read)
		out = append(out, p)
	}
	return out
}

// values returns the values of the label that nobody wants at the receiver and
// that may go.
func (c *cutter) values(metric string, u *sentei.LabelUsage) []string {
	switch {
	case u.Name == model.BucketLabel && !strings.HasSuffix(metric, "_bucket"),
		u.Name == model.JobLabel || u.Name == model.InstanceLabel || u.Name == model.MetricNameLabel,
		slices.Contains(c.from.ExternalLabels, u.Name): // not on the series that the sender stores
		return nil
	}
	return slices.DeleteFunc(slices.Clone(u.UnusedValues), func(v string) bool { return u.Name == model.BucketLabel && v == "+Inf" })
}

// usedBeyond reports whether a backend that the receiver may feed could read
// the metric. Those that send to the receiver are not fed by it.
func (c *cutter) usedBeyond(m *sentei.MetricReport) bool {
	return slices.ContainsFunc(c.x.usersElsewhere(c.to, m), func(u elsewhere) bool { return !slices.Contains(c.senders, u.backend) })
}

// goesAtTheSource reports whether drop_unused_metric drops the metric's k-th
// job before it is sent.
func (c *cutter) goesAtTheSource(sent *sentei.MetricReport, k int) bool {
	if k >= len(sent.JobUsage) || sent.JobUsage[k].Verdict != sentei.Unused || writtenByPrometheus(sent.Name) || sent.RecordedBy != "" || strings.Contains(sent.Name, ":") {
		return false
	}
	other, _ := c.x.usedElsewhere(c.from, sent)
	return other == "" && len(feedersOf(c.from, sent.Jobs[k].Job)) > 0
}

// readers says who reads it at the sender, where it stays.
func (c *cutter) readers(ids []string) []sentei.Evidence {
	if len(ids) == 0 {
		return []sentei.Evidence{{Claim: fmt.Sprintf("It stays in %s, which stores it all.", c.from.Name)}}
	}
	first := ids[0]
	if r := c.x.consumers[ids[0]]; r != nil {
		first = describe(r)
	}
	return []sentei.Evidence{{Claim: fmt.Sprintf("It stays in %s, where %s can read it, such as %s.", c.from.Name, count(len(ids), "consumer"), first)}}
}

func (c *cutter) proposal(a sentei.Action, job string, saving sentei.Cost) sentei.Proposal {
	return sentei.Proposal{
		ID: sentei.HashID(slices.Concat(
			[]string{cutRemoteWriteKind, c.from.Name, c.entry, c.to.Name, job, string(a.Kind), a.Metric, a.Label}, a.Values)...),
		Rule: cutRemoteWriteKind, Grade: sentei.GradeA, State: sentei.Pending,
		Place:  sentei.Place{Backend: c.from.Name, RemoteWrite: c.entry, Receiver: c.to.Name, Job: job, Shared: job != ""},
		Action: a, Saving: saving, SavingPerMonth: c.x.report.Settings.Prices.PerMonth(saving),
		Risk: fmt.Sprintf("Readers of %s that leave no trace in the sources read would miss it; %s keeps it only for its own retention.", c.to.Name, c.from.Name),
		Check: fmt.Sprintf("Run `sentei explain metric %s`, which names everybody who reads it in either backend.",
			shellWord(a.Metric)),
		Rollback: "Remove the rule and reload; sending resumes at once, with a gap in the receiver for the time between.",
	}
}

// smaller returns the cost with fewer series.
func smaller(a, b sentei.Cost) sentei.Cost {
	if b.Series < a.Series {
		return b
	}
	return a
}
