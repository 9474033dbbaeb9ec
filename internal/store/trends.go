package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// MetricPoint is what a metric took at a kept report.
type MetricPoint struct {
	At       time.Time      `json:"at"`
	Verdict  sentei.Verdict `json:"verdict"`
	Series   int64          `json:"series"`
	PerMonth float64        `json:"per_month"` // to a ten-thousandth of Currency
	Currency string         `json:"currency,omitempty"`
}

// A report is written as a whole and a metric is read alone. So the metrics of
// a report stand in 256 rows, by the first byte of the hash of backend and
// name: reading a metric takes one row a report. A row is a list of
//
//	the other 5 bytes of the hash
//	uvarint: the series, times 4, and the position of the verdict
//	uvarint: the money a month in ten-thousandths
//
// which is about 10 bytes for a metric.
const (
	keyBytes    = 5
	moneyPieces = 10_000
)

// metricKey returns the part and the key of a metric.
func metricKey(backend, name string) (part byte, key [keyBytes]byte) {
	var hash [1 + keyBytes]byte
	_, _ = hex.Decode(hash[:], []byte(sentei.HashID(backend, name))) // 12 digits: 6 bytes
	return hash[0], [keyBytes]byte(hash[1:])
}

// saveTrends adds what every metric of the report takes.
func saveTrends(ctx context.Context, tx *sql.Tx, r *sentei.Report) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM trends WHERE at = ?", millis(r.At)); err != nil {
		return err
	}
	var parts [256][]byte
	verdicts := sentei.Verdicts()
	for i := range r.Metrics {
		m := &r.Metrics[i]
		part, key := metricKey(m.Backend, m.Name)
		row := append(parts[part], key[:]...)
		verdict := max(0, slices.Index(verdicts, m.Verdict))
		row = binary.AppendUvarint(row, uint64(max(0, m.Cost.Series))<<2|uint64(verdict))
		parts[part] = binary.AppendUvarint(row, uint64(math.Round(max(0, m.PerMonth)*moneyPieces)))
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO trends (at, part, points) VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for part, row := range parts {
		if row == nil {
			continue
		}
		if _, err := insert.ExecContext(ctx, millis(r.At), part, row); err != nil {
			return err
		}
	}
	return nil
}

// MetricTrend returns what a metric took at each kept report that had it, the
// newest first. Reports that were kept by a sentei without trends are left out.
func (s *Store) MetricTrend(ctx context.Context, backend, name string) ([]MetricPoint, error) {
	part, key := metricKey(backend, name)
	var out []MetricPoint
	err := s.each(ctx, func(rows *sql.Rows) error {
		var at int64
		var currency sql.NullString
		var row sql.RawBytes
		if err := rows.Scan(&at, &currency, &row); err != nil {
			return err
		}
		p, found, err := findPoint(row, key)
		if found {
			p.At, p.Currency = instant(at), currency.String
			out = append(out, p)
		}
		return err
	}, `SELECT reports.at, summary ->> 'currency', points FROM reports
		JOIN trends ON trends.at = reports.at AND part = ? ORDER BY reports.at DESC`, part)
	if err != nil {
		return nil, fmt.Errorf("read trend of metric %s: %w", name, err)
	}
	return out, nil
}

var errCut = errors.New("a row of trends is cut off")

// findPoint looks for a metric in a row.
func findPoint(row []byte, key [keyBytes]byte) (p MetricPoint, found bool, err error) {
	for len(row) > 0 {
		if len(row) < keyBytes {
			return p, false, errCut
		}
		this := [keyBytes]byte(row)
		series, n := binary.Uvarint(row[keyBytes:])
		if n <= 0 {
			return p, false, errCut
		}
		row = row[keyBytes+n:]
		money, n := binary.Uvarint(row)
		if n <= 0 {
			return p, false, errCut
		}
		row = row[n:]
		if this == key {
			return MetricPoint{Verdict: sentei.Verdicts()[series&3], Series: int64(series >> 2), PerMonth: float64(money) / moneyPieces}, true, nil
		}
	}
	return p, false, nil
}
