package sentei

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Inventory is what one backend stores, as one source tells it. It is never
// changed after the source has returned it.
type Inventory struct {
	Backend string
	Source  string
	// From and To bound the span that the numbers cover. To is taken as the
	// instant of the scan.
	From, To time.Time
	// Metrics is sorted by name.
	Metrics []Metric
	// ScrapeJobs is sorted by name. It is empty when the source cannot tell.
	ScrapeJobs []ScrapeJob
	// DuplicateTargets is sorted. It is empty when the source cannot tell.
	DuplicateTargets []DuplicateTarget
	// ExternalLabels are labels that are on no stored series but are added
	// when others read them: external_labels of Prometheus. Sorted.
	ExternalLabels []string
	// RemoteWrite names the receivers that every sample is also sent to.
	RemoteWrite []string
	// Estimated names the parts of the numbers that are estimates, such as
	// "disk_bytes_per_day"; everything else is counted. Where churn_per_hour or
	// ended_per_hour are named and 0, they are not known: see Report.Created.
	Estimated []string
	// Series lists the series one by one; nil when the source cannot.
	Series SeriesReader
	// Listed is the span for which it is known that Series lists all that was
	// stored; From to To when zero.
	Listed Window
}

// Metric is all series of one name.
type Metric struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"` // counter, gauge, histogram, …; empty when unknown
	Unit string `json:"unit,omitempty"`
	Help string `json:"help,omitempty"`
	// Jobs splits the metric by the stored job label, sorted; series without
	// a job label stand under the empty job.
	Jobs []JobMetric `json:"jobs"`
}

// Cost returns the cost of all jobs together.
func (m *Metric) Cost() Cost {
	var c Cost
	for i := range m.Jobs {
		c = c.Plus(m.Jobs[i].Cost)
	}
	return c
}

// Counted reports whether the series of all jobs were counted.
func (m *Metric) Counted() bool {
	return !slices.ContainsFunc(m.Jobs, func(j JobMetric) bool { return j.Uncounted })
}

// JobMetric is the series of one metric that carry one job label.
type JobMetric struct {
	Job  string `json:"job"`
	Cost Cost   `json:"cost"`
	// Labels are the statistics of every label but __name__ and job, sorted
	// by name. It is nil when the source did not read them: then any label
	// may have any value.
	Labels []LabelStats `json:"labels,omitempty"`
	// Reductions are sets of labels whose removal leaves fewest series, found
	// greedily: each entry names the labels to remove in addition to those of
	// the entries before it. It is nil when nobody looked, and empty when no
	// removal merges series.
	Reductions []Reduction `json:"reductions,omitempty"`
	// Histogram describes the buckets; nil for what is no histogram.
	Histogram *Histogram `json:"histogram,omitempty"`
	// Uncounted says that the source could not count the series. Then Cost is
	// what the backend tells of the metric by itself, in even shares for its
	// jobs, or zero, there may be no series in this job at all, and the job is
	// never called unused.
	Uncounted bool `json:"uncounted,omitempty"`
}

// Reduction is one step of a greedy search for labels to remove.
type Reduction struct {
	// Labels are removed together, sorted: labels that determine each other
	// save nothing one by one.
	Labels []string `json:"labels"`
	// SeriesWithout is how many series remain without these labels and those
	// of all steps before, SeriesWithoutLive the same of those live at the end
	// of the span.
	SeriesWithout     int64 `json:"series_without"`
	SeriesWithoutLive int64 `json:"series_without_live"`
}

// Histogram is how a histogram is stored.
type Histogram struct {
	// Bounds are the values of the label le of a classic histogram's bucket
	// series, as stored, sorted as numbers. It is empty for a native one.
	Bounds []string `json:"bounds,omitempty"`
	// NativeSeries is how many series hold native histograms.
	NativeSeries int64 `json:"native_series,omitempty"`
}

// CompareBounds orders values of the label le as the numbers that they are,
// ties by their text.
func CompareBounds(a, b string) int {
	x, _ := strconv.ParseFloat(a, 64)
	y, _ := strconv.ParseFloat(b, 64)
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
}

// LabelStats describes one label over the series of a JobMetric. All counts
// are over the whole span, unless a name says live.
type LabelStats struct {
	Name string `json:"name"`
	// Series is how many series have the label.
	Series int64 `json:"series"`
	// Distinct is the number of distinct values.
	Distinct int64 `json:"distinct"`
	// Values are values of the label, the one with most series first, ties by
	// name. It is every value when Complete, else the top ones.
	Values   []LabelValue `json:"values,omitempty"`
	Complete bool         `json:"complete"`
	// SeriesWithout is how many series would remain if the label were
	// removed, SeriesWithoutLive the same of those live at the end of the
	// span. They are -1 when unknown.
	SeriesWithout     int64 `json:"series_without"`
	SeriesWithoutLive int64 `json:"series_without_live"`
	// DeterminedBy are the other labels each of which fixes this one: series
	// with the same value there (or both without it) have the same value here.
	// Sorted. It is nil when nobody looked; a label with one value on all
	// series is determined by every other and lists none.
	DeterminedBy []string `json:"determined_by,omitempty"`
}

// LabelValue is one value of a label and the number of series that have it.
type LabelValue struct {
	Value  string `json:"value"`
	Series int64  `json:"series"`
}

// ScrapeJob is an entry of scrape_configs, which owns the relabel rules that a
// proposal may add to.
type ScrapeJob struct {
	Name string `json:"name"` // job_name, also the scrape pool
	// JobLabels are the values of the job label that its targets carry,
	// sorted. Relabeling may have made them differ from Name.
	JobLabels []string `json:"job_labels"`
	// HonorLabels says that scraped series may bring job labels of their own.
	HonorLabels bool `json:"honor_labels,omitempty"`
	// OpenJobs says that targets may come that carry other job labels than
	// JobLabels: a service discovery or a relabel rule decides.
	OpenJobs bool `json:"open_jobs,omitempty"`
	// Assumed says that no configuration that was read shows the job, so that
	// HonorLabels and OpenJobs are taken to be true.
	Assumed  bool          `json:"assumed,omitempty"`
	Interval time.Duration `json:"interval_ns,omitempty"`
	Targets  int           `json:"targets,omitempty"`
}

// MayMatch reports whether a selector with these matchers may select series of
// the metric in this job, now or later. It is the question to ask before all
// of them are dropped, so it relies neither on label values nor, where the
// selector asks for names, on labels: an alert on code="503" reads the metric
// on the days without a 503 as well.
//
// It says no only when a matcher refuses the metric's name or the job, or when
// a selector that does not ask for any names asks for a label that no series
// of the metric has. external are labels that series get where they are read.
func (j *JobMetric) MayMatch(metric string, matchers []*labels.Matcher, external []string) bool {
	named := false
	for _, m := range matchers {
		switch m.Name {
		case model.MetricNameLabel:
			if !m.Matches(metric) {
				return false
			}
			named = named || asksForNames(m)
		case model.JobLabel:
			if !m.Matches(j.Job) && !slices.Contains(external, m.Name) {
				return false
			}
		}
	}
	if named || j.Labels == nil {
		return true
	}
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel || m.Name == model.JobLabel || m.Matches("") {
			continue
		}
		if j.Label(m.Name) == nil && !slices.Contains(external, m.Name) {
			return false
		}
	}
	return true
}

// asksForNames reports whether a matcher on the name chooses some names, and
// does not just leave out a few.
func asksForNames(m *labels.Matcher) bool {
	const noMetric = "\x00" // a name that nobody can have in mind
	return !m.Matches(noMetric)
}

// Label returns the statistics of the label, or nil when no series has it.
func (j *JobMetric) Label(name string) *LabelStats {
	for i := range j.Labels {
		if j.Labels[i].Name == name {
			return &j.Labels[i]
		}
	}
	return nil
}
