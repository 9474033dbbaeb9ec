package report

import (
	"fmt"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// An errorRow is how far a consumer is off under a proposal, as text.
type errorRow struct{ Who, Expr, Max, Median, Aligned, Age, At, Detail string }

// errorRows returns the measured errors of a proposal, the worst first, at most
// maxReaders, and how many more there are.
func (v *view) errorRows(h *sentei.RehearsalResult) (rows []errorRow, more int) {
	if h == nil {
		return nil, 0
	}
	for i := range h.Errors[:min(len(h.Errors), maxReaders)] {
		e := &h.Errors[i]
		rows = append(rows, errorRow{
			Who: v.who(e.Consumer), Expr: e.Expr, Max: number.Percent(e.Max), Median: number.Percent(e.Median), Aligned: number.Percent(e.Aligned),
			Age: number.Span(e.Age.Round(time.Second)), At: number.Minute(e.At), Detail: e.Detail,
		})
	}
	return rows, len(h.Errors) - len(rows)
}

// who names a consumer.
func (v *view) who(id string) string {
	if c := v.consumers[id]; c != nil {
		return fmt.Sprintf("%s %q", c.Kind, c.Name)
	}
	return id
}

// errorsGrid lists what the proposals of a grade were measured to be off by; nil
// when nothing was measured.
func (v *view) errorsGrid(group gradeGroup) *grid {
	g := &grid{columns: []column{
		{title: "proposal"}, {title: "change", code: true}, {title: "reader"}, {title: "error, largest", right: true}, {title: "median", right: true},
		{title: "when just stored", right: true}, {title: "age at worst", right: true}, {title: "worst at"}, {title: "tolerated", right: true},
	}}
	for _, p := range group.proposals {
		rows, more := v.errorRows(p.Rehearsal)
		for i, r := range rows {
			if i == len(rows)-1 && more > 0 {
				r.Who += fmt.Sprintf(" and %d more", more)
			}
			g.rows = append(g.rows, []cell{
				numeral(p.ID), numeral(relabeling.Change(&p.Action)), numeral(r.Who), numeral(r.Max), numeral(r.Median),
				numeral(r.Aligned), numeral(r.Age), numeral(r.At), numeral(number.Percent(p.Tolerance)),
			})
		}
	}
	if len(g.rows) == 0 {
		return nil
	}
	return g
}
