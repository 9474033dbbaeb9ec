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
// or false when it is not known for one of them: then LabelEffect.Without means
// nothing.
func (m *Metric) Without(label string) (LabelEffect, bool) {
	e := LabelEffect{Name: label}
	known := true
	for i := range m.Jobs {
		j := &m.Jobs[i]
		left, ok := j.Without(label)
		known = known && ok
		e.Without += left
		if l := j.Label(label); l != nil {
			e.Distinct = max(e.Distinct, l.Distinct)
		}
	}
	return e, known
}

// Without returns how many active series would remain in the job if the label
// were removed, or false when that is not known. Where nobody told which series
// are active, and all of the span count as such, it is what would remain of
// these.
func (j *JobMetric) Without(label string) (int64, bool) {
	l := j.Label(label)
	switch {
	case j.Labels == nil:
		return 0, false
	case l == nil:
		return j.Cost.Series, true
	}
	left := l.SeriesWithoutLive
	if left < 0 && j.Cost.Series == j.Cost.SeriesInSpan {
		left = l.SeriesWithout
	}
	if left < 0 || left > j.Cost.Series { // more than there are: counted over others than these
		return 0, false
	}
	return left, true
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
