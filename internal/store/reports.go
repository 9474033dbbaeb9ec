package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/sentei/sentei"
)

// ReportInfo names a kept report, with its sums.
type ReportInfo struct {
	ID string    // the instant, as 20261116T060000Z
	At time.Time // that the report speaks of
	Summary
}

// Summary is the sums of a report, for trends.
type Summary struct {
	Currency string `json:"currency,omitempty"`
	// Verdicts are the sums of the metrics of each verdict.
	Verdicts map[sentei.Verdict]Sum `json:"verdicts"`
	// Backends are the same sums for each backend; nil in reports that were
	// kept by an older sentei.
	Backends map[string]map[sentei.Verdict]Sum `json:"backends,omitempty"`
	// Proposals is how many are open, and what they would save together.
	Proposals Sum `json:"proposals"`
}

// Sum is a number of things and what they take.
type Sum struct {
	Count            int     `json:"count"`
	Series           int64   `json:"series"`
	SamplesPerSecond float64 `json:"samples_per_second"`
	PerMonth         float64 `json:"per_month"`
}

func (s Sum) plus(o Sum) Sum {
	return Sum{s.Count + o.Count, s.Series + o.Series, s.SamplesPerSecond + o.SamplesPerSecond, s.PerMonth + o.PerMonth}
}

func summarize(r *sentei.Report) Summary {
	s := Summary{Currency: r.Settings.Prices.Currency, Verdicts: map[sentei.Verdict]Sum{}, Backends: map[string]map[sentei.Verdict]Sum{}}
	for i := range r.Backends {
		s.Backends[r.Backends[i].Name] = map[sentei.Verdict]Sum{}
	}
	for _, v := range sentei.Verdicts() {
		s.Verdicts[v] = Sum{}
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		for _, sums := range []map[sentei.Verdict]Sum{s.Verdicts, s.Backends[m.Backend]} {
			if sums != nil {
				sums[m.Verdict] = sums[m.Verdict].plus(Sum{1, m.Cost.Series, m.Cost.SamplesPerSecond, m.PerMonth})
			}
		}
	}
	open, _ := r.InStates(sentei.Open()...)
	cost, money := sentei.SumSavings(open.Proposals)
	s.Proposals = Sum{len(open.Proposals), cost.Series, cost.SamplesPerSecond, money}
	return s
}

// OfBackends returns the reports with the sums of these backends alone, without
// their proposals. Reports that do not tell backends apart are left out.
func OfBackends(reports []ReportInfo, names ...string) []ReportInfo {
	var out []ReportInfo
	for _, r := range reports {
		if r.Backends == nil {
			continue
		}
		of := Summary{Currency: r.Currency, Verdicts: map[sentei.Verdict]Sum{}, Backends: map[string]map[sentei.Verdict]Sum{}}
		for _, name := range names {
			of.Backends[name] = r.Backends[name]
			for verdict, sum := range r.Backends[name] {
				of.Verdicts[verdict] = of.Verdicts[verdict].plus(sum)
			}
		}
		out = append(out, ReportInfo{r.ID, r.At, of})
	}
	return out
}

const idLayout = "20060102T150405.999Z"

// ReportID returns the identifier of the report made at an instant.
func ReportID(at time.Time) string { return at.UTC().Truncate(time.Millisecond).Format(idLayout) }

// ParseReportID returns the instant that an identifier stands for, and false
// for what cannot be one.
func ParseReportID(id string) (time.Time, bool) {
	at, err := time.Parse(idLayout, id)
	return at, err == nil
}

// SaveReport keeps a report and returns its identifier. It takes the place of
// one of the same instant.
func (s *Store) SaveReport(ctx context.Context, r *sentei.Report) (string, error) {
	id := ReportID(r.At)
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("keep report %s: %w", id, err)
	}
	summary, err := json.Marshal(summarize(r))
	if err != nil {
		return "", fmt.Errorf("keep report %s: %w", id, err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return "", fmt.Errorf("keep report %s: %w", id, err)
	}
	packed := encoder.EncodeAll(text, nil)
	return id, s.change(ctx, "keep report "+id, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO reports (at, summary, json) VALUES (?, ?, ?)", millis(r.At), string(summary), packed); err != nil {
			return err
		}
		return saveTrends(ctx, tx, r)
	})
}

// Reports lists the kept reports, the newest first.
func (s *Store) Reports(ctx context.Context) ([]ReportInfo, error) {
	var out []ReportInfo
	err := s.each(ctx, func(rows *sql.Rows) error {
		var at int64
		var summary []byte
		if err := rows.Scan(&at, &summary); err != nil {
			return err
		}
		info := ReportInfo{At: instant(at), ID: ReportID(instant(at))}
		err := json.Unmarshal(summary, &info.Summary)
		out = append(out, info)
		return err
	}, "SELECT at, summary FROM reports ORDER BY at DESC")
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	return out, nil
}

// Report returns a kept report, read as sentei.DecodeReport does. The error is
// ErrNotFound when there is none.
func (s *Store) Report(ctx context.Context, id string) (*sentei.Report, error) {
	at, ok := ParseReportID(id)
	if !ok {
		return nil, fmt.Errorf("read report %s: %w", id, ErrNotFound)
	}
	return s.report(ctx, "WHERE at = ?", id, millis(at))
}

// Before returns the newest kept report of before an instant. The error is
// ErrNotFound when there is none.
func (s *Store) Before(ctx context.Context, at time.Time) (*sentei.Report, error) {
	return s.report(ctx, "WHERE at < ? ORDER BY at DESC LIMIT 1", "before "+ReportID(at), millis(at))
}

// Newest returns the newest kept report. The error is ErrNotFound when there is
// none.
func (s *Store) Newest(ctx context.Context) (*sentei.Report, error) {
	return s.report(ctx, "ORDER BY at DESC LIMIT 1", "newest")
}

func (s *Store) report(ctx context.Context, where, name string, args ...any) (*sentei.Report, error) {
	var packed []byte
	err := s.read.QueryRowContext(ctx, "SELECT json FROM reports "+where, args...).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read report %s: %w", name, explain(err))
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("read report %s: %w", name, err)
	}
	defer decoder.Close()
	text, err := decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("read report %s: decompress: %w", name, err)
	}
	r, err := sentei.DecodeReport(text)
	if err != nil {
		return nil, fmt.Errorf("read report %s: %w", name, err)
	}
	return r, nil
}

// everyReport is for how long all reports are kept; of the days before, the
// last one is.
const everyReport = 48 * time.Hour

// Prune deletes the reports that are older at an instant than the retention,
// and those of more than 48 hours before it that are not the last of their day
// (in UTC), each with the trends of its metrics. It returns how many. Decisions and proposals are kept for ever,
// and a report for as long as the next delivery is compared with it.
func (s *Store) Prune(ctx context.Context, at time.Time, retention time.Duration) (deleted int64, err error) {
	err = s.change(ctx, "prune reports", func(tx *sql.Tx) error {
		const day = 24 * time.Hour / time.Millisecond
		if err := pruneDeliveries(ctx, tx, at); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM reports WHERE at NOT IN (`+delivered+`) AND (at < ?
			OR at < ? AND at NOT IN (SELECT max(at) FROM reports GROUP BY at / ?))`,
			millis(at.Add(-retention)), millis(at.Add(-everyReport)), int64(day))
		if err != nil {
			return err
		}
		if deleted, err = result.RowsAffected(); err != nil || deleted == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM trends WHERE at NOT IN (SELECT at FROM reports)")
		return err
	})
	return deleted, err
}
