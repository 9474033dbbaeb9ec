package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
)

// pages lists the routes of the review page.
func (h *Handler) pages() []route {
	return []route{
		{"GET /{$}", h.page(h.overviewPage)},
		{"GET /ui/metrics", h.page(h.metricsPage)},
		{"GET /ui/metric/{backend}/{name}", h.page(h.metricPage)},
		{"GET /ui/proposals", h.page(h.proposalsPage)},
		{"GET /ui/proposals/{id}", h.page(h.proposalPage)},
		{"POST /ui/proposals/{id}/decision", h.decide},
		{"GET /ui/relabel", h.page(h.relabelPage)},
		{"GET /relabel/{dialect}", h.relabelFile},
		{"GET /ui/findings", h.page(h.findingsPage)},
		{"GET /ui/problems", h.page(h.problemsPage)},
		{"GET /ui/reports", h.reportsPage},
	}
}

// page serves what needs a report and the states of its proposals.
func (h *Handler) page(serve func(http.ResponseWriter, *http.Request, *index, states)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		x := h.index()
		if x == nil {
			w.Header().Set("Refresh", "5")
			h.fail(w, req, http.StatusServiceUnavailable, "There is no report yet: the first scan is under way, or failed. This page looks again by itself.")
			return
		}
		s, err := h.states(req.Context(), x)
		if err != nil {
			h.options.Logger.Error("read decisions", "err", err)
			h.fail(w, req, http.StatusInternalServerError, err.Error())
			return
		}
		serve(w, req, x, s)
	}
}

// A column is a heading that sorts.
type column struct {
	Key, Title, Class string
	URL               string
	Direction         string // aria-sort of the present one, else empty
}

// A pager leads to the other parts of a list.
type pager struct {
	From, To, Total int
	Previous, Next  string // empty where there is none
}

func newPager(values url.Values, w window, shown, total int) pager {
	p := pager{From: min(w.Offset+1, total), To: w.Offset + shown, Total: total}
	if w.Offset > 0 {
		p.Previous = with(values, "offset", strconv.Itoa(max(0, w.Offset-w.Limit)))
	}
	if w.Offset+shown < total {
		p.Next = with(values, "offset", strconv.Itoa(w.Offset+w.Limit))
	}
	return p
}

// with returns the query with one parameter changed, or away when empty.
func with(values url.Values, key, value string, more ...string) string {
	v := maps.Clone(values)
	v.Set(key, value)
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	for k := range v {
		if v.Get(k) == "" || k == "offset" && v.Get(k) == "0" {
			v.Del(k)
		}
	}
	return "?" + v.Encode()
}

func (h *Handler) metricsPage(w http.ResponseWriter, req *http.Request, x *index, _ states) {
	values := req.URL.Query()
	q, err := readMetricQuery(values, 50)
	if err != nil {
		h.fail(w, req, http.StatusBadRequest, err.Error())
		return
	}
	found := x.find(q)
	var columns []column
	for _, c := range []column{
		{Key: "name", Title: "Metric"}, {Key: "verdict", Title: "Verdict"}, {Key: "series", Title: "Series", Class: "num series"},
		{Key: "samples", Title: "Samples/s", Class: "num samples"}, {Key: "cost", Title: "Cost", Class: "num"},
		{Key: "growth", Title: "Growth", Class: "num growth"}, {Key: "readers", Title: "Readers", Class: "num readers"},
		{Key: "score", Title: "Score", Class: "num score"},
	} {
		if c.Key == "growth" && x.Since.IsZero() || c.Key == "cost" && !x.priced {
			continue
		}
		order := ""
		if c.Key == q.Sort {
			c.Direction = "descending"
			if rising(c.Key) != q.reversed() {
				c.Direction = "ascending"
			}
			if !q.reversed() { // the next click turns it round
				order = "asc"
				if rising(c.Key) {
					order = "desc"
				}
			}
		}
		c.URL = with(values, "sort", c.Key, "order", order, "offset", "")
		columns = append(columns, c)
	}
	dearest := 0.0
	for _, m := range found.Metrics {
		dearest = max(dearest, x.weight(m))
	}
	type row struct {
		*sentei.MetricReport
		W         string
		Proposals int
	}
	var rows []row
	for _, m := range found.Metrics {
		rows = append(rows, row{m, bar(x.weight(m), dearest), len(x.about[metricKey{m.Backend, m.Name}])})
	}
	jobs := x.jobs
	const manyJobs = 500 // to choose from
	h.show(w, req, http.StatusOK, "ui-metrics", "metrics", "Metrics", x, struct {
		Query   metricQuery
		Found   selection
		Rows    []row
		Columns []column
		Grown   bool
		Pager   pager
		Jobs    []string
	}{q, found, rows, columns, !x.Since.IsZero(), newPager(values, q.window, len(rows), found.Total), jobs[:min(len(jobs), manyJobs)]})
}

// weight is what bars measure: money, or series where nothing has a price.
func (x *index) weight(m *sentei.MetricReport) float64 {
	if x.priced {
		return m.PerMonth
	}
	return float64(m.Cost.Series)
}

func (h *Handler) proposalsPage(w http.ResponseWriter, req *http.Request, x *index, s states) {
	values := req.URL.Query()
	q, err := readProposalQuery(values, 100)
	if err != nil {
		h.fail(w, req, http.StatusBadRequest, err.Error())
		return
	}
	type grade struct {
		gradeSum
		Proposals []sentei.Proposal
	}
	found, sums := s.find(q)
	var grades []grade
	total := 0
	for _, g := range sums {
		total += g.Count
		of := slices.DeleteFunc(slices.Clone(found), func(p sentei.Proposal) bool { return p.Grade != g.Grade })
		if len(of) > 0 {
			grades = append(grades, grade{g, of})
		}
	}
	rules := map[string]bool{}
	for i := range x.Proposals {
		rules[x.Proposals[i].Rule] = true
	}
	h.show(w, req, http.StatusOK, "ui-proposals", "proposals", "Proposals", x, struct {
		Query   proposalQuery
		Grades  []grade
		Rules   []string
		States  []stateSum
		Pager   pager
		Tracked []sentei.Tracked
	}{q, grades, slices.Sorted(maps.Keys(rules)), s.sums(), newPager(values, q.window, len(found), total), x.Tracked})
}

func (h *Handler) findingsPage(w http.ResponseWriter, req *http.Request, x *index, _ states) {
	h.show(w, req, http.StatusOK, "ui-findings", "findings", "Findings", x, x.Findings)
}

func (h *Handler) problemsPage(w http.ResponseWriter, req *http.Request, x *index, _ states) {
	h.show(w, req, http.StatusOK, "ui-problems", "problems", "Problems and sources", x, struct {
		Problems  []sentei.Problem
		Sources   []sentei.SourceStatus
		Estimates []string
	}{x.Problems, x.Sources, report.Estimates(x.Report)})
}
