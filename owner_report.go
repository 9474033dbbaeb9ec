package sentei

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Part says that a report is about the series of one owner alone.
type Part struct {
	Owner string `json:"owner"`
	// Shared is how many of its metrics have series of several owners in one
	// job, by the values of labels: the figures of these are estimates.
	Shared int `json:"shared"`
	// NotKnown lists the metrics, of all that the report was made of, that have
	// series whose owner is not known: some of these may be the owner's. Sorted.
	NotKnown []PartMetric `json:"not_known,omitempty"`
	// NotKnownReaders are the consumers that read the metrics of NotKnown,
	// sorted.
	NotKnownReaders []string `json:"not_known_readers,omitempty"`
}

// PartMetric is a metric of a backend.
type PartMetric struct {
	Backend string `json:"backend"`
	Metric  string `json:"metric"`
}

// MayHave reports whether the owner may have series of the metric that the
// part does not count. The nil part is a whole report, where nothing is left out.
func (p *Part) MayHave(backend, metric string) bool {
	if p == nil {
		return false
	}
	_, found := slices.BinarySearchFunc(p.NotKnown, PartMetric{backend, metric}, PartMetric.compare)
	return found
}

func (m PartMetric) compare(o PartMetric) int {
	return cmp.Or(cmp.Compare(m.Backend, o.Backend), cmp.Compare(m.Metric, o.Metric))
}

// Owners lists who owns series of the report, sorted.
func (r *Report) Owners() []string {
	found := map[string]bool{}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		for k := range m.Jobs {
			for _, s := range r.Settings.Owners.Shares(m.Name, &m.Jobs[k]) {
				found[s.Owner] = true
			}
		}
	}
	out := make([]string, 0, len(found))
	for owner := range found {
		out = append(out, owner)
	}
	slices.Sort(out)
	return out
}

// notKnown fills in what may be the owner's, too.
func (p *Part) notKnown(r *Report) {
	readers := map[string]bool{}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		found := false
		for k := range m.Jobs {
			if !slices.ContainsFunc(r.Settings.Owners.Shares(m.Name, &m.Jobs[k]), func(s OwnerShare) bool { return s.Owner == NotKnown }) {
				continue
			}
			found = true
			for _, list := range [][]string{m.JobUsage[k].Readers, m.JobUsage[k].DeadReaders} {
				for _, id := range list {
					readers[id] = true
				}
			}
		}
		if found {
			p.NotKnown = append(p.NotKnown, PartMetric{m.Backend, m.Name})
			for _, list := range [][]string{m.Readers, m.DeadReaders, {m.RecordedBy}} {
				for _, id := range list {
					readers[id] = true
				}
			}
		}
	}
	delete(readers, "")
	slices.SortFunc(p.NotKnown, PartMetric.compare)
	p.NotKnownReaders = slices.Sorted(maps.Keys(readers))
}

// OfOwner returns a copy that holds only what is about the series of an owner:
// of metrics and proposals the part that is the owner's, and who reads them.
// Of metrics that several owners share, the labels tell of everybody's series,
// scaled to the part, and the labels that tell the owners apart are left out.
// Verdicts are those of the whole report. Growth is not known. Findings stay
// when they are about a job of the owner, backends when the owner has series there.
func (r *Report) OfOwner(owner string) *Report {
	o := ownerPart{from: r, owner: owner, consumers: map[string]bool{}, jobs: map[[2]string]bool{}}
	out := *r
	out.Since = time.Time{}
	part := Part{Owner: owner}
	part.notKnown(r)
	out.Part = &part
	out.Metrics = nil
	for i := range r.Metrics {
		if m, shared := o.metric(&r.Metrics[i]); len(m.Jobs) > 0 {
			out.Metrics = append(out.Metrics, m)
			if shared {
				part.Shared++
			}
		}
	}
	out.Proposals = nil
	for i := range r.Proposals {
		if p := r.Proposals[i]; o.proposal(&p) {
			out.Proposals = append(out.Proposals, p)
		}
	}
	out.Tracked = nil
	for i := range r.Tracked {
		if t := r.Tracked[i]; o.tracked(&t) {
			out.Tracked = append(out.Tracked, t)
		}
	}
	slices.SortStableFunc(out.Proposals, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(b.SavingPerMonth, a.SavingPerMonth), cmp.Compare(b.Saving.Series, a.Saving.Series))
	})
	out.Consumers = slices.DeleteFunc(slices.Clone(r.Consumers), func(c Consumer) bool { return !o.consumers[c.ID] })
	out.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return !o.finding(&f) })
	out.Backends = slices.Clone(r.Backends)
	var names []string
	for i := range out.Backends {
		b := &out.Backends[i]
		b.Budget = Budget{} // is of all owners
		if slices.ContainsFunc(out.Metrics, func(m MetricReport) bool { return m.Backend == b.Name }) {
			names = append(names, b.Name)
		}
	}
	if len(names) == 0 {
		return &out
	}
	here := out.OfBackends(names...)
	here.Consumers = out.Consumers // those elsewhere that read the owner's series, too
	return here
}

// ownerPart takes the part of an owner out of a report.
type ownerPart struct {
	from  *Report
	owner string
	// consumers are those that the part mentions, jobs the backends and stored
	// job labels of its series.
	consumers map[string]bool
	jobs      map[[2]string]bool
}

func (o *ownerPart) mention(ids ...[]string) {
	for _, list := range ids {
		for _, id := range list {
			o.consumers[id] = true
		}
	}
}

// metric returns the owner's part of a metric; without jobs when there is
// none.
func (o *ownerPart) metric(whole *MetricReport) (m MetricReport, shared bool) {
	m = *whole
	m.Jobs, m.JobUsage, m.Cost, m.SeriesGrowth = nil, nil, Cost{}, nil
	for k := range whole.Jobs {
		j, u := whole.Jobs[k], whole.JobUsage[k]
		costs := o.from.Settings.Owners.Costs(m.Name, &j)
		i := slices.IndexFunc(costs, func(c OwnerCost) bool { return c.Owner == o.owner })
		if i < 0 {
			continue
		}
		if len(costs) > 1 {
			shared = true
			o.scale(&j, &u, costs[i].Share)
		}
		j.Cost = costs[i].Cost
		o.jobs[[2]string{m.Backend, j.Job}] = true
		o.mention(u.Readers, u.DeadReaders)
		m.Jobs, m.JobUsage, m.Cost = append(m.Jobs, j), append(m.JobUsage, u), m.Cost.Plus(j.Cost)
	}
	if len(m.Jobs) == 0 {
		return m, false
	}
	o.mention(m.Readers, m.DeadReaders)
	if m.RecordedBy != "" {
		o.consumers[m.RecordedBy] = true
	}
	m.PerMonth = o.from.Settings.Prices.PerMonth(m.Cost)
	switch {
	case whole.PerMonth != 0:
		m.Score *= m.PerMonth / whole.PerMonth
	case whole.Cost.Series != 0:
		m.Score *= float64(m.Cost.Series) / float64(whole.Cost.Series)
	}
	return m, shared
}

// scale brings the labels of a job that several owners share down to the part
// of one.
func (o *ownerPart) scale(j *JobMetric, u *JobUsage, share float64) {
	part := func(n int64) int64 {
		if n < 0 {
			return n // not known
		}
		return wholePart(n, share)
	}
	judged := len(u.Labels) == len(j.Labels)
	var stats []LabelStats
	var usage []LabelUsage
	for n, l := range j.Labels {
		if o.from.Settings.Owners.tells(l.Name) {
			continue
		}
		l.Series, l.SeriesWithout, l.SeriesWithoutLive = part(l.Series), part(l.SeriesWithout), part(l.SeriesWithoutLive)
		l.Values = slices.Clone(l.Values)
		for v := range l.Values {
			l.Values[v].Series = part(l.Values[v].Series)
		}
		stats = append(stats, l)
		if judged {
			of := u.Labels[n]
			of.UnusedValueSeries = part(of.UnusedValueSeries)
			usage = append(usage, of)
		}
	}
	j.Labels, u.Labels = stats, usage
	j.Reductions = nil // its sets may hold labels that are left out
}

// tells reports whether the label tells owners apart.
func (o *Owners) tells(label string) bool {
	return label == o.Label || slices.ContainsFunc(o.Rules, func(r OwnerRule) bool {
		return slices.ContainsFunc(r.Matchers, func(m *labels.Matcher) bool { return m.Name == label })
	})
}
