package changes

import (
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// Uncertain says how many metrics of an owner could not be compared; empty when
// all could.
func (c *Changes) Uncertain() string {
	if c.NotCompared == 0 {
		return ""
	}
	return "Not compared: " + number.Plural(c.NotCompared, "metric") + ", since the owner of some of their series is not known now or was not known before. The sums change by these series as well."
}

// compared reports whether two reports of an owner tell how a metric changed.
// was is nil when the owner had no series that are known, is when there are none
// now. It is always so in whole reports.
func compared(before, after *sentei.Part, was, is *sentei.MetricReport) bool {
	m := is
	if m == nil {
		m = was
	}
	mayBefore, mayNow := before.MayHave(m.Backend, m.Name), after.MayHave(m.Backend, m.Name)
	switch {
	case !mayBefore && !mayNow:
		return true
	case after != nil && after.Owner == sentei.NotKnown:
		return was != nil && is != nil && slices.Equal(unread(was), jobNames(was)) && slices.Equal(unread(is), unread(was)) && len(is.Jobs) == len(was.Jobs)
	case was == nil:
		return !mayBefore
	case is == nil:
		return !mayNow
	}
	return false
}

// unread lists the jobs in which no label of the metric was read, sorted.
func unread(m *sentei.MetricReport) []string {
	var out []string
	for i := range m.Jobs {
		if m.Jobs[i].Labels == nil {
			out = append(out, m.Jobs[i].Job)
		}
	}
	slices.Sort(out)
	return out
}

// mayRead reports whether a consumer that an owner's report leaves out may read
// series of the owner all the same.
func mayRead(p *sentei.Part, c *sentei.Consumer) bool {
	if p == nil {
		return false
	}
	_, found := slices.BinarySearch(p.NotKnownReaders, c.ID)
	return found
}
