package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/store"
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
	States  []stateSum
	Biggest []sentei.Proposal
	Grown   []*sentei.MetricReport
	Shrunk  []*sentei.MetricReport
	Since   string
	Trend   *trend
}

// short is how many lines the lists of the overview have.
const short = 8

func (h *Handler) overviewPage(w http.ResponseWriter, req *http.Request, x *index, s states) {
	o := overview{Summary: x.sums(), States: s.sums()}
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
	o.Trend = newTrend(reports)
	h.show(w, req, http.StatusOK, "ui-overview", "overview", "Overview", x, o)
}

// A trend is what was stored at each kept report.
type trend struct {
	Points []point
	Line   string // of all, for a polyline
	Unused string // of the unused part
	From   string
	To     string
	Last   int64
	First  int64
}

type point struct{ All, Unused int64 }

// newTrend draws the series of the kept reports, or returns nil when there
// are too few. They come newest first.
func newTrend(reports []store.ReportInfo) *trend {
	const most, width, height = 120, 1080.0, 120.0
	if len(reports) < 3 {
		return nil
	}
	reports = slices.Clone(reports[:min(len(reports), most)])
	slices.Reverse(reports)
	t := &trend{From: reports[0].At.UTC().Format("2006-01-02 15:04"), To: reports[len(reports)-1].At.UTC().Format("2006-01-02 15:04")}
	highest := int64(1)
	for _, r := range reports {
		p := point{Unused: r.Verdicts[sentei.Unused].Series}
		for _, v := range r.Verdicts {
			p.All += v.Series
		}
		highest = max(highest, p.All)
		t.Points = append(t.Points, p)
	}
	span := reports[len(reports)-1].At.Sub(reports[0].At).Seconds()
	for i, p := range t.Points {
		at := width
		if span > 0 {
			at = width * reports[i].At.Sub(reports[0].At).Seconds() / span
		}
		y := func(n int64) string {
			return strconv.FormatFloat(at, 'f', 1, 64) + "," + strconv.FormatFloat(height-(height-4)*float64(n)/float64(highest), 'f', 1, 64) + " "
		}
		t.Line += y(p.All)
		t.Unused += y(p.Unused)
	}
	t.First, t.Last = t.Points[0].All, t.Points[len(t.Points)-1].All
	return t
}
