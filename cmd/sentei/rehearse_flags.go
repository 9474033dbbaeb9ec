package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei/internal/config"
)

// overlayRehearsal lays the flags that are given over the configuration.
func overlayRehearsal(cmd *cobra.Command, c *config.Config) error {
	flags, r := cmd.Flags(), &c.Rehearsal
	if flags.Changed("data") {
		r.Data, _ = flags.GetString("data")
		if !strings.Contains(r.Data, "://") { // relative to where the command runs
			path, err := filepath.Abs(r.Data)
			if err != nil {
				return fmt.Errorf("--data: %w", err)
			}
			r.Data = path
		}
	}
	if flags.Changed("instants") {
		r.Instants, _ = flags.GetInt("instants")
	}
	if flags.Changed("max-samples") {
		r.MaxSamples, _ = flags.GetInt("max-samples")
	}
	if flags.Changed("cutover") {
		r.Cutover, _ = flags.GetBool("cutover")
	}
	for name, field := range map[string]*model.Duration{"window": &r.Window, "query-timeout": &r.QueryTimeout, "lookback-delta": &r.LookbackDelta} {
		if flags.Changed(name) {
			d, _ := flags.GetDuration(name)
			*field = model.Duration(d)
		}
	}
	if r.Instants < 1 || r.MaxSamples < 1 || r.QueryTimeout <= 0 || r.LookbackDelta <= 0 || r.Window < 0 {
		return usageError{errors.New("--instants, --max-samples, --query-timeout and --lookback-delta must be positive")}
	}
	return nil
}
