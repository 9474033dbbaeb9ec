package rules

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// targetPair is two scrape jobs with addresses in common, whose targets have
// the one stored job on one side and the other on the other side. They may be
// equal.
type targetPair struct {
	scrapeJobs, jobs [2]string
	urls             []string
	instances        [2]map[string]bool
	told             bool // by a finding about the series of the jobs
}

// targetPairs returns the scrape jobs that scrape addresses of another, sorted.
// Of an address of three scrape jobs the first is compared with each other.
func targetPairs(b *sentei.Backend) []*targetPair {
	type key struct{ scrapeJobs, jobs [2]string }
	of := map[key]*targetPair{}
	for i := range b.DuplicateTargets {
		d := &b.DuplicateTargets[i]
		for k := 1; k < len(d.Targets); k++ {
			sides := [2]sentei.ScrapeTarget{d.Targets[0], d.Targets[k]}
			at := key{[2]string{sides[0].ScrapeJob, sides[1].ScrapeJob}, [2]string{sides[0].Job, sides[1].Job}}
			p := of[at]
			if p == nil {
				p = &targetPair{scrapeJobs: at.scrapeJobs, jobs: at.jobs, instances: [2]map[string]bool{{}, {}}}
				of[at] = p
			}
			p.urls = append(p.urls, d.URL)
			for n := range sides {
				p.instances[n][sides[n].Instance] = true
			}
		}
	}
	out := slices.Collect(maps.Values(of))
	slices.SortFunc(out, func(a, b *targetPair) int {
		return cmp.Or(slices.Compare(a.scrapeJobs[:], b.scrapeJobs[:]), slices.Compare(a.jobs[:], b.jobs[:]))
	})
	return out
}

// same reports whether both sides have the very same job and instances, so that
// their series cannot be told apart by these.
func (p *targetPair) same() bool {
	return p.jobs[0] == p.jobs[1] && maps.Equal(p.instances[0], p.instances[1])
}

// addresses names some of the URLs.
func (p *targetPair) addresses() string { return some(p.urls) }

// found are the metrics that the targets of both sides write.
type found struct {
	metrics []string
	cost    [2]sentei.Cost // of both sides
	series  [2]int64
	unread  [2]bool // nobody reads anything of the side
}

// inCommon returns what both sides write. What nobody reads on a side does not
// count in its cost: other rules propose to drop it.
func (x *index) inCommon(backend string, p *targetPair) found {
	f := found{unread: [2]bool{true, true}}
	targets := [2]int64{x.targetsOf(backend, p.jobs[0]), x.targetsOf(backend, p.jobs[1])}
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != backend || writtenByPrometheus(m.Name) || m.RecordedBy != "" || strings.Contains(m.Name, ":") {
			continue
		}
		var at [2]int
		var n [2]int64
		for side := range at {
			at[side] = slices.IndexFunc(m.Jobs, func(j sentei.JobMetric) bool { return j.Job == p.jobs[side] })
			if k := at[side]; k >= 0 {
				n[side] = seriesOf(&m.Jobs[k], p.instances[side], targets[side])
			}
		}
		if n[0] == 0 || n[1] == 0 {
			continue
		}
		f.metrics = append(f.metrics, m.Name)
		for side, k := range at {
			f.series[side] += n[side]
			if k < len(m.JobUsage) && m.JobUsage[k].Verdict == sentei.Unused {
				continue
			}
			f.unread[side] = false
			f.cost[side] = f.cost[side].Plus(m.Jobs[k].Cost.Part(n[side], inSpanOf(&m.Jobs[k], n[side])))
		}
	}
	return f
}

// targetsOf returns how many targets have the stored job now; 0 when that is
// not known.
func (x *index) targetsOf(backend, job string) int64 {
	up := x.metric(backend, "up")
	if up == nil {
		return 0
	}
	for i := range up.Jobs {
		if up.Jobs[i].Job == job {
			return up.Jobs[i].Cost.Series
		}
	}
	return 0
}

// seriesOf returns how many active series of the job the instances have: as the
// values of the label say, else their share in all targets of the job.
func seriesOf(j *sentei.JobMetric, instances map[string]bool, targets int64) int64 {
	if l := j.Label(model.InstanceLabel); l != nil && l.Complete && j.Cost.SeriesInSpan > 0 {
		var n int64
		for _, v := range l.Values {
			if instances[v.Value] {
				n += v.Series
			}
		}
		return int64(math.Round(float64(n) * float64(j.Cost.Series) / float64(j.Cost.SeriesInSpan)))
	}
	if targets == 0 {
		return 0
	}
	return int64(math.Round(float64(j.Cost.Series) * min(1, float64(len(instances))/float64(targets))))
}

func inSpanOf(j *sentei.JobMetric, live int64) int64 {
	if j.Cost.Series == 0 {
		return 0
	}
	return int64(math.Round(float64(live) * float64(j.Cost.SeriesInSpan) / float64(j.Cost.Series)))
}

// targetFinding tells of the addresses that two scrape jobs scrape. Nothing is
// said when they store no metric in common, as when each keeps a part on
// purpose, and when nobody reads what one of them stores.
func (o duplicateSeriesOptions) targetFinding(x *index, b *sentei.Backend, p *targetPair) (sentei.Finding, bool) {
	f := x.inCommon(b.Name, p)
	if min(f.series[0], f.series[1]) < o.MinSeries || f.unread[0] || f.unread[1] {
		return sentei.Finding{}, false
	}
	find := sentei.Finding{
		Backend: b.Name, Rule: duplicateSeriesKind, Where: fmt.Sprintf("scrape jobs %s and %s", p.scrapeJobs[0], p.scrapeJobs[1]),
		Message: fmt.Sprintf("%s of scrape job %s are scraped by scrape job %s, too: %s. ",
			count(len(p.urls), "target"), p.scrapeJobs[1], p.scrapeJobs[0], p.addresses()),
	}
	intervals := intervalsOf(b, p.scrapeJobs)
	if p.same() {
		find.Message += fmt.Sprintf("Both write series of %s with job %q and the same instance, %d in all: where the other labels are equal too, "+
			"Prometheus keeps one of two samples", count(len(f.metrics), "metric"), p.jobs[0], f.series[0])
		find.Hint = "let one of the two scrape jobs stop scraping them" + intervals
		return finding(find), true
	}
	readers := x.readersOf(b.Name, x.ofJobs(b.Name, p.jobs), p.jobs)
	second := 1
	if a, b := len(readers[0]), len(readers[1]); a < b || a == b && f.cost[0].Series < f.cost[1].Series {
		second = 0
	}
	first := 1 - second
	find.Message += fmt.Sprintf("Both write %s, about %d series as job %q and %d as job %q. %s", count(len(f.metrics), "metric"),
		f.series[0], p.jobs[0], f.series[1], p.jobs[1], readers.describe(p.jobs))
	switch {
	case p.jobs[0] == p.jobs[1]:
		find.Hint = "compare some values, then let one of the two scrape jobs stop scraping them"
	case len(readers[second]) == 0 && x.unsure(b) != "":
		find.Hint = fmt.Sprintf("no known consumer reads job %s alone, but not all are known: %s; find out first", p.jobs[second], x.unsure(b))
	case len(readers[second]) == 0:
		find.Hint = fmt.Sprintf("nobody reads job %s alone: compare some values, then let scrape job %s stop scraping them", p.jobs[second], p.scrapeJobs[second])
	default:
		find.Hint = fmt.Sprintf("each job has readers of its own: let those of job %s read job %s, compare some values, then let scrape job %s stop scraping them",
			p.jobs[second], p.jobs[first], p.scrapeJobs[second])
	}
	if len(readers[both]) > 0 {
		find.Hint += "; see whether those that can read both add them up, and then count them twice now"
	}
	find.Hint += intervals
	find.Cost = f.cost[second]
	find.PerMonth = x.report.Settings.Prices.PerMonth(find.Cost)
	return finding(find), true
}

// intervalsOf reminds of intervals that differ.
func intervalsOf(b *sentei.Backend, scrapeJobs [2]string) string {
	var every [2]model.Duration
	for i := range b.ScrapeJobs {
		for n := range scrapeJobs {
			if s := &b.ScrapeJobs[i]; s.Name == scrapeJobs[n] {
				every[n] = model.Duration(s.Interval)
			}
		}
	}
	if every[0] == every[1] || every[0] == 0 || every[1] == 0 {
		return ""
	}
	return fmt.Sprintf("; they scrape every %s and every %s: keep the one that readers need", every[0], every[1])
}
