package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/daemon"
	"github.com/sentei/sentei/internal/relabeling"
	"github.com/sentei/sentei/internal/review"
	"github.com/sentei/sentei/internal/store"
)

// verbs are what can be decided.
func verbs() map[string]sentei.State {
	return map[string]sentei.State{"accept": sentei.Accepted, "reject": sentei.Rejected, "snooze": sentei.Snoozed, "reset": sentei.Pending}
}

func newDecide() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "decide ID accept|reject|snooze|reset",
		Short: "Decide about a proposal",
		Long: `Decide about a proposal, by the ID that sentei propose and the reports show. The
decision is added to the store that store.path names, and may be changed by
another one: reset makes the proposal pending again. Proposals that stand and
fall with it are decided alike, and named. The daemon may be running; its next
scan shows the new state.`,
		Example: "  sentei decide 5f1c0a9be210 accept --reason 'agreed with the shop team'\n  sentei decide 5f1c0a9be210 snooze --until 30d",
		Args:    exactly(2),
		RunE:    runDecide,
	}
	cmd.Flags().String("reason", "", "why; a rejection needs it")
	cmd.Flags().String("by", "", "who decides (default: the user who runs the command)")
	cmd.Flags().String("until", "", "when snoozing ends: a day as 2026-12-31, an instant as 2026-12-31T08:00:00Z, or after 30d")
	return cmd
}

func runDecide(cmd *cobra.Command, args []string) error {
	state, ok := verbs()[args[1]]
	if !ok {
		return usageError{fmt.Errorf("cannot %q a proposal: want accept, reject, snooze or reset", args[1])}
	}
	d := sentei.Decision{Proposal: args[0], State: state, At: time.Now()}
	d.Reason, _ = cmd.Flags().GetString("reason")
	if d.By, _ = cmd.Flags().GetString("by"); d.By == "" {
		if u, err := user.Current(); err == nil {
			d.By = u.Username
		}
	}
	until, _ := cmd.Flags().GetString("until")
	var err error
	if d.Until, err = parseUntil(until, d.At); err != nil {
		return usageError{err}
	}
	st, err := openStore(cmd, false)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // a decision is on disk when Decide returns
	r, p, err := proposalToDecide(cmd.Context(), st, args[0])
	if err != nil {
		return storeError(err)
	}
	all, err := review.Decide(cmd.Context(), st, r, p, d)
	if err != nil {
		return storeError(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", decided(&d), relabeling.Title(p))
	for _, m := range all {
		if m.ID != p.ID {
			fmt.Fprintf(&b, "%s with it: %s (%s)\n", decided(&d), relabeling.Title(m), m.ID)
		}
	}
	_, err = io.WriteString(cmd.OutOrStdout(), b.String())
	return err
}

// proposalToDecide returns a proposal and the report that has it: the newest,
// or, of one that is not made any more, nothing but itself.
func proposalToDecide(ctx context.Context, st *store.Store, id string) (*sentei.Report, *sentei.Proposal, error) {
	r, err := st.Newest(ctx)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	if r != nil {
		for i := range r.Proposals {
			if r.Proposals[i].ID == id {
				return r, &r.Proposals[i], nil
			}
		}
	}
	known, err := st.Proposal(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return &sentei.Report{}, &known.Proposal, nil
}

// parseUntil reads a time to come; the zero time when text is empty.
func parseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := model.ParseDuration(text); err == nil {
		return now.Add(time.Duration(d)), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--until is %q: want a day as 2026-12-31, an instant as 2026-12-31T08:00:00Z, or a duration as 30d", text)
}

// decided says what a decision is, in a word or two.
func decided(d *sentei.Decision) string {
	if d.State == sentei.Snoozed {
		return "snoozed until " + d.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	return string(d.State)
}

// openStore opens the store of the configuration, which must be there.
func openStore(cmd *cobra.Command, readOnly bool) (*store.Store, error) {
	c, err := loadConfig(cmd)
	if err != nil {
		return nil, err
	}
	if c.Store.Path == "" {
		return nil, usageError{errors.New("no store is configured: name a file with store.path")}
	}
	if _, err := os.Stat(c.Path(c.Store.Path)); errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("the store %s is not there yet: sentei serve makes it, and so does sentei report --keep", c.Store.Path)}
	}
	return daemon.OpenStore(cmd.Context(), c, readOnly)
}

// storeError makes a mistake of the user what it is.
func storeError(err error) error {
	if _, ok := errors.AsType[store.IncompleteError](err); ok {
		return usageError{err}
	}
	if errors.Is(err, review.ErrCarriedOut) {
		return usageError{err}
	}
	if errors.Is(err, store.ErrNotFound) {
		return usageError{fmt.Errorf("%w: no report that was kept has it", err)}
	}
	return err
}

func newHistory() *cobra.Command {
	return &cobra.Command{
		Use:   "history [ID]",
		Short: "Show what was decided about a proposal, or about all",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly(1)(cmd, args)
			}
			return nil
		},
		RunE: runHistory,
	}
}

func runHistory(cmd *cobra.Command, args []string) error {
	st, err := openStore(cmd, true)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // nothing was written
	var b strings.Builder
	if len(args) == 0 {
		err = writeDecisions(cmd, &b, st)
	} else {
		err = writeHistory(cmd, &b, st, args[0])
	}
	if err != nil {
		return storeError(err)
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}
