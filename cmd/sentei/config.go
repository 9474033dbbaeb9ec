package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
)

func newConfig() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the commented default configuration",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), sentei.DefaultConfig())
			return err
		},
	}
}
