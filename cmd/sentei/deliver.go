package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/store"
)

func newDeliver() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliver NAME",
		Short: "Make a scheduled report now and deliver it once",
		Long: `Make a report of the section reports of the configuration now, from a scan of its
own, and deliver it to its channels once: to try them out. What changed is told
since the last delivery by sentei serve, if there is a store. Nothing is kept
there: the next delivery on schedule comes as if this one had not been.`,
		Example: "  sentei deliver monday --dry-run\n  sentei deliver monday --part 'owner payments' --channel slack",
		Args:    exactly(1),
		RunE:    runDeliver,
	}
	cmd.Flags().StringSlice("part", nil, "this part alone, such as 'owner payments'; may be given several times")
	cmd.Flags().StringSlice("channel", nil, "this channel alone, such as slack or slack#2; may be given several times")
	cmd.Flags().Bool("dry-run", false, "print the messages and deliver nothing")
	return cmd
}

func runDeliver(cmd *cobra.Command, args []string) error {
	c, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	s, channels, err := chooseReport(cmd, c, args[0])
	if err != nil {
		return err
	}
	kept, err := daemon.OpenStore(cmd.Context(), c, true)
	if err != nil {
		return err
	}
	if kept != nil {
		defer kept.Close() //nolint:errcheck // nothing was written
	}
	r, _, err := scan(cmd, nil)
	if err != nil {
		return err
	}
	parts, err := chooseParts(cmd, s, r)
	if err != nil {
		return err
	}
	dry, _ := cmd.Flags().GetBool("dry-run")
	var reports []store.ReportInfo
	if kept != nil {
		if reports, err = kept.Reports(cmd.Context()); err != nil {
			return err
		}
	}
	composer := daemon.Composer{Config: c, Kept: reports, Previous: func(report, part string) (*sentei.Report, error) {
		if kept == nil {
			return nil, nil
		}
		before, err := kept.LastDelivered(cmd.Context(), report, part)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return before, err
	}}
	failed := 0
	for _, p := range parts {
		m, err := composer.Compose(s, p, r, time.Now())
		if err != nil {
			return err
		}
		switch {
		case m == nil:
			fmt.Fprintf(cmd.OutOrStdout(), "%snothing has changed, so there is nothing to deliver\n", prefix(p.Name))
		case dry:
			err = printMessage(cmd.OutOrStdout(), m)
		default:
			failed += deliver(cmd.Context(), cmd.OutOrStdout(), m, channels)
		}
		if err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of the deliveries failed", failed)
	}
	return nil
}

// chooseReport returns the report of a name and the channels that --channel
// names.
func chooseReport(cmd *cobra.Command, c *config.Config, name string) (*daemon.Scheduled, []daemon.Channel, error) {
	logger, err := newLogger(cmd, c.Log)
	if err != nil {
		return nil, nil, err
	}
	all, err := daemon.NewReports(c, logger, time.Now)
	if err != nil {
		return nil, nil, usageError{err}
	}
	i := slices.IndexFunc(all, func(s *daemon.Scheduled) bool { return s.Name == name })
	if i < 0 {
		var known []string
		for _, s := range all {
			known = append(known, s.Name)
		}
		if known == nil {
			return nil, nil, usageError{errors.New("the configuration has no reports: see docs/reports.md")}
		}
		return nil, nil, usageError{fmt.Errorf("there is no report %q: the configuration has %s", name, strings.Join(known, ", "))}
	}
	s := all[i]
	wanted, _ := cmd.Flags().GetStringSlice("channel")
	var known []string
	for _, c := range s.Channels {
		known = append(known, c.Name)
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(s.Channels, func(c daemon.Channel) bool { return c.Name == w || c.Kind == w }) {
			return nil, nil, usageError{fmt.Errorf("--channel is %q: report %s has %s", w, name, strings.Join(known, ", "))}
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(s.Channels), func(c daemon.Channel) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, c.Name) && !slices.Contains(wanted, c.Kind)
	})
	return s, chosen, nil
}

// chooseParts returns the parts that --part names.
func chooseParts(cmd *cobra.Command, s *daemon.Scheduled, r *sentei.Report) ([]daemon.Part, error) {
	all := s.Parts(r)
	wanted, _ := cmd.Flags().GetStringSlice("part")
	if len(wanted) == 0 {
		return all, nil
	}
	var out []daemon.Part
	var known []string
	for _, p := range all {
		known = append(known, p.Name)
		if slices.Contains(wanted, p.Name) {
			out = append(out, p)
		}
	}
	for _, w := range wanted {
		switch {
		case slices.Contains(known, w):
		case s.Split == config.SplitNone:
			return nil, usageError{fmt.Errorf("--part is %q: report %s is not split", w, s.Name)}
		default:
			return nil, usageError{fmt.Errorf("--part is %q: report %s has %s", w, s.Name, strings.Join(known, ", "))}
		}
	}
	return out, nil
}

// deliver delivers a message to each channel once, says what came of it and
// returns how many failed.
func deliver(ctx context.Context, w io.Writer, m *notify.Message, channels []daemon.Channel) (failed int) {
	for _, c := range channels {
		err := daemon.Deliver(ctx, c, m)
		said := "delivered"
		if err != nil {
			failed++
			said = "failed: " + err.Error()
			if _, final := errors.AsType[*notify.Refused](err); final {
				said = "refused: " + err.Error()
			}
		}
		fmt.Fprintf(w, "%s%s: %s\n", prefix(m.Part), c.Name, said)
	}
	return failed
}

func prefix(part string) string {
	if part == "" {
		return ""
	}
	return part + ", "
}

// printMessage shows what would be delivered.
func printMessage(w io.Writer, m *notify.Message) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", m.Title, m.Text)
	for _, f := range m.Files {
		fmt.Fprintf(&b, "File: %s, %s, %s\n", f.Name, f.ContentType, number.Size(float64(len(f.Body))))
	}
	for _, e := range m.Edits {
		fmt.Fprintf(&b, "Change for review: %s\n", e.Path)
	}
	if m.Relabel != "" {
		fmt.Fprintf(&b, "\n%s", m.Relabel)
	}
	fmt.Fprintln(&b)
	_, err := io.WriteString(w, b.String())
	return err
}
