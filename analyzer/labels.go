package analyzer

import (
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// labelUsage gives the verdict for every label of a metric in a job that the
// readings read. A label is used when it is live for one of them; a value is
// used when one of them has no matcher that refuses it. blocked says that
// there may be readers that are not known. A matcher on an external label refuses
// nothing: where series get that label, it selects what is stored without it, or
// with another value.
func labelUsage(job *sentei.JobMetric, living []reading, external []string, blocked bool) []sentei.LabelUsage {
	if job.Labels == nil {
		return nil
	}
	usage := make([]sentei.LabelUsage, len(job.Labels))
	for i := range job.Labels {
		l := &job.Labels[i]
		u := &usage[i]
		u.Name = l.Name
		for _, r := range living {
			if r.selector.Live.Has(l.Name) {
				u.Readers = append(u.Readers, r.consumer.ID)
			}
		}
		u.Readers = distinct(u.Readers)
		switch {
		case len(u.Readers) > 0:
			u.Verdict = sentei.Used
		case blocked:
			u.Verdict = sentei.Unknown
		default:
			u.Verdict = sentei.Unused
		}
		if blocked || slices.Contains(external, l.Name) {
			continue
		}
		for _, v := range l.Values {
			if !slices.ContainsFunc(living, func(r reading) bool { return accepts(r.selector, l.Name, v.Value) }) {
				u.UnusedValues = append(u.UnusedValues, v.Value)
				u.UnusedValueSeries += v.Series
			}
		}
		slices.Sort(u.UnusedValues)
	}
	return usage
}

// accepts reports whether no matcher of the selector refuses the value.
// A whole number of le and quantile counts in all its forms: quantile="1" was
// written when Prometheus did not store it as 1.0 yet.
func accepts(s *sentei.Selector, label, value string) bool {
	return slices.ContainsFunc(relabeling.ValueForms(label, value), func(form string) bool {
		for _, m := range s.Matchers {
			if m.Name == label && !m.Matches(form) {
				return false
			}
		}
		return true
	})
}
