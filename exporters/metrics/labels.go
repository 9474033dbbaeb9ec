package metrics

import (
	"cmp"
	"slices"

	"github.com/sentei/sentei"
)

// maxLabels bounds how many labels of a metric are told about.
const maxLabels = 3

// labels tells what the removal of labels would leave of a metric: of those
// labels that would save most, and only where the effect is known in all jobs.
func (p *page) labels(m *sentei.MetricReport) {
	var all []sentei.LabelEffect
	for _, name := range m.RemovableLabels() {
		if e, ok := m.Without(name); ok && e.Without < m.Cost.Series {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b sentei.LabelEffect) int { return cmp.Compare(a.Without, b.Without) })
	for _, e := range all[:min(len(all), maxLabels)] {
		p.add(metricLabelSeriesWithout, float64(e.Without), m.Backend, m.Name, e.Name, string(m.LabelVerdict(e.Name)))
		p.add(metricLabelValues, float64(e.Distinct), m.Backend, m.Name, e.Name)
	}
}
