package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// Remembered is a proposal of a report, past or present.
type Remembered struct {
	// Proposal is as the last report had it; from the time on that somebody
	// accepted it, as it was accepted. Its State is what that report said.
	sentei.Proposal
	// FirstSeen and LastSeen are the times of the first and the last report
	// that had it.
	FirstSeen, LastSeen time.Time
}

// subject is the same for proposals that replace each other: of the same rule
// at the same place for the same metric and label.
func subject(p *sentei.Proposal) string {
	at, a := &p.Place, &p.Action
	return sentei.HashID(p.Rule, at.Backend, at.ScrapeJob, at.RemoteWrite, at.Job, string(a.Kind), a.Metric, a.Label)
}

// Replaces returns, by identifier, which proposal each of a report's proposals
// replaces: the one of the same rule, place, metric and label that was seen
// last and is not made any more. It says what it said before about one that
// is known already. Those that replace none are left out.
func (s *Store) Replaces(ctx context.Context, proposals []sentei.Proposal) (map[string]string, error) {
	type known struct{ id, replaces string }
	bySubject := map[string][]known{} // seen last first
	err := s.each(ctx, func(rows *sql.Rows) error {
		var k known
		var subject string
		err := rows.Scan(&k.id, &subject, &k.replaces)
		bySubject[subject] = append(bySubject[subject], k)
		return err
	}, "SELECT id, subject, replaces FROM proposals ORDER BY last_seen DESC, id")
	if err != nil {
		return nil, fmt.Errorf("read remembered proposals: %w", err)
	}
	now := make(map[string]bool, len(proposals))
	for i := range proposals {
		now[proposals[i].ID] = true
	}
	out := map[string]string{}
	for i := range proposals {
		p := &proposals[i]
		before := bySubject[subject(p)]
		replaces := ""
		if k := slices.IndexFunc(before, func(k known) bool { return k.id == p.ID }); k >= 0 {
			replaces = before[k].replaces
		} else if k := slices.IndexFunc(before, func(k known) bool { return !now[k.id] }); k >= 0 {
			replaces = before[k].id
		}
		if replaces != "" {
			out[p.ID] = replaces
		}
	}
	return out, nil
}

// Remember keeps the proposals of a report made at an instant. What an accepted
// proposal promised stays as it was.
func (s *Store) Remember(ctx context.Context, at time.Time, proposals []sentei.Proposal) error {
	return s.change(ctx, "remember proposals", func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `
INSERT INTO proposals (id, subject, first_seen, last_seen, replaces, json) VALUES (?1, ?2, ?3, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET
	first_seen = min(first_seen, excluded.first_seen),
	last_seen = max(last_seen, excluded.last_seen),
	json = CASE
		WHEN (SELECT state FROM decisions WHERE proposal = ?1 ORDER BY n DESC LIMIT 1) = 'accepted' THEN json
		ELSE excluded.json END`)
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range proposals {
			p := &proposals[i]
			text, err := json.Marshal(p)
			if err != nil {
				return fmt.Errorf("encode proposal %s: %w", p.ID, err)
			}
			if _, err := put.ExecContext(ctx, p.ID, subject(p), millis(at), p.Replaces, string(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

const rememberedColumns = "SELECT json, first_seen, last_seen FROM proposals "

func scanRemembered(scan func(...any) error) (Remembered, error) {
	var r Remembered
	var text []byte
	var first, last int64
	if err := scan(&text, &first, &last); err != nil {
		return r, err
	}
	r.FirstSeen, r.LastSeen = instant(first), instant(last)
	err := json.Unmarshal(text, &r.Proposal)
	return r, err
}

// Proposal returns a proposal that some report had. The error is ErrNotFound
// when none had it.
func (s *Store) Proposal(ctx context.Context, id string) (Remembered, error) {
	r, err := scanRemembered(s.read.QueryRowContext(ctx, rememberedColumns+"WHERE id = ?", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("read proposal %s: %w", id, explain(err))
	}
	return r, nil
}

// Recent returns the proposals that reports had since some time, and of the
// older ones those whose last decision accepted them, sorted by identifier.
func (s *Store) Recent(ctx context.Context, since time.Time) ([]Remembered, error) {
	var out []Remembered
	err := s.each(ctx, func(rows *sql.Rows) error {
		r, err := scanRemembered(rows.Scan)
		out = append(out, r)
		return err
	}, rememberedColumns+`WHERE last_seen >= ?
		OR (SELECT state FROM decisions WHERE proposal = id ORDER BY n DESC LIMIT 1) = 'accepted' ORDER BY id`, millis(since))
	if err != nil {
		return nil, fmt.Errorf("read remembered proposals: %w", err)
	}
	return out, nil
}

// SetTracked replaces what came of the proposals that were carried out: others
// are no longer among them.
func (s *Store) SetTracked(ctx context.Context, tracked []sentei.Tracked) error {
	return s.change(ctx, "keep what came of proposals", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM tracked"); err != nil {
			return err
		}
		for i := range tracked {
			t := &tracked[i]
			text, err := json.Marshal(t)
			if err != nil {
				return fmt.Errorf("encode proposal %s: %w", t.ID, err)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO tracked (proposal, applied_at, json) VALUES (?, ?, ?)",
				t.ID, millis(t.AppliedAt), string(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Tracked returns the proposals that were carried out, the newest first.
func (s *Store) Tracked(ctx context.Context) ([]sentei.Tracked, error) {
	var out []sentei.Tracked
	err := s.each(ctx, func(rows *sql.Rows) error {
		var t sentei.Tracked
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		err := json.Unmarshal(text, &t)
		out = append(out, t)
		return err
	}, "SELECT json FROM tracked ORDER BY applied_at DESC, proposal")
	if err != nil {
		return nil, fmt.Errorf("read what came of proposals: %w", err)
	}
	return out, nil
}
