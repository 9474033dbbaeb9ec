package changes

import (
	"cmp"
	"slices"

	"github.com/sentei/sentei"
)

// Cause is a label that explains a change. Its counts are over the whole span
// of the inventory, since labels are not counted live.
type Cause struct {
	Job   string `json:"job"`
	Label string `json:"label"`
	// DistinctBefore and DistinctAfter are its numbers of distinct values.
	DistinctBefore int64 `json:"distinct_before"`
	DistinctAfter  int64 `json:"distinct_after"`
	// Values are those whose series changed most, at most three.
	Values []Value `json:"values,omitempty"`
}

// Value is a value of a label and by how many series it changed.
type Value struct {
	Value  string `json:"value"`
	Series int64  `json:"series"`
	New    bool   `json:"new,omitempty"`
}

// causes explains why a metric changed: by the label whose number of values
// changed most, and by the one of whose values one changed by at least half of
// the whole change. It looks at the job that changed most.
func causes(before, after *sentei.MetricReport) []Cause {
	var was, is sentei.JobMetric
	var most int64
	for _, name := range jobNames(before, after) {
		b, a := jobOf(before, name), jobOf(after, name)
		if d := magnitude(a.Cost.Series - b.Cost.Series); d > most {
			most, was, is = d, b, a
		}
	}
	if most == 0 || was.Labels == nil || is.Labels == nil {
		return nil
	}
	grew := is.Cost.Series > was.Cost.Series
	var all []Cause
	for _, l := range labelNames(&was, &is) {
		c := Cause{Job: cmp.Or(is.Job, was.Job), Label: l}
		b, a := was.Label(l), is.Label(l)
		if b != nil {
			c.DistinctBefore = b.Distinct
		}
		if a != nil {
			c.DistinctAfter = a.Distinct
		}
		c.Values = values(b, a, grew)
		all = append(all, c)
	}
	var out []Cause
	if i := mostValues(all, grew); i >= 0 {
		out = append(out, all[i])
	}
	if i := oneValue(all, magnitude(is.Cost.SeriesInSpan-was.Cost.SeriesInSpan), out); i >= 0 {
		out = append(out, all[i])
	}
	return out
}

// mostValues returns the label whose number of values changed by the biggest
// factor in the direction of the change, or -1.
func mostValues(all []Cause, grew bool) int {
	best, factor := -1, 1.0
	for i, c := range all {
		from, to := float64(c.DistinctBefore), float64(c.DistinctAfter)
		if !grew {
			from, to = to, from
		}
		if f := to / max(from, 1); to > from && (f > factor || best < 0) {
			best, factor = i, f
		}
	}
	return best
}

// oneValue returns the label, other than those found, of which one value makes
// up at least half of the change, or -1. Of several the one with most values
// says most; one with a single value says nothing.
func oneValue(all []Cause, change int64, found []Cause) int {
	best := -1
	for i, c := range all {
		if slices.ContainsFunc(found, func(f Cause) bool { return f.Label == c.Label }) || max(c.DistinctBefore, c.DistinctAfter) < 2 || len(c.Values) == 0 {
			continue
		}
		if 2*magnitude(c.Values[0].Series) >= max(change, 1) && (best < 0 || c.DistinctAfter > all[best].DistinctAfter) {
			best = i
		}
	}
	return best
}

// values returns the values that changed most in the direction of the change.
func values(before, after *sentei.LabelStats, grew bool) []Value {
	const most = 3
	was := map[string]int64{}
	complete := true
	if before != nil {
		complete = before.Complete
		for _, v := range before.Values {
			was[v.Value] = v.Series
		}
	}
	var out []Value
	seen := map[string]bool{}
	if after != nil {
		for _, v := range after.Values {
			seen[v.Value] = true
			n, had := was[v.Value]
			if !had && !complete {
				continue // it may have been there
			}
			if d := v.Series - n; d > 0 == grew && d != 0 {
				out = append(out, Value{v.Value, d, !had})
			}
		}
	}
	if before != nil && !grew && (after == nil || after.Complete) {
		for _, v := range before.Values {
			if !seen[v.Value] {
				out = append(out, Value{v.Value, -v.Series, false})
			}
		}
	}
	slices.SortFunc(out, func(a, b Value) int {
		return cmp.Or(cmp.Compare(magnitude(b.Series), magnitude(a.Series)), cmp.Compare(a.Value, b.Value))
	})
	return out[:min(most, len(out))]
}

func magnitude(n int64) int64 { return max(n, -n) }

func jobOf(m *sentei.MetricReport, name string) sentei.JobMetric {
	if i := slices.IndexFunc(m.Jobs, func(j sentei.JobMetric) bool { return j.Job == name }); i >= 0 {
		return m.Jobs[i]
	}
	return sentei.JobMetric{Job: name, Labels: []sentei.LabelStats{}}
}

func jobNames(ms ...*sentei.MetricReport) []string {
	var out []string
	for _, m := range ms {
		for i := range m.Jobs {
			out = append(out, m.Jobs[i].Job)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func labelNames(js ...*sentei.JobMetric) []string {
	var out []string
	for _, j := range js {
		for i := range j.Labels {
			out = append(out, j.Labels[i].Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
