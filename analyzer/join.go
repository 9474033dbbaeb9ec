package analyzer

import (
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// reading is one selector of one consumer.
type reading struct {
	consumer *sentei.Consumer
	selector *sentei.Selector
}

// readings finds the selectors that may concern a metric without trying all.
type readings struct {
	byName map[string][]reading // selectors that name one metric in full
	others []reading
}

// index sorts the selectors of all consumers that count: a logged query that
// was last seen before since does not.
func index(consumers []sentei.Consumer, since time.Time) readings {
	r := readings{byName: map[string][]reading{}}
	for i := range consumers {
		c := &consumers[i]
		if c.Kind == sentei.Query && !c.LastSeen.IsZero() && c.LastSeen.Before(since) {
			continue
		}
		for j := range c.Selectors {
			s := &c.Selectors[j]
			if name, named := s.NamedMetric(); named {
				r.byName[name] = append(r.byName[name], reading{c, s})
			} else {
				r.others = append(r.others, reading{c, s})
			}
		}
	}
	return r
}

// join gives every metric of the inventory, and every job of it, its verdict.
// blockers are the reasons why something that no consumer reads must be called
// unknown.
func join(inv *sentei.Inventory, consumers []sentei.Consumer, blockers []string, since time.Time) []sentei.MetricReport {
	idx := index(consumers, since)
	recorded := map[string]string{}
	for i := range consumers {
		if c := &consumers[i]; c.Kind == sentei.RecordingRule && recorded[c.Records] == "" {
			recorded[c.Records] = c.ID
		}
	}
	reports := make([]sentei.MetricReport, len(inv.Metrics))
	for i := range inv.Metrics {
		m := &inv.Metrics[i]
		r := &reports[i]
		r.Backend, r.Metric, r.Cost = inv.Backend, *m, m.Cost()
		r.RecordedBy = recorded[m.Name]
		r.JobUsage = make([]sentei.JobUsage, len(m.Jobs))
		for j := range m.Jobs {
			reasons := blockers
			if m.Jobs[j].Uncounted {
				reasons = append(slices.Clip(blockers), "its series could not be counted")
			}
			r.JobUsage[j] = idx.usage(m.Name, &m.Jobs[j], inv.ExternalLabels, reasons)
		}
		r.Usage = together(r.JobUsage)
	}
	return reports
}

// usage gives the verdict for one metric in one job.
func (r *readings) usage(metric string, job *sentei.JobMetric, external, blockers []string) sentei.JobUsage {
	var u sentei.JobUsage
	var living []reading
	for _, candidates := range [][]reading{r.byName[metric], r.others} {
		for _, c := range candidates {
			switch {
			case !job.MayMatch(metric, c.selector.Matchers, external):
			case c.consumer.Dead:
				u.DeadReaders = append(u.DeadReaders, c.consumer.ID)
			default:
				living = append(living, c)
				u.Readers = append(u.Readers, c.consumer.ID)
			}
		}
	}
	u.Readers, u.DeadReaders = distinct(u.Readers), distinct(u.DeadReaders)
	switch {
	case len(u.Readers) > 0:
		u.Verdict = sentei.Used
		u.Labels = labelUsage(job, living, external, len(blockers) > 0)
	case len(blockers) > 0:
		u.Verdict, u.Reasons = sentei.Unknown, blockers
	default:
		u.Verdict = sentei.Unused
	}
	return u
}

// together sums up the verdicts of a metric's jobs: used when all jobs are,
// partly used when some are, else unknown before unused.
func together(jobs []sentei.JobUsage) sentei.Usage {
	var u sentei.Usage
	count := map[sentei.Verdict]int{}
	for i := range jobs {
		j := &jobs[i]
		count[j.Verdict]++
		u.Readers = append(u.Readers, j.Readers...)
		u.DeadReaders = append(u.DeadReaders, j.DeadReaders...)
		u.Reasons = append(u.Reasons, j.Reasons...)
	}
	u.Readers, u.DeadReaders, u.Reasons = distinct(u.Readers), distinct(u.DeadReaders), distinct(u.Reasons)
	switch {
	case count[sentei.Used] == len(jobs):
		u.Verdict = sentei.Used
	case count[sentei.Used] > 0:
		u.Verdict = sentei.PartlyUsed
	case count[sentei.Unknown] > 0:
		u.Verdict = sentei.Unknown
	default:
		u.Verdict = sentei.Unused
	}
	return u
}

func distinct(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
