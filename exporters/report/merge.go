package report

import (
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// listed is top, of the metrics of all backends added up by name when the
// options say so.
func (v *view) listed(o Options) ([]*sentei.MetricReport, total) {
	if !o.MergeBackends {
		return v.top(o.Top)
	}
	parts := map[string][]*sentei.MetricReport{}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		parts[m.Name] = append(parts[m.Name], m)
	}
	v.merged = map[*sentei.MetricReport][]*sentei.MetricReport{}
	var all []*sentei.MetricReport
	for _, of := range parts {
		m := of[0]
		if len(of) > 1 {
			m = merge(of)
			v.merged[m] = of
		}
		all = append(all, m)
	}
	return v.costliest(all, o.Top)
}

// madeOf returns what a metric was added up from: itself, if it was not.
func (v *view) madeOf(m *sentei.MetricReport) []*sentei.MetricReport {
	if of, ok := v.merged[m]; ok {
		return of
	}
	return []*sentei.MetricReport{m}
}

// merge adds up a metric of several backends. Growth is told when that of each
// is known. There is no score, which is a part of one backend's bill, and no
// type or recording rule where they differ.
func merge(of []*sentei.MetricReport) *sentei.MetricReport {
	m := &sentei.MetricReport{RecordedBy: of[0].RecordedBy}
	m.Name, m.Type, m.Verdict = of[0].Name, of[0].Type, strongest(of)
	growth := new(int64)
	for _, p := range of {
		m.Cost = m.Cost.Plus(p.Cost)
		m.PerMonth += p.PerMonth
		m.Jobs = append(m.Jobs, p.Jobs...)
		m.JobUsage = append(m.JobUsage, p.JobUsage...)
		m.Readers = append(m.Readers, p.Readers...)
		m.DeadReaders = append(m.DeadReaders, p.DeadReaders...)
		m.Reasons = append(m.Reasons, p.Reasons...)
		if p.Type != m.Type {
			m.Type = ""
		}
		if p.RecordedBy != m.RecordedBy {
			m.RecordedBy = ""
		}
		switch {
		case p.SeriesGrowth == nil:
			growth = nil
		case growth != nil:
			*growth += *p.SeriesGrowth
		}
	}
	m.SeriesGrowth = growth
	slices.Sort(m.Reasons)
	m.Reasons = slices.Compact(m.Reasons)
	return m
}

// strongest returns the verdict of the strongest use; without any, unknown
// when one is unknown.
func strongest(of []*sentei.MetricReport) sentei.Verdict {
	for _, verdict := range []sentei.Verdict{sentei.Used, sentei.PartlyUsed} {
		if slices.ContainsFunc(of, func(m *sentei.MetricReport) bool { return m.Verdict == verdict }) {
			return verdict
		}
	}
	for _, m := range of {
		if m.Verdict != sentei.Unused {
			return sentei.Unknown
		}
	}
	return sentei.Unused
}

// elsewhere says in which backends a metric that was added up has another
// verdict than the sum: "; nobody in backend edge".
func (v *view) elsewhere(m *sentei.MetricReport) string {
	if m.Verdict != sentei.Used && m.Verdict != sentei.PartlyUsed {
		return ""
	}
	var unused, unknown []string
	for _, p := range v.merged[m] {
		switch p.Verdict {
		case sentei.Used, sentei.PartlyUsed:
		case sentei.Unused:
			unused = append(unused, p.Backend)
		default:
			unknown = append(unknown, p.Backend)
		}
	}
	s := ""
	if len(unused) > 0 {
		s += "; nobody in " + first("backend ", unused)
	}
	if len(unknown) > 0 {
		s += "; unknown in " + first("backend ", unknown)
	}
	return s
}

// backends returns those that a metric is stored in.
func (v *view) backends(m *sentei.MetricReport) []string {
	var names []string
	for _, p := range v.madeOf(m) {
		names = append(names, p.Backend)
	}
	return names
}

// someBackends names one or two backends, and counts more.
func someBackends(names []string) string {
	if len(names) > 2 {
		return number.Plural(len(names), "backend")
	}
	return strings.Join(names, ", ")
}

// created returns how many series of a metric were created per hour, as far as
// is known, and whether each backend tells.
func (v *view) created(m *sentei.MetricReport) (perHour float64, known bool) {
	return v.known(m, m.Cost.ChurnPerHour, v.Created)
}

// ended is created for the series that ended.
func (v *view) ended(m *sentei.MetricReport) (perHour float64, known bool) {
	return v.known(m, m.Cost.EndedPerHour, v.Ended)
}

func (v *view) known(m *sentei.MetricReport, sum float64, of func(string, sentei.Cost) (float64, bool)) (float64, bool) {
	for _, p := range v.madeOf(m) {
		if _, ok := of(p.Backend, p.Cost); !ok {
			return sum, false
		}
	}
	return sum, true
}
