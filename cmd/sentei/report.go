package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/changes"
)

func newReport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Scan once and print the report",
		Args:  noArgs,
		RunE:  runReport,
	}
	var formats []string
	for _, f := range report.Formats() {
		formats = append(formats, f.Name)
	}
	cmd.Flags().StringP("output", "o", "table", "format: "+strings.Join(formats, ", "))
	addOutputFile(cmd)
	cmd.Flags().Int("top", 0, "number of metrics to list, the most expensive first; 0 lists all (default: what suits the format)")
	cmd.Flags().String("previous", "", "an earlier report, a file of -o json or an ID of sentei diff --list: say first what changed since, and the growth of each metric; none compares with nothing (default: the newest earlier report of the store, if there is one)")
	cmd.Flags().String("by", string(report.ByMetric), "what table, wide, markdown and csv list: "+bys())
	cmd.Flags().Bool("merge-backends", false, "add up what has the same name in several backends, for --by metric, job, namespace or owner (default: side by side)")
	addBackend(cmd)
	cmd.Flags().String("owner", "", "show what belongs to this owner alone, as the section owners of the configuration says")
	addBudget(cmd)
	cmd.Flags().Bool("keep", false, "also keep the report in the store, as sentei serve does after each scan")
	addColor(cmd)
	addFailOn(cmd)
	return cmd
}

func runReport(cmd *cobra.Command, _ []string) error {
	name, _ := cmd.Flags().GetString("output")
	format, err := report.ByName(name)
	if err != nil {
		return usageError{err}
	}
	by, _ := cmd.Flags().GetString("by")
	if !slices.Contains(report.Bys(), report.By(by)) {
		return usageError{fmt.Errorf("--by is %q: want %s", by, bys())}
	}
	merge, err := mergeFlag(cmd, report.By(by))
	if err != nil {
		return err
	}
	if (by != string(report.ByMetric) || merge) && !format.Lists {
		return usageError{fmt.Errorf("--by and --merge-backends are for -o %s: -o %s holds the metrics of each backend", listing(), name)}
	}
	fail, err := failOn(cmd)
	if err != nil {
		return err
	}
	color, err := useColor(cmd)
	if err != nil {
		return err
	}
	previous, err := readPrevious(cmd)
	if err != nil {
		return err
	}
	backends, err := backendFlag(cmd)
	if err != nil {
		return err
	}
	owner, _ := cmd.Flags().GetString("owner")
	if err := checkOwners(cmd, owner != "" || by == string(report.ByOwner)); err != nil {
		return err
	}
	budget, err := budgetFlag(cmd)
	if err != nil {
		return err
	}
	keep, _ := cmd.Flags().GetBool("keep")
	if err := checkKeep(cmd, keep); err != nil {
		return err
	}
	r, c, err := scan(cmd, previous)
	if err != nil {
		return err
	}
	if previous == nil {
		if previous, err = keptBefore(cmd, c, r); err != nil {
			return err
		}
		r.SetGrowth(previous)
	}
	if keep {
		if err := keepReport(cmd, c, r); err != nil {
			return err
		}
	}
	if len(backends) > 0 {
		r = r.OfBackends(backends...)
	}
	if owner != "" {
		if owners := r.Owners(); !slices.Contains(owners, owner) {
			return usageError{fmt.Errorf("--owner is %q: the owners of what is stored are %s", owner, strings.Join(owners, ", "))}
		}
		r = r.OfOwner(owner)
	}
	r, missed := budget(cmd.ErrOrStderr(), r)
	options := report.Options{Top: format.Top, By: report.By(by), MergeBackends: merge, Color: color, Width: width(cmd)}
	if previous != nil && previous.At.Before(r.At) {
		if len(backends) > 0 {
			previous = previous.OfBackends(backends...)
		}
		if owner != "" {
			previous.Settings.Owners = r.Settings.Owners
			previous = previous.OfOwner(owner)
			r.SetGrowth(previous)
		}
		options.Changes = changes.Between(previous, r)
	}
	if options.Trend, err = readTrend(cmd, c, backends); err != nil {
		return err
	}
	if cmd.Flags().Changed("top") {
		options.Top, _ = cmd.Flags().GetInt("top")
	}
	if err := toOutput(cmd, func(w io.Writer) error { return format.Write(w, r, options) }); err != nil {
		return err
	}
	return cmp.Or(missed, fail(r))
}

// checkOwners fails when owners are asked for and the configuration has none.
func checkOwners(cmd *cobra.Command, wanted bool) error {
	if !wanted {
		return nil
	}
	c, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	if !c.Owners.Set() {
		return usageError{errors.New("the configuration says nothing of owners: see docs/reports.md")}
	}
	return nil
}

// mergeFlag returns --merge-backends, which wants something to merge.
func mergeFlag(cmd *cobra.Command, by report.By) (bool, error) {
	merge, _ := cmd.Flags().GetBool("merge-backends")
	if merge && by == report.ByBackend {
		return false, usageError{errors.New("--merge-backends and --by backend contradict each other")}
	}
	return merge, nil
}

// listing names the formats that know --by.
func listing() string {
	var names []string
	for _, f := range report.Formats() {
		if f.Lists {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ", ")
}

// bys lists what --by can be.
func bys() string {
	var names []string
	for _, by := range report.Bys() {
		names = append(names, string(by))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func addBackend(cmd *cobra.Command) {
	cmd.Flags().StringSlice("backend", nil, "show this backend alone; may be given several times (all backends are scanned in any case)")
}

// backendFlag returns the names of --backend, which must be configured.
func backendFlag(cmd *cobra.Command) ([]string, error) {
	names, _ := cmd.Flags().GetStringSlice("backend")
	if len(names) == 0 {
		return nil, nil
	}
	c, err := loadConfig(cmd)
	if err != nil {
		return nil, err
	}
	var known []string
	for i := range c.Backends {
		known = append(known, c.Backends[i].Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usageError{fmt.Errorf("--backend is %q: the configuration has %s", name, strings.Join(known, ", "))}
		}
	}
	return names, nil
}

func addOutputFile(cmd *cobra.Command) {
	cmd.Flags().String("output-file", "", "write to this file instead of stdout")
}

// toOutput lets write fill stdout, or the file of --output-file.
func toOutput(cmd *cobra.Command, write func(io.Writer) error) error {
	path, _ := cmd.Flags().GetString("output-file")
	if path == "" {
		return write(cmd.OutOrStdout())
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

func addColor(cmd *cobra.Command) {
	cmd.Flags().String("color", "auto", "colour the output: auto, always or never")
}

func useColor(cmd *cobra.Command) (bool, error) {
	mode, _ := cmd.Flags().GetString("color")
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return os.Getenv("NO_COLOR") == "" && width(cmd) > 0, nil
	default:
		return false, usageError{fmt.Errorf("--color is %q: want auto, always or never", mode)}
	}
}

// width returns the width of the terminal that stdout is, 0 when it is none.
func width(cmd *cobra.Command) int {
	f, ok := cmd.OutOrStdout().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

func addFailOn(cmd *cobra.Command) {
	cmd.Flags().StringSlice("fail-on", nil, "exit with 3 when there are any: proposals, unknown, problems (blocking ones)")
}

// failOn returns the check that --fail-on asks for.
func failOn(cmd *cobra.Command) (func(*sentei.Report) error, error) {
	wanted, _ := cmd.Flags().GetStringSlice("fail-on")
	for _, w := range wanted {
		if w != "proposals" && w != "unknown" && w != "problems" {
			return nil, usageError{fmt.Errorf("--fail-on is %q: want proposals, unknown or problems", w)}
		}
	}
	return func(r *sentei.Report) error {
		for _, w := range wanted {
			if n := count(r, w); n > 0 {
				return foundError{fmt.Errorf("found %d %s", n, map[string]string{
					"proposals": "proposals", "unknown": "metrics of unknown use", "problems": "blocking problems",
				}[w])}
			}
		}
		return nil
	}, nil
}

func count(r *sentei.Report, what string) int {
	n := 0
	switch what {
	case "proposals":
		open, _ := r.InStates(sentei.Open()...)
		n = len(open.Proposals)
	case "unknown":
		n, _, _ = r.Total(sentei.Unknown)
	case "problems":
		for i := range r.Problems {
			if p := &r.Problems[i]; p.Blocking && p.Accepted == "" {
				n++
			}
		}
	}
	return n
}
