package rules

import (
	"fmt"

	"github.com/sentei/sentei"
)

const mergeTheorem = "Series of one target that always have the same value become one; no living selector that reads the metric needs the label, " +
	"and the operators above each of them give the same for one such series as for several: every result stays the same in steady state."

// proveMerge goes through the selectors that may read the metric. None may need
// the label, and none may count series. That the values are constant and the
// series from one target is what the rule itself has looked at.
func (x *index) proveMerge(p *sentei.Proposal) ([]sentei.ProofReader, string) {
	if p.Action.Metric == "" || !p.Place.Shared {
		return nil, "series may become one only of one metric and job"
	}
	if _, reason := x.proveStrip(p); reason != "" {
		return nil, reason
	}
	readers, c := x.mergeReaders(x.metric(p.Place.Backend, p.Action.Metric))
	if c != nil {
		return nil, describe(c) + " may notice how many series there are"
	}
	return sortedReaders(readers), ""
}

// mergeReaders returns the living selectors that may read the metric in any
// job, or the first consumer that may notice how many series are alike.
func (x *index) mergeReaders(m *sentei.MetricReport) ([]sentei.ProofReader, *sentei.Consumer) {
	var readers []sentei.ProofReader
	for _, r := range x.readings(m.Name) {
		c, s := r.consumer, r.selector
		if !sameBackend(c, m.Backend) || x.expired(c) || !x.mayRead(m, nil, s.Matchers) {
			continue
		}
		if c.Kind == sentei.RecordingRule && c.Dead && x.readerOf(c) == nil {
			continue
		}
		if !s.MergesEqual || s.OrderSensitive {
			return nil, c
		}
		readers = append(readers, sentei.ProofReader{
			Consumer: c.ID, Selector: s.String(), Because: fmt.Sprintf("needs %s, and does not count series that are alike", s.Live),
		})
	}
	return readers, nil
}
