package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/preagg"
)

const aggregateTheorem = "No living selector that reads the metric needs the labels, and each is aggregated in a way that the stored aggregate serves: " +
	"results are the same while the series neither begin, end nor restart, but for the moments of the samples."

// aggregate is the one aggregate that serves all readers of a metric.
type aggregate struct {
	function   string // sum, max or min
	series     sentei.SeriesType
	breaks     string // what is different
	readers    []sentei.ProofReader
	recordings []sentei.Recording // that store it
	rewrites   []sentei.Rewrite   // of those who read it in the job
	unless     string             // why there is none
}

// aggregateOf finds the aggregate that serves all living readers of the metric
// in any job when the labels go in one, and it is stored once an interval.
func (x *index) aggregateOf(m *sentei.MetricReport, job string, strip []string, interval, rateRange time.Duration) aggregate {
	a := aggregate{series: seriesType(m)}
	readers := map[string]*sentei.Consumer{}
	for _, r := range x.readings(m.Name) {
		c, s := r.consumer, r.selector
		if !sameBackend(c, m.Backend) || x.expired(c) || !x.mayRead(m, nil, s.Matchers) {
			continue
		}
		if c.Kind == sentei.RecordingRule && c.Dead && x.readerOf(c) == nil {
			continue
		}
		var function string
		function, a.unless = served(a.series, r, strip, interval, rateRange)
		if a.unless == "" && function != anyAggregate && a.function != "" && a.function != function {
			a.unless = fmt.Sprintf("%s wants the %s, and others the %s", describe(c), function, a.function)
		}
		if a.unless != "" {
			return a
		}
		if function != anyAggregate {
			a.function = function
		}
		readers[c.ID] = c
		a.readers = append(a.readers, sentei.ProofReader{Consumer: c.ID, Selector: s.String(), Because: fmt.Sprintf("needs %s, below %s", s.Live, strings.Join(s.Path[:min(2, len(s.Path))], " below "))})
	}
	if a.function == "" {
		a.function = "max"
	}
	switch {
	case a.function == "sum" && a.series == sentei.CounterSeries:
		a.breaks = "Rates differ around restarts, and where series begin and end: the aggregate counts on over both, and does not know what a new series has counted before."
	case a.function == "sum":
		a.breaks = "A series that ends is counted until the interval is over, and values are those of the last interval."
	default:
		a.breaks = "Values are those of the last interval."
	}
	x.record(m, job, strip, slices.SortedFunc(maps.Values(readers), func(a, b *sentei.Consumer) int { return strings.Compare(a.ID, b.ID) }), &a)
	return a
}

// served returns the aggregate that serves one selector when the labels go and
// it is stored once an interval, or why there is none.
func served(series sentei.SeriesType, r reading, strip []string, interval, rateRange time.Duration) (function, unless string) {
	c, s := r.consumer, r.selector
	_, named := s.NamedMetric()
	i := slices.IndexFunc(strip, s.Live.Has)
	function = servedBy(series, s.Path)
	most, reason := longestFor(r, rateRange)
	switch {
	case !named:
		unless = describe(c) + " does not name the metric"
	case i >= 0 || s.OrderSensitive:
		unless = fmt.Sprintf("%s may need the label %s", describe(c), strip[max(i, 0)])
	case function == "":
		unless = describe(c) + " reads it in a way that no aggregate serves"
	case most < interval:
		unless = fmt.Sprintf("%s needs it more often: %s", describe(c), reason)
	}
	return function, unless
}

// record finds the recording rules that store the aggregate, and what its
// readers become over them.
func (x *index) record(m *sentei.MetricReport, job string, strip []string, readers []*sentei.Consumer, a *aggregate) {
	of := preagg.Aggregate{Metric: m.Name, Job: job, OtherJobs: len(m.Jobs) > 1, Labels: strip, Function: a.function, Series: a.series}
	if err := of.Check(); err != nil {
		a.unless = err.Error()
		return
	}
	for _, c := range readers {
		to, recordings, err := of.Rewrite(c.Expression)
		if err != nil {
			a.unless = fmt.Sprintf("%s cannot be rewritten: %v", describe(c), err)
			return
		}
		if len(recordings) > 0 {
			a.rewrites = append(a.rewrites, sentei.Rewrite{Consumer: c.ID, From: c.Text, To: to})
			a.recordings = append(a.recordings, recordings...)
		}
	}
	slices.SortFunc(a.recordings, func(a, b sentei.Recording) int { return strings.Compare(a.Record, b.Record) })
	a.recordings = slices.Compact(a.recordings)
	for _, r := range a.recordings {
		if other := x.metric(m.Backend, r.Record); other != nil && other.RecordedBy == "" {
			a.unless = "there is a metric " + r.Record + " already"
		}
	}
}

// anyAggregate is for readers that only ask whether there is a series.
const anyAggregate = "any"

// servedBy returns the aggregate that serves a selector below these operators,
// innermost first, or "".
func servedBy(series sentei.SeriesType, path []string) string {
	function := ""
	if len(path) > 0 && overRange(path[0]) {
		function, path = path[0], path[1:]
	}
	if len(path) == 0 {
		return ""
	}
	counts := function == "rate" || function == "increase"
	switch path[0] {
	case "group", "absent", "label_values":
		return anyAggregate
	case "sum":
		// A mean or a difference of sums is another one as soon as series begin or end.
		if counts && series == sentei.CounterSeries || function == "" && series == sentei.GaugeSeries {
			return "sum"
		}
	case "max", "min":
		if function == "" || function == path[0]+"_over_time" {
			return path[0]
		}
	}
	return ""
}

// seriesType returns what the metadata say of the metric, or "" where they do
// not: the name of a metric is no proof. Then nothing is added up.
func seriesType(m *sentei.MetricReport) sentei.SeriesType {
	switch m.Type {
	case "counter", "histogram":
		return sentei.CounterSeries
	case "gauge":
		return sentei.GaugeSeries
	}
	return ""
}

// proveAggregate goes through the readers once more. That $__rate_interval is
// long enough is what the rule was told.
func (x *index) proveAggregate(p *sentei.Proposal) ([]sentei.ProofReader, string) {
	m := x.metric(p.Place.Backend, p.Action.Metric)
	i := slices.IndexFunc(x.report.Backends, func(b sentei.Backend) bool { return b.Name == p.Place.Backend })
	if m == nil || i < 0 {
		return nil, "the metric is not in the report"
	}
	for _, label := range p.Action.Labels {
		if !mayGo(&x.report.Backends[i], m, label) {
			return nil, fmt.Sprintf("the label %q must stay", label)
		}
	}
	a := x.aggregateOf(m, p.Place.Job, p.Action.Labels, p.Action.Interval, samplesInRange*p.Action.Interval)
	switch {
	case a.unless != "":
	case a.function != p.Action.Function || a.series != p.Action.Series:
		a.unless = fmt.Sprintf("its readers want the %s of a %s", a.function, a.series)
	case !slices.Equal(a.rewrites, p.Action.Rewrites) || !slices.Equal(a.recordings, p.Action.Recordings):
		a.unless = "the rewritten expressions are not those of the consumers"
	}
	return sortedReaders(a.readers), a.unless
}
