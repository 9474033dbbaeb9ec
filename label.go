package sentei

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// LabelEffect is what the removal of a label would do to a metric.
type LabelEffect struct {
	Name string
	// Distinct is the number of values in the job that has most of them.
	Distinct int64
	// Without is how many active series would remain in all jobs.
	Without int64
}

// Without returns the effect of removing a label from all jobs of the metric,
// or false when it is not known for one of them.
func (m *Metric) Without(label string) (LabelEffect, bool) {
	e := LabelEffect{Name: label}
	for i := range m.Jobs {
		j := &m.Jobs[i]
		l := j.Label(label)
		switch {
		case j.Labels == nil, l != nil && l.SeriesWithoutLive < 0:
			return e, false
		case l == nil:
			e.Without += j.Cost.Series
		default:
			e.Without += l.SeriesWithoutLive
			e.Distinct = max(e.Distinct, l.Distinct)
		}
	}
	return e, true
}

// RemovableLabels returns the labels of all jobs, sorted, but for le and
// quantile: histograms and summaries mean nothing without them.
func (m *Metric) RemovableLabels() []string {
	var names []string
	for i := range m.Jobs {
		for k := range m.Jobs[i].Labels {
			if name := m.Jobs[i].Labels[k].Name; name != labels.BucketLabel && name != "quantile" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// LabelVerdict sums up the verdicts of a label over the jobs of the metric:
// used when one of them needs it, else unknown when one might.
func (m *MetricReport) LabelVerdict(label string) Verdict {
	verdict := Unused
	for i := range m.JobUsage {
		of, ok := m.JobUsage[i].LabelVerdict(label)
		if !ok {
			continue
		}
		switch of {
		case Used:
			return Used
		case Unknown:
			verdict = Unknown
		}
	}
	return verdict
}

// LabelVerdict returns the verdict for a label in the job, or false when the
// job does not have the label.
func (u *JobUsage) LabelVerdict(label string) (Verdict, bool) {
	k := slices.IndexFunc(u.Labels, func(l LabelUsage) bool { return l.Name == label })
	switch {
	case k >= 0:
		return u.Labels[k].Verdict, true
	case u.Verdict == Used && u.Labels == nil: // the labels of this job were not judged
		return Unknown, true
	}
	return u.Verdict, u.Verdict != Used
}

// NotKnown stands for the values of a label that the inventory did not read.
const NotKnown = "(not known)"

// Shares returns what part of the series has each value of the label, 0 to 1;
// the parts add up to 1. Series without the label stand under "(no NAME)", those
// whose value is not known under NotKnown.
func (j *JobMetric) Shares(label string) map[string]float64 {
	none := "(no " + label + ")"
	if j.Labels == nil {
		return map[string]float64{NotKnown: 1}
	}
	l, all := j.Label(label), float64(j.Cost.SeriesInSpan)
	if l == nil || all == 0 {
		return map[string]float64{none: 1}
	}
	split, rest := map[string]float64{}, 1.0
	for _, value := range l.Values {
		split[value.Value] = float64(value.Series) / all
		rest -= split[value.Value]
	}
	const nothing = 1e-9
	switch {
	case rest < nothing:
	case l.Complete:
		split[none] = rest
	default:
		split[NotKnown] = rest
	}
	return split
}
