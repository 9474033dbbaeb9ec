package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
)

// scan runs one scan with the configuration that the flags name. previous is
// the report that growth is counted from, or nil. adjust changes the
// configuration before.
func scan(cmd *cobra.Command, previous *sentei.Report, adjust ...func(*config.Config)) (*sentei.Report, *config.Config, error) {
	c, err := loadConfig(cmd)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range adjust {
		a(c)
	}
	logger, line, err := newProgressLogger(cmd, c.Log)
	if err != nil {
		return nil, nil, err
	}
	scanner, err := daemon.NewScanner(c, logger, time.Now)
	if err != nil {
		return nil, nil, usageError{err}
	}
	kept, err := daemon.OpenStore(cmd.Context(), c, true)
	if err != nil {
		return nil, nil, err
	}
	if kept != nil {
		defer kept.Close() //nolint:errcheck // nothing was written
		scanner.UseStore(kept)
	}
	stop := line.watch(scanner.Progress)
	r, err := scanner.Scan(cmd.Context(), previous)
	stop()
	return r, c, err
}
