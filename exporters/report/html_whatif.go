package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// A whatIfRow is what sets of labels leave in one job when they are removed one
// after the other.
type whatIfRow struct {
	Job, Series string
	Steps       []whatIfStep
}

type whatIfStep struct {
	Labels []labelRow
	Left   string
}

// maxWhatIf is how many jobs of a metric are shown with what sets of labels
// would leave: those with most series.
const maxWhatIf = 3

func whatIfRows(m *sentei.MetricReport) []whatIfRow {
	var order []int
	for i := range min(len(m.Jobs), len(m.JobUsage)) {
		if len(m.Jobs[i].Reductions) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.Jobs[b].Cost.Series, m.Jobs[a].Cost.Series) })
	var rows []whatIfRow
	for _, i := range order[:min(len(order), maxWhatIf)] {
		j := &m.Jobs[i]
		row := whatIfRow{Job: cmp.Or(j.Job, "(no job label)"), Series: number.Count(j.Cost.Series)}
		for _, r := range j.Reductions {
			step := whatIfStep{Left: number.Count(r.SeriesWithoutLive)}
			for _, name := range r.Labels {
				verdict, _ := m.JobUsage[i].LabelVerdict(name)
				step.Labels = append(step.Labels, labelRow{Name: name, Verdict: verdict})
			}
			row.Steps = append(row.Steps, step)
		}
		rows = append(rows, row)
	}
	return rows
}

// buckets says how a histogram is stored.
func buckets(h *sentei.Histogram) string {
	switch {
	case h == nil:
		return ""
	case len(h.Bounds) == 0:
		return "native histograms"
	case h.NativeSeries == 0:
		return number.Plural(len(h.Bounds), "bucket")
	}
	return fmt.Sprintf("%s, and native histograms", number.Plural(len(h.Bounds), "bucket"))
}
