package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// jobPair is two stored jobs with metrics in common; b is the smaller.
type jobPair struct {
	a, b    string
	metrics []string // in common, sorted
	// left and right are the live targets of a and of b.
	left, right instances
}

// storedJob is one job with the metrics that are compared.
type storedJob struct {
	name    string
	metrics map[string]*sentei.JobMetric // those with live series
	names   []string                     // of these, sorted
	set     int                          // number of the set of names: copies of one program have the same
	series  int64                        // live
}

// storedJobs returns the jobs of the backend, sorted by name.
func storedJobs(x *index, backend string) []*storedJob {
	byName := map[string]*storedJob{}
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != backend || writtenByPrometheus(m.Name) || m.RecordedBy != "" || strings.Contains(m.Name, ":") || strings.HasPrefix(m.Name, "probe_") {
			continue
		}
		for k := range m.Jobs {
			if j := &m.Jobs[k]; j.Job != "" && j.Cost.Series > 0 {
				s := byName[j.Job]
				if s == nil {
					s = &storedJob{name: j.Job, metrics: map[string]*sentei.JobMetric{}}
					byName[j.Job] = s
				}
				s.metrics[m.Name] = j
				s.series += j.Cost.Series
			}
		}
	}
	var jobs []*storedJob
	sets := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s := byName[name]
		s.names = slices.Sorted(maps.Keys(s.metrics))
		set := strings.Join(s.names, "\xff")
		if _, ok := sets[set]; !ok {
			sets[set] = len(sets)
		}
		s.set = sets[set]
		jobs = append(jobs, s)
	}
	return jobs
}

// pairs returns the jobs of the backend that have enough metrics in common, and
// of which the inventory does not show that their series are others.
func (o duplicateSeriesOptions) pairs(x *index, backend string) []*jobPair {
	var out []*jobPair
	jobs := storedJobs(x, backend)
	common := map[[2]int][]string{} // by sets of metrics; nil when too few
	values := valueSets{}
	for i, a := range jobs {
		for _, b := range jobs[i+1:] {
			metrics, known := common[[2]int{a.set, b.set}]
			if !known {
				metrics = o.inCommon(a, b)
				common[[2]int{a.set, b.set}] = metrics
			}
			if metrics == nil || !o.mayBeTwins(a, b, metrics, values) {
				continue
			}
			big, small := a, b
			if small.series > big.series {
				big, small = small, big
			}
			out = append(out, &jobPair{a: big.name, b: small.name, metrics: metrics})
		}
	}
	return out
}

// inCommon returns the metrics that both jobs have, sorted, or nil when they
// are too few to compare the jobs.
func (o duplicateSeriesOptions) inCommon(a, b *storedJob) []string {
	var metrics []string
	for _, name := range a.names {
		if b.metrics[name] != nil {
			metrics = append(metrics, name)
		}
	}
	if len(metrics) < o.MinMetrics || float64(len(metrics)) < o.MinShare*float64(min(len(a.names), len(b.names))) {
		return nil
	}
	return metrics
}

func sum(series map[string]int64) int64 {
	var n int64
	for _, s := range series {
		n += s
	}
	return n
}

// finding says what of the smaller job is in the other, too.
func (o duplicateSeriesOptions) finding(x *index, b *sentei.Backend, p *jobPair) (sentei.Finding, bool) {
	byMetric, targets, all, how := o.sameTargets(p)
	if targets == 0 {
		byMetric, targets, all, how = sameSeries(p)
	}
	n := sum(byMetric)
	metrics := slices.Sorted(maps.Keys(byMetric))
	if targets == 0 || n < o.MinSeries || x.unreadIn(b.Name, metrics, p.a) || x.unreadIn(b.Name, metrics, p.b) {
		return sentei.Finding{}, false
	}
	f := sentei.Finding{
		Backend: b.Name, Rule: duplicateSeriesKind, Where: fmt.Sprintf("jobs %s and %s", p.a, p.b),
		Jobs: slices.Sorted(slices.Values([]string{p.a, p.b})),
		Message: fmt.Sprintf("%s of job %s are collected by job %s, too: %d of %s (%s) %s. %s",
			count(targets, "target"), p.b, p.a, n, count(all, "series"), count(len(byMetric), "metric"), how,
			x.readersOf(b.Name, metrics, [2]string{p.a, p.b}).describe([2]string{p.a, p.b})),
		Hint: fmt.Sprintf("compare some values, then stop collecting them twice: job %s through %s, job %s through %s",
			p.a, feederNames(b, p.a), p.b, feederNames(b, p.b)),
	}
	for _, metric := range metrics {
		m := x.metric(b.Name, metric)
		for i := range m.Jobs {
			if n := byMetric[metric]; m.Jobs[i].Job == p.b && verdictIn(m, p.b) != sentei.Unused {
				f.Cost = f.Cost.Plus(m.Jobs[i].Cost.Part(n, n))
			}
		}
	}
	f.PerMonth = x.report.Settings.Prices.PerMonth(f.Cost)
	return f, true
}

// unreadIn reports whether nobody reads any of the metrics in the job: other
// rules propose to drop them.
func (x *index) unreadIn(backend string, metrics []string, job string) bool {
	return !slices.ContainsFunc(metrics, func(name string) bool { return verdictIn(x.metric(backend, name), job) != sentei.Unused })
}

// sameTargets looks for the instances of the smaller job that the other has,
// too, with nearly all of their series.
func (o duplicateSeriesOptions) sameTargets(p *jobPair) (byMetric map[string]int64, targets int, all int64, how string) {
	byMetric = map[string]int64{}
	for instance, t := range p.right {
		other := p.left[instance]
		if instance == "" || other == nil {
			continue
		}
		var series int64
		same := map[string]int64{}
		for m := range t.of(p.metrics) {
			series += int64(len(m.hashes))
			if n := m.inCommon(other.metric(m.name)); n > 0 {
				same[m.name] = n
			}
		}
		if float64(sum(same)) < o.MinShare*float64(series) || len(same) < o.MinMetrics {
			continue
		}
		targets++
		all += series
		for metric, n := range same {
			byMetric[metric] += n
		}
	}
	return byMetric, targets, all, "differ in the job label alone"
}

// sameSeries looks for targets of the smaller job that have the series of one
// target of the other under another instance. It says nothing unless all of
// them do, there are two at least, and each is unlike the others.
func sameSeries(p *jobPair) (byMetric map[string]int64, targets int, all int64, how string) {
	left := map[[2]uint64]int{}
	for _, t := range p.left {
		if print, series := t.print(p.metrics); series > 0 {
			left[print]++
		}
	}
	right := map[[2]uint64]bool{}
	byMetric = map[string]int64{}
	for _, t := range p.right {
		print, series := t.print(p.metrics)
		if series == 0 {
			continue
		}
		if left[print] != 1 || right[print] {
			return nil, 0, 0, ""
		}
		right[print] = true
		all += series
		for m := range t.of(p.metrics) {
			byMetric[m.name] += int64(len(m.hashes))
		}
	}
	if len(right) < 2 {
		return nil, 0, 0, ""
	}
	return byMetric, len(right), all, "differ in job and instance alone"
}

func feederNames(b *sentei.Backend, job string) string {
	var names []string
	for _, f := range feedersOf(b, job) {
		names = append(names, f.Name)
	}
	if len(names) == 0 {
		return "a sender that is not known here"
	}
	return "scrape job " + strings.Join(names, ", ")
}
