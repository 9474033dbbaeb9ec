package rules

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// candidate is a proposal whose relabel rules are executed.
type candidate struct {
	*sentei.Proposal
	rules []*relabel.Config
	scope relabeling.Scope
	done  sentei.Executed
	// dropped are the series that it drops and no candidate before it.
	dropped, droppedLive int64
	wrong                string // it does not do what it says
	left                 string // why it is not proposed after all
}

// execute runs the relabel rules of each proposal, by Prometheus's own code,
// over the series that pass its place: exactly those must change that the
// proposal says, and in the way that it says. Other metrics, of which only
// names and jobs are looked at, must not change at all. A proposal for which
// that does not hold is withdrawn. Where the inventory cannot list series,
// names and jobs are all that is looked at.
//
// It also counts what proposals save that drop a part of a metric: series that
// several of them drop count at the first.
func execute(ctx context.Context, in *Input, proposals []sentei.Proposal) ([]sentei.Proposal, []sentei.Problem, error) {
	x := in.index()
	out := slices.Clone(proposals)
	all := make([]*candidate, len(out)) // nil for what is no relabel rule
	var problems []sentei.Problem
	for i := range out {
		c, err := x.candidate(&out[i])
		if err != nil {
			all[i] = &candidate{Proposal: &out[i], wrong: err.Error()}
			continue
		}
		all[i] = c
	}
	for i := range x.report.Backends {
		name := x.report.Backends[i].Name
		var of []*candidate
		for _, c := range all {
			if c != nil && c.wrong == "" && c.Place.Backend == name {
				of = append(of, c)
			}
		}
		more, err := x.executeBackend(ctx, in.Series[name], name, of)
		if err != nil {
			return nil, nil, err
		}
		problems = append(problems, more...)
	}
	var kept []sentei.Proposal
	left := map[string][]*candidate{} // by backend
	for i := range out {
		switch c := all[i]; {
		case c != nil && c.wrong != "":
			problems = append(problems, withdrawn(&out[i], c.wrong))
		case c != nil && c.left != "":
			left[c.Place.Backend] = append(left[c.Place.Backend], c)
		default:
			kept = append(kept, out[i])
		}
	}
	for _, backend := range slices.Sorted(maps.Keys(left)) {
		first := left[backend][0]
		problems = append(problems, problem(sentei.Problem{
			Backend: backend, Source: first.Rule, Where: relabeling.Title(first.Proposal),
			Message: "not proposed: " + first.left + more(len(left[backend])-1),
		}))
	}
	return kept, problems, nil
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d other labels stay for such reasons", n)
}

// candidate returns nil for a proposal that no relabel rule carries out.
func (x *index) candidate(p *sentei.Proposal) (*candidate, error) {
	switch p.Action.Kind {
	case sentei.DropMetric, sentei.DropValues, sentei.StripLabel:
	default:
		return nil, nil
	}
	rules, err := relabeling.Configs(p)
	if err != nil {
		return nil, err
	}
	scope, err := x.scope(p)
	return &candidate{Proposal: p, rules: rules, scope: scope}, err
}

// scope returns which series pass the place of the proposal.
func (x *index) scope(p *sentei.Proposal) (relabeling.Scope, error) {
	i := slices.IndexFunc(x.report.Backends, func(b sentei.Backend) bool { return b.Name == p.Place.Backend })
	if i < 0 {
		return relabeling.Scope{}, fmt.Errorf("the backend %q is not known", p.Place.Backend)
	}
	return relabeling.ScopeOfProposal(&x.report.Backends[i], p)
}

// executeBackend executes the candidates of one backend. The problem is for
// series that cannot be listed, without which the candidates stay as they are.
func (x *index) executeBackend(ctx context.Context, reader sentei.SeriesReader, backend string, candidates []*candidate) ([]sentei.Problem, error) {
	byMetric := map[string][]*candidate{}
	builder := labels.NewBuilder(labels.EmptyLabels())
	var metrics []string
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != backend {
			continue
		}
		known := namesAndJobs(m)
		for _, c := range candidates {
			if c.Action.Metric == m.Name || c.Action.Metric == "" && slices.ContainsFunc(known, c.scope.Has) {
				byMetric[m.Name] = append(byMetric[m.Name], c)
			} else {
				c.spare(known, builder)
			}
		}
		if byMetric[m.Name] != nil {
			metrics = append(metrics, m.Name)
		}
	}
	unlisted := func() {
		for _, c := range candidates {
			if c.Action.Kind == sentei.StripLabel {
				c.left = "the series cannot be listed, so it is not known whether they stay distinct"
			}
		}
	}
	if reader == nil || len(metrics) == 0 {
		unlisted()
		return nil, ctx.Err()
	}
	var name string          // of the metric being read
	var held []labels.Labels // its series, if labels are to be taken off it
	end := func() {
		if len(held) > 0 {
			x.keepDistinct(x.metric(backend, name), held, byMetric[name])
		}
		held = held[:0]
	}
	listed := map[[2]string]bool{} // metrics and jobs
	err := reader.ReadSeries(ctx, metrics, func(s sentei.Series) error {
		if n := s.Labels.Get(model.MetricNameLabel); n != name {
			end()
			name = n
		}
		listed[[2]string{name, s.Labels.Get(model.JobLabel)}] = true
		taken, strips := false, false
		for _, c := range byMetric[name] {
			taken = c.run(&s, taken) || taken
			strips = strips || c.Action.Kind == sentei.StripLabel
		}
		if strips {
			held = append(held, s.Labels)
		}
		return nil
	})
	end()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var problems []sentei.Problem
	missing := map[*candidate]bool{} // not executed over all their series
	if err != nil {
		problems = []sentei.Problem{problem(sentei.Problem{
			Backend: backend, Source: "rules",
			Message: fmt.Sprintf("the rules could not be executed over the stored series: %v", err),
			Hint:    "proposals that need that are missing until the next scan",
		})}
		some, ok := errors.AsType[*sentei.UnlistedError](err)
		if !ok {
			unlisted()
			return problems, nil
		}
		for _, name := range some.Metrics {
			for _, c := range byMetric[name] {
				missing[c] = true
			}
		}
	}
	for _, name := range metrics {
		x.unlisted(x.metric(backend, name), byMetric[name], listed)
	}
	for _, c := range candidates {
		if !missing[c] {
			x.counted(c)
		}
	}
	return problems, nil
}

// unlisted leaves out candidates that take labels off series of the metric of
// which the inventory knows and the reader does not: another source told of
// them, so nothing shows that they stay distinct. listed are metrics and jobs.
func (x *index) unlisted(m *sentei.MetricReport, candidates []*candidate, listed map[[2]string]bool) {
	for i := range m.Jobs {
		if listed[[2]string{m.Name, m.Jobs[i].Job}] {
			continue
		}
		for _, c := range candidates {
			if c.Action.Kind == sentei.StripLabel && c.left == "" && c.scope.Has(nameAndJob(m, i)) {
				c.left = fmt.Sprintf("no series of %s of job %q can be listed, so it is not known whether they stay distinct", m.Name, m.Jobs[i].Job)
			}
		}
	}
}

// namesAndJobs returns what is known of the series of a metric without listing
// them: the name and each job.
func namesAndJobs(m *sentei.MetricReport) []labels.Labels {
	out := make([]labels.Labels, len(m.Jobs))
	for i := range m.Jobs {
		out[i] = nameAndJob(m, i)
	}
	return out
}

func nameAndJob(m *sentei.MetricReport, i int) labels.Labels {
	return labels.NewBuilder(labels.EmptyLabels()).Set(model.MetricNameLabel, m.Name).Set(model.JobLabel, m.Jobs[i].Job).Labels()
}

// spare checks that the rules leave series alone that they are not about.
func (c *candidate) spare(known []labels.Labels, b *labels.Builder) {
	for _, l := range known {
		b.Reset(l)
		if kept := relabel.ProcessBuilder(b, c.rules...); c.wrong == "" && (!kept || !labels.Equal(b.Labels(), l)) {
			c.wrong = fmt.Sprintf("its rule changes %s too", l)
		}
	}
}

// run executes the rules over one series, and reports whether they drop it.
// taken says that a candidate before this one drops it.
func (c *candidate) run(s *sentei.Series, taken bool) bool {
	if c.wrong != "" || !c.scope.Has(s.Labels) {
		return false
	}
	c.done.Series++
	want, keep := relabeling.Planned(c.Proposal, s.Labels)
	b := labels.NewBuilder(s.Labels)
	kept := relabel.ProcessBuilder(b, c.rules...)
	if kept != keep || kept && !labels.Equal(b.Labels(), want) {
		c.wrong = fmt.Sprintf("its rule does not do to %s what was planned", s.Labels)
		return false
	}
	if kept {
		if !labels.Equal(want, s.Labels) {
			c.done.Changed++
		}
		return false
	}
	c.done.Changed++
	if !taken {
		c.dropped++
		if s.Live {
			c.droppedLive++
		}
	}
	return true
}

// counted writes down what was executed, and the saving of what drops a part of
// a metric.
func (x *index) counted(c *candidate) {
	if c.wrong != "" {
		return
	}
	done := c.done
	done.Distinct = !c.Action.Merges // dropping series makes none equal; for strips see keepDistinct
	c.Proof.Executed = &done
	if c.Action.Kind != sentei.DropValues {
		return
	}
	m := x.metric(c.Place.Backend, c.Action.Metric)
	for i := range m.Jobs {
		if m.Jobs[i].Job == c.Place.Job {
			cost := m.Jobs[i].Cost
			inSpan := c.dropped
			if cost.Series-c.droppedLive > cost.SeriesInSpan-inSpan { // listed over more time than was counted
				inSpan = c.droppedLive
			}
			c.Saving = cost.Part(c.droppedLive, inSpan)
			c.SavingPerMonth = x.report.Settings.Prices.PerMonth(c.Saving)
		}
	}
}
