package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/store"
)

// A Trend is how what is stored developed from report to report, as text: the
// template "trend" shows it.
type Trend struct {
	Lead    string // a sentence with the first and the last amounts
	Charts  []chart
	Columns []string // of the table with the numbers
	Rows    [][]string
}

// trendRows is how many instants the table of a trend has at most. The charts
// have all.
const trendRows = 12

// drawn lists the verdicts in the order in which areas lie on each other. What
// is to go lies at the bottom, where its height can be read.
func drawn() []sentei.Verdict {
	return []sentei.Verdict{sentei.Unused, sentei.Unknown, sentei.PartlyUsed, sentei.Used}
}

// A moment is the sums of one report.
type moment struct {
	at    time.Time
	money bool // in the currency of the report that is shown
	sums  map[sentei.Verdict]store.Sum
}

func (m *moment) all() store.Sum {
	var all store.Sum
	for _, s := range m.sums {
		all.Series += s.Series
		all.PerMonth += s.PerMonth
	}
	return all
}

// NewTrend draws the kept reports, the newest first, up to the report, which is
// the last instant. The kept ones must be of the same backends. It is nil when
// there is no earlier one.
func NewTrend(r *sentei.Report, kept []store.ReportInfo) *Trend {
	return newView(r).trend(kept)
}

func (v *view) trend(kept []store.ReportInfo) *Trend {
	var moments []moment
	for i := range kept {
		if k := &kept[i]; k.At.Before(v.At) {
			moments = append(moments, moment{k.At, k.Currency == v.Settings.Prices.Currency, k.Verdicts})
		}
	}
	if len(moments) == 0 || v.all.metrics == 0 {
		return nil
	}
	slices.SortFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	now := moment{v.At, true, map[sentei.Verdict]store.Sum{}}
	for _, t := range v.totals() {
		now.sums[t.verdict] = store.Sum{Count: t.metrics, Series: t.cost.Series, PerMonth: t.perMonth}
	}
	moments = append(moments, now)
	series := func(s store.Sum) float64 { return float64(s.Series) }
	money := func(s store.Sum) float64 { return s.PerMonth }
	t := &Trend{}
	if priced := slices.DeleteFunc(slices.Clone(moments), func(m moment) bool { return !m.money }); v.priced && len(priced) > 1 {
		lead, c := verdictChart("trend-money", v.currency+" a month", priced, money, number.Headline)
		t.Lead, t.Charts = lead+" ", append(t.Charts, c)
	}
	lead, c := verdictChart("trend-series", "Active series", moments, series, wholes)
	t.Lead, t.Charts = t.Lead+lead, append(t.Charts, c)
	t.table(moments, len(t.Charts) > 1, v.currency)
	return t
}

// verdictChart draws one amount of the moments, and says how it developed.
func verdictChart(id, unit string, moments []moment, of func(store.Sum) float64, write func(float64) string) (lead string, c chart) {
	var times []time.Time
	for _, m := range moments {
		times = append(times, m.at)
	}
	var layers []layer
	for _, verdict := range drawn() {
		l := layer{name: string(verdict), class: class(verdict)}
		for _, m := range moments {
			l.values = append(l.values, of(m.sums[verdict]))
		}
		layers = append(layers, l)
	}
	first, last := &moments[0], &moments[len(moments)-1]
	lead = fmt.Sprintf("%s: %s, of which unused %s.", unit, developed(of(first.all()), of(last.all()), write),
		developed(of(first.sums[sentei.Unused]), of(last.sums[sentei.Unused]), write))
	desc := fmt.Sprintf("Areas on each other, from the bottom: unused, unknown, partly used, used. From %s to %s. %s", number.Minute(first.at), number.Minute(last.at), lead)
	return lead, newChart(id, unit+", by verdict", desc, times, layers)
}

// wholes writes a number of series.
func wholes(f float64) string { return number.Count(int64(f)) }

// developed says what an amount was, what it is and the difference.
func developed(from, to float64, write func(float64) string) string {
	switch change := (to - from) / from; {
	case write(from) == write(to):
		return write(to) + " as before"
	case from <= 0:
		return write(from) + " → " + write(to)
	case max(change, -change) < 0.0005:
		return write(from) + " → " + write(to) + " (about the same)"
	case change < 0:
		return write(from) + " → " + write(to) + " (−" + number.Percent(-change) + ")"
	default:
		return write(from) + " → " + write(to) + " (+" + number.Percent(change) + ")"
	}
}

func (t *Trend) table(moments []moment, money bool, currency string) {
	t.Columns = []string{"Report"}
	unit := "series"
	if money {
		unit = currency + "/month"
	}
	for _, verdict := range sentei.Verdicts() {
		t.Columns = append(t.Columns, string(verdict))
	}
	t.Columns = append(t.Columns, "all, "+unit)
	if money {
		t.Columns = append(t.Columns, "all, series")
	}
	for _, i := range sampled(len(moments), trendRows) {
		m := &moments[i]
		write := func(s store.Sum) string {
			switch {
			case !money:
				return number.Count(s.Series)
			case !m.money:
				return "" // in another currency
			}
			return number.Money(s.PerMonth)
		}
		row := []string{number.Minute(m.at)}
		for _, verdict := range sentei.Verdicts() {
			row = append(row, write(m.sums[verdict]))
		}
		row = append(row, write(m.all()))
		if money {
			row = append(row, number.Count(m.all().Series))
		}
		t.Rows = append(t.Rows, row)
	}
}

// sampled returns at most most positions of n, evenly spread, the last first.
func sampled(n, most int) []int {
	var out []int
	count := min(n, most)
	for i := count - 1; i >= 0; i-- {
		out = append(out, i*(n-1)/max(1, count-1))
	}
	return out
}

// NewMetricTrend draws one metric of the report over the kept reports, the
// newest first, up to the report. It is nil when no earlier one had the metric.
func NewMetricTrend(r *sentei.Report, m *sentei.MetricReport, kept []store.MetricPoint) *Trend {
	points := []store.MetricPoint{{At: r.At, Verdict: m.Verdict, Series: m.Cost.Series, PerMonth: m.PerMonth, Currency: r.Settings.Prices.Currency}}
	for _, p := range kept {
		if p.At.Before(r.At) {
			points = append(points, p)
		}
	}
	if len(points) < 2 {
		return nil
	}
	slices.SortFunc(points, func(a, b store.MetricPoint) int { return a.At.Compare(b.At) })
	t := &Trend{Columns: []string{"Report", "verdict", "series"}}
	draw := func(id, unit string, points []store.MetricPoint, of func(*store.MetricPoint) float64, write func(float64) string) {
		var times []time.Time
		l := layer{class: class(m.Verdict)}
		for i := range points {
			times = append(times, points[i].At)
			l.values = append(l.values, of(&points[i]))
		}
		lead := unit + ": " + developed(l.values[0], l.values[len(l.values)-1], write) + "."
		desc := fmt.Sprintf("From %s to %s. %s", number.Minute(times[0]), number.Minute(times[len(times)-1]), lead)
		t.Lead += lead + " "
		t.Charts = append(t.Charts, newChart(id, unit, desc, times, []layer{l}))
	}
	priced := slices.DeleteFunc(slices.Clone(points), func(p store.MetricPoint) bool {
		return p.Currency != r.Settings.Prices.Currency
	})
	money := len(priced) > 1 && slices.ContainsFunc(priced, func(p store.MetricPoint) bool { return p.PerMonth != 0 })
	currency := cmp.Or(r.Settings.Prices.Currency, "money")
	if money {
		draw("trend-money", currency+" a month", priced, func(p *store.MetricPoint) float64 { return p.PerMonth }, number.Money)
		t.Columns = append(t.Columns, currency+"/month")
	}
	draw("trend-series", "Active series", points, func(p *store.MetricPoint) float64 { return float64(p.Series) }, wholes)
	for _, i := range sampled(len(points), trendRows) {
		p := &points[i]
		row := []string{number.Minute(p.At), string(p.Verdict), number.Count(p.Series)}
		if money {
			amount := ""
			if p.Currency == r.Settings.Prices.Currency {
				amount = number.Money(p.PerMonth)
			}
			row = append(row, amount)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
