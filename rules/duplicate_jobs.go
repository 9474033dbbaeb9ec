package rules

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// jobPair is two stored jobs with metrics in common; b is the smaller.
type jobPair struct {
	a, b    string
	metrics []string // in common, sorted
	// left and right are the live targets of a and of b, by instance.
	left, right map[string]*copies
}

// copies is what is known of one target, over the metrics in common.
type copies struct {
	series map[string]int64 // by metric
	same   map[string]int64 // those with a twin at the same instance of the other job
	print  [2]uint64        // of all series without job and instance
}

// pairs returns the jobs of the backend that have enough metrics in common.
func (o duplicateSeriesOptions) pairs(x *index, backend string) []*jobPair {
	of := map[string]map[string]int64{} // live series by job and metric
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != backend || writtenByPrometheus(m.Name) || m.RecordedBy != "" || strings.Contains(m.Name, ":") || strings.HasPrefix(m.Name, "probe_") {
			continue
		}
		for k := range m.Jobs {
			if j := &m.Jobs[k]; j.Job != "" && j.Cost.Series > 0 {
				if of[j.Job] == nil {
					of[j.Job] = map[string]int64{}
				}
				of[j.Job][m.Name] = j.Cost.Series
			}
		}
	}
	var out []*jobPair
	jobs := slices.Sorted(maps.Keys(of))
	for i, a := range jobs {
		for _, b := range jobs[i+1:] {
			big, small := a, b
			if sum(of[small]) > sum(of[big]) {
				big, small = small, big
			}
			p := &jobPair{a: big, b: small, left: map[string]*copies{}, right: map[string]*copies{}}
			for name := range of[small] {
				if of[big][name] > 0 {
					p.metrics = append(p.metrics, name)
				}
			}
			slices.Sort(p.metrics)
			if len(p.metrics) >= o.MinMetrics && float64(len(p.metrics)) >= o.MinShare*float64(min(len(of[small]), len(of[big]))) {
				out = append(out, p)
			}
		}
	}
	return out
}

func sum(series map[string]int64) int64 {
	var n int64
	for _, s := range series {
		n += s
	}
	return n
}

// compareJobs reads the metrics of all pairs, metric by metric.
func compareJobs(ctx context.Context, reader sentei.SeriesReader, pairs []*jobPair) error {
	about := map[string][]*jobPair{} // by metric
	for _, p := range pairs {
		for _, m := range p.metrics {
			about[m] = append(about[m], p)
		}
	}
	names := slices.Sorted(maps.Keys(about))
	seeds := [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	var name string
	var held []labels.Labels
	end := func() {
		for _, p := range about[name] {
			p.see(name, held, seeds)
		}
		held = held[:0]
	}
	err := reader.ReadSeries(ctx, names, func(s sentei.Series) error {
		if n := s.Labels.Get(model.MetricNameLabel); n != name {
			end()
			name = n
		}
		if s.Live {
			held = append(held, s.Labels)
		}
		return nil
	})
	end()
	return err
}

// see takes the live series of one metric into account.
func (p *jobPair) see(metric string, series []labels.Labels, seeds [2]maphash.Seed) {
	seen := map[string]bool{} // of a, without the job
	var buf []byte
	for _, l := range series {
		job, instance := l.Get(model.JobLabel), l.Get(model.InstanceLabel)
		side := p.left
		switch job {
		case p.a:
			buf = l.BytesWithoutLabels(buf, model.JobLabel)
			seen[string(buf)] = true
		case p.b:
			side = p.right
		default:
			continue
		}
		if side[instance] == nil {
			side[instance] = &copies{series: map[string]int64{}, same: map[string]int64{}}
		}
		t := side[instance]
		t.series[metric]++
		buf = l.BytesWithoutLabels(buf, model.InstanceLabel, model.JobLabel)
		for i := range seeds {
			t.print[i] += maphash.Bytes(seeds[i], buf) // the order does not matter
		}
	}
	for _, l := range series {
		if l.Get(model.JobLabel) == p.b {
			if buf = l.BytesWithoutLabels(buf, model.JobLabel); seen[string(buf)] {
				p.right[l.Get(model.InstanceLabel)].same[metric]++
			}
		}
	}
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
		if instance == "" || p.left[instance] == nil || float64(sum(t.same)) < o.MinShare*float64(sum(t.series)) || len(t.same) < o.MinMetrics {
			continue
		}
		targets++
		all += sum(t.series)
		for metric, n := range t.same {
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
		left[t.print]++
	}
	right := map[[2]uint64]bool{}
	byMetric = map[string]int64{}
	for _, t := range p.right {
		if left[t.print] != 1 || right[t.print] {
			return nil, 0, 0, ""
		}
		right[t.print] = true
		all += sum(t.series)
		for metric, n := range t.series {
			byMetric[metric] += n
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
