package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/sentei/sentei"
)

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of deliveries.
const (
	Waiting   DeliveryState = "waiting" // to be tried, for the first time or again
	Delivered DeliveryState = "delivered"
	GivenUp   DeliveryState = "given up" // refused, or tried for too long
	Replaced  DeliveryState = "replaced" // by a newer message of the same report, part and channel
)

// Delivery is a message for one channel.
type Delivery struct {
	ID int64
	// Report, Part and Channel name a series of deliveries, Key the message.
	Report, Part, Channel, Key string
	Title                      string
	// At is the instant that the report speaks of, Queued when the message was
	// put here.
	At, Queued time.Time
	State      DeliveryState
	Attempts   int
	// LastTry and Done are zero before the first try and while it waits.
	LastTry, NextTry, Done time.Time
	Error                  string // of the last try; empty after a success
}

// Queued is a message to be delivered.
type Queued struct {
	Report, Part, Channel, Key, Title string
	At                                time.Time // of the report
	Message                           []byte
}

// Queue keeps the messages of a scheduled report that was due at an instant,
// and that it was made for that instant. Each takes the place of an older one
// of the same report, part and channel that still waits.
func (s *Store) Queue(ctx context.Context, report string, due, now time.Time, messages []Queued) error {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("keep messages of report %s: %w", report, err)
	}
	return s.change(ctx, "keep messages of report "+report, func(tx *sql.Tx) error {
		for _, m := range messages {
			if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = ?, done = ?, message = NULL
				WHERE state = ? AND report = ? AND part = ? AND channel = ?`,
				Replaced, millis(now), Waiting, m.Report, m.Part, m.Channel); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO deliveries
				(report, part, channel, key, title, report_at, queued, state, attempts, last_try, next_try, done, last_error, message)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, '', ?)`,
				m.Report, m.Part, m.Channel, m.Key, m.Title, millis(m.At), millis(now), Waiting, millis(now), encoder.EncodeAll(m.Message, nil)); err != nil {
				return err
			}
		}
		return setDue(ctx, tx, report, due)
	})
}

// SetDue keeps that a scheduled report was made for an instant, or that there
// was nothing to deliver then.
func (s *Store) SetDue(ctx context.Context, report string, due time.Time) error {
	return s.change(ctx, "keep when report "+report+" was due", func(tx *sql.Tx) error { return setDue(ctx, tx, report, due) })
}

func setDue(ctx context.Context, tx *sql.Tx, report string, due time.Time) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO schedules (report, due) VALUES (?1, ?2) ON CONFLICT (report) DO UPDATE SET due = max(due, ?2)", report, millis(due))
	return err
}

// Due returns for when each scheduled report was made last.
func (s *Store) Due(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var report string
		var due int64
		err := rows.Scan(&report, &due)
		out[report] = instant(due)
		return err
	}, "SELECT report, due FROM schedules")
	if err != nil {
		return nil, fmt.Errorf("read when reports were due: %w", err)
	}
	return out, nil
}

// Attempt is what came of a try to deliver.
type Attempt struct {
	At    time.Time
	State DeliveryState // Delivered, GivenUp, or Waiting to be tried again
	Next  time.Time     // of the next try, when it waits
	Error string        // empty after a success
}

// Attempted keeps what came of a try. The message goes unless it waits on. A
// delivery that was replaced while it was tried stays so, but for a success.
func (s *Store) Attempted(ctx context.Context, id int64, a Attempt) error {
	return s.change(ctx, fmt.Sprintf("keep what came of delivery %d", id), func(tx *sql.Tx) error {
		done := a.At
		if a.State == Waiting {
			done = time.Time{}
		}
		_, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = ?1, attempts = attempts + 1, last_try = ?2, next_try = ?3, done = ?4, last_error = ?5,
			message = CASE WHEN ?1 = ?6 THEN message END WHERE id = ?7 AND (state = ?6 OR ?1 = ?8)`,
			a.State, millis(a.At), millis(a.Next), millis(done), a.Error, Waiting, id, Delivered)
		return err
	})
}

const deliveryColumns = "SELECT id, report, part, channel, key, title, report_at, queued, state, attempts, last_try, next_try, done, last_error FROM deliveries "

func (s *Store) deliveries(ctx context.Context, where string, args ...any) ([]Delivery, error) {
	out := []Delivery{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var d Delivery
		var at, queued, last, next, done int64
		err := rows.Scan(&d.ID, &d.Report, &d.Part, &d.Channel, &d.Key, &d.Title, &at, &queued, &d.State, &d.Attempts, &last, &next, &done, &d.Error)
		d.At, d.Queued, d.LastTry, d.NextTry, d.Done = instant(at), instant(queued), instant(last), instant(next), instant(done)
		out = append(out, d)
		return err
	}, deliveryColumns+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return out, nil
}

// WaitingDeliveries returns those that are to be tried, the next one first.
func (s *Store) WaitingDeliveries(ctx context.Context) ([]Delivery, error) {
	return s.deliveries(ctx, "WHERE state = ? ORDER BY next_try, id", Waiting)
}

// Deliveries returns the newest ones, at most so many, the newest first.
func (s *Store) Deliveries(ctx context.Context, most int) ([]Delivery, error) {
	return s.deliveries(ctx, "ORDER BY id DESC LIMIT ?", most)
}

// DeliverySum tells how the deliveries of a report to a channel stand.
type DeliverySum struct {
	Report, Channel string
	// Waiting is how many wait. Failing is how many of them were tried in vain,
	// and how many of those that were queued last were given up.
	Waiting, Failing int
	// LastSuccess is zero when none has succeeded.
	LastSuccess time.Time
}

// DeliverySums returns how the deliveries of each report to each channel stand,
// sorted.
func (s *Store) DeliverySums(ctx context.Context) ([]DeliverySum, error) {
	var out []DeliverySum
	err := s.each(ctx, func(rows *sql.Rows) error {
		var d DeliverySum
		var last int64
		err := rows.Scan(&d.Report, &d.Channel, &d.Waiting, &d.Failing, &last)
		d.LastSuccess = instant(last)
		out = append(out, d)
		return err
	}, `SELECT report, channel, sum(state = ?1), sum(state = ?1 AND attempts > 0 OR state = ?2 AND queued = newest), max(CASE WHEN state = ?3 THEN done ELSE 0 END)
		FROM deliveries JOIN (SELECT report AS r, max(queued) AS newest FROM deliveries GROUP BY report) ON r = report
		GROUP BY report, channel ORDER BY report, channel`, Waiting, GivenUp, Delivered)
	if err != nil {
		return nil, fmt.Errorf("sum up deliveries: %w", err)
	}
	return out, nil
}

// Message returns the message of a delivery that waits. The error is
// ErrNotFound when it does not wait any more.
func (s *Store) Message(ctx context.Context, id int64) ([]byte, error) {
	var packed []byte
	err := s.read.QueryRowContext(ctx, "SELECT message FROM deliveries WHERE id = ? AND message IS NOT NULL", id).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read the message of delivery %d: %w", id, explain(err))
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	text, err := decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("read the message of delivery %d: decompress: %w", id, err)
	}
	return text, nil
}

// LastDelivered returns the report of the last delivery of a scheduled report
// and part that reached a channel. The error is ErrNotFound when there is none,
// or when the report is not kept any more.
func (s *Store) LastDelivered(ctx context.Context, report, part string) (*sentei.Report, error) {
	return s.report(ctx, `WHERE at = (SELECT report_at FROM deliveries WHERE state = ? AND report = ? AND part = ? ORDER BY id DESC LIMIT 1)`,
		"of the last delivery of "+report, string(Delivered), report, part)
}

// Has reports whether a report is kept.
func (s *Store) Has(ctx context.Context, at time.Time) (bool, error) {
	var n int
	if err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM reports WHERE at = ?", millis(at)).Scan(&n); err != nil {
		return false, fmt.Errorf("look for report %s: %w", ReportID(at), explain(err))
	}
	return n > 0, nil
}

// delivered are the instants of the reports that the next delivery of a report
// and part is compared with. They are never pruned.
const delivered = `SELECT report_at FROM deliveries WHERE state = 'waiting' OR id IN
	(SELECT max(id) FROM deliveries WHERE state = 'delivered' GROUP BY report, part)`

// keepDeliveries is how long it is known what came of deliveries. The last
// ones of each report, part and channel are always known.
const keepDeliveries = 400 * 24 * time.Hour

func pruneDeliveries(ctx context.Context, tx *sql.Tx, at time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE state != ? AND done < ? AND id NOT IN
		(SELECT max(id) FROM deliveries GROUP BY report, part, channel, state)`, Waiting, millis(at.Add(-keepDeliveries)))
	return err
}
