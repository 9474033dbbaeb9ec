package web

import (
	"net/http"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
)

// A stateSum is what the proposals of one state save together.
type stateSum struct {
	State    sentei.State
	Count    int
	Saving   sentei.Cost
	PerMonth float64
	X, W     string // of the bar, in percent
}

func (s states) sums() []stateSum {
	sums := map[sentei.State]*stateSum{}
	add := func(state sentei.State, saving sentei.Cost, perMonth float64) {
		if sums[state] == nil {
			sums[state] = &stateSum{State: state}
		}
		t := sums[state]
		t.Count++
		t.Saving, t.PerMonth = t.Saving.Plus(saving), t.PerMonth+perMonth
	}
	for i := range s.x.Proposals {
		p := &s.x.Proposals[i]
		add(s.State(p), p.Saving, p.SavingPerMonth)
	}
	for i := range s.x.Tracked {
		t := &s.x.Tracked[i]
		add(t.State, t.Saving, t.SavingPerMonth)
	}
	whole, at := 0.0, 0.0
	weight := func(t *stateSum) float64 {
		if s.x.priced {
			return t.PerMonth
		}
		return float64(t.Saving.Series)
	}
	for _, t := range sums {
		whole += weight(t)
	}
	var out []stateSum
	for _, state := range sentei.States() {
		if t := sums[state]; t != nil {
			t.X, t.W = bar(at, whole), bar(weight(t), whole)
			at += weight(t)
			out = append(out, *t)
		}
	}
	return out
}

type overview struct {
	report.Summary
	States    []stateSum
	Biggest   []sentei.Proposal
	Grown     []*sentei.MetricReport
	Shrunk    []*sentei.MetricReport
	Since     string
	Trend     *report.Trend
	Waterfall *report.Waterfall
}

// short is how many lines the lists of the overview have.
const short = 8

func (h *Handler) overviewPage(w http.ResponseWriter, req *http.Request, x *index, s states) {
	now := s.all()
	o := overview{Summary: x.sums().Decided(now), States: s.sums()}
	for i := range x.Proposals {
		if p := s.with(&x.Proposals[i]); p.State == sentei.Pending && len(o.Biggest) < short {
			o.Biggest = append(o.Biggest, p)
		}
	}
	if !x.Since.IsZero() {
		o.Since = x.Since.UTC().Format("2006-01-02 15:04 UTC")
		order := x.order("growth")
		for i := range min(short, len(order)) {
			if m := &x.Metrics[order[i]]; grown(m) > 0 {
				o.Grown = append(o.Grown, m)
			}
			if m := &x.Metrics[order[len(order)-1-i]]; grown(m) < 0 {
				o.Shrunk = append(o.Shrunk, m)
			}
		}
	}
	reports, err := h.reports(req.Context())
	if err != nil {
		h.options.Logger.Error("list reports", "err", err) // the rest of the page is worth showing
	}
	o.Trend = x.trendOf(reports)
	o.Waterfall = report.NewWaterfall(now, x.cost, x.perMonth)
	h.show(w, req, http.StatusOK, "ui-overview", "overview", "Overview", x, o)
}
