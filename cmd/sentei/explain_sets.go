package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// writeHistogram prints how a histogram is stored.
func writeHistogram(b *strings.Builder, h *sentei.Histogram) {
	if h == nil {
		return
	}
	if n := len(h.Bounds); n > 0 {
		fmt.Fprintf(b, "  classic histogram, %d buckets: le %s\n", n, some(h.Bounds))
	}
	if h.NativeSeries > 0 {
		fmt.Fprintf(b, "  native histogram, %d series\n", h.NativeSeries)
	}
}

// writeDetermined prints which labels follow from others.
func writeDetermined(b *strings.Builder, job *sentei.JobMetric) {
	width := 0
	for i := range job.Labels {
		if l := &job.Labels[i]; len(l.DeterminedBy) > 0 {
			width = max(width, len(l.Name))
		}
	}
	if width == 0 {
		return
	}
	b.WriteString("  labels whose value follows from another label\n")
	for i := range job.Labels {
		if l := &job.Labels[i]; len(l.DeterminedBy) > 0 {
			fmt.Fprintf(b, "    %-*s  from each of: %s\n", width, l.Name, some(l.DeterminedBy))
		}
	}
}

// writeReductions prints what would remain if sets of labels were removed, one
// set after the other.
func writeReductions(b *strings.Builder, job *sentei.JobMetric, usage *sentei.JobUsage) {
	if len(job.Reductions) == 0 {
		return
	}
	var sets []string
	used, unknown, width := false, false, 0
	for i := range job.Reductions {
		var names []string
		for _, name := range job.Reductions[i].Labels {
			switch labelVerdict(job, usage, name) {
			case sentei.Unused:
			case sentei.Unknown:
				name, unknown = name+"?", true
			default:
				name, used = name+"*", true
			}
			names = append(names, name)
		}
		sets = append(sets, "without "+strings.Join(names, ", "))
		if i > 0 {
			sets[i] = "and " + sets[i]
		}
		width = max(width, len(sets[i]))
	}
	b.WriteString("  what if labels went together (no proposal, only what it would leave)\n")
	before := job.Cost.Series
	for i, r := range job.Reductions {
		fmt.Fprintf(b, "    %-*s  %7d -> %d series (%d in the whole span)\n", width, sets[i], before, r.SeriesWithoutLive, r.SeriesWithout)
		before = r.SeriesWithoutLive
	}
	if used {
		b.WriteString("    * is live: a reader above needs it\n")
	}
	if unknown {
		b.WriteString("    ? may be read: its verdict is unknown\n")
	}
}

// labelVerdict returns the verdict for a label of the job.
func labelVerdict(job *sentei.JobMetric, usage *sentei.JobUsage, name string) sentei.Verdict {
	i := slices.IndexFunc(job.Labels, func(l sentei.LabelStats) bool { return l.Name == name })
	switch {
	case i >= 0 && i < len(usage.Labels):
		return usage.Labels[i].Verdict
	case usage.Verdict == sentei.Unused:
		return sentei.Unused
	}
	return sentei.Unknown // nobody has judged it
}
