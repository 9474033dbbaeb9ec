package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// jobReaders are the consumers, in words, that can read some metric through the
// first of two stored jobs alone, some through the second alone, and some
// through both; each sorted. One consumer may be all three.
type jobReaders [3][]string

// both is the place of those that can read both.
const both = 2

// readersOf finds out which consumers can read the metrics through which of two
// stored jobs, which may be equal. The metric of one job is read through that
// alone.
func (x *index) readersOf(backend string, metrics []string, jobs [2]string) jobReaders {
	places := map[string]*[3]bool{} // by consumer
	for _, metric := range metrics {
		m := x.metric(backend, metric)
		through := map[string][2]bool{} // by consumer
		for i := range m.Jobs {
			if i >= len(m.JobUsage) {
				continue
			}
			for _, id := range m.JobUsage[i].Readers {
				c := through[id]
				for side := range jobs {
					c[side] = c[side] || m.Jobs[i].Job == jobs[side]
				}
				through[id] = c
			}
		}
		for id, c := range through {
			if places[id] == nil {
				places[id] = &[3]bool{}
			}
			switch {
			case c[0] && c[1]:
				places[id][both] = true
			case c[0]:
				places[id][0] = true
			case c[1]:
				places[id][1] = true
			}
		}
	}
	var out jobReaders
	for _, id := range slices.Sorted(maps.Keys(places)) {
		c := x.consumers[id]
		if c == nil {
			continue
		}
		for place, is := range places[id] {
			if is {
				out[place] = append(out[place], fmt.Sprintf("%s %q", c.Kind, c.Name))
			}
		}
	}
	return out
}

// ofJobs returns the names of what is stored of the jobs, up and what only one
// of them stores included: all of it ends when a job is no longer scraped.
func (x *index) ofJobs(backend string, jobs [2]string) []string {
	var out []string
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend == backend && m.RecordedBy == "" && !strings.Contains(m.Name, ":") && (jobOf(m, jobs[0]) != nil || jobOf(m, jobs[1]) != nil) {
			out = append(out, m.Name)
		}
	}
	return out
}

// describe says it in a sentence without a full stop.
func (r jobReaders) describe(jobs [2]string) string {
	if jobs[0] == jobs[1] {
		return fmt.Sprintf("Consumers that can read them: %s", named(r[both]))
	}
	return fmt.Sprintf("Consumers that can read them through job %s alone: %s; through job %s alone: %s; through both: %d",
		jobs[0], named(r[0]), jobs[1], named(r[1]), len(r[both]))
}

// named returns how many there are, with some names.
func named(consumers []string) string {
	if len(consumers) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d (%s)", len(consumers), some(slices.Compact(slices.Sorted(slices.Values(consumers)))))
}
