package web

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/store"
)

// An index is what pages look up in a report. It is made once a report.
type index struct {
	*sentei.Report
	priced    bool
	cost      sentei.Cost // of all metrics
	perMonth  float64
	currency  string
	consumers map[string]*sentei.Consumer
	metrics   map[metricKey]*sentei.MetricReport
	proposals map[string]*sentei.Proposal
	about     map[metricKey][]*sentei.Proposal
	jobs      []string // of all metrics, sorted

	mu      sync.Mutex
	orders  map[string][]int32 // positions of metrics by what they are sorted by
	summary *report.Summary
	trend   *report.Trend // of the reports that were kept when it was drawn
	drawn   string        // which those were
}

type metricKey struct{ backend, name string }

// index returns the index of the last good report, or nil before the first.
func (h *Handler) index() *index {
	r := h.options.Report()
	if r == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil || h.known.Report != r {
		h.known = newIndex(r)
	}
	return h.known
}

func newIndex(r *sentei.Report) *index {
	x := &index{
		Report: r, currency: r.Settings.Prices.Currency, orders: map[string][]int32{},
		consumers: make(map[string]*sentei.Consumer, len(r.Consumers)),
		metrics:   make(map[metricKey]*sentei.MetricReport, len(r.Metrics)),
		proposals: make(map[string]*sentei.Proposal, len(r.Proposals)),
		about:     map[metricKey][]*sentei.Proposal{},
	}
	jobs := map[string]bool{}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		x.metrics[metricKey{m.Backend, m.Name}] = m
		x.priced = x.priced || m.PerMonth != 0
		x.cost, x.perMonth = x.cost.Plus(m.Cost), x.perMonth+m.PerMonth
		for k := range m.Jobs {
			jobs[m.Jobs[k].Job] = true
		}
	}
	for j := range jobs {
		x.jobs = append(x.jobs, j)
	}
	slices.Sort(x.jobs)
	if x.priced && x.currency == "" {
		x.currency = "money"
	}
	for i := range r.Consumers {
		x.consumers[r.Consumers[i].ID] = &r.Consumers[i]
	}
	for i := range r.Proposals {
		p := &r.Proposals[i]
		x.proposals[p.ID] = p
		k := metricKey{p.Place.Backend, p.Action.Metric}
		x.about[k] = append(x.about[k], p)
	}
	return x
}

// sums returns the summary of the overview. It is made when first asked for:
// drawing takes a while with many metrics.
func (x *index) sums() report.Summary {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.summary == nil {
		s := report.NewSummary(x.Report, func(m *sentei.MetricReport) string { return metricPath(m.Backend, m.Name) })
		x.summary = &s
	}
	return *x.summary
}

// trendOf returns the trend of the overview. It is drawn anew when other reports
// are kept.
func (x *index) trendOf(kept []store.ReportInfo) *report.Trend {
	drawn := strconv.Itoa(len(kept))
	if len(kept) > 0 {
		drawn += " " + kept[0].ID
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.drawn != drawn {
		x.trend, x.drawn = report.NewTrend(x.Report, kept), drawn
	}
	return x.trend
}

// sortKeys are what metrics can be sorted by. Numbers fall, names rise, unless
// asked otherwise; ties go by cost.
func sortKeys() map[string]func(a, b *sentei.MetricReport) int {
	return map[string]func(a, b *sentei.MetricReport) int{
		"cost":    sentei.CompareCostly,
		"name":    func(a, b *sentei.MetricReport) int { return cmp.Compare(a.Name, b.Name) },
		"verdict": func(a, b *sentei.MetricReport) int { return cmp.Compare(a.Verdict, b.Verdict) },
		"series":  func(a, b *sentei.MetricReport) int { return cmp.Compare(b.Cost.Series, a.Cost.Series) },
		"samples": func(a, b *sentei.MetricReport) int {
			return cmp.Compare(b.Cost.SamplesPerSecond, a.Cost.SamplesPerSecond)
		},
		"churn":   func(a, b *sentei.MetricReport) int { return cmp.Compare(b.Cost.ChurnPerHour, a.Cost.ChurnPerHour) },
		"growth":  func(a, b *sentei.MetricReport) int { return cmp.Compare(grown(b), grown(a)) },
		"readers": func(a, b *sentei.MetricReport) int { return cmp.Compare(len(b.Readers), len(a.Readers)) },
		"score":   func(a, b *sentei.MetricReport) int { return cmp.Compare(b.Score, a.Score) },
	}
}

// grown returns by how many series a metric has grown, 0 when not known.
func grown(m *sentei.MetricReport) int64 {
	if m.SeriesGrowth == nil {
		return 0
	}
	return *m.SeriesGrowth
}

func sortNames() []string {
	var names []string
	for name := range sortKeys() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// order returns the positions of all metrics, sorted by the key.
func (x *index) order(key string) []int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if o := x.orders[key]; o != nil {
		return o
	}
	compare := sortKeys()[key]
	o := make([]int32, len(x.Metrics))
	for i := range o {
		o[i] = int32(i)
	}
	slices.SortFunc(o, func(a, b int32) int {
		m, n := &x.Metrics[a], &x.Metrics[b]
		return cmp.Or(compare(m, n), sentei.CompareCostly(m, n))
	})
	x.orders[key] = o
	return o
}

// states returns the state of every proposal now, by its identifier: what was
// decided last, however old the report is.
func (h *Handler) states(ctx context.Context, x *index) (states, error) {
	s := states{x: x}
	if h.options.Decider == nil {
		return s, nil
	}
	decisions, err := h.options.Decider.Decisions(ctx)
	if err != nil {
		return s, err
	}
	s.decisions = decisions
	s.of = func(p *sentei.Proposal) sentei.State {
		switch p.State {
		case sentei.Applied, sentei.Verified, sentei.Regretted:
			return p.State
		}
		d := decisions[p.ID]
		return d.StateAt(h.options.Now())
	}
	return s, nil
}

// states are the states of the proposals of a report.
type states struct {
	x         *index
	decisions map[string]sentei.Decision
	of        func(*sentei.Proposal) sentei.State // nil without a Decider
}

// State returns the state of a proposal.
func (s states) State(p *sentei.Proposal) sentei.State {
	if s.of == nil {
		return cmp.Or(p.State, sentei.Pending)
	}
	return s.of(p)
}

// with returns a copy of the proposal that has its present state.
func (s states) with(p *sentei.Proposal) sentei.Proposal {
	c := *p
	c.State = s.State(p)
	return c
}

// all returns a copy of the report whose proposals have their present states.
func (s states) all() *sentei.Report {
	now := *s.x.Report
	now.Proposals = make([]sentei.Proposal, len(s.x.Proposals))
	for i := range now.Proposals {
		now.Proposals[i] = s.with(&s.x.Proposals[i])
	}
	return &now
}

// contains reports whether the text holds the part, whatever the case of ASCII
// letters. part is in lower case.
func contains(text, part string) bool {
	if part == "" {
		return true
	}
	return strings.Contains(strings.ToLower(text), part)
}
