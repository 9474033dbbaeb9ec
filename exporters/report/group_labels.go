package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// labelSum is what the removal of a label would do to all metrics that have it.
type labelSum struct {
	name          string
	metrics, dead int
	values        int64 // in the metric and job that has most of them
	saved         int64 // active series, of those metrics where it is known
	savedDead     int64 // the same where no consumer needs the label
	// notKnown and notKnownDead say that it is not known of some of them.
	notKnown, notKnownDead bool
}

// labelSums sums up the labels of all backends, the one whose removal would
// save most first, and what may save something before what saves nothing, as
// many as top says; 0 means all. le and quantile are among them: they cost,
// even if they cannot be removed.
func (v *view) labelSums(top int) []*labelSum {
	found := map[string]*labelSum{}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		for k := range m.Jobs {
			j := &m.Jobs[k]
			for n := range j.Labels {
				l := &j.Labels[n]
				r := found[l.Name]
				if r == nil {
					r = &labelSum{name: l.Name}
					found[l.Name] = r
				}
				r.add(j, l, m.JobUsage[k].Verdict == sentei.Unused || n < len(m.JobUsage[k].Labels) && m.JobUsage[k].Labels[n].Verdict == sentei.Unused)
			}
		}
	}
	var all []*labelSum
	for _, r := range found {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *labelSum) int {
		return cmp.Or(cmp.Compare(b.saved, a.saved), compareBool(b.notKnown, a.notKnown), strings.Compare(a.name, b.name))
	})
	if top > 0 && len(all) > top {
		all = all[:top]
	}
	return all
}

// labelsGrid lists the labels.
func (v *view) labelsGrid(top int) *grid {
	g := &grid{columns: []column{
		{title: "label", code: true}, {title: "on metrics", right: true}, {title: "values", right: true},
		{title: "series saved without it", right: true}, {title: "needed by nobody on", right: true}, {title: "series saved there", right: true},
	}}
	for _, r := range v.labelSums(top) {
		g.rows = append(g.rows, []cell{
			numeral(r.name), numeral(number.Count(int64(r.metrics))), numeral(number.Count(r.values)),
			numeral(number.Sum(number.Count(r.saved), r.saved > 0, !r.notKnown)),
			numeral(number.Count(int64(r.dead))), numeral(number.Sum(number.Count(r.savedDead), r.savedDead > 0, !r.notKnownDead)),
		})
	}
	return g
}

// add counts a metric once for each job that has the label.
func (r *labelSum) add(j *sentei.JobMetric, l *sentei.LabelStats, dead bool) {
	r.metrics++
	r.values = max(r.values, l.Distinct)
	left, known := j.Without(l.Name)
	saved := int64(0)
	if known {
		saved = j.Cost.Series - left
	}
	r.saved += saved
	r.notKnown = r.notKnown || !known
	if dead {
		r.dead++
		r.savedDead += saved
		r.notKnownDead = r.notKnownDead || !known
	}
}
