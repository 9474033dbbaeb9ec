package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/store"
)

func newDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Say what changed between two reports",
		Long: `Say what changed from report A to report B: which metrics grew, by which label and
which of its values, what is new and gone of metrics, proposals and consumers. A
report is a file of sentei report -o json, or one that the store keeps: its ID
as sentei diff --list shows it, latest, or previous (the one before the latest).`,
		Example: "  sentei diff previous latest\n  sentei diff monday.json latest -o markdown",
		Args: func(cmd *cobra.Command, args []string) error {
			if list, _ := cmd.Flags().GetBool("list"); list {
				return exactly(0)(cmd, args)
			}
			return exactly(2)(cmd, args)
		},
		RunE: runDiff,
	}
	cmd.Flags().StringP("output", "o", "table", "format: "+strings.Join(report.ChangeFormats(), ", "))
	cmd.Flags().Int("top", 20, "number of rows of each list; 0 lists all")
	cmd.Flags().Bool("list", false, "list the reports that the store keeps")
	addOutputFile(cmd)
	addColor(cmd)
	return cmd
}

func runDiff(cmd *cobra.Command, args []string) error {
	format, _ := cmd.Flags().GetString("output")
	if !slices.Contains(report.ChangeFormats(), format) {
		return usageError{fmt.Errorf("unknown format %q: use one of %s", format, strings.Join(report.ChangeFormats(), ", "))}
	}
	color, err := useColor(cmd)
	if err != nil {
		return err
	}
	if list, _ := cmd.Flags().GetBool("list"); list {
		return listReports(cmd)
	}
	var reports [2]*sentei.Report
	for i, name := range args {
		if reports[i], err = readReport(cmd, name); err != nil {
			return err
		}
	}
	o := report.Options{Color: color, Width: width(cmd)}
	o.Top, _ = cmd.Flags().GetInt("top")
	c := changes.Between(reports[0], reports[1])
	return toOutput(cmd, func(w io.Writer) error { return report.WriteChanges(w, format, c, o) })
}

// readReport reads a file, or a report of the store when there is no file of
// the name.
func readReport(cmd *cobra.Command, name string) (*sentei.Report, error) {
	text, err := os.ReadFile(name)
	if err == nil {
		r, err := sentei.DecodeReport(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("read report %s: %w", name, err)}
		}
		return r, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, usageError{fmt.Errorf("read report: %w", err)}
	}
	if _, stored := store.ParseReportID(name); !stored && name != "latest" && name != "previous" {
		return nil, usageError{fmt.Errorf("there is no file %s, and the store knows latest, previous and the IDs of sentei diff --list", name)}
	}
	st, err := openStore(cmd, true)
	if err != nil {
		return nil, err
	}
	defer st.Close() //nolint:errcheck // nothing was written
	r, err := storedReport(cmd, st, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, usageError{fmt.Errorf("%w: see sentei diff --list", err)}
	}
	return r, err
}

func storedReport(cmd *cobra.Command, st *store.Store, name string) (*sentei.Report, error) {
	if name != "latest" && name != "previous" {
		return st.Report(cmd.Context(), name)
	}
	all, err := st.Reports(cmd.Context())
	if err != nil {
		return nil, err
	}
	i := 0
	if name == "previous" {
		i = 1
	}
	if i >= len(all) {
		return nil, fmt.Errorf("read the %s report: %w", name, store.ErrNotFound)
	}
	return st.Report(cmd.Context(), all[i].ID)
}

// listReports lists what the store keeps, the newest first.
func listReports(cmd *cobra.Command) error {
	st, err := openStore(cmd, true)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // nothing was written
	all, err := st.Reports(cmd.Context())
	if err != nil {
		return err
	}
	return toOutput(cmd, func(w io.Writer) error {
		for _, r := range all {
			var series int64
			for _, s := range r.Verdicts {
				series += s.Series
			}
			if _, err := fmt.Fprintf(w, "%s  %s series, %s\n", r.ID, number.Count(series), number.Plural(r.Proposals.Count, "proposal")); err != nil {
				return err
			}
		}
		return nil
	})
}
