package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// exemptions is the rule that findings about exemptions name.
const exemptions = "exemptions"

// exempt leaves out the proposals that may touch what an exemption covers,
// with those that stand and fall with them. The findings tell what each
// exemption holds back, which ones have expired, and which ones select nothing
// that is stored.
func exempt(in *Input, proposals []sentei.Proposal) ([]sentei.Proposal, []sentei.Finding) {
	x := in.index()
	at := x.report.At
	holds := make([]int, len(proposals)) // the exemption that holds each back, or -1
	groups := map[string]int{}
	for i := range proposals {
		p := &proposals[i]
		holds[i] = slices.IndexFunc(in.Exemptions, func(e sentei.Exemption) bool { return !e.Expired(at) && x.mayTouch(p, &e) })
		if holds[i] >= 0 && p.Group != "" {
			groups[p.Group] = holds[i]
		}
	}
	var free []sentei.Proposal
	held := make([][]sentei.Proposal, len(in.Exemptions))
	for i := range proposals {
		k := holds[i]
		if g, ok := groups[proposals[i].Group]; ok && k < 0 {
			k = g
		}
		if k < 0 {
			free = append(free, proposals[i])
			continue
		}
		held[k] = append(held[k], proposals[i])
	}
	var findings []sentei.Finding
	for i := range in.Exemptions {
		e := &in.Exemptions[i]
		if e.Expired(at) {
			findings = append(findings, finding(sentei.Finding{
				Rule: exemptions, Where: e.Where,
				Message: fmt.Sprintf("the exemption of %s has expired and holds nothing back any more: %s", e.Selector, why(e)),
				Hint:    "ask whether it still holds, then renew or remove it",
			}))
		} else if len(x.incomplete) == 0 && !x.selectsStored(e) {
			findings = append(findings, finding(sentei.Finding{
				Rule: exemptions, Where: e.Where,
				Message: fmt.Sprintf("the exemption of %s selects nothing that is stored: %s", e.Selector, why(e)),
				Hint:    "correct or remove it",
			}))
		}
		findings = append(findings, x.heldBack(e, held[i])...)
	}
	return free, findings
}

// heldBack says, for each backend, what an exemption holds back.
func (x *index) heldBack(e *sentei.Exemption, proposals []sentei.Proposal) []sentei.Finding {
	var out []sentei.Finding
	for i := range x.report.Backends {
		name := x.report.Backends[i].Name
		var titles []string
		var cost sentei.Cost
		for _, p := range resolve(proposals) {
			if p.Place.Backend == name {
				titles = append(titles, relabeling.Title(&p))
				cost = cost.Plus(p.Saving)
			}
		}
		if len(titles) == 0 {
			continue
		}
		slices.Sort(titles)
		out = append(out, finding(sentei.Finding{
			Backend: name, Rule: exemptions, Where: e.Where,
			Message: fmt.Sprintf("the exemption of %s holds back %s (%s): %s", e.Selector, count(len(titles), "proposal"), some(titles), why(e)),
			Cost:    cost, PerMonth: x.report.Settings.Prices.PerMonth(cost),
		}))
	}
	return out
}

// why says who wanted the exemption, and for how long.
func why(e *sentei.Exemption) string {
	s := e.Reason
	if e.Owner != "" {
		s += ", owner " + e.Owner
	}
	if !e.Expires.IsZero() {
		s += ", until " + e.Expires.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return s
}

// some lists the first texts.
func some(texts []string) string {
	const most = 3
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
}

// mayTouch reports whether the proposal may change or take away a series that
// the exemption covers, one that is stored now or one that comes later.
func (x *index) mayTouch(p *sentei.Proposal, e *sentei.Exemption) bool {
	if len(p.Action.Rules) > 0 {
		return slices.ContainsFunc(p.Action.Rules, func(id string) bool { return x.mayRecord(x.consumers[id], p.Place.Backend, e) })
	}
	if p.Action.Metric != "" {
		names := []string{p.Action.Metric}
		if p.Action.Kind == sentei.ConvertHistograms {
			names = append(names, siblings(p.Action.Metric)...)
		}
		return slices.ContainsFunc(names, func(name string) bool {
			m := x.metric(p.Place.Backend, name)
			if m == nil {
				unknown := sentei.JobMetric{Job: p.Place.Job}
				return unknown.MayMatch(name, e.Matchers, nil)
			}
			return x.mayTouchMetric(p, m, e)
		})
	}
	for i := range x.report.Metrics {
		if m := &x.report.Metrics[i]; m.Backend == p.Place.Backend && x.mayTouchMetric(p, m, e) {
			return true
		}
	}
	return false
}

func (x *index) mayTouchMetric(p *sentei.Proposal, m *sentei.MetricReport, e *sentei.Exemption) bool {
	a := &p.Action
	for k := range m.Jobs {
		job := &m.Jobs[k]
		switch {
		case !job.MayMatch(m.Name, e.Matchers, x.external[m.Backend]), // first, since it mostly says no, and fast
			a.Kind == sentei.StripLabel && job.Labels != nil && job.Label(a.Label) == nil,
			a.Kind == sentei.DropValues && refusesAll(e.Matchers, a, x.external[m.Backend]):
			continue
		}
		if x.passesPlace(p, m, k) {
			return true
		}
	}
	return false
}

// passesPlace reports whether series of the metric's k-th job may pass the
// place of the proposal, of whatever kind that is.
func (x *index) passesPlace(p *sentei.Proposal, m *sentei.MetricReport, k int) bool {
	scope, err := x.scope(p)
	switch {
	case err != nil:
		return true
	case p.Action.Kind == sentei.SetInterval: // the series of the scrape itself too
		return scope.All || scope.Others || slices.Contains(scope.Jobs, m.Jobs[k].Job)
	default:
		return scope.Has(nameAndJob(m, k)) || m.Jobs[k].Job == p.Place.Job && !writtenByPrometheus(m.Name)
	}
}

// refusesAll reports whether the matchers select no series with one of the
// values that the action drops.
func refusesAll(matchers []*labels.Matcher, a *sentei.Action, external []string) bool {
	return refusal(&sentei.Selector{Matchers: matchers}, a, external) != ""
}

// mayRecord reports whether a recording rule, nil when it is not known, may
// write series that the exemption covers.
func (x *index) mayRecord(rule *sentei.Consumer, backend string, e *sentei.Exemption) bool {
	if rule == nil {
		return true
	}
	covers := sentei.Selector{Matchers: e.Matchers}
	if !covers.MaySelectOutput(rule, x.external[backend]) {
		return false
	}
	m := x.metric(backend, rule.Records)
	return m == nil || x.mayRead(m, nil, e.Matchers)
}

// selectsStored reports whether some stored series may satisfy the matchers of
// the exemption, as far as the values of labels are known.
func (x *index) selectsStored(e *sentei.Exemption) bool {
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		for k := range m.Jobs {
			if job := &m.Jobs[k]; job.MayMatch(m.Name, e.Matchers, nil) && maySelectValues(job, e.Matchers, x.external[m.Backend]) {
				return true
			}
		}
	}
	return false
}

// maySelectValues reports whether each matcher accepts a stored value of its
// label.
func maySelectValues(job *sentei.JobMetric, matchers []*labels.Matcher, external []string) bool {
	if job.Labels == nil {
		return true
	}
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel || m.Name == model.JobLabel || slices.Contains(external, m.Name) {
			continue
		}
		l := job.Label(m.Name)
		if l == nil || l.Series < job.Cost.SeriesInSpan {
			if m.Matches("") {
				continue
			}
		}
		if l == nil || l.Complete && !slices.ContainsFunc(l.Values, func(v sentei.LabelValue) bool { return m.Matches(v.Value) }) {
			return false
		}
	}
	return true
}

// finding fills in the identifier.
func finding(f sentei.Finding) sentei.Finding {
	f.ID = sentei.HashID("finding", f.Backend, f.Rule, f.Where, f.Message)
	return f
}
