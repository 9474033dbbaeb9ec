package rules

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// proveStrip goes through the selectors that may read the metrics that the
// proposal takes a label off, and returns why none of them needs it, or which
// one may. That the series stay distinct is shown by executing the rule.
func (x *index) proveStrip(p *sentei.Proposal) ([]sentei.ProofReader, string) {
	backend := slices.IndexFunc(x.report.Backends, func(b sentei.Backend) bool { return b.Name == p.Place.Backend })
	if backend < 0 || !strippable(&x.report.Backends[backend], p.Action.Label) {
		return nil, fmt.Sprintf("the label %q must stay", p.Action.Label)
	}
	scope, err := x.scope(p)
	if err != nil {
		return nil, err.Error()
	}
	var readers []sentei.ProofReader
	found := false
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != p.Place.Backend || p.Action.Metric != "" && m.Name != p.Action.Metric {
			continue
		}
		if !p.Place.Shared && p.Action.Metric != "" {
			if c := x.readerOfLabelInAnyJob(m, p.Action.Label); c != nil {
				return nil, describe(c) + " may read the label in another job, which the rule would reach too"
			}
		}
		for k := range m.Jobs {
			if p.Place.Shared && m.Jobs[k].Job != p.Place.Job || p.Action.Metric == "" && !scope.Has(nameAndJob(m, k)) {
				continue
			}
			found = found || m.Jobs[k].Job == p.Place.Job
			more, c := x.labelReaders(m, p.Action.Label, &m.Jobs[k])
			if c != nil {
				return nil, fmt.Sprintf("%s may need the label %s", describe(c), p.Action.Label)
			}
			readers = append(readers, more...)
		}
	}
	if !found {
		return nil, "the metric has no series with the job"
	}
	return sortedReaders(readers), ""
}

// labelReaders returns the living selectors that may read the metric, with why
// they do not need the label, or the first consumer that may need it. job is
// the job to look at, nil stands for any.
func (x *index) labelReaders(m *sentei.MetricReport, label string, job *sentei.JobMetric) ([]sentei.ProofReader, *sentei.Consumer) {
	var readers []sentei.ProofReader
	for _, r := range x.readings(m.Name) {
		c := r.consumer
		if !sameBackend(c, m.Backend) || x.expired(c) || !x.mayRead(m, job, r.selector.Matchers) {
			continue
		}
		if c.Kind == sentei.RecordingRule && c.Dead && x.readerOf(c) == nil {
			continue
		}
		s := r.selector
		if needsLabel(s, label) || s.OrderSensitive {
			return nil, c
		}
		readers = append(readers, sentei.ProofReader{Consumer: c.ID, Selector: s.String(), Because: fmt.Sprintf("needs %s, not %s", s.Live, label)})
	}
	return readers, nil
}

// needsLabel reports whether the label can change what the selector is for.
func needsLabel(s *sentei.Selector, label string) bool {
	return s.Live.Has(label) || slices.ContainsFunc(s.Matchers, func(l *labels.Matcher) bool { return l.Name == label && !neutral(l) })
}

// mayRead reports whether the matchers may select series of the metric in the
// job, or in any job at all.
func (x *index) mayRead(m *sentei.MetricReport, job *sentei.JobMetric, matchers []*labels.Matcher) bool {
	external := x.external[m.Backend]
	if job != nil {
		return job.MayMatch(m.Name, matchers, external)
	}
	matchers = slices.DeleteFunc(slices.Clone(matchers), func(l *labels.Matcher) bool { return l.Name == model.JobLabel })
	return slices.ContainsFunc(m.Jobs, func(j sentei.JobMetric) bool { return j.MayMatch(m.Name, matchers, external) })
}

// readerOfLabelInAnyJob returns a living consumer that could need the label if
// the metric had other job labels than those stored now, or nil.
func (x *index) readerOfLabelInAnyJob(m *sentei.MetricReport, label string) *sentei.Consumer {
	_, c := x.labelReaders(m, label, nil)
	return c
}

// neutral reports whether a matcher accepts every value and the absence of the
// label.
func neutral(m *labels.Matcher) bool {
	return m.Type == labels.MatchRegexp && m.Value == ".*"
}
