package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
)

var csvFormat = Format{
	Name:        "csv",
	Extension:   ".csv",
	ContentType: "text/csv; charset=utf-8; header=present",
	Title:       "one row a metric (--by backend: a backend), for spreadsheets",
	Write:       writeCSV,
}

// csvHeader is stable: columns are only ever added, at the end. Numbers are
// plain, with a point for decimals; what is not known is empty. Proposals are those that are open.
var csvHeader = []string{
	"backend", "metric", "type", "verdict", "score",
	"series", "series_in_span", "samples_per_second", "churn_per_hour", "ended_per_hour", "memory_bytes", "disk_bytes_per_day",
	"cost_per_month", "currency", "share_percent",
	"jobs", "alerting_rules", "recording_rules", "dashboards", "queries", "declared",
	"why", "worst_label", "series_without_worst_label", "recorded_by",
	"proposals", "saving_series", "saving_per_month", "saving_churn_per_hour", "saving_memory_bytes",
}

// csvBackendHeader is as stable.
var csvBackendHeader = []string{
	"backend", "metrics", "series", "samples_per_second", "cost_per_month", "currency", "share_percent",
	"used_series", "partly_used_series", "unused_series", "unknown_series", "proposals", "saving_series", "saving_per_month",
}

// writeCSV writes RFC 4180: lines end in CRLF, cells are quoted as needed.
func writeCSV(w io.Writer, r *sentei.Report, o Options) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	v := newView(r)
	if o.By == ByBackend { // errors stick: Error returns the first
		out.Write(csvBackendHeader)
		for _, t := range v.backendSums() {
			out.Write(csvBackendRow(v, &t))
		}
	} else {
		out.Write(csvHeader)
		rows, _ := v.top(o.Top)
		for _, m := range rows {
			out.Write(csvRow(v, m))
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV report: %w", err)
	}
	return nil
}

func csvRow(v *view, m *sentei.MetricReport) []string {
	readers := v.readers(m.Readers)
	label, without := "", ""
	if w, ok := worstLabels(m); ok {
		label, without = w.Name, plainInt(w.Without)
	}
	var proposals int64
	var saved sentei.Cost
	var money float64
	for _, p := range v.proposals[metricKey{m.Backend, m.Name}] {
		if v.isOpen[p.ID] {
			proposals++
			saved = saved.Plus(p.Saving)
			money += p.SavingPerMonth
		}
	}
	created := plainKnown(v.Created(m.Backend, saved))
	if proposals == 0 { // nothing is saved, which is known
		created = "0"
	}
	row := []string{
		m.Backend, m.Name, m.Type, string(m.Verdict), plainFloat(m.Score),
		plainInt(m.Cost.Series), plainInt(m.Cost.SeriesInSpan), plainFloat(m.Cost.SamplesPerSecond),
		plainKnown(v.Created(m.Backend, m.Cost)), plainKnown(v.Ended(m.Backend, m.Cost)), plainFloat(m.Cost.MemoryBytes), plainFloat(m.Cost.DiskBytesPerDay),
		plainFloat(m.PerMonth), v.currency, plainFloat(100 * v.share(m)),
		strings.Join(jobNames(m), " "),
	}
	for _, kind := range kinds() {
		row = append(row, strconv.Itoa(len(readers.names[kind])))
	}
	row = append(row, v.why(m), label, without, m.RecordedBy, plainInt(proposals), plainInt(saved.Series), plainFloat(money),
		created, plainFloat(saved.MemoryBytes))
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row
}

func csvBackendRow(v *view, t *backendTotal) []string {
	return []string{
		harmless(t.Backend), plainInt(int64(t.Metrics)), plainInt(t.Cost.Series), plainFloat(t.Cost.SamplesPerSecond),
		plainFloat(t.PerMonth), harmless(v.currency), plainFloat(100 * t.Share),
		plainInt(t.Used), plainInt(t.PartlyUsed), plainInt(t.Unused), plainInt(t.Unknown),
		plainInt(int64(t.Proposals)), plainInt(t.SavingSeries), plainFloat(t.SavingPerMonth),
	}
}

// harmless keeps spreadsheets from taking a cell for a formula: what begins
// with = + - @, a tab or a return gets a leading apostrophe, which they hide.
// Numbers pass, the negative ones too.
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

func plainInt(n int64) string { return strconv.FormatInt(n, 10) }

// plainKnown writes nothing for what is not known.
func plainKnown(f float64, known bool) string {
	if !known {
		return ""
	}
	return plainFloat(f)
}

// plainFloat writes at most four decimals and no exponent.
func plainFloat(f float64) string {
	s := strconv.FormatFloat(f, 'f', 4, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
