package report

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// A view is a report with the look-ups and sums that the formats share.
type view struct {
	*sentei.Report
	priced    bool   // some price is set, so money tells something
	currency  string // of the prices; never empty when priced
	all       total
	consumers map[string]*sentei.Consumer
	proposals map[metricKey][]*sentei.Proposal
	open      *sentei.Report       // with the open proposals alone
	isOpen    map[string]bool      // by identifier
	decided   map[sentei.State]int // how many of the others are in each state
	// merged are the metrics that Options.MergeBackends has added up, with what
	// they are made of.
	merged map[*sentei.MetricReport][]*sentei.MetricReport
}

type metricKey struct{ backend, name string }

func newView(r *sentei.Report) *view {
	v := &view{
		Report:    r,
		currency:  r.Settings.Prices.Currency,
		consumers: map[string]*sentei.Consumer{},
		proposals: map[metricKey][]*sentei.Proposal{},
		isOpen:    map[string]bool{},
	}
	v.all = v.total("")
	v.priced = v.all.perMonth != 0
	if v.priced && v.currency == "" {
		v.currency = "money"
	}
	for i := range r.Consumers {
		v.consumers[r.Consumers[i].ID] = &r.Consumers[i]
	}
	v.open, v.decided = r.InStates(sentei.Open()...)
	for i := range v.open.Proposals {
		v.isOpen[v.open.Proposals[i].ID] = true
	}
	for i := range r.Proposals {
		p := &r.Proposals[i]
		k := metricKey{p.Place.Backend, p.Action.Metric}
		v.proposals[k] = append(v.proposals[k], p)
	}
	return v
}

// share returns the part of everything stored that the metric takes, 0 to 1:
// of the money, or of the series where nothing has a price.
func (v *view) share(m *sentei.MetricReport) float64 {
	return v.all.shareOf(m.Cost, m.PerMonth)
}

// top returns the n most expensive metrics, or all when n is 0, and the total
// of those left out.
func (v *view) top(n int) ([]*sentei.MetricReport, total) {
	all := make([]*sentei.MetricReport, len(v.Metrics))
	for i := range v.Metrics {
		all[i] = &v.Metrics[i]
	}
	return v.costliest(all, n)
}

// costliest is top of some metrics, which it sorts.
func (v *view) costliest(all []*sentei.MetricReport, n int) ([]*sentei.MetricReport, total) {
	slices.SortFunc(all, sentei.CompareCostly)
	if n <= 0 || n >= len(all) {
		return all, total{}
	}
	var rest total
	for _, m := range all[n:] {
		_, created := v.created(m)
		_, ended := v.ended(m)
		rest.notCreated, rest.notEnded = rest.notCreated || !created, rest.notEnded || !ended
		rest.metrics++
		rest.cost = rest.cost.Plus(m.Cost)
		rest.perMonth += m.PerMonth
	}
	return all[:n], rest
}

// A total is the sum of some metrics.
type total struct {
	verdict  sentei.Verdict // empty: all of them
	metrics  int
	cost     sentei.Cost
	perMonth float64
	// notCreated and notEnded say that some metrics lack that part of the cost
	// as it is not known.
	notCreated, notEnded bool
}

func (v *view) total(verdict sentei.Verdict) total {
	t := total{verdict: verdict}
	t.metrics, t.cost, t.perMonth = v.Total(verdict)
	return t
}

// totals returns one total a verdict, in the order of sentei.Verdicts.
func (v *view) totals() []total {
	var parts []total
	for _, verdict := range sentei.Verdicts() {
		parts = append(parts, v.total(verdict))
	}
	return parts
}

// shareOf returns the part of the total that a cost and its money make up.
func (t total) shareOf(cost sentei.Cost, perMonth float64) float64 {
	switch {
	case t.perMonth != 0:
		return perMonth / t.perMonth
	case t.cost.Series != 0:
		return float64(cost.Series) / float64(t.cost.Series)
	default:
		return 0
	}
}

// worstLabel finds the label whose removal would save most, over all jobs of
// the metric, or says that no label is known to save anything. A label is left
// out when a job does not know its effect.
func worstLabel(m *sentei.MetricReport) (sentei.LabelEffect, bool) {
	best := sentei.LabelEffect{Without: m.Cost.Series}
	for _, name := range m.RemovableLabels() {
		w, ok := m.Without(name)
		if ok && (w.Without < best.Without) {
			best = w
		}
	}
	return best, best.Name != ""
}

// worstLabels is worstLabel, or labels that determine each other and together
// save more: the first reduction, when all jobs have the same.
func worstLabels(m *sentei.MetricReport) (sentei.LabelEffect, bool) {
	best, ok := worstLabel(m)
	set := sentei.LabelEffect{}
	for i := range m.Jobs {
		j := &m.Jobs[i]
		if len(j.Reductions) == 0 {
			return best, ok
		}
		name := strings.Join(j.Reductions[0].Labels, ", ")
		if i > 0 && name != set.Name || !determineEachOther(j, j.Reductions[0].Labels) {
			return best, ok
		}
		set.Name = name
		set.Without += j.Reductions[0].SeriesWithoutLive
	}
	if set.Name == "" || set.Without >= best.Without {
		return best, ok
	}
	return set, true
}

// determineEachOther reports whether these are several labels of which each
// follows from each other one. Neither le nor quantile may be among them.
func determineEachOther(j *sentei.JobMetric, names []string) bool {
	for _, a := range names {
		l := j.Label(a)
		if l == nil || a == labels.BucketLabel || a == "quantile" {
			return false
		}
		for _, b := range names {
			if a != b && !slices.Contains(l.DeterminedBy, b) {
				return false
			}
		}
	}
	return len(names) > 1
}

// effectsKnown reports whether it is known of every label of the metric that
// may be removed what that would save.
func effectsKnown(m *sentei.MetricReport) bool {
	for i := range m.Jobs {
		if m.Jobs[i].Labels == nil {
			return false
		}
	}
	for _, name := range m.RemovableLabels() {
		if _, ok := m.Without(name); !ok {
			return false
		}
	}
	return true
}

// jobNames returns the values of the job label, each once.
func jobNames(m *sentei.MetricReport) []string {
	var names []string
	for i := range m.Jobs {
		names = append(names, m.Jobs[i].Job)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
