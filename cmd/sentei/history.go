package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
	"github.com/sentei/sentei/internal/store"
)

// writeHistory tells all that is known of a proposal.
func writeHistory(cmd *cobra.Command, b *strings.Builder, st *store.Store, id string) error {
	p, err := st.Proposal(cmd.Context(), id)
	if err != nil {
		return err
	}
	history, err := st.History(cmd.Context(), id)
	if err != nil {
		return err
	}
	tracked, err := st.Tracked(cmd.Context())
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%s  %s\n", id, relabeling.Title(&p.Proposal))
	if p.Replaces != "" {
		fmt.Fprintf(b, "replaces %s\n", p.Replaces)
	}
	fmt.Fprintf(b, "%s  first proposed\n", minute(p.FirstSeen))
	for i := range history {
		fmt.Fprintf(b, "%s\n", decisionLine(&history[i]))
	}
	if i := slices.IndexFunc(tracked, func(t sentei.Tracked) bool { return t.ID == id }); i >= 0 {
		t := &tracked[i]
		fmt.Fprintf(b, "%s  carried out; %s: of %s, realised is %s\n", minute(t.AppliedAt), t.State,
			relabeling.Saving(t.Saving, 0, ""), relabeling.Saving(t.Realised, 0, ""))
		if t.Note != "" {
			fmt.Fprintf(b, "%s  %s\n", strings.Repeat(" ", len(minute(t.AppliedAt))), t.Note)
		}
		for _, g := range t.Regrets {
			fmt.Fprintf(b, "%s  consumer %s asks for %s\n", minute(g.Since), g.Consumer, g.Selector)
		}
	}
	fmt.Fprintf(b, "%s  last proposed\n", minute(p.LastSeen))
	return nil
}

// writeDecisions lists the latest decision about every proposal, the newest
// first.
func writeDecisions(cmd *cobra.Command, b *strings.Builder, st *store.Store) error {
	decisions, err := st.Decisions(cmd.Context())
	if err != nil {
		return err
	}
	all := slices.SortedFunc(maps.Values(decisions), func(a, b sentei.Decision) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(a.Proposal, b.Proposal)
	})
	for i := range all {
		p, err := st.Proposal(cmd.Context(), all[i].Proposal)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%s  %s: %s\n", p.ID, relabeling.Title(&p.Proposal), strings.Join(strings.Fields(decisionLine(&all[i])), " "))
	}
	if len(all) == 0 {
		b.WriteString("Nothing has been decided.\n")
	}
	return nil
}

func decisionLine(d *sentei.Decision) string {
	s := fmt.Sprintf("%s  %s by %s", minute(d.At), decided(d), d.By)
	if d.Reason != "" {
		s += ": " + strings.Join(strings.Fields(d.Reason), " ")
	}
	return s
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
