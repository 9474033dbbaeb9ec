package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sentei/sentei"
)

// maxText bounds what a person may write, in bytes.
const maxText = 4096

// IncompleteError says what a decision lacks.
type IncompleteError struct{ error }

// Unwrap returns the error itself.
func (e IncompleteError) Unwrap() error { return e.error }

// Decide adds decisions to the histories of their proposals, all or none; when
// it returns nil they are on disk. It refuses decisions that are not complete with an
// IncompleteError: a rejection needs a reason, a snooze a time to come, each a name and a time.
// The error is ErrNotFound when no report had one of the proposals.
func (s *Store) Decide(ctx context.Context, decisions ...sentei.Decision) error {
	ids := make([]string, len(decisions))
	for i := range decisions {
		ids[i] = decisions[i].Proposal
		if err := checkDecision(&decisions[i]); err != nil {
			return IncompleteError{fmt.Errorf("decide on proposal %s: %w", ids[i], err)}
		}
	}
	return s.change(ctx, "decide on proposal "+strings.Join(ids, ", "), func(tx *sql.Tx) error {
		for i := range decisions {
			if err := addDecision(ctx, tx, &decisions[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func addDecision(ctx context.Context, tx *sql.Tx, d *sentei.Decision) error {
	var known int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM proposals WHERE id = ?", d.Proposal).Scan(&known); err != nil {
		return err
	}
	if known == 0 {
		return ErrNotFound
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO decisions (proposal, state, reason, by, at, until) VALUES (?, ?, ?, ?, ?, ?)",
		d.Proposal, string(d.State), d.Reason, d.By, millis(d.At), millis(d.Until))
	return err
}

func checkDecision(d *sentei.Decision) error {
	switch d.State {
	case sentei.Accepted, sentei.Rejected, sentei.Snoozed, sentei.Pending:
	default:
		return fmt.Errorf("%q cannot be decided: want accepted, rejected, snoozed or pending", d.State)
	}
	for _, text := range []string{d.Reason, d.By} {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("reason and name must be text of at most %d bytes", maxText)
		}
	}
	switch {
	case strings.TrimSpace(d.By) == "":
		return errors.New("it needs the name of who decides")
	case d.At.IsZero():
		return errors.New("it needs the time of the decision")
	case d.State == sentei.Rejected && strings.TrimSpace(d.Reason) == "":
		return errors.New("a rejection needs a reason")
	case d.State == sentei.Snoozed && !d.Until.After(d.At):
		return errors.New("to snooze it needs a time to come at which it ends")
	case d.State != sentei.Snoozed && !d.Until.IsZero():
		return fmt.Errorf("only snoozing has an end: it cannot be %s until a time", d.State)
	}
	return nil
}

const decisionColumns = "proposal, state, reason, by, at, until FROM decisions "

func scanDecision(rows *sql.Rows) (sentei.Decision, error) {
	var d sentei.Decision
	var at, until int64
	err := rows.Scan(&d.Proposal, &d.State, &d.Reason, &d.By, &at, &until)
	d.At, d.Until = instant(at), instant(until)
	return d, err
}

// Decisions returns the latest decision about each proposal, by its
// identifier. Those that took a decision back are among them, as pending.
func (s *Store) Decisions(ctx context.Context) (map[string]sentei.Decision, error) {
	out := map[string]sentei.Decision{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		d, err := scanDecision(rows)
		out[d.Proposal] = d
		return err
	}, "SELECT "+decisionColumns+"WHERE n IN (SELECT max(n) FROM decisions GROUP BY proposal)")
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	return out, nil
}

// History returns all decisions about a proposal, the oldest first.
func (s *Store) History(ctx context.Context, proposal string) ([]sentei.Decision, error) {
	var out []sentei.Decision
	err := s.each(ctx, func(rows *sql.Rows) error {
		d, err := scanDecision(rows)
		out = append(out, d)
		return err
	}, "SELECT "+decisionColumns+"WHERE proposal = ? ORDER BY n", proposal)
	if err != nil {
		return nil, fmt.Errorf("read decisions about proposal %s: %w", proposal, err)
	}
	return out, nil
}
