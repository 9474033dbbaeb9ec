package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// A Waterfall leads from what is paid now to what would be paid if the open
// proposals were carried out: the template "waterfall" shows it.
type Waterfall struct {
	Title, Lead string
	Unit, Short string // of the amounts: "EUR a month" and "EUR", or "series" and nothing
	Rows        []waterfallRow
}

// A waterfallRow is the whole before or after, or what one kind of proposals
// takes away.
type waterfallRow struct {
	Name   string
	Grade  string // of the proposals; empty for a whole
	Count  string // of the proposals
	Amount string
	Share  string // of the bill now
	X, W   string // of the bar, in percent
	From   string // where the bar before ends; empty for the first
	Edge   string // where this one ends and the next one begins
	Total  bool
	Last   bool
}

// waterfallSteps is how many kinds of proposals stand alone.
const waterfallSteps = 7

// NewWaterfall sums up the open proposals of a report by rule and grade, those
// that save most first. all and perMonth are what all metrics of the report
// take. It is nil when the proposals save nothing.
func NewWaterfall(r *sentei.Report, all sentei.Cost, perMonth float64) *Waterfall {
	v := &view{Report: r, all: total{cost: all, perMonth: perMonth}, priced: perMonth != 0}
	v.currency = cmp.Or(r.Settings.Prices.Currency, "money")
	v.open, v.decided = r.InStates(sentei.Open()...)
	return v.waterfall()
}

func (v *view) waterfall() *Waterfall {
	type step struct {
		rule     string
		grade    sentei.Grade
		count    int
		cost     sentei.Cost
		perMonth float64
	}
	var steps []step
	var all step
	for i := range v.open.Proposals {
		p := &v.open.Proposals[i]
		k := slices.IndexFunc(steps, func(s step) bool { return s.rule == p.Rule && s.grade == p.Grade })
		if k < 0 {
			k = len(steps)
			steps = append(steps, step{rule: p.Rule, grade: p.Grade})
		}
		for _, s := range []*step{&steps[k], &all} {
			s.count++
			s.cost, s.perMonth = s.cost.Plus(p.Saving), s.perMonth+p.SavingPerMonth
		}
	}
	weight := func(s *step) float64 { return v.weight(s.cost, s.perMonth) }
	bill := v.weight(v.all.cost, v.all.perMonth)
	steps = slices.DeleteFunc(steps, func(s step) bool { return weight(&s) <= 0 })
	if len(steps) == 0 || bill <= 0 {
		return nil
	}
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(weight(&b), weight(&a)), cmp.Compare(a.rule, b.rule), cmp.Compare(a.grade, b.grade))
	})
	if len(steps) > waterfallSteps+1 {
		rest := step{rule: number.Plural(len(steps)-waterfallSteps, "other kind")}
		for _, s := range steps[waterfallSteps:] {
			rest.count, rest.cost, rest.perMonth = rest.count+s.count, rest.cost.Plus(s.cost), rest.perMonth+s.perMonth
		}
		steps = append(steps[:waterfallSteps:waterfallSteps], rest)
	}
	percent := func(f float64) string { return strconv.FormatFloat(100*min(1, max(0, f/bill)), 'f', 2, 64) }
	w, name := &Waterfall{Title: "What the series would be", Unit: "series"}, "Series"
	if v.priced {
		w.Title, name, w.Unit, w.Short = "What the bill would be", "Bill", v.currency+" a month", v.currency
	}
	w.Rows = append(w.Rows, waterfallRow{Name: name + " now", Amount: v.exact(bill), Share: "100%", X: "0", W: "100", Edge: percent(bill), Total: true})
	left := bill
	for i := range steps {
		s := &steps[i]
		after := left - weight(s)
		w.Rows = append(w.Rows, waterfallRow{
			Name: strings.ReplaceAll(s.rule, "_", " "), Grade: GradeName(s.grade), Count: number.Plural(s.count, "proposal"),
			Amount: "−" + v.exact(weight(s)), Share: number.Percent(weight(s) / bill),
			X: percent(after), W: percent(left - max(0, after)), From: percent(left), Edge: percent(after),
		})
		left = after
	}
	w.Rows = append(w.Rows, waterfallRow{
		Name: name + " after", Amount: v.exact(left), Share: number.Percent(left / bill), X: "0", W: percent(left), From: percent(left), Total: true, Last: true,
	})
	w.Lead = number.Plural(all.count, "open proposal") + " would take away " + number.Percent((bill-left)/bill) + ". They never overlap, so nothing is counted twice."
	if others := sentei.CountStates(v.decided); others != "" {
		w.Lead += " Not counted: " + others + "."
	}
	return w
}

// exact writes a weight to the cent.
func (v *view) exact(weight float64) string {
	if v.priced {
		return number.Money(weight)
	}
	return number.Count(int64(weight))
}
