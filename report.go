package sentei

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ReportVersion is the version of the JSON form of Report. It grows when a
// field changes its meaning or goes.
const ReportVersion = 1

// Report is everything known at one instant. It is made once per scan and
// never changed afterwards; exporters are pure functions of it.
type Report struct {
	Version int `json:"version"`
	// At is the end of the newest inventory: the instant that the report
	// speaks of. It comes from the data, so equal input gives equal bytes.
	At       time.Time `json:"at"`
	Settings Settings  `json:"settings"`
	// Since is when the previous report was made that growth refers to; zero
	// without one.
	Since time.Time `json:"since,omitzero"`
	// Part is set when this is the part of a report that is about one owner.
	Part *Part `json:"part,omitempty"`

	Backends  []Backend      `json:"backends"`  // sorted by name
	Metrics   []MetricReport `json:"metrics"`   // sorted by backend and name
	Consumers []Consumer     `json:"consumers"` // sorted by kind, backend, location, name
	Proposals []Proposal     `json:"proposals"` // biggest saving first
	Findings  []Finding      `json:"findings"`  // sorted by backend, rule and place
	Tracked   []Tracked      `json:"tracked"`   // carried out, the newest first
	Sources   []SourceStatus `json:"sources"`   // in configuration order
	Problems  []Problem      `json:"problems"`  // blocking ones first
}

// DecodeReport reads the JSON form of a report. Selectors of consumers are not
// read back in full: their matchers are left out.
func DecodeReport(text []byte) (*Report, error) {
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("want the output of sentei report -o json: %w", err)
	}
	if r.Version != ReportVersion {
		return nil, fmt.Errorf("it has version %d, this sentei reads %d", r.Version, ReportVersion)
	}
	return &r, nil
}

// Settings are the parts of the configuration that shape the verdicts.
type Settings struct {
	Window    time.Duration `json:"window_ns"`
	MinWindow time.Duration `json:"min_window_ns"`
	Prices    Prices        `json:"prices"`
	// Owners is left out of the JSON: reports are about whoever owns a series
	// now.
	Owners Owners `json:"-"`
}

// Backend is one monitored Prometheus-compatible store.
type Backend struct {
	Name string    `json:"name"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Listed is the span whose series can be listed one by one; zero when
	// nothing lists them. From and To are those of all inventories.
	Listed     Window      `json:"listed,omitzero"`
	ScrapeJobs []ScrapeJob `json:"scrape_jobs,omitempty"`
	// DuplicateTargets are addresses that several of them scrape, sorted.
	DuplicateTargets []DuplicateTarget `json:"duplicate_targets,omitempty"`
	// ExternalLabels are labels that its series get where others read them.
	ExternalLabels []string `json:"external_labels,omitempty"`
	// Isolated says that no other backend of the report gets its series.
	Isolated  bool     `json:"isolated,omitempty"`
	Estimated []string `json:"estimated,omitempty"`
	// Budget is what somebody allows it.
	Budget Budget `json:"budget,omitzero"`
}

// MetricReport is one metric with its verdict, cost and score.
type MetricReport struct {
	Backend string `json:"backend"`
	Metric
	Usage
	Cost Cost `json:"cost"`
	// SeriesGrowth is by how many active series the metric has grown since
	// Report.Since; nil without a previous report.
	SeriesGrowth *int64 `json:"series_growth,omitempty"`
	// JobUsage is the verdict for each of Metric.Jobs, in the same order.
	JobUsage []JobUsage `json:"job_usage"`
	// RecordedBy is the identifier of the recording rule that writes the
	// metric, or empty.
	RecordedBy string  `json:"recorded_by,omitempty"`
	PerMonth   float64 `json:"per_month"` // in Settings.Prices.Currency
	// Score is the percentage of the backend's bill that the metric takes
	// without being of use: 100 × share of the bill × (1 − use).
	Score float64 `json:"score"`
}

// SetGrowth fills in Since and the growth of every metric. It is called before
// the report is published. Without a previous report, or with one of the same
// instant, it does nothing. The growth of metrics that cannot be compared is
// left out: some in the report of an owner, and those that were not counted.
func (r *Report) SetGrowth(previous *Report) {
	if previous == nil || !previous.At.Before(r.At) {
		return
	}
	type key struct{ backend, name string }
	before := make(map[key]int64, len(previous.Metrics))
	uncounted := map[key]bool{}
	for i := range previous.Metrics {
		m := &previous.Metrics[i]
		before[key{m.Backend, m.Name}] = m.Cost.Series
		if !m.Counted() {
			uncounted[key{m.Backend, m.Name}] = true
		}
	}
	r.Since = previous.At
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if previous.Part.MayHave(m.Backend, m.Name) || r.Part.MayHave(m.Backend, m.Name) ||
			!m.Counted() || uncounted[key{m.Backend, m.Name}] {
			continue
		}
		growth := m.Cost.Series - before[key{m.Backend, m.Name}]
		m.SeriesGrowth = &growth
	}
}

// Window is a span of time.
type Window struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Duration returns To − From.
func (w Window) Duration() time.Duration { return w.To.Sub(w.From) }

// UsageClass groups usage sources by the sort of consumers that they know.
type UsageClass string

// The classes of usage sources.
const (
	ClassRules      UsageClass = "rules"
	ClassDashboards UsageClass = "dashboards"
	ClassQueries    UsageClass = "queries"
	ClassDeclared   UsageClass = "declared"
)

// SourceStatus tells how a source did in the scan.
type SourceStatus struct {
	Backend string     `json:"backend"`
	Name    string     `json:"name"` // kind, with #2, #3 … for further ones of the kind
	Kind    string     `json:"kind"`
	Class   UsageClass `json:"class,omitempty"` // empty for inventory sources
	Up      bool       `json:"up"`
	Items   int        `json:"items"` // metrics or consumers found
	Window  Window     `json:"window,omitzero"`
	// Gaps are the spans inside Window of which a query log says nothing, each
	// longer than an hour, sorted.
	Gaps []Window `json:"gaps,omitempty"`
	// Took is left out of the JSON: it would differ between equal scans.
	Took time.Duration `json:"-"`
}

// Problem is something that could not be read or understood.
type Problem struct {
	ID      string `json:"id"` // hash of the rest: names the problem in the configuration's accepted_problems
	Backend string `json:"backend"`
	Source  string `json:"source"`
	Where   string `json:"where,omitempty"` // file and line, dashboard and panel
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do
	// Blocking says that what was missed could contradict "unused", so such
	// verdicts of the backend are unknown.
	Blocking bool `json:"blocking"`
	// Accepted is the reason why the configuration accepts the problem, which
	// then does not block.
	Accepted string `json:"accepted,omitempty"`
}

// Finding is something worth knowing that no proposal mends: a relabel rule
// that matches nothing, two jobs that collect the same series.
type Finding struct {
	ID      string `json:"id"`      // hash of the rest
	Backend string `json:"backend"` // empty when it is about none
	Rule    string `json:"rule"`    // the rule that found it, or exemptions
	Where   string `json:"where"`   // file and line, scrape job
	// Jobs are the stored job labels of the series that it is about, sorted;
	// empty when they are not told by their jobs.
	Jobs    []string `json:"jobs,omitempty"`
	Message string   `json:"message"`
	Hint    string   `json:"hint,omitempty"` // what to do
	// Cost is what it costs; zero when that cannot be said.
	Cost     Cost    `json:"cost"`
	PerMonth float64 `json:"per_month"` // in Settings.Prices.Currency
}

// OfBackends returns a copy that holds only what is about the backends, and the
// problems and findings that are about none. Verdicts and proposals stay as they are: they
// were made in the knowledge of all backends.
func (r *Report) OfBackends(names ...string) *Report {
	out := *r
	other := func(backend string) bool { return !slices.Contains(names, backend) }
	out.Backends = slices.DeleteFunc(slices.Clone(r.Backends), func(b Backend) bool { return other(b.Name) })
	out.Metrics = slices.DeleteFunc(slices.Clone(r.Metrics), func(m MetricReport) bool { return other(m.Backend) })
	out.Consumers = slices.DeleteFunc(slices.Clone(r.Consumers), func(c Consumer) bool { return other(c.Backend) })
	out.Proposals = slices.DeleteFunc(slices.Clone(r.Proposals), func(p Proposal) bool { return other(p.Place.Backend) })
	out.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Backend != "" && other(f.Backend) })
	out.Tracked = slices.DeleteFunc(slices.Clone(r.Tracked), func(t Tracked) bool { return other(t.Place.Backend) })
	out.Sources = slices.DeleteFunc(slices.Clone(r.Sources), func(s SourceStatus) bool { return other(s.Backend) })
	out.Problems = slices.DeleteFunc(slices.Clone(r.Problems), func(p Problem) bool { return p.Backend != "" && other(p.Backend) })
	return &out
}

// InStates returns a copy that has only the proposals in one of the states, and
// how many of the others there are in each state. Proposals that stand and fall
// together are left out together.
func (r *Report) InStates(states ...State) (*Report, map[State]int) {
	out := r.Only(func(p *Proposal) bool { return slices.Contains(states, p.State) })
	left := map[State]int{}
	for i := range r.Proposals {
		left[r.Proposals[i].State]++
	}
	for i := range out.Proposals {
		left[out.Proposals[i].State]--
	}
	maps.DeleteFunc(left, func(_ State, n int) bool { return n == 0 })
	return out, left
}

// Only returns a copy that has only the proposals that are wanted, without
// those that stand and fall together with one that is not.
func (r *Report) Only(wanted func(*Proposal) bool) *Report {
	groups := map[string]bool{} // that are not wanted in full
	for i := range r.Proposals {
		if p := &r.Proposals[i]; !wanted(p) && p.Group != "" {
			groups[p.Group] = true
		}
	}
	out := *r
	out.Proposals = slices.DeleteFunc(slices.Clone(r.Proposals), func(p Proposal) bool { return groups[p.Group] || !wanted(&p) })
	return &out
}

// Together returns the proposals that stand and fall with this one, itself
// included, in the order of the report. One that is not in it stands alone.
func (r *Report) Together(p *Proposal) []*Proposal {
	var out []*Proposal
	for i := range r.Proposals {
		if other := &r.Proposals[i]; other.ID == p.ID || p.Group != "" && other.Group == p.Group {
			out = append(out, other)
		}
	}
	if len(out) == 0 {
		return []*Proposal{p}
	}
	return out
}

// Open are the states of proposals that are not decided against.
func Open() []State { return []State{Pending, Accepted} }

// HashID returns a short identifier of the parts: the first 12 hexadecimal
// digits of their SHA-256, each part terminated by a zero byte.
func HashID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(append([]byte(p), 0))
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Total sums up the metrics of one verdict, or of all when it is empty.
func (r *Report) Total(v Verdict) (metrics int, cost Cost, perMonth float64) {
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if v == "" || m.Verdict == v {
			metrics++
			cost = cost.Plus(m.Cost)
			perMonth += m.PerMonth
		}
	}
	return metrics, cost, perMonth
}

// Savings sums up the proposals that are open: what can be saved.
func (r *Report) Savings() (cost Cost, perMonth float64) {
	open, _ := r.InStates(Open()...)
	return SumSavings(open.Proposals)
}

// SumSavings sums up proposals of a report, whatever their states. They never
// overlap, so nothing is counted twice.
func SumSavings(proposals []Proposal) (cost Cost, perMonth float64) {
	for i := range proposals {
		cost = cost.Plus(proposals[i].Saving)
		perMonth += proposals[i].SavingPerMonth
	}
	return cost, perMonth
}

// CountStates says how many proposals there are in each state, as "2 rejected,
// 1 snoozed"; "" for none.
func CountStates(count map[State]int) string {
	var parts []string
	for _, s := range States() {
		if n := count[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

// Consumer returns the consumer with the identifier, or nil.
func (r *Report) Consumer(id string) *Consumer {
	for i := range r.Consumers {
		if r.Consumers[i].ID == id {
			return &r.Consumers[i]
		}
	}
	return nil
}

// Metric returns the metric of the backend, or nil.
func (r *Report) Metric(backend, name string) *MetricReport {
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.Backend == backend && m.Name == name {
			return m
		}
	}
	return nil
}

// CompareCostly orders metrics by cost, the most expensive first, ties by
// series, then by backend and name.
func CompareCostly(a, b *MetricReport) int {
	return cmp.Or(
		cmp.Compare(b.PerMonth, a.PerMonth),
		cmp.Compare(b.Cost.Series, a.Cost.Series),
		cmp.Compare(a.Backend, b.Backend),
		cmp.Compare(a.Name, b.Name),
	)
}
