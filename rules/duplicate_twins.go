package rules

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// valueSets are the values of labels, made when they are first asked for.
type valueSets map[*sentei.LabelStats]map[string]bool

func (v valueSets) of(l *sentei.LabelStats) map[string]bool {
	set := v[l]
	if set == nil {
		set = make(map[string]bool, len(l.Values))
		for i := range l.Values {
			set[l.Values[i].Value] = true
		}
		v[l] = set
	}
	return set
}

// mayBeTwins reports whether a comparison of all series could tell of the two
// jobs. It says no only when the labels that the inventory counted in full show
// that too few of the series can be equal, so that these need not be listed.
func (o duplicateSeriesOptions) mayBeTwins(a, b *storedJob, metrics []string, values valueSets) bool {
	return o.mayShareTargets(a, b, metrics, values) || mayShareSeries(a, b, metrics, values)
}

// mayShareTargets asks for series that differ in the job alone: an instance
// needs them in MinMetrics metrics.
func (o duplicateSeriesOptions) mayShareTargets(a, b *storedJob, metrics []string, values valueSets) bool {
	n := 0
	for i, name := range metrics {
		if n+len(metrics)-i < o.MinMetrics {
			return false
		}
		x, y := a.metrics[name], b.metrics[name]
		if !values.apart(x, y, model.InstanceLabel) && values.mayEqual(x, y) {
			n++
		}
	}
	return n >= o.MinMetrics
}

// mayShareSeries asks for series that differ in job and instance alone: every
// metric needs them.
func mayShareSeries(a, b *storedJob, metrics []string, values valueSets) bool {
	return !slices.ContainsFunc(metrics, func(name string) bool { return !values.mayEqual(a.metrics[name], b.metrics[name]) })
}

// mayEqual reports whether the two jobs may have series of the metric that
// differ in job and instance alone.
func (v valueSets) mayEqual(a, b *sentei.JobMetric) bool {
	for _, j := range []*sentei.JobMetric{a, b} {
		for i := range j.Labels {
			if name := j.Labels[i].Name; name != model.InstanceLabel && v.apart(a, b, name) {
				return false
			}
		}
	}
	return true
}

// apart reports whether no series of the one can have the same value of the
// label as any of the other, or lack it like that: one has it on all of its
// series, and all values of both are known and none is in both.
func (v valueSets) apart(a, b *sentei.JobMetric, label string) bool {
	if a.Labels == nil || b.Labels == nil {
		return false
	}
	x, y := a.Label(label), b.Label(label)
	if !onAll(a, x) && !onAll(b, y) {
		return false
	}
	if x == nil || y == nil {
		return true
	}
	if !x.Complete || !y.Complete {
		return false
	}
	few, many := v.of(x), v.of(y)
	if len(few) > len(many) {
		few, many = many, few
	}
	for value := range maps.Keys(few) {
		if many[value] {
			return false
		}
	}
	return true
}

func onAll(j *sentei.JobMetric, l *sentei.LabelStats) bool {
	return l != nil && l.Series > 0 && l.Series == j.Cost.SeriesInSpan
}
