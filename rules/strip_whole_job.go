package rules

import (
	"fmt"
	"slices"

	"github.com/sentei/sentei"
)

// joined puts one proposal for a whole scrape job in the place of those that
// take a label off all metrics of the job that have it.
func (o stripUnusedLabelOptions) joined(x *index, b *sentei.Backend, proposals []sentei.Proposal) []sentei.Proposal {
	type place struct{ scrapeJob, label string }
	at := map[place][]int{}
	var places []place
	for i := range proposals {
		k := place{proposals[i].Place.ScrapeJob, proposals[i].Action.Label}
		if at[k] == nil {
			places = append(places, k)
		}
		at[k] = append(at[k], i)
	}
	taken := map[int]bool{}
	var out []sentei.Proposal
	for _, k := range places {
		whole := proposals[at[k][0]]
		whole.Action.Metric, whole.Place.Shared = "", false
		covered := map[[2]string]bool{}
		whole.Saving, whole.Transient = sentei.Cost{}, 0
		for _, i := range at[k] {
			p := &proposals[i]
			covered[[2]string{p.Action.Metric, p.Place.Job}] = true
			whole.Saving = whole.Saving.Plus(p.Saving)
			whole.Transient = max(whole.Transient, p.Transient)
		}
		if len(at[k]) < 2 || bringsOthers(b, k.scrapeJob) || !x.onlyOn(b, &whole, covered) {
			continue
		}
		for _, i := range at[k] {
			taken[i] = true
		}
		whole.ID = sentei.HashID(stripUnusedLabelKind, b.Name, k.scrapeJob, string(sentei.StripLabel), "", k.label)
		whole.SavingPerMonth = x.report.Settings.Prices.PerMonth(whole.Saving)
		whole.Evidence = slices.Concat([]sentei.Evidence{{Claim: fmt.Sprintf("%s of the scrape job have the label, and nobody reads it on any of them.", count(len(covered), "metric"))}}, whole.Evidence)
		whole.Risk += " Metrics that the scrape job brings later lose the label, too."
		out = append(out, whole)
	}
	for i := range proposals {
		if !taken[i] {
			out = append(out, proposals[i])
		}
	}
	return out
}

// bringsOthers reports whether the scrape job may bring series with other job
// labels than are known, among them those of other scrape jobs. A rule that
// does not ask for the job would reach them, too.
func bringsOthers(b *sentei.Backend, scrapeJob string) bool {
	return slices.ContainsFunc(b.ScrapeJobs, func(s sentei.ScrapeJob) bool {
		return s.Name == scrapeJob && (s.HonorLabels || s.OpenJobs)
	})
}

// onlyOn reports whether no metric has the label that passes the place of the
// proposal, but those covered (by name and job) and those that nobody reads.
func (x *index) onlyOn(b *sentei.Backend, p *sentei.Proposal, covered map[[2]string]bool) bool {
	scope, err := x.scope(p)
	if err != nil {
		return false
	}
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != b.Name {
			continue
		}
		for k := range m.Jobs {
			job := &m.Jobs[k]
			unread := k < len(m.JobUsage) && m.JobUsage[k].Verdict == sentei.Unused
			if !covered[[2]string{m.Name, job.Job}] && !unread && (job.Labels == nil || job.Label(p.Action.Label) != nil) && scope.Has(nameAndJob(m, k)) {
				return false
			}
		}
	}
	return true
}
