package report

import (
	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// backendTotal is what one backend stores, and what could be saved there.
type backendTotal struct {
	Backend string      `json:"backend"` // empty: all of them
	Metrics int         `json:"metrics"`
	Cost    sentei.Cost `json:"cost"`
	// PerMonth and SavingPerMonth are in settings.prices.currency.
	PerMonth float64 `json:"per_month"`
	// Share is the part of all backends, 0 to 1: of the money, or of the series
	// where nothing has a price.
	Share float64 `json:"share"`
	// Series of metrics with each verdict.
	Used       int64 `json:"used_series"`
	PartlyUsed int64 `json:"partly_used_series"`
	Unused     int64 `json:"unused_series"`
	Unknown    int64 `json:"unknown_series"`

	// Of the open proposals.
	Proposals      int     `json:"proposals"`
	SavingSeries   int64   `json:"saving_series"`
	SavingPerMonth float64 `json:"saving_per_month"`
}

// backendTotals returns the total of each backend, and last that of all. It is
// nil when there is only one backend, which the report as a whole tells of.
func (v *view) backendTotals() []backendTotal {
	if len(v.Backends) < 2 {
		return nil
	}
	return v.allTotals()
}

// backendSums returns the total of each backend.
func (v *view) backendSums() []backendTotal { return v.allTotals()[:len(v.Backends)] }

// allTotals returns the total of each backend, in the order of the report, and
// last that of all.
func (v *view) allTotals() []backendTotal {
	totals := make([]backendTotal, len(v.Backends)+1)
	all := &totals[len(v.Backends)]
	of := map[string]*backendTotal{}
	for i := range v.Backends {
		totals[i].Backend = v.Backends[i].Name
		of[v.Backends[i].Name] = &totals[i]
	}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		for _, t := range []*backendTotal{of[m.Backend], all} {
			if t != nil {
				t.add(m)
			}
		}
	}
	for i := range v.open.Proposals {
		p := &v.open.Proposals[i]
		for _, t := range []*backendTotal{of[p.Place.Backend], all} {
			if t != nil {
				t.Proposals++
				t.SavingSeries += p.Saving.Series
				t.SavingPerMonth += p.SavingPerMonth
			}
		}
	}
	for i := range totals {
		totals[i].Share = v.all.shareOf(totals[i].Cost, totals[i].PerMonth)
	}
	return totals
}

func (t *backendTotal) add(m *sentei.MetricReport) {
	t.Metrics++
	t.Cost = t.Cost.Plus(m.Cost)
	t.PerMonth += m.PerMonth
	switch m.Verdict {
	case sentei.Used:
		t.Used += m.Cost.Series
	case sentei.PartlyUsed:
		t.PartlyUsed += m.Cost.Series
	case sentei.Unused:
		t.Unused += m.Cost.Series
	default:
		t.Unknown += m.Cost.Series
	}
}

// backendsGrid sets the backends side by side.
func (v *view) backendsGrid(totals []backendTotal) *grid {
	right := func(title string, drop int) column { return column{title: title, right: true, drop: drop} }
	g := &grid{columns: []column{{title: "backend"}, right("series", 0), right("of these used", 0), right("partly used", 0), right("unused", 0), right("unknown", 0)}}
	if v.priced {
		g.columns = append(g.columns, right(v.currency+"/month", 0))
	}
	g.columns = append(g.columns, right("share", 0), right("metrics", 2), right("proposals", 1), right("save series", 0))
	if v.priced {
		g.columns = append(g.columns, right("save "+v.currency+"/month", 0))
	}
	for _, t := range totals {
		s, name := plain, t.Backend
		if name == "" {
			s, name = bold, "all"
		}
		row := []cell{{name, s}, {number.Count(t.Cost.Series), s}, {number.Count(t.Used), s}, {number.Count(t.PartlyUsed), s}, {number.Count(t.Unused), s},
			{number.Count(t.Unknown), s}}
		if v.priced {
			row = append(row, cell{number.Money(t.PerMonth), s})
		}
		row = append(row, cell{number.Percent(t.Share), s}, cell{number.Count(int64(t.Metrics)), s}, cell{number.Count(int64(t.Proposals)), s}, cell{number.Count(t.SavingSeries), s})
		if v.priced {
			row = append(row, cell{number.Money(t.SavingPerMonth), s})
		}
		g.rows = append(g.rows, row)
	}
	return g
}
