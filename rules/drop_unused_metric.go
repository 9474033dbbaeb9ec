package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const dropUnusedMetricKind = "drop_unused_metric"

type dropUnusedMetricOptions struct {
	MinSeries int64 `yaml:"min_series"`
}

func dropUnusedMetric() Info {
	return source.New(dropUnusedMetricKind, sentei.Doc{
		Title: "Drop metrics that nobody reads, at the scrape job that brings them",
		Text: `Proposes to drop every series of a metric that a scrape job brings, when the verdict for the metric in that
job is *unused*: no selector of any alerting rule, dashboard, logged query, declared consumer or recording rule with
an audience can match a series of it. Results stay the same to the bit (grade A), also while the rule is deployed.
Every proposal is proven a second time from the selectors, independent of the verdict, before it is shown.

A metric is proposed for each stored job label on its own, so one that is read for one job can be dropped for another.
The rule then asks for the job label as well. It also does so where a scrape job brings several job labels or honors
those of its targets.

Where several scrape jobs bring the same job label, there is one proposal for each of them. It is not known how the
series are split between them, so the whole saving is counted at the first by name and nothing at the others.

Nothing is proposed for

- verdicts other than unused: *unknown* is not unused;
- up, scrape_*, ALERTS and ALERTS_FOR_STATE: Prometheus writes them itself, past all relabel rules of a scrape job;
- what a recording rule writes, and names with a colon, which are recorded by convention: delete the rule instead;
- series without a job label, and jobs that no known scrape job brings, such as those received by remote write or
  OTLP. These are listed as problems that block nothing.

Dropping one part of a classic histogram or summary, such as only foo_bucket, is possible and is said in the risk.
Nothing is proposed for a metric that another backend of the report stores too and that is not unused there, nor while
the inventory of another backend could not be read in full: sentei cannot know whether one backend is fed from the other,
by remote write or federation. Say that it is not by ` + "`isolated: true`" + ` at the backend.
What a recording rule reads whose output nobody reads may be dropped; the rule then records nothing, and the proposal
names it.`,
		Example: `drop_unused_metric:
  # Propose nothing for metrics with fewer active series in a job.
  min_series: 1
`,
	}, dropUnusedMetricOptions{MinSeries: 1}, func(o dropUnusedMetricOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 {
			return nil, errors.New("min_series must be 1 or more")
		}
		return o, nil
	})
}

// Propose proposes one drop for each unused metric, stored job and scrape job
// that brings it.
func (o dropUnusedMetricOptions) Propose(_ context.Context, in *Input) (Made, error) {
	var all Made
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		proposals, out := o.proposeBackend(x, b)
		all.add(Made{Proposals: proposals, Problems: out.problems(b)})
	}
	return all, nil
}

func (o dropUnusedMetricOptions) proposeBackend(x *index, b *sentei.Backend) ([]sentei.Proposal, *leftOut) {
	r := x.report
	var proposals []sentei.Proposal
	out := newLeftOut()
	recorded := recordedMetrics(r)
	said := readSoFar(r, b.Name)
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend != b.Name || writtenByPrometheus(m.Name) {
			continue
		}
		for k := range m.Jobs {
			job := &m.Jobs[k]
			if k >= len(m.JobUsage) || m.JobUsage[k].Verdict != sentei.Unused || job.Cost.Series < o.MinSeries {
				continue
			}
			if m.RecordedBy != "" || recorded[m.Name] || strings.Contains(m.Name, ":") {
				if !x.onlyDeadWrite(b, m.Name) { // else see delete_dead_rule
					out.recorded.add(m.Name, job.Cost)
				}
				continue
			}
			if other, why := x.usedElsewhere(b, m); other != "" {
				out.addElsewhere(other, why, m.Name, job.Cost)
				continue
			}
			feeders := feedersOf(b, job.Job)
			if job.Job == "" || len(feeders) == 0 {
				out.add(job.Job, m.Name, job.Cost)
				continue
			}
			for n, feeder := range feeders {
				p := o.proposal(x, m, k, feeder)
				p.Evidence = slices.Concat(storedEvidence(b, m, job), said, x.deadReaders(m, k), feederEvidence(feeders, job.Job))
				if n > 0 { // counted at the first one
					p.Saving, p.SavingPerMonth = sentei.Cost{}, 0
				}
				proposals = append(proposals, p)
			}
		}
	}
	return proposals, out
}

func (o dropUnusedMetricOptions) proposal(x *index, m *sentei.MetricReport, k int, feeder *sentei.ScrapeJob) sentei.Proposal {
	job := &m.Jobs[k]
	return sentei.Proposal{
		ID:   sentei.HashID(dropUnusedMetricKind, m.Backend, feeder.Name, job.Job, string(sentei.DropMetric), m.Name),
		Rule: dropUnusedMetricKind, Grade: sentei.GradeA, State: sentei.Pending,
		Place: sentei.Place{
			Backend: m.Backend, ScrapeJob: feeder.Name, Job: job.Job,
			Shared: len(feeder.JobLabels) > 1 || feeder.HonorLabels || feeder.OpenJobs || !unusedEverywhere(m) || x.readerInAnyJob(m, &sentei.Action{Kind: sentei.DropMetric}) != nil,
		},
		Action:         sentei.Action{Kind: sentei.DropMetric, Metric: m.Name},
		Saving:         job.Cost,
		SavingPerMonth: x.report.Settings.Prices.PerMonth(job.Cost),
		Risk:           x.risk(m, k),
		Check: fmt.Sprintf("Run `sentei explain metric %s`, look at the series with %s, and ask whoever runs the job %q.",
			shellWord(m.Name), countQuery(m.Name, job.Job), job.Job),
		Rollback: "Remove the rule and reload; the series resume at the next scrape, with a gap for the time between.",
	}
}

// unusedEverywhere reports whether a rule that asks for the name alone would
// be right in every job. A job's own rules could rename the job label, so a
// scrape job with one job label may store series under another.
func unusedEverywhere(m *sentei.MetricReport) bool {
	return len(m.JobUsage) == len(m.Jobs) &&
		!slices.ContainsFunc(m.JobUsage, func(u sentei.JobUsage) bool { return u.Verdict != sentei.Unused })
}

// elsewhere is another backend that may read a metric, and why.
type elsewhere struct{ backend, why string }

// usedElsewhere returns the first of usersElsewhere, or "".
func (x *index) usedElsewhere(b *sentei.Backend, m *sentei.MetricReport) (backend, why string) {
	if all := x.usersElsewhere(b, m); len(all) > 0 {
		return all[0].backend, all[0].why
	}
	return "", ""
}

// usersElsewhere returns the other backends that store the metric and where it
// is not unused in some job, or that may store it as their inventory is
// incomplete, and says which. The series there may come from here, by remote
// write, federation or a query frontend, and federation may rename the job. So
// they count unless the configuration says that this backend is isolated.
func (x *index) usersElsewhere(b *sentei.Backend, m *sentei.MetricReport) []elsewhere {
	if b.Isolated {
		return nil
	}
	var out []elsewhere
	for i := range x.report.Backends {
		name := x.report.Backends[i].Name
		other := x.metric(name, m.Name)
		switch {
		case name == b.Name:
		case other == nil && x.incomplete[name]:
			out = append(out, elsewhere{name, "could not be read in full, and may store them too"})
		case other != nil && !unusedEverywhere(other):
			out = append(out, elsewhere{name, "stores them too, and there they are not unused"})
		}
	}
	return out
}

// feedersOf returns the scrape jobs that may bring series with the job label:
// those whose targets carry it, and then those that honor labels, whose
// targets may bring it. There are none when no target is known to carry it.
func feedersOf(b *sentei.Backend, job string) []*sentei.ScrapeJob {
	var out []*sentei.ScrapeJob
	carried := false
	for i := range b.ScrapeJobs {
		s := &b.ScrapeJobs[i]
		carries := slices.Contains(s.JobLabels, job)
		carried = carried || carries
		if carries || s.HonorLabels {
			out = append(out, s)
		}
	}
	if !carried {
		return nil
	}
	slices.SortFunc(out, func(a, b *sentei.ScrapeJob) int {
		if ac, bc := slices.Contains(a.JobLabels, job), slices.Contains(b.JobLabels, job); ac != bc {
			if ac {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// writtenByPrometheus reports whether no metric relabel rule reaches the
// series: those of alerts, and the report samples of scrapes, which may grow
// by further names.
func writtenByPrometheus(name string) bool {
	return name == "up" || name == "ALERTS" || name == "ALERTS_FOR_STATE" || strings.HasPrefix(name, "scrape_")
}

// recordedMetrics returns the names that recording rules write, in any backend:
// a rule may send its output to another.
func recordedMetrics(r *sentei.Report) map[string]bool {
	names := map[string]bool{}
	for i := range r.Consumers {
		if name := r.Consumers[i].Records; name != "" {
			names[name] = true
		}
	}
	return names
}
