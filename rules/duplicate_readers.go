package rules

import (
	"fmt"
	"maps"
	"slices"
)

// jobReaders are the consumers, in words, that can read metrics through the
// first of two stored jobs alone, through the second alone, and through both;
// each sorted.
type jobReaders [3][]string

// both is the place of those that can read both.
const both = 2

// readersOf finds out which consumers can read the metrics through which of two
// stored jobs, which may be equal.
func (x *index) readersOf(backend string, metrics []string, jobs [2]string) jobReaders {
	can := map[string][2]bool{} // by consumer
	for _, metric := range metrics {
		m := x.metric(backend, metric)
		for i := range m.Jobs {
			if i >= len(m.JobUsage) {
				continue
			}
			for _, id := range m.JobUsage[i].Readers {
				c := can[id]
				for side := range jobs {
					c[side] = c[side] || m.Jobs[i].Job == jobs[side]
				}
				can[id] = c
			}
		}
	}
	var out jobReaders
	for _, id := range slices.Sorted(maps.Keys(can)) {
		c, through := x.consumers[id], can[id]
		place := both
		switch {
		case c == nil || through == [2]bool{}:
			continue
		case !through[1]:
			place = 0
		case !through[0]:
			place = 1
		}
		out[place] = append(out[place], fmt.Sprintf("%s %q", c.Kind, c.Name))
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
