package digest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// Edits returns the user's files with the proposals of a part that are in one
// of the states, and says in Markdown what that does, proposal by proposal.
// Rules are made from the whole report, so that they are checked against all
// series. Proposals that stand and fall together with one that is not of the
// part, or in no such state, are left out.
func Edits(whole, part *sentei.Report, o relabel.Options, states ...sentei.State) ([]notify.Edit, string, error) {
	mine := map[string]bool{}
	for i := range part.Proposals {
		mine[part.Proposals[i].ID] = true
	}
	r := whole.Only(func(p *sentei.Proposal) bool { return mine[p.ID] && slices.Contains(states, p.State) })
	if len(r.Proposals) == 0 {
		return nil, "", nil
	}
	made, left, err := relabel.Edits(r, o)
	if err != nil {
		return nil, "", fmt.Errorf("make the changes for review: %w", err)
	}
	var edits []notify.Edit
	for _, e := range made {
		edits = append(edits, notify.Edit{Path: e.Path, Backend: e.Backend, Old: e.Old, New: e.New})
	}
	return edits, describe(r, left), nil
}

// describe lists the proposals that the edits carry out.
func describe(r *sentei.Report, left []string) string {
	const most = 200
	var b strings.Builder
	saving, perMonth := sentei.SumSavings(r.Proposals)
	fmt.Fprintf(&b, "%s: %s series", number.Plural(len(r.Proposals), "proposal"), number.Count(saving.Series))
	if perMonth != 0 {
		fmt.Fprintf(&b, ", %s %s/month", number.Money(perMonth), md(r.Settings.Prices.Currency))
	}
	b.WriteString(".\n\n")
	for i := range r.Proposals {
		if i == most {
			fmt.Fprintf(&b, "- and %s\n", number.Plural(len(r.Proposals)-most, "more proposal"))
			break
		}
		p := &r.Proposals[i]
		fmt.Fprintf(&b, "- %s %s: %s series, grade %s. %s\n", code(p.ID), md(relabeling.Title(p)), number.Count(p.Saving.Series), md(string(p.Grade)), md(p.Risk))
	}
	if len(left) > 0 {
		b.WriteString("\nNot in these files:\n\n")
		for _, l := range left {
			fmt.Fprintf(&b, "- %s\n", md(l))
		}
	}
	return b.String()
}
