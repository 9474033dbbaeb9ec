package rehearsal

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// AddProposals adds what the proposals of the backend change to what is
// rehearsed, and those that cannot be rehearsed to the refused ones.
func (in *Input) AddProposals(b *sentei.Backend) {
	for i := range in.Report.Proposals {
		p := &in.Report.Proposals[i]
		if p.Place.Backend != b.Name {
			continue
		}
		var title string
		var err error
		if p.Action.Kind == sentei.Aggregate {
			var a Aggregation
			if a, err = aggregationOf(in.Report, b, p); err == nil {
				in.Aggregations = append(in.Aggregations, a)
			}
			title = a.Raw.Title
		} else {
			var c Change
			if c, err = FromProposal(in.Report, b, p); err == nil {
				in.Changes = append(in.Changes, c)
			}
			title = c.Title
		}
		if err != nil {
			in.Refused = append(in.Refused, ChangeResult{ID: p.ID, Title: title, Reason: err.Error()})
		}
	}
}

// FromConfig returns what is new in the metric relabel rules of each scrape
// job, compared with the current ones. New rules must stand after the current
// ones, since the stored data has passed these. notes say which differences
// are not rehearsed because nothing stored shows them.
func FromConfig(b *sentei.Backend, current, wanted map[string][]*relabel.Config) (changes []Change, notes []string, err error) {
	for _, job := range slices.Sorted(maps.Keys(current)) {
		if _, ok := wanted[job]; !ok {
			notes = append(notes, fmt.Sprintf("the scrape job %q is gone: that its series end is not rehearsed", job))
		}
	}
	for _, job := range slices.Sorted(maps.Keys(wanted)) {
		old, known := current[job]
		if !known {
			notes = append(notes, fmt.Sprintf("the scrape job %q is new: nothing is stored of it", job))
			continue
		}
		rules := wanted[job]
		for i := range old {
			if i >= len(rules) || !sameRule(old[i], rules[i]) {
				return nil, nil, fmt.Errorf("scrape job %q: its current rule %d (%s) is changed, moved or gone: what it did to the stored data cannot be undone, so put new rules after the current ones", job, i+1, describe(old[i]))
			}
		}
		added, note := Added(b, job, len(old), rules[len(old):])
		changes = append(changes, added...)
		if note != "" {
			notes = append(notes, note)
		}
	}
	return changes, notes, nil
}

// Added returns rules to append to those of a scrape job as changes; first is
// how many rules the job has now. note says why they are not rehearsed.
func Added(b *sentei.Backend, scrapeJob string, first int, rules []*relabel.Config) (changes []Change, note string) {
	if len(rules) == 0 {
		return nil, ""
	}
	scope, ok := relabeling.ScopeOf(b, scrapeJob)
	if !ok {
		return nil, fmt.Sprintf("the scrape job %q is not known in the backend %s: its %d new rules are not rehearsed", scrapeJob, b.Name, len(rules))
	}
	return Split(scrapeJob, scope, first, rules), ""
}

// sameRule reports whether two rules do the same, for all that is written in
// them.
func sameRule(a, b *relabel.Config) bool {
	return a.Action == b.Action && slices.Equal(a.SourceLabels, b.SourceLabels) && a.Separator == b.Separator &&
		a.Regex.String() == b.Regex.String() && a.Modulus == b.Modulus && a.TargetLabel == b.TargetLabel && a.Replacement == b.Replacement
}
