package rules

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// prove checks each proposal again, from the consumers alone and whatever the
// verdict said: a series may go when no selector of a living consumer can match
// it. A proposal for which this does not hold is withdrawn. That is never
// expected; it means that the analysis contradicts itself.
func prove(r *sentei.Report, proposals []sentei.Proposal) (proven []sentei.Proposal, refuted []sentei.Problem) {
	x := newIndex(r)
	obscure := x.obscure()
	for _, p := range proposals {
		reason := x.refute(&p, obscure)
		if reason == "" {
			proven = append(proven, p)
			continue
		}
		refuted = append(refuted, problem(sentei.Problem{
			Backend: p.Place.Backend, Source: p.Rule,
			Where:    fmt.Sprintf("scrape job %q, job %q, metric %q", p.Place.ScrapeJob, p.Place.Job, p.Action.Metric),
			Message:  "a proposal was withdrawn, because it could not be proven: " + reason,
			Hint:     "this is a mistake in sentei, please report it",
			Blocking: true,
		}))
	}
	return proven, refuted
}

// refute returns why the proposal could change what somebody sees, or "".
func (x *index) refute(p *sentei.Proposal, obscure []*sentei.Consumer) string {
	if p.Action.Kind != sentei.DropMetric || p.Grade != sentei.GradeA {
		return fmt.Sprintf("there is no proof for %s of grade %s", p.Action.Kind, p.Grade)
	}
	m := x.metric(p.Place.Backend, p.Action.Metric)
	if m == nil {
		return "the metric is not in the report"
	}
	for _, c := range obscure {
		if sameBackend(c, m.Backend) {
			return fmt.Sprintf("it is not known what %s reads, and nobody has accepted that", describe(c))
		}
	}
	if !p.Place.Shared {
		if reader := x.readerInAnyJob(m); reader != nil {
			return describe(reader) + " may read it in another job, which the rule would reach too"
		}
	}
	found := false
	for i := range m.Jobs {
		// A rule that does not ask for the job reaches every job.
		if p.Place.Shared && m.Jobs[i].Job != p.Place.Job {
			continue
		}
		found = found || m.Jobs[i].Job == p.Place.Job
		if reason := x.refuteJob(m, &m.Jobs[i]); reason != "" {
			return reason
		}
	}
	if !found {
		return "the metric has no series with the job"
	}
	return ""
}

// refuteJob returns why somebody may see that the series of one job are gone.
func (x *index) refuteJob(m *sentei.MetricReport, job *sentei.JobMetric) string {
	for _, r := range x.readings(m.Name) {
		c := r.consumer
		switch {
		case !sameBackend(c, m.Backend):
		case !job.MayMatch(m.Name, r.selector.Matchers, x.external[m.Backend]):
		case x.expired(c):
		case c.Kind != sentei.RecordingRule || !c.Dead:
			return describe(c) + " may read it"
		default:
			if reader := x.readerOf(c); reader != nil {
				return fmt.Sprintf("%s may read it, and %s reads what that records", describe(c), describe(reader))
			}
		}
	}
	return ""
}

// readerInAnyJob returns a living consumer that could select series of the
// metric if they had another job label than those stored now, or nil. A
// workload that is down today may bring that job tomorrow.
func (x *index) readerInAnyJob(m *sentei.MetricReport) *sentei.Consumer {
	for _, r := range x.readings(m.Name) {
		c := r.consumer
		if !sameBackend(c, m.Backend) || x.expired(c) || c.Kind == sentei.RecordingRule && c.Dead {
			continue
		}
		anyJob := slices.DeleteFunc(slices.Clone(r.selector.Matchers), func(l *labels.Matcher) bool { return l.Name == model.JobLabel })
		for i := range m.Jobs {
			if m.Jobs[i].MayMatch(m.Name, anyJob, x.external[m.Backend]) {
				return c
			}
		}
	}
	return nil
}

// expired reports whether a logged query was last seen before the window.
func (x *index) expired(c *sentei.Consumer) bool {
	since := x.report.At.Add(-x.report.Settings.Window)
	return c.Kind == sentei.Query && !c.LastSeen.IsZero() && c.LastSeen.Before(since)
}

func sameBackend(c *sentei.Consumer, backend string) bool {
	return c.Backend == backend || c.Backend == ""
}

// obscure returns the living consumers that cannot be understood, without
// those that the configuration accepts. The identifiers of their problems are
// those that the analyzer gives.
func (x *index) obscure() []*sentei.Consumer {
	accepted := map[string]bool{}
	for i := range x.report.Problems {
		if p := &x.report.Problems[i]; p.Accepted != "" {
			accepted[p.ID] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(x.opaque), func(c *sentei.Consumer) bool {
		return c.Dead || accepted[c.OpaqueProblemID()]
	})
}

// readerOf returns a living consumer that may select the output of a recording
// rule, or nil. Only the name and the labels that the rule sets are certain.
func (x *index) readerOf(rule *sentei.Consumer) *sentei.Consumer {
	for _, r := range x.readings(rule.Records) {
		if sameBackend(r.consumer, rule.Backend) && !r.consumer.Dead && r.selector.MaySelectOutput(rule) {
			return r.consumer
		}
	}
	return nil
}

// describe names a consumer: alerting rule "HostDown" (rules.yml:12, group node).
func describe(c *sentei.Consumer) string {
	s := fmt.Sprintf("%s %q", c.Kind, c.Name)
	if where := c.Location.String(); where != "" {
		s += " (" + where + ")"
	}
	return s
}
