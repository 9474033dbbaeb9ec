package analyzer

import (
	"time"

	"github.com/sentei/sentei"
)

// score fills in the money and the score of every metric of one backend:
//
//	score = 100 × Σ over its jobs (cost in the job ÷ cost of all) × (1 − use in the job)
//
// use is 1 when an alerting rule, a dashboard, a declared consumer or a living
// recording rule reads the metric, and when the verdict is unknown: doubt
// never looks like a saving. A metric that only logged queries read has a use
// between 0 and 1 (see adHocUse); one that nobody reads has 0. Cost is money,
// or series where no price is configured.
func score(metrics []sentei.MetricReport, consumers []sentei.Consumer, at time.Time, o Options) {
	byID := make(map[string]*sentei.Consumer, len(consumers))
	for i := range consumers {
		byID[consumers[i].ID] = &consumers[i]
	}
	amount := o.Prices.PerMonth
	total := 0.0
	for i := range metrics {
		m := &metrics[i]
		m.PerMonth = o.Prices.PerMonth(m.Cost)
		total += m.PerMonth
	}
	if total == 0 { // no prices
		amount = func(c sentei.Cost) float64 { return float64(c.Series) }
		for i := range metrics {
			total += amount(metrics[i].Cost)
		}
	}
	if total == 0 {
		return
	}
	for i := range metrics {
		m := &metrics[i]
		for j := range m.Jobs {
			m.Score += 100 * amount(m.Jobs[j].Cost) / total * (1 - useOf(&m.JobUsage[j].Usage, byID, at, o.Window))
		}
	}
}

func useOf(u *sentei.Usage, byID map[string]*sentei.Consumer, at time.Time, window time.Duration) float64 {
	if u.Verdict == sentei.Unknown {
		return 1
	}
	use := 0.0
	for _, id := range u.Readers {
		c := byID[id]
		if c.Kind != sentei.Query {
			return 1
		}
		use = max(use, adHocUse(c, at, window))
	}
	return use
}

// adHocUse weighs a logged query: the fresher and the more often, the nearer
// to 1. Recency falls from 1 to 0 over the window, frequency is n/(n+1). A
// query without a time is taken for a fresh one.
func adHocUse(c *sentei.Consumer, at time.Time, window time.Duration) float64 {
	if window <= 0 {
		return 1
	}
	recency := 1.0
	if !c.LastSeen.IsZero() {
		recency = 1 - float64(at.Sub(c.LastSeen))/float64(window)
	}
	frequency := float64(c.Count) / float64(c.Count+1)
	return min(1, max(0, recency)) * frequency
}
