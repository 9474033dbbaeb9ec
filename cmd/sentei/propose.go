package main

import (
	"cmp"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
)

func newPropose() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "propose",
		Short: "Scan once and print the proposals as relabel configuration",
		Args:  noArgs,
		RunE:  runPropose,
	}
	var names []string
	for _, d := range relabel.Dialects() {
		names = append(names, d.Name)
	}
	cmd.Flags().StringP("output", "o", names[0], "dialect: "+strings.Join(names, ", "))
	addOutputFile(cmd)
	addFailOn(cmd)
	addBackend(cmd)
	addBudget(cmd)
	addState(cmd)
	cmd.Flags().Bool("rehearse", false, "rehearse the proposals first, and withdraw those that make a difference")
	return cmd
}

func runPropose(cmd *cobra.Command, _ []string) error {
	name, _ := cmd.Flags().GetString("output")
	dialect, err := relabel.ByName(name)
	if err != nil {
		return usageError{err}
	}
	fail, err := failOn(cmd)
	if err != nil {
		return err
	}
	budget, err := budgetFlag(cmd)
	if err != nil {
		return err
	}
	backends, err := backendFlag(cmd)
	if err != nil {
		return err
	}
	states, err := stateFlag(cmd)
	if err != nil {
		return err
	}
	r, c, err := scan(cmd, nil, func(c *config.Config) {
		if cmd.Flags().Changed("rehearse") {
			c.Rehearsal.Enabled, _ = cmd.Flags().GetBool("rehearse")
		}
	})
	if err != nil {
		return err
	}
	if len(backends) > 0 {
		r = r.OfBackends(backends...)
	}
	r, remark := chosen(r, c, states)
	r, missed := budget(cmd.ErrOrStderr(), r)
	options, err := daemon.RelabelOptions(c, r)
	if err != nil {
		return err
	}
	options.Notes = cmd.ErrOrStderr()
	options.Remark = remark
	if err := toOutput(cmd, func(w io.Writer) error { return dialect.Write(w, r, options) }); err != nil {
		return err
	}
	return cmp.Or(missed, fail(r))
}
