package sentei

import (
	"cmp"
	"slices"
)

// proposal brings a proposal down to the owner's part, or returns false when it
// has none.
func (o *ownerPart) proposal(p *Proposal) bool {
	shares := o.concerned(p)
	i := slices.IndexFunc(shares, func(s OwnerShare) bool { return s.Owner == o.owner })
	if i < 0 {
		return false
	}
	if len(shares) > 1 {
		p.Saving = splitCost(p.Saving, shares, p.ID)[i].Cost
		p.SavingPerMonth *= shares[i].Share
	}
	if p.Proof != nil {
		for _, reader := range p.Proof.Readers {
			o.consumers[reader.Consumer] = true
		}
	}
	o.mention(p.Action.Rules)
	return true
}

// concerned splits the series that a proposal is about by their owners.
func (o *ownerPart) concerned(p *Proposal) []OwnerShare {
	sum, all := map[string]float64{}, 0.0
	jobs := o.placeJobs(&p.Place)
	for _, m := range o.about(p) {
		for k := range m.Jobs {
			j := m.Jobs[k]
			if p.Action.Kind != DeleteRules && !slices.Contains(jobs, j.Job) {
				continue
			}
			if p.Action.Kind == DropValues {
				j = j.only(p.Action.Label, p.Action.Values)
			}
			series := float64(j.Cost.SeriesInSpan)
			for _, s := range o.from.Settings.Owners.Shares(m.Name, &j) {
				sum[s.Owner] += s.Share * series
				all += s.Share * series
			}
		}
	}
	if all == 0 { // it is not stored any more
		return o.from.Settings.Owners.Shares(p.Action.Metric, &JobMetric{Job: p.Place.Job})
	}
	var out []OwnerShare
	for owner, part := range inOrder(sum) {
		out = append(out, OwnerShare{owner, part / all})
	}
	return out
}

// placeJobs returns the stored job labels of the series of a place.
func (o *ownerPart) placeJobs(p *Place) []string {
	if p.Job == "" && p.ScrapeJob != "" {
		for i := range o.from.Backends {
			b := &o.from.Backends[i]
			k := slices.IndexFunc(b.ScrapeJobs, func(s ScrapeJob) bool { return s.Name == p.ScrapeJob })
			if b.Name == p.Backend && k >= 0 {
				return b.ScrapeJobs[k].JobLabels
			}
		}
	}
	return []string{p.Job}
}

// about returns the metrics that a proposal may alter series of.
func (o *ownerPart) about(p *Proposal) []*MetricReport {
	if name := p.Action.Metric; p.Action.Kind != DeleteRules && name != "" {
		i, found := slices.BinarySearchFunc(o.from.Metrics, p, func(m MetricReport, p *Proposal) int {
			return cmp.Or(cmp.Compare(m.Backend, p.Place.Backend), cmp.Compare(m.Name, name))
		})
		if !found {
			return nil
		}
		return []*MetricReport{&o.from.Metrics[i]}
	}
	var out []*MetricReport
	for i := range o.from.Metrics {
		m := &o.from.Metrics[i]
		if m.Backend == p.Place.Backend && (p.Action.Kind != DeleteRules || slices.Contains(p.Action.Rules, m.RecordedBy)) {
			out = append(out, m)
		}
	}
	return out
}

// only returns the series of a job that have one of the values of a label. Its
// other labels are taken to be independent of that one.
func (j *JobMetric) only(label string, values []string) JobMetric {
	out := *j
	n := slices.IndexFunc(j.Labels, func(l LabelStats) bool { return l.Name == label })
	if n < 0 {
		return out
	}
	chosen := slices.DeleteFunc(slices.Clone(j.Labels[n].Values), func(v LabelValue) bool { return !slices.Contains(values, v.Value) })
	var sum int64
	for _, v := range chosen {
		sum += v.Series
	}
	if sum == 0 {
		return out
	}
	out.Labels = slices.Clone(j.Labels)
	for i := range out.Labels {
		l := &out.Labels[i]
		if i == n {
			l.Values, l.Complete = chosen, true
			continue
		}
		l.Values = slices.Clone(l.Values)
		for v := range l.Values {
			l.Values[v].Series = wholePart(l.Values[v].Series, float64(sum)/float64(j.Cost.SeriesInSpan))
		}
	}
	out.Cost.SeriesInSpan = sum
	return out
}

// tracked brings a proposal that was carried out down to the owner's part, or
// returns false when it has none. When it is not known whose series are gone,
// everybody is told of regrets.
func (o *ownerPart) tracked(t *Tracked) bool {
	shares := o.concerned(&t.Proposal)
	i := slices.IndexFunc(shares, func(s OwnerShare) bool { return s.Owner == o.owner })
	switch {
	case i >= 0 && len(shares) > 1:
		t.Saving, t.Realised = splitCost(t.Saving, shares, t.ID)[i].Cost, splitCost(t.Realised, shares, t.ID)[i].Cost
		t.SavingPerMonth *= shares[i].Share
		t.RealisedPerMonth *= shares[i].Share
	case i >= 0:
	case len(t.Regrets) > 0 && slices.ContainsFunc(shares, func(s OwnerShare) bool { return s.Owner == NotKnown }):
		t.Saving, t.Realised, t.SavingPerMonth, t.RealisedPerMonth = Cost{}, Cost{}, 0, 0
	default:
		return false
	}
	for _, g := range t.Regrets {
		o.consumers[g.Consumer] = true
	}
	return true
}

// finding reports whether a finding is about a job of the owner.
func (o *ownerPart) finding(f *Finding) bool {
	return slices.ContainsFunc(f.Jobs, func(job string) bool { return o.jobs[[2]string{f.Backend, job}] })
}
