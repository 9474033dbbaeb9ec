package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// prove checks each proposal again, from the consumers alone and whatever the
// verdict said, and writes down the proof. A proposal for which it does not
// hold is withdrawn. That is never expected; it means that the analysis
// contradicts itself.
func prove(in *Input, proposals []sentei.Proposal) (proven []sentei.Proposal, refuted []sentei.Problem) {
	x := in.index()
	obscure := x.obscure()
	for _, p := range proposals {
		proof, reason := x.prove(&p, obscure)
		if reason == "" {
			p.Proof = proof
			proven = append(proven, p)
			continue
		}
		refuted = append(refuted, withdrawn(&p, reason))
	}
	return proven, refuted
}

// withdrawn is the problem of a proposal that turned out to be wrong.
func withdrawn(p *sentei.Proposal, reason string) sentei.Problem {
	return problem(sentei.Problem{
		Backend: p.Place.Backend, Source: p.Rule,
		Where:    fmt.Sprintf("%s, job %q", relabeling.Title(p), p.Place.Job),
		Message:  "a proposal was withdrawn, because it could not be proven: " + reason,
		Hint:     "this is a mistake in sentei, please report it",
		Blocking: true,
	})
}

// prove returns the proof that nobody sees the proposal, or the reason why
// somebody could.
func (x *index) prove(p *sentei.Proposal, obscure []*sentei.Consumer) (*sentei.Proof, string) {
	backend := readBackend(p)
	for _, c := range obscure {
		if sameBackend(c, backend) {
			return nil, fmt.Sprintf("it is not known what %s reads, and nobody has accepted that", describe(c))
		}
	}
	proof := &sentei.Proof{}
	for i := range x.report.Consumers {
		if c := &x.report.Consumers[i]; sameBackend(c, backend) && !c.Dead && !x.expired(c) {
			proof.Consumers++
			proof.Selectors += len(c.Selectors)
		}
	}
	var reason string
	switch {
	case p.Action.Kind == sentei.DropMetric && p.Grade == sentei.GradeA:
		proof.Theorem = "Series that no selector of a living consumer can match may go: every result stays the same, to the bit."
		proof.Readers, reason = x.proveDrop(p)
	case p.Action.Kind == sentei.DropValues && p.Grade == sentei.GradeA:
		proof.Theorem = "Every selector of a living consumer that reads the metric refuses the values by a matcher of its own: every result stays the same, to the bit."
		proof.Readers, reason = x.proveDrop(p)
	case p.Action.Kind == sentei.StripLabel && p.Action.Merges && p.Grade == sentei.GradeASteady:
		proof.Theorem = mergeTheorem
		proof.Readers, reason = x.proveMerge(p)
	case p.Action.Kind == sentei.StripLabel && p.Grade == sentei.GradeASteady:
		proof.Theorem = "No living selector that reads the metric needs the label, by the operators above it, and the series stay distinct without it: every result stays the same in steady state."
		proof.Readers, reason = x.proveStrip(p)
	case p.Action.Kind == sentei.DeleteRules && p.Grade == sentei.GradeA:
		proof.Theorem = "No selector of a living consumer can match what the rules record, and a recording rule changes nothing else: every result stays the same, to the bit."
		reason = x.proveDelete(p)
	case p.Action.Kind == sentei.SetInterval && p.Grade == sentei.GradeB:
		proof.Theorem = intervalTheorem
		proof.Readers, reason = x.proveInterval(p)
	case p.Action.Kind == sentei.ConvertHistograms && p.Grade == sentei.GradeC:
		proof.Theorem = conversionTheorem
		proof.Readers, reason = x.proveConversion(p)
	case p.Action.Kind == sentei.Aggregate && p.Grade == sentei.GradeC:
		proof.Theorem = aggregateTheorem
		proof.Readers, reason = x.proveAggregate(p)
	default:
		reason = fmt.Sprintf("there is no proof for %s of grade %s", p.Action.Kind, p.Grade)
	}
	return proof, reason
}

// readBackend returns the backend whose consumers the proposal must not
// disturb.
func readBackend(p *sentei.Proposal) string {
	if p.Place.RemoteWrite != "" {
		return p.Place.Receiver
	}
	return p.Place.Backend
}

// proveDrop goes through the selectors that may read the metric and returns
// those that do not notice that its series, or those with some values, are
// gone, or why one of them would.
func (x *index) proveDrop(p *sentei.Proposal) ([]sentei.ProofReader, string) {
	m := x.metric(readBackend(p), p.Action.Metric)
	if m == nil {
		return nil, "the metric is not in the report"
	}
	if p.Action.Kind == sentei.DropValues && (p.Action.Label == model.JobLabel || p.Action.Label == model.MetricNameLabel || len(p.Action.Values) == 0) {
		return nil, fmt.Sprintf("series cannot be dropped by values of %q", p.Action.Label)
	}
	if !p.Place.Shared {
		if reader := x.readerInAnyJob(m, &p.Action); reader != nil {
			return nil, describe(reader) + " may read it in another job, which the rule would reach too"
		}
	}
	found := p.Place.RemoteWrite != "" && !p.Place.Shared // about all jobs
	var readers []sentei.ProofReader
	for i := range m.Jobs {
		// A rule that does not ask for the job reaches every job.
		if p.Place.Shared && m.Jobs[i].Job != p.Place.Job {
			continue
		}
		found = found || m.Jobs[i].Job == p.Place.Job
		more, reason := x.proveDropInJob(m, &m.Jobs[i], &p.Action)
		if reason != "" {
			return nil, reason
		}
		readers = append(readers, more...)
	}
	if !found {
		return nil, "the metric has no series with the job"
	}
	return sortedReaders(readers), ""
}

func sortedReaders(readers []sentei.ProofReader) []sentei.ProofReader {
	slices.SortFunc(readers, func(a, b sentei.ProofReader) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Selector, b.Selector))
	})
	return slices.Compact(readers)
}

// proveDropInJob does so for the series of one job.
func (x *index) proveDropInJob(m *sentei.MetricReport, job *sentei.JobMetric, a *sentei.Action) ([]sentei.ProofReader, string) {
	var readers []sentei.ProofReader
	for _, r := range x.readings(m.Name) {
		c := r.consumer
		if !sameBackend(c, m.Backend) || !job.MayMatch(m.Name, r.selector.Matchers, x.external[m.Backend]) || x.expired(c) {
			continue
		}
		if because := refusal(r.selector, a, x.external[m.Backend]); because != "" {
			if c.Kind != sentei.RecordingRule || !c.Dead {
				readers = append(readers, sentei.ProofReader{Consumer: c.ID, Selector: r.selector.String(), Because: because})
			}
			continue
		}
		if c.Kind != sentei.RecordingRule || !c.Dead {
			return nil, describe(c) + " may read it"
		}
		if reader := x.readerOf(c); reader != nil {
			return nil, fmt.Sprintf("%s may read it, and %s reads what that records", describe(c), describe(reader))
		}
	}
	return readers, ""
}

// refusal returns which matchers of the selector refuse every value that the
// action drops, or "" when they do not, or when it drops all series. Matchers on
// external labels do not count: what reads elsewhere may see another value.
func refusal(s *sentei.Selector, a *sentei.Action, external []string) string {
	if a.Kind != sentei.DropValues || slices.Contains(external, a.Label) {
		return ""
	}
	var by []string
	for _, value := range a.Values {
		for _, v := range relabeling.ValueForms(a.Label, value) {
			i := slices.IndexFunc(s.Matchers, func(m *labels.Matcher) bool { return m.Name == a.Label && !m.Matches(v) })
			if i < 0 {
				return ""
			}
			by = append(by, s.Matchers[i].String())
		}
	}
	slices.Sort(by)
	return strings.Join(slices.Compact(by), " and ") + " refuses the values"
}

// readerInAnyJob returns a living consumer that could select series of the
// metric that the action drops if they had another job label than those stored
// now, or nil. A workload that is down today may bring that job tomorrow.
func (x *index) readerInAnyJob(m *sentei.MetricReport, a *sentei.Action) *sentei.Consumer {
	for _, r := range x.readings(m.Name) {
		c := r.consumer
		if !sameBackend(c, m.Backend) || x.expired(c) || c.Kind == sentei.RecordingRule && c.Dead || refusal(r.selector, a, x.external[m.Backend]) != "" {
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
		if sameBackend(r.consumer, rule.Backend) && !r.consumer.Dead && r.selector.MaySelectOutput(rule, x.external[rule.Backend]) {
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
