package relabel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// deletions returns comments that say which recording rules of the backend are
// to be deleted, where, and what goes with them; "" when there are none. Those
// in done are left out: a diff deletes them.
func deletions(r *sentei.Report, b *sentei.Backend, done map[string]bool) string {
	var proposals []*sentei.Proposal
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if p.Place.Backend == b.Name && p.Action.Kind == sentei.DeleteRules && !done[p.ID] {
			proposals = append(proposals, p)
		}
	}
	if len(proposals) == 0 {
		return ""
	}
	slices.SortFunc(proposals, func(x, y *sentei.Proposal) int {
		return cmp.Or(cmp.Compare(group(x), group(y)), cmp.Compare(x.Action.Metric, y.Action.Metric), cmp.Compare(x.ID, y.ID))
	})
	var out strings.Builder
	fmt.Fprintf(&out, "# Recording rules that nobody reads, to delete from the rule files of backend %s. Rules with one group\n"+
		"# and the relabel rules for the proposals named there belong together.\n", printable(b.Name))
	for _, p := range proposals {
		for _, id := range p.Action.Rules {
			where := "a rule that the report does not hold"
			if c := r.Consumer(id); c != nil {
				where = c.Location.String()
			}
			fmt.Fprintf(&out, "#   %s: %s\n", printable(where), printable(p.Action.Metric))
		}
		text := "proposal " + p.ID
		if p.Saving != (sentei.Cost{}) {
			text += ", " + saving(r, []sentei.Proposal{*p})
		}
		if p.Group != "" {
			text += ", group " + p.Group
			if drops := dropsOf(r, p.Group); len(drops) > 0 {
				text += " with " + strings.Join(drops, " ")
			}
		}
		fmt.Fprintf(&out, "#     %s\n", text)
	}
	return out.String()
}

func group(p *sentei.Proposal) string { return cmp.Or(p.Group, p.ID) }

// dropsOf returns the identifiers of the relabel proposals of a group, sorted.
func dropsOf(r *sentei.Report, group string) []string {
	var ids []string
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Group == group && p.Action.Kind != sentei.DeleteRules {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
