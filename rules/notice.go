package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// Noticing returns the selectors of living consumers that notice what a
// proposal took away which was carried out at an instant, sorted by consumer:
// those on account of which the rule would not make the proposal today. A logged
// query counts when it was seen after that.
func Noticing(in *Input, p *sentei.Proposal, since time.Time) []sentei.Regret {
	x := in.index()
	var out []sentei.Regret
	for _, about := range x.concerned(p) {
		for _, r := range x.readings(about.Name) {
			c := r.consumer
			if c.Dead || !sameBackend(c, readBackend(p)) || x.expired(c) || c.Kind == sentei.Query && !c.LastSeen.After(since) {
				continue
			}
			if x.notices(p, about, r) {
				out = append(out, sentei.Regret{Consumer: c.ID, Selector: r.selector.String(), Since: x.report.At})
			}
		}
	}
	slices.SortFunc(out, func(a, b sentei.Regret) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Selector, b.Selector))
	})
	return slices.Compact(out)
}

// concerned returns the metrics that the proposal is about: as they are stored,
// or by name alone where nothing is stored of them any more.
func (x *index) concerned(p *sentei.Proposal) []*sentei.MetricReport {
	var names []string
	switch {
	case p.Action.Kind == sentei.ConvertHistograms:
		for _, family := range p.Action.Histograms {
			names = append(names, classicParts(family)...)
		}
	case p.Action.Metric != "":
		names = []string{p.Action.Metric}
	default: // all that the scrape job brings
		var out []*sentei.MetricReport
		recorded := recordedMetrics(x.report)
		for i := range x.report.Metrics {
			m := &x.report.Metrics[i]
			if m.Backend == p.Place.Backend && m.RecordedBy == "" && !recorded[m.Name] && slices.ContainsFunc(x.jobsOf(p), func(job string) bool { return jobOf(m, job) != nil }) {
				out = append(out, m)
			}
		}
		return out
	}
	var out []*sentei.MetricReport
	for _, name := range names {
		m := x.metric(readBackend(p), name)
		if m == nil {
			m = &sentei.MetricReport{Backend: readBackend(p), Metric: sentei.Metric{Name: name}}
		}
		out = append(out, m)
	}
	return out
}

// notices reports whether what reads the metric, and may read the series that
// the proposal is about, sees a difference.
func (x *index) notices(p *sentei.Proposal, m *sentei.MetricReport, r reading) bool {
	a, s := &p.Action, r.selector
	switch a.Kind {
	case sentei.DropMetric, sentei.ConvertHistograms:
	case sentei.DropValues:
		if refusal(s, a, x.external[m.Backend]) != "" {
			return false
		}
	case sentei.StripLabel:
		// The order of series does not count: who comes now has never seen another.
		if !needsLabel(s, a.Label) && (!a.Merges || s.MergesEqual) {
			return false
		}
	case sentei.DeleteRules:
		return s.MaySelectOutput(&sentei.Consumer{Records: a.Metric, RecordLabels: a.RecordLabels}, x.external[m.Backend])
	case sentei.SetInterval:
		if most, _ := longestFor(r, samplesInRange*a.Interval); most >= a.Interval {
			return false
		}
	case sentei.Aggregate:
		if x.byRecording(p) { // under other names
			break
		}
		if function, unless := served(a.Series, r, a.Labels, a.Interval, samplesInRange*a.Interval); unless == "" && (function == anyAggregate || function == a.Function) {
			return false
		}
	default:
		return false
	}
	return x.mayReadGone(p, m, s)
}

// byRecording reports whether nothing is live of the metric that the proposal
// aggregates, but what its recording rules write.
func (x *index) byRecording(p *sentei.Proposal) bool {
	if m := x.metric(p.Place.Backend, p.Action.Metric); m != nil {
		if j := jobOf(m, p.Place.Job); j != nil && j.Cost.Series > 0 {
			return false
		}
	}
	return slices.ContainsFunc(p.Action.Recordings, func(r sentei.Recording) bool {
		m := x.metric(p.Place.Backend, r.Record)
		if m == nil {
			return false
		}
		j := jobOf(m, p.Place.Job) // others may record under the same name
		return j != nil && j.Cost.Series > 0
	})
}

// mayReadGone reports whether the selector may select series of the metric in
// the jobs of the proposal. Matchers on labels that it took away do not count:
// no series has them any more. Of a metric of which nothing is stored any more,
// the labels are not known: then a selector that names no metric counts only if
// it asks for no other label than job.
func (x *index) mayReadGone(p *sentei.Proposal, m *sentei.MetricReport, s *sentei.Selector) bool {
	gone := append([]string{p.Action.Label}, p.Action.Labels...)
	jobs := x.jobsOf(p)
	matchers := slices.DeleteFunc(slices.Clone(s.Matchers), func(l *labels.Matcher) bool {
		return l.Name == model.JobLabel && jobs == nil || l.Name != model.JobLabel && slices.Contains(gone, l.Name)
	})
	stored := false
	for i := range m.Jobs {
		j := &m.Jobs[i]
		if jobs != nil && !slices.Contains(jobs, j.Job) {
			continue
		}
		if j.MayMatch(m.Name, matchers, x.external[m.Backend]) {
			return true
		}
		stored = true
	}
	if stored {
		return false
	}
	if jobs == nil {
		jobs = []string{""} // no matcher asks for it
	}
	return slices.ContainsFunc(jobs, func(job string) bool {
		j := sentei.JobMetric{Job: job, Labels: []sentei.LabelStats{}}
		return j.MayMatch(m.Name, matchers, nil)
	})
}

// jobsOf returns the job labels of the series that the proposal is about, nil
// for any.
func (x *index) jobsOf(p *sentei.Proposal) []string {
	if p.Place.Job != "" {
		return []string{p.Place.Job}
	}
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		if k := slices.IndexFunc(b.ScrapeJobs, func(s sentei.ScrapeJob) bool { return s.Name == p.Place.ScrapeJob }); b.Name == p.Place.Backend && k >= 0 {
			return b.ScrapeJobs[k].JobLabels
		}
	}
	return nil
}

func jobOf(m *sentei.MetricReport, job string) *sentei.JobMetric {
	for i := range m.Jobs {
		if m.Jobs[i].Job == job {
			return &m.Jobs[i]
		}
	}
	return nil
}

// classicParts returns the names of the series of a classic histogram.
func classicParts(family string) []string {
	return []string{family + "_bucket", family + "_count", family + "_sum"}
}
