package metrics

import "github.com/sentei/sentei"

// trackedStates are those that a proposal can have after it was carried out.
var trackedStates = []sentei.State{sentei.Applied, sentei.Verified, sentei.Regretted}

// tracked tells what came of the proposals that were carried out. Every backend
// is there, if only with 0.
func (p *page) tracked() {
	for _, b := range p.report.Backends {
		for _, s := range trackedStates {
			p.add(trackedProposals, 0, b.Name, string(s))
		}
		p.outcome(b.Name, &sentei.Tracked{})
	}
	for i := range p.report.Tracked {
		t := &p.report.Tracked[i]
		p.add(trackedProposals, 1, t.Place.Backend, string(t.State))
		p.outcome(t.Place.Backend, t)
	}
}

func (p *page) outcome(backend string, t *sentei.Tracked) {
	p.add(promisedSeries, float64(t.Saving.Series), backend)
	p.add(realisedSeries, float64(t.Realised.Series), backend)
	p.add(promisedSamples, t.Saving.SamplesPerSecond, backend)
	p.add(realisedSamples, t.Realised.SamplesPerSecond, backend)
	p.addMoney(promisedPerMonth, t.SavingPerMonth, backend)
	p.addMoney(realisedPerMonth, t.RealisedPerMonth, backend)
	p.add(regrets, float64(len(t.Regrets)), backend)
}
