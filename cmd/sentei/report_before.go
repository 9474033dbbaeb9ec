package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
	"github.com/sentei/sentei/internal/store"
)

// noPrevious is what --previous says to compare with nothing.
const noPrevious = "none"

// readPrevious reads the report of --previous; nil when it names none.
func readPrevious(cmd *cobra.Command) (*sentei.Report, error) {
	name, _ := cmd.Flags().GetString("previous")
	if name == "" || name == noPrevious {
		return nil, nil
	}
	return readReport(cmd, name)
}

// keptBefore returns the newest report of the store that is earlier than r, as
// sentei serve compares; nil when there is none, or with --previous=none.
func keptBefore(cmd *cobra.Command, c *config.Config, r *sentei.Report) (*sentei.Report, error) {
	if name, _ := cmd.Flags().GetString("previous"); name == noPrevious {
		return nil, nil
	}
	st, err := daemon.OpenStore(cmd.Context(), c, true)
	if st == nil {
		return nil, err
	}
	defer st.Close() //nolint:errcheck // nothing was written
	before, err := st.Before(cmd.Context(), r.At)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("compare with the report before (--previous=none goes without): %w", err)
	}
	return before, nil
}

// readTrend lists the kept reports, of the backends alone when there are any.
func readTrend(cmd *cobra.Command, c *config.Config, backends []string) ([]store.ReportInfo, error) {
	st, err := daemon.OpenStore(cmd.Context(), c, true)
	if st == nil {
		return nil, err
	}
	kept, err := st.Reports(cmd.Context())
	if len(backends) > 0 {
		kept = store.OfBackends(kept, backends...)
	}
	return kept, errors.Join(err, st.Close())
}
