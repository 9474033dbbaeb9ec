package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei/internal/daemon"
)

func newCheck() *cobra.Command {
	check := &cobra.Command{
		Use:   "check",
		Short: "Check files without using them",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	check.AddCommand(&cobra.Command{
		Use:   "config",
		Short: "Check the configuration strictly, with line numbers",
		Args:  noArgs,
		RunE:  checkConfig,
	})
	return check
}

func checkConfig(cmd *cobra.Command, _ []string) error {
	c, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	logger, err := newLogger(cmd, c.Log)
	if err != nil {
		return err
	}
	_, scans := daemon.NewScanner(c, logger, time.Now)
	reports, mistakes := daemon.NewReports(c, logger, time.Now)
	if err := errors.Join(scans, daemon.CheckOutputs(c), mistakes, daemon.CheckChannels(cmd.Context(), reports)); err != nil {
		return usageError{fmt.Errorf("check configuration %s: %w", cmd.Flag("config.file").Value, err)}
	}
	if c.Web.ConfigFile != "" {
		if err := web.Validate(c.Path(c.Web.ConfigFile)); err != nil {
			return usageError{fmt.Errorf("web.config_file: %w", err)}
		}
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is valid\n", cmd.Flag("config.file").Value)
	return err
}
