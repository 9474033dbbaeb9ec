package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
)

// checkKeep fails before the scan when its report cannot be kept.
func checkKeep(cmd *cobra.Command, keep bool) error {
	if !keep {
		return nil
	}
	c, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	if c.Store.Path == "" {
		return usageError{errors.New("--keep needs a store: name a file with store.path")}
	}
	return nil
}

// keepReport puts the report into the store.
func keepReport(cmd *cobra.Command, c *config.Config, r *sentei.Report) error {
	st, err := daemon.OpenStore(cmd.Context(), c, false)
	if err != nil {
		return err
	}
	return errors.Join(daemon.Keep(cmd.Context(), st, c, r), st.Close())
}
