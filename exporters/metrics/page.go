package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sentei/sentei"
)

// A page holds the values made from one report: one sum for each family and
// its label values.
type page struct {
	report   *sentei.Report
	top      int
	currency string // empty when nothing has a price: then money is left out
	sums     map[*family]map[string]float64
}

func newPage(r *sentei.Report, top int) *page {
	p := &page{report: r, top: top, sums: map[*family]map[string]float64{}}
	if _, _, perMonth := r.Total(""); perMonth != 0 {
		p.currency = cmp.Or(r.Settings.Prices.Currency, "unknown")
	}
	p.add(reportTimestamp, seconds(r.At))
	p.add(minWindow, r.Settings.MinWindow.Seconds())
	p.totals()
	p.consumers()
	p.metricSeries()
	p.groups()
	p.budgets()
	p.proposals()
	p.tracked()
	p.sources()
	return p
}

// separator cannot stand in a label value, which is valid UTF-8.
const separator = "\xff"

// add adds to the value that belongs to the label values.
func (p *page) add(f *family, value float64, labels ...string) {
	for i := range labels {
		labels[i] = valid(labels[i])
	}
	if p.sums[f] == nil {
		p.sums[f] = map[string]float64{}
	}
	p.sums[f][strings.Join(labels, separator)] += value
}

// addMoney adds an amount, unless nothing has a price.
func (p *page) addMoney(f *family, value float64, labels ...string) {
	if p.currency != "" {
		p.add(f, value, append(labels, p.currency)...)
	}
}

// metrics returns the values in the order of families and labels.
func (p *page) metrics() []prometheus.Metric {
	var out []prometheus.Metric
	for _, f := range reportFamilies() {
		desc, sums := f.desc(), p.sums[f]
		for _, key := range slices.Sorted(maps.Keys(sums)) {
			var labels []string
			if len(f.labels) > 0 {
				labels = strings.Split(key, separator)
			}
			out = append(out, prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, sums[key], labels...))
		}
	}
	return out
}

func (p *page) totals() {
	for _, b := range p.report.Backends { // all verdicts are there, if only as 0
		for _, v := range sentei.Verdicts() {
			p.total(b.Name, v, 0, sentei.Cost{}, 0)
		}
	}
	for i := range p.report.Metrics {
		m := &p.report.Metrics[i]
		p.total(m.Backend, m.Verdict, 1, m.Cost, m.PerMonth)
	}
}

func (p *page) total(backend string, v sentei.Verdict, metrics float64, c sentei.Cost, perMonth float64) {
	p.add(metricNames, metrics, backend, string(v))
	p.add(series, float64(c.Series), backend, string(v))
	p.add(samplesPerSecond, c.SamplesPerSecond, backend, string(v))
	p.addMoney(costPerMonth, perMonth, backend, string(v))
}

func (p *page) consumers() {
	for i := range p.report.Consumers {
		c := &p.report.Consumers[i]
		state := "alive"
		switch {
		case c.Opaque != "":
			state = "opaque"
		case c.Dead:
			state = "dead"
		}
		p.add(consumers, 1, c.Backend, string(c.Kind), state)
	}
}

// metricSeries tells about each of the top metrics of every backend, and sums
// up the others.
func (p *page) metricSeries() {
	kinds := make(map[string]sentei.ConsumerKind, len(p.report.Consumers))
	for i := range p.report.Consumers {
		kinds[p.report.Consumers[i].ID] = p.report.Consumers[i].Kind
	}
	sorted := make([]*sentei.MetricReport, len(p.report.Metrics))
	for i := range p.report.Metrics {
		sorted[i] = &p.report.Metrics[i]
	}
	slices.SortFunc(sorted, sentei.CompareCostly)
	seen := map[string]int{} // by backend
	for _, m := range sorted {
		seen[m.Backend]++
		name, verdict := m.Name, string(m.Verdict)
		if seen[m.Backend] > p.top {
			name = Other
		} else {
			for _, id := range m.Readers {
				if kind, ok := kinds[id]; ok {
					p.add(metricConsumers, 1, m.Backend, name, string(kind))
				}
			}
			p.labels(m)
		}
		p.add(metricSeries, float64(m.Cost.Series), m.Backend, name, verdict)
		p.add(metricSamplesPerSecond, m.Cost.SamplesPerSecond, m.Backend, name, verdict)
		p.addMoney(metricCostPerMonth, m.PerMonth, m.Backend, name, verdict)
		p.add(metricScoreRatio, m.Score/100, m.Backend, name, verdict)
	}
}

// budgets tells what the backends may take.
func (p *page) budgets() {
	for _, b := range p.report.Backends {
		if b.Budget.Series > 0 {
			p.add(budgetSeries, float64(b.Budget.Series), b.Name)
		}
		if b.Budget.PerMonth > 0 {
			p.addMoney(budgetPerMonth, b.Budget.PerMonth, b.Name)
		}
	}
}

// A saving is what the proposals of one place and sort save together.
type saving struct {
	place    [5]string // backend, scrape job, rule, grade, state
	series   int64
	perMonth float64
}

func (p *page) proposals() {
	byPlace := map[[5]string]*saving{}
	for i := range p.report.Proposals {
		o := &p.report.Proposals[i]
		place := [5]string{o.Place.Backend, o.Place.ScrapeJob, o.Rule, string(o.Grade), string(o.State)}
		p.add(proposals, 1, place[0], place[2], place[3], place[4])
		if byPlace[place] == nil {
			byPlace[place] = &saving{place: place}
		}
		byPlace[place].series += o.Saving.Series
		byPlace[place].perMonth += o.SavingPerMonth
	}
	sorted := slices.SortedFunc(maps.Values(byPlace), func(a, b *saving) int {
		return cmp.Or(
			cmp.Compare(b.perMonth, a.perMonth),
			cmp.Compare(b.series, a.series),
			slices.Compare(a.place[:], b.place[:]),
		)
	})
	seen := map[string]int{} // by backend
	for _, s := range sorted {
		place := s.place
		if seen[place[0]]++; seen[place[0]] > p.top {
			place[1] = Other
		}
		p.add(proposalSavingSeries, float64(s.series), slices.Clone(place[:])...)
		p.addMoney(proposalSavingPerMonth, s.perMonth, slices.Clone(place[:])...)
	}
}

func (p *page) sources() {
	ends := map[string]time.Time{}
	for _, b := range p.report.Backends {
		ends[b.Name] = b.To
	}
	for i := range p.report.Sources {
		s := &p.report.Sources[i]
		labels := func() []string {
			return []string{s.Backend, s.Name, cmp.Or(string(s.Class), "inventory")}
		}
		up := 0.0
		if s.Up {
			up = 1
		}
		p.add(sourceUp, up, labels()...)
		p.add(sourceItems, float64(s.Items), labels()...)
		p.add(sourceDuration, s.Took.Seconds(), labels()...)
		if d := s.Window.Duration(); d > 0 {
			p.add(sourceWindow, d.Seconds(), labels()...)
			p.add(sourceGaps, gaps(s.Gaps).Seconds(), labels()...)
			p.add(sourceLag, max(0, ends[s.Backend].Sub(s.Window.To)).Seconds(), labels()...)
		}
		for _, blocking := range []bool{true, false} { // be there while there are none
			p.add(problems, 0, s.Backend, s.Name, strconv.FormatBool(blocking))
		}
	}
	for i := range p.report.Problems {
		o := &p.report.Problems[i]
		p.add(problems, 1, o.Backend, o.Source, strconv.FormatBool(o.Blocking && o.Accepted == ""))
	}
}

func gaps(all []sentei.Window) time.Duration {
	var sum time.Duration
	for _, g := range all {
		sum += g.Duration()
	}
	return sum
}
