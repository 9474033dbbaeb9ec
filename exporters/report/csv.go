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
	Title:       "one row a metric, or what --by says, for spreadsheets",
	Lists:       true,
	Write:       writeCSV,
}

// csvHeader is stable: columns are only ever added, at the end. Numbers are
// plain, with a point for decimals; what is not known is empty. Proposals are those that are open.
func csvHeader() []string {
	return []string{
		"backend", "metric", "type", "verdict", "score",
		"series", "series_in_span", "samples_per_second", "churn_per_hour", "ended_per_hour", "memory_bytes", "disk_bytes_per_day",
		"cost_per_month", "currency", "share_percent",
		"jobs", "alerting_rules", "recording_rules", "dashboards", "queries", "declared",
		"why", "worst_label", "series_without_worst_label", "recorded_by",
		"proposals", "saving_series", "saving_per_month", "saving_churn_per_hour", "saving_memory_bytes",
		"series_growth",
	}
}

// writeCSV writes RFC 4180: lines end in CRLF, cells are quoted as needed.
func writeCSV(w io.Writer, r *sentei.Report, o Options) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for _, row := range newView(r).csvRows(o) {
		for i := range row {
			row[i] = harmless(row[i])
		}
		out.Write(row) // errors stick: Error returns the first
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV report: %w", err)
	}
	return nil
}

// csvRows returns the header and the rows.
func (v *view) csvRows(o Options) [][]string {
	switch o.By {
	case ByJob, ByNamespace, ByOwner:
		return v.csvGroups(o)
	case ByLabel:
		return v.csvLabels(o)
	case ByBackend:
		return v.csvBackends()
	}
	out := [][]string{csvHeader()}
	rows, _ := v.listed(o)
	for _, m := range rows {
		out = append(out, csvRow(v, m))
	}
	return out
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
	savedKnown := true // of the series that would not be created
	for _, part := range v.madeOf(m) {
		var here sentei.Cost
		open := false
		for _, p := range v.proposals[metricKey{part.Backend, m.Name}] {
			if v.isOpen[p.ID] {
				open = true
				proposals++
				here = here.Plus(p.Saving)
				money += p.SavingPerMonth
			}
		}
		saved = saved.Plus(here)
		if _, known := v.Created(part.Backend, here); open && !known {
			savedKnown = false
		}
	}
	score, growth := plainFloat(m.Score), ""
	if len(v.merged[m]) > 0 {
		score = ""
	}
	if m.SeriesGrowth != nil {
		growth = plainInt(*m.SeriesGrowth)
	}
	row := []string{
		strings.Join(v.backends(m), " "), m.Name, m.Type, string(m.Verdict), score,
		plainInt(m.Cost.Series), plainInt(m.Cost.SeriesInSpan), plainFloat(m.Cost.SamplesPerSecond),
		plainKnown(v.created(m)), plainKnown(v.ended(m)), plainFloat(m.Cost.MemoryBytes), plainFloat(m.Cost.DiskBytesPerDay),
		plainFloat(m.PerMonth), v.currency, plainFloat(100 * v.share(m)),
		strings.Join(jobNames(m), " "),
	}
	for _, kind := range kinds() {
		row = append(row, strconv.Itoa(len(readers.names[kind])))
	}
	return append(row, v.why(m), label, without, m.RecordedBy, plainInt(proposals), plainInt(saved.Series), plainFloat(money),
		plainKnown(saved.ChurnPerHour, savedKnown), plainFloat(saved.MemoryBytes), growth)
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
