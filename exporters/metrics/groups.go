package metrics

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sentei/sentei"
)

// maxGroups bounds how many jobs, how many namespaces and how many owners of a
// backend have series of their own.
const maxGroups = 30

// A group is the series of a backend with one value of the label job or
// namespace, or of one owner.
type group struct {
	backend, name string
	series        map[sentei.Verdict]float64
	perMonth      map[sentei.Verdict]float64
}

// groups tells what the jobs, the namespaces and the owners of every backend
// take.
func (p *page) groups() {
	prices := p.report.Settings.Prices
	p.groupsBy(jobSeries, jobCostPerMonth, func(_ string, j *sentei.JobMetric, add func(string, float64, float64)) {
		add(cmp.Or(j.Job, "(no job)"), float64(j.Cost.Series), prices.PerMonth(j.Cost))
	})
	p.groupsBy(namespaceSeries, namespaceCostPerMonth, func(_ string, j *sentei.JobMetric, add func(string, float64, float64)) {
		for name, part := range j.Shares("namespace") {
			add(name, float64(j.Cost.Series)*part, prices.PerMonth(j.Cost)*part)
		}
	})
	if owners := &p.report.Settings.Owners; owners.Set() {
		p.groupsBy(ownerSeries, ownerCostPerMonth, func(metric string, j *sentei.JobMetric, add func(string, float64, float64)) {
			for _, c := range owners.Costs(metric, j) {
				add(c.Owner, float64(c.Cost.Series), prices.PerMonth(c.Cost))
			}
		})
	}
}

// groupsBy lets split add the parts of every metric in a job to groups of a
// name: series, and money. The most expensive groups of a backend have series
// of their own.
func (p *page) groupsBy(count, money *family, split func(metric string, j *sentei.JobMetric, add func(name string, series, perMonth float64))) {
	type key struct{ backend, name string }
	found := map[key]*group{}
	for i := range p.report.Metrics {
		m := &p.report.Metrics[i]
		for k := range m.Jobs {
			verdict := m.JobUsage[k].Verdict
			split(m.Name, &m.Jobs[k], func(name string, series, perMonth float64) {
				g := found[key{m.Backend, name}]
				if g == nil {
					g = &group{m.Backend, name, map[sentei.Verdict]float64{}, map[sentei.Verdict]float64{}}
					found[key{m.Backend, name}] = g
				}
				g.series[verdict] += series
				g.perMonth[verdict] += perMonth
			})
		}
	}
	sorted := slices.SortedFunc(maps.Values(found), func(a, b *group) int {
		return cmp.Or(
			cmp.Compare(total(b.perMonth), total(a.perMonth)),
			cmp.Compare(total(b.series), total(a.series)),
			cmp.Compare(a.backend, b.backend),
			cmp.Compare(a.name, b.name),
		)
	})
	seen := map[string]int{} // by backend
	for _, g := range sorted {
		name := g.name
		if seen[g.backend]++; seen[g.backend] > min(p.top, maxGroups) {
			name = Other
		}
		for _, v := range sentei.Verdicts() {
			if series, ok := g.series[v]; ok {
				p.add(count, series, g.backend, name, string(v))
				p.addMoney(money, g.perMonth[v], g.backend, name, string(v))
			}
		}
	}
}

// total adds up in the order of verdicts: the order of a map would show in the
// last digits.
func total(by map[sentei.Verdict]float64) float64 {
	sum := 0.0
	for _, v := range sentei.Verdicts() {
		sum += by[v]
	}
	return sum
}
