package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// kinds lists the kinds of consumers, those first whose loss hurts most.
func kinds() []sentei.ConsumerKind {
	return []sentei.ConsumerKind{
		sentei.AlertingRule, sentei.RecordingRule, sentei.Dashboard, sentei.Query, sentei.Declared,
	}
}

// readers groups consumers by kind. A dashboard counts once, however many of
// its panels read.
type readers struct {
	names map[sentei.ConsumerKind][]string // distinct, sorted
}

func (v *view) readers(ids []string) readers {
	r := readers{names: map[sentei.ConsumerKind][]string{}}
	for _, id := range ids {
		if c := v.consumers[id]; c != nil {
			r.names[c.Kind] = append(r.names[c.Kind], c.Name)
		}
	}
	for kind, names := range r.names {
		slices.Sort(names)
		r.names[kind] = slices.Compact(names)
	}
	return r
}

// String names the first of each kind and counts the others: "alert HighLoad
// +3, 2 dashboards".
func (r readers) String() string {
	var parts []string
	for _, kind := range kinds() {
		names := r.names[kind]
		if len(names) == 0 {
			continue
		}
		var s string
		switch kind {
		case sentei.AlertingRule:
			s = first("alert ", names)
		case sentei.RecordingRule:
			s = first("recording rule ", names)
		case sentei.Declared:
			s = first("declared ", names)
		case sentei.Dashboard:
			s = number.Plural(len(names), "dashboard")
			if len(names) == 1 {
				s = "dashboard " + names[0]
			}
		case sentei.Query:
			s = number.Plural(len(names), "logged query")
			if len(names) > 1 {
				s = strings.TrimSuffix(s, "querys") + "queries"
			}
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func first(prefix string, names []string) string {
	s := prefix + names[0]
	if len(names) > 1 {
		s += " +" + number.Count(int64(len(names)-1))
	}
	return s
}

// why says in a few words where the verdict of the metric comes from.
func (v *view) why(m *sentei.MetricReport) string { return v.ownWhy(m) + v.elsewhere(m) }

func (v *view) ownWhy(m *sentei.MetricReport) string {
	switch m.Verdict {
	case sentei.Used:
		return v.readers(m.Readers).String()
	case sentei.PartlyUsed:
		s := v.readers(m.Readers).String()
		if jobs := v.jobsWith(m, sentei.Unused); len(jobs) > 0 {
			s += "; nobody in " + first("job ", jobs)
		} else if jobs := v.jobsWith(m, sentei.Unknown); len(jobs) > 0 {
			s += "; unknown in " + first("job ", jobs)
		}
		return s
	case sentei.Unused:
		if names := v.readers(m.DeadReaders).names[sentei.RecordingRule]; len(names) > 0 {
			return "only " + first("recording rule ", names) + ", which nobody reads"
		}
		if m.RecordedBy != "" {
			return "nobody; written by recording rule " + v.recordedBy(m)
		}
		return "nobody"
	default:
		if len(m.Reasons) == 0 {
			return "not judged"
		}
		return first("", m.Reasons)
	}
}

func (v *view) jobsWith(m *sentei.MetricReport, verdict sentei.Verdict) []string {
	var jobs []string
	for i := range min(len(m.Jobs), len(m.JobUsage)) {
		if m.JobUsage[i].Verdict == verdict {
			jobs = append(jobs, cmp.Or(m.Jobs[i].Job, "(none)"))
		}
	}
	slices.Sort(jobs)
	return slices.Compact(jobs)
}

// recordedBy returns the name of the rule that writes the metric.
func (v *view) recordedBy(m *sentei.MetricReport) string {
	if c := v.consumers[m.RecordedBy]; c != nil {
		return c.Name
	}
	return m.RecordedBy
}
