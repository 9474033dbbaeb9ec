package rules

import (
	"slices"

	"github.com/sentei/sentei"
)

// group gives one Group to proposals that stand and fall together: the
// deletion of recording rules that read each other's output, and the drops of
// metrics that only these rules read; and what makes series of a metric one. The proposals are changed in place.
func (x *index) group(proposals []sentei.Proposal) {
	parent := make([]int, len(proposals)) // of a forest; a root is its own
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	join := func(a, b int) { a, b = root(a), root(b); parent[max(a, b)] = min(a, b) }
	deletions := map[string]int{} // the proposal that deletes a rule, by the rule's identifier
	merges := map[[3]string]int{} // the first proposal that merges series, by backend, stored job and metric
	for i := range proposals {
		if p := &proposals[i]; p.Action.Merges {
			k := [3]string{p.Place.Backend, p.Place.Job, p.Action.Metric}
			if first, ok := merges[k]; ok {
				join(i, first)
			} else {
				merges[k] = i
			}
		}
		for _, id := range proposals[i].Action.Rules {
			deletions[id] = i
		}
	}
	for i := range proposals {
		for _, id := range x.readersThatGo(&proposals[i]) {
			if k, ok := deletions[id]; ok {
				join(i, k)
			}
		}
	}
	members := map[int]int{}
	for i := range proposals {
		members[root(i)]++
	}
	names := map[int]string{}
	for i := range proposals {
		r := root(i)
		if members[r] < 2 {
			continue
		}
		if names[r] == "" || proposals[i].ID < names[r] {
			names[r] = proposals[i].ID
		}
	}
	for i := range proposals {
		proposals[i].Group = names[root(i)]
	}
}

// readersThatGo returns the identifiers of the dead recording rules that read
// what the proposal takes away.
func (x *index) readersThatGo(p *sentei.Proposal) []string {
	var out []string
	switch p.Action.Kind {
	case sentei.DeleteRules:
		for _, id := range p.Action.Rules {
			rule := x.consumers[id]
			if rule == nil {
				continue
			}
			for _, r := range x.readings(rule.Records) {
				if r.consumer.Dead && sameBackend(r.consumer, rule.Backend) && r.selector.MaySelectOutput(rule, x.external[rule.Backend]) {
					out = append(out, r.consumer.ID)
				}
			}
		}
	case sentei.DropMetric:
		m := x.metric(p.Place.Backend, p.Action.Metric)
		if m == nil || p.Place.ScrapeJob == "" {
			return nil
		}
		for k := range m.Jobs {
			if m.Jobs[k].Job == p.Place.Job && k < len(m.JobUsage) {
				out = append(out, m.JobUsage[k].DeadReaders...)
			}
		}
	}
	return out
}

// together leaves out proposals of a group of which some proposal has been
// withdrawn. before holds all that were proposed, after those that stand.
func together(before, after []sentei.Proposal) []sentei.Proposal {
	size := map[string]int{}
	for i := range before {
		size[before[i].Group]++
	}
	for i := range after {
		size[after[i].Group]--
	}
	return slices.DeleteFunc(after, func(p sentei.Proposal) bool { return p.Group != "" && size[p.Group] > 0 })
}
