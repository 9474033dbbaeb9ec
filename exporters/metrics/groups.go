package metrics

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sentei/sentei"
)

// maxGroups bounds how many jobs and how many namespaces of a backend have
// series of their own.
const maxGroups = 30

// A group is the series of a backend with one value of the label job or
// namespace.
type group struct {
	backend, name string
	series        map[sentei.Verdict]float64
	perMonth      map[sentei.Verdict]float64
}

// groups tells what the jobs and the namespaces of every backend take.
func (p *page) groups() {
	p.groupsBy(jobSeries, jobCostPerMonth, func(j *sentei.JobMetric) map[string]float64 {
		return map[string]float64{cmp.Or(j.Job, "(no job)"): 1}
	})
	p.groupsBy(namespaceSeries, namespaceCostPerMonth, func(j *sentei.JobMetric) map[string]float64 {
		return j.Shares("namespace")
	})
}

// groupsBy splits every metric and adds up the parts of the same name. The most
// expensive groups of a backend have series of their own.
func (p *page) groupsBy(count, money *family, shares func(*sentei.JobMetric) map[string]float64) {
	type key struct{ backend, name string }
	found := map[key]*group{}
	for i := range p.report.Metrics {
		m := &p.report.Metrics[i]
		for k := range m.Jobs {
			j, verdict := &m.Jobs[k], m.JobUsage[k].Verdict
			perMonth := p.report.Settings.Prices.PerMonth(j.Cost)
			for name, part := range shares(j) {
				g := found[key{m.Backend, name}]
				if g == nil {
					g = &group{m.Backend, name, map[sentei.Verdict]float64{}, map[sentei.Verdict]float64{}}
					found[key{m.Backend, name}] = g
				}
				g.series[verdict] += float64(j.Cost.Series) * part
				g.perMonth[verdict] += perMonth * part
			}
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
