package rules

import "github.com/sentei/sentei"

// resolve leaves out proposals that take away what an earlier one takes away
// already: the same metric with the same stored job at the same scrape job.
// What remains saves the sum of its savings.
func resolve(proposals []sentei.Proposal) []sentei.Proposal {
	type target struct{ backend, scrapeJob, job, metric string }
	taken := map[target]bool{}
	var out []sentei.Proposal
	for _, p := range proposals {
		t := target{p.Place.Backend, p.Place.ScrapeJob, p.Place.Job, p.Action.Metric}
		if taken[t] {
			continue
		}
		taken[t] = true
		out = append(out, p)
	}
	return out
}
