// Package rules makes proposals, one file a kind of proposal. In goes a
// sentei.Report with its verdicts; out come sentei.Proposals that do not
// overlap and that have been proven safe once more, with the reasons for what
// is not proposed as Problems.
package rules

import (
	"cmp"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// Rule makes proposals of one kind.
type Rule interface {
	// Propose returns the proposals in a definite order, and as problems what
	// it would propose if it knew more. It does not change the report.
	Propose(r *sentei.Report) ([]sentei.Proposal, []sentei.Problem)
}

// Info describes a rule.
type Info = source.Info[Rule]

// All lists every rule. Where proposals overlap, the rule that comes first
// wins.
func All() []Info { return []Info{dropUnusedMetric()} }

// Propose runs the rules over the report and returns their proposals, the
// biggest saving first. Overlaps are resolved, so savings may be added up. A
// proposal whose proof does not hold is withdrawn and becomes a problem.
func Propose(r *sentei.Report, rules []Rule) ([]sentei.Proposal, []sentei.Problem) {
	var proposals []sentei.Proposal
	var problems []sentei.Problem
	for _, rule := range rules {
		made, missing := rule.Propose(r)
		proposals = append(proposals, made...)
		problems = append(problems, missing...)
	}
	proposals, refuted := prove(r, resolve(proposals))
	slices.SortFunc(proposals, compare)
	return proposals, append(problems, refuted...)
}

func compare(a, b sentei.Proposal) int {
	return cmp.Or(
		cmp.Compare(b.SavingPerMonth, a.SavingPerMonth),
		cmp.Compare(b.Saving.Series, a.Saving.Series),
		cmp.Compare(b.Saving.SamplesPerSecond, a.Saving.SamplesPerSecond),
		cmp.Compare(a.Place.Backend, b.Place.Backend),
		cmp.Compare(a.Place.ScrapeJob, b.Place.ScrapeJob),
		cmp.Compare(a.Place.Job, b.Place.Job),
		cmp.Compare(a.Action.Metric, b.Action.Metric),
		cmp.Compare(a.ID, b.ID),
	)
}

// problem fills in the identifier, in the way of source.Env.Problem.
func problem(p sentei.Problem) sentei.Problem {
	p.ID = sentei.HashID("problem", p.Backend, p.Source, p.Where, p.Message)
	return p
}
