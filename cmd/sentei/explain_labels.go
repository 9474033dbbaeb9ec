package main

import (
	"fmt"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// writeJob prints the labels of a metric in one job, each with its what-if and
// with who needs it.
func writeJob(b *strings.Builder, r *sentei.Report, job *sentei.JobMetric, usage *sentei.JobUsage) {
	fmt.Fprintf(b, "\njob %s: %s, %d series\n", quoteEmpty(job.Job), usage.Verdict, job.Cost.Series)
	if job.Labels == nil {
		b.WriteString("  its labels were not read\n")
		return
	}
	width := 0
	for i := range job.Labels {
		width = max(width, len(job.Labels[i].Name))
	}
	for i := range job.Labels {
		l := &job.Labels[i]
		left, known := job.Without(l.Name)
		fmt.Fprintf(b, "  %-*s  %5d values, %6s series without it  ", width, l.Name, l.Distinct, number.Known(fmt.Sprint(left), known))
		if usage.Labels == nil {
			fmt.Fprintln(b, usage.Verdict)
			writeValues(b, l, width)
			continue
		}
		u := &usage.Labels[i]
		fmt.Fprintln(b, neededBy(r, usage, u))
		writeValues(b, l, width)
		if len(u.UnusedValues) > 0 {
			fmt.Fprintf(b, "  %-*s  no reader selects %s (%d series)\n", width, "", some(u.UnusedValues), u.UnusedValueSeries)
		}
	}
	writeHistogram(b, job.Histogram)
	writeDetermined(b, job)
	writeReductions(b, job, usage)
}

// writeValues prints the values of a label that most series have. A label with
// one value has none worth telling apart.
func writeValues(b *strings.Builder, l *sentei.LabelStats, width int) {
	const most = 5
	if l.Distinct < 2 || len(l.Values) == 0 {
		return
	}
	var parts []string
	for _, v := range l.Values[:min(most, len(l.Values))] {
		parts = append(parts, fmt.Sprintf("%q %d", v.Value, v.Series))
	}
	text := strings.Join(parts, ", ")
	if left := l.Distinct - int64(len(parts)); left > 0 {
		text += fmt.Sprintf(" and %d more", left)
	}
	fmt.Fprintf(b, "  %-*s  series in the span by value: %s\n", width, "", text)
}

// neededBy says because of whom a label is live, or why it is dead.
func neededBy(r *sentei.Report, job *sentei.JobUsage, u *sentei.LabelUsage) string {
	switch {
	case u.Verdict == sentei.Unknown:
		return "unknown: no known reader needs it"
	case u.Verdict == sentei.Unused && len(job.Readers) == 1:
		return "dead: the one reader neither matches nor returns it"
	case u.Verdict == sentei.Unused:
		return fmt.Sprintf("dead: none of the %d readers matches or returns it", len(job.Readers))
	}
	text := "live: " + title(r, u.Readers[0])
	if n := len(u.Readers) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func title(r *sentei.Report, id string) string {
	c := r.Consumer(id)
	return fmt.Sprintf("%s %s", c.Kind, c.Name)
}

// some lists the first few of many values.
func some(values []string) string {
	const most = 8
	if len(values) <= most {
		return strings.Join(values, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(values[:most], ", "), len(values)-most)
}
