package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
)

func addState(cmd *cobra.Command) {
	cmd.Flags().StringSlice("state", nil, "only proposals in this state: pending, accepted, rejected or snoozed; may be given several times (default: with a store, those that are neither rejected nor snoozed)")
}

// stateFlag returns the states that --state names.
func stateFlag(cmd *cobra.Command) ([]sentei.State, error) {
	names, _ := cmd.Flags().GetStringSlice("state")
	var out []sentei.State
	for _, name := range names {
		s := sentei.State(name)
		if !slices.Contains([]sentei.State{sentei.Pending, sentei.Accepted, sentei.Rejected, sentei.Snoozed}, s) {
			return nil, usageError{fmt.Errorf("--state is %q: want pending, accepted, rejected or snoozed", name)}
		}
		out = append(out, s)
	}
	return out, nil
}

// chosen returns the report with the proposals in the states, and what to say
// about it above them. Without states it is as the daemon writes it.
func chosen(r *sentei.Report, c *config.Config, states []sentei.State) (*sentei.Report, string) {
	if len(states) == 0 {
		return daemon.OpenProposals(r, c)
	}
	r, left := r.InStates(states...)
	return r, relabel.Remark(states, left)
}
