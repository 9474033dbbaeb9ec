package track

import (
	"cmp"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// regrets returns the selectors of living consumers that may ask for what was
// dropped. A logged query counts when it was seen after that.
func (f *follower) regrets(t *sentei.Tracked) []sentei.Regret {
	var out []sentei.Regret
	for i := range f.Report.Consumers {
		c := &f.Report.Consumers[i]
		if c.Dead || c.Backend != "" && c.Backend != t.Place.Backend || c.Kind == sentei.Query && !c.LastSeen.After(t.AppliedAt) {
			continue
		}
		for k := range c.Selectors {
			if s := &c.Selectors[k]; f.misses(&t.Proposal, s) {
				out = append(out, sentei.Regret{Consumer: c.ID, Selector: s.String(), Since: f.Report.At})
			}
		}
	}
	slices.SortFunc(out, func(a, b sentei.Regret) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Selector, b.Selector))
	})
	return slices.Compact(out)
}

// misses reports whether the selector may ask for what the proposal took away.
func (f *follower) misses(p *sentei.Proposal, s *sentei.Selector) bool {
	if p.Place.RemoteWrite != "" {
		return false // who reads at the receiver is another backend's matter
	}
	switch p.Action.Kind {
	case sentei.DropMetric:
	case sentei.DropValues:
		if !slices.ContainsFunc(p.Action.Values, func(v string) bool { return asksFor(s, p.Action.Label, v) }) {
			return false
		}
	case sentei.StripLabel:
		needs := s.Live.Has(p.Action.Label) || slices.ContainsFunc(s.Matchers, func(m *labels.Matcher) bool {
			return m.Name == p.Action.Label && !m.Matches("")
		})
		if !needs {
			return false
		}
	default:
		return false
	}
	return f.mayRead(p, s)
}

// asksFor reports whether no matcher on the label refuses the value.
func asksFor(s *sentei.Selector, label, value string) bool {
	return slices.ContainsFunc(relabeling.ValueForms(label, value), func(form string) bool {
		return !slices.ContainsFunc(s.Matchers, func(m *labels.Matcher) bool { return m.Name == label && !m.Matches(form) })
	})
}

// mayRead reports whether the selector may select series of the metric and job
// of the proposal. Of a metric that is not stored any more, the labels are not
// known: then a selector that names no metric counts only if it asks for no
// other label than job.
func (f *follower) mayRead(p *sentei.Proposal, s *sentei.Selector) bool {
	stored := false
	for i := range f.Report.Metrics {
		m := &f.Report.Metrics[i]
		if m.Backend != p.Place.Backend || p.Action.Metric != "" && m.Name != p.Action.Metric {
			continue
		}
		for k := range m.Jobs {
			j := &m.Jobs[k]
			if j.Job != p.Place.Job {
				continue
			}
			if j.MayMatch(m.Name, withoutLabel(p, s), f.external(m.Backend)) {
				return true
			}
			stored = true
		}
	}
	if stored || p.Action.Metric == "" {
		return false
	}
	gone := sentei.JobMetric{Job: p.Place.Job, Labels: []sentei.LabelStats{}}
	return gone.MayMatch(p.Action.Metric, s.Matchers, nil)
}

// withoutLabel returns the matchers without those on the label that the proposal
// took away: no series has it any more.
func withoutLabel(p *sentei.Proposal, s *sentei.Selector) []*labels.Matcher {
	if p.Action.Label == "" || p.Action.Label == model.JobLabel {
		return s.Matchers
	}
	return slices.DeleteFunc(slices.Clone(s.Matchers), func(m *labels.Matcher) bool { return m.Name == p.Action.Label })
}

func (f *follower) external(backend string) []string {
	for i := range f.Report.Backends {
		if b := &f.Report.Backends[i]; b.Name == backend {
			return b.ExternalLabels
		}
	}
	return nil
}
