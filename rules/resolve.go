package rules

import "github.com/sentei/sentei"

// resolve leaves out proposals that take away what an earlier one takes away
// already: of a metric that is dropped, nothing more can be dropped at the same
// place for the same stored job. Where series of a metric become one by taking
// labels off, the other labels stay: their text goes with the series. Proposals
// that overlap in part are both kept; execute counts what they save together
// once.
func resolve(proposals []sentei.Proposal) []sentei.Proposal {
	dropped := map[[4]string]bool{}
	merging := map[[3]string]bool{} // by backend, stored job and metric
	seen := map[string]bool{}
	var out []sentei.Proposal
	for _, p := range proposals {
		t := [4]string{p.Place.Backend, p.Place.ScrapeJob + "\x00" + p.Place.RemoteWrite, p.Place.Job, p.Action.Metric}
		merged := [3]string{p.Place.Backend, p.Place.Job, p.Action.Metric}
		if p.Action.Merges {
			merging[merged] = true
		} else if (p.Action.Kind == sentei.StripLabel || p.Action.Kind == sentei.Aggregate) && merging[merged] {
			continue
		}
		if seen[p.ID] || p.Action.Metric != "" && dropped[t] {
			continue
		}
		seen[p.ID] = true
		dropped[t] = p.Action.Kind == sentei.DropMetric
		out = append(out, p)
	}
	return out
}
