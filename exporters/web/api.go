package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/store"
)

// api lists the routes of the HTTP API. Each stands in openapi.json too.
func (h *Handler) api() []route {
	return []route{
		{"GET /api/v1/status", h.apiStatus},
		{"GET /api/v1/inventory", h.apiInventory},
		{"GET /api/v1/metrics", h.usageMetrics},
		{"GET /api/v1/metrics/{name}", h.usageMetric},
		{"GET /api/v1/partial_metrics", noUsage},
		{"GET /api/v1/pending_usages", noUsage},
		{"GET /api/v1/metrics/{backend}/{name}", h.apiMetric},
		{"GET /api/v1/metrics/{backend}/{name}/trend", h.apiMetricTrend},
		{"GET /api/v1/proposals", h.apiProposals},
		{"GET /api/v1/proposals/{id}", h.apiProposal},
		{"POST /api/v1/proposals/{id}/decision", h.apiDecide},
		{"GET /api/v1/relabel", h.apiRelabel},
		{"GET /api/v1/findings", h.listed(func(x *index) any { return orEmpty(x.Findings) })},
		{"GET /api/v1/problems", h.listed(func(x *index) any { return orEmpty(x.Problems) })},
		{"GET /api/v1/sources", h.listed(func(x *index) any { return orEmpty(x.Sources) })},
		{"GET /api/v1/tracked", h.listed(func(x *index) any { return orEmpty(x.Tracked) })},
		{"GET /api/v1/reports", h.apiReports},
		{"GET /api/v1/deliveries", h.apiDeliveries},
		{"GET /api/v1/report/latest", h.apiReport},
		{"GET /api/v1/openapi.json", h.apiDescription},
	}
}

// An envelope is the form of every answer, as in Prometheus.
type envelope struct {
	Status    string   `json:"status"` // success or error
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // expressions stay readable; the content type keeps browsers from reading it as HTML
	if err := e.Encode(v); err != nil {
		b.Reset()
		code = http.StatusInternalServerError
		_ = json.NewEncoder(&b).Encode(envelope{Status: "error", ErrorType: "internal", Error: err.Error()}) // of strings only
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the client has gone
}

func apiData(w http.ResponseWriter, data any, warnings ...string) {
	writeJSON(w, http.StatusOK, envelope{Status: "success", Data: data, Warnings: warnings})
}

func apiError(w http.ResponseWriter, code int, kind, text string) {
	writeJSON(w, code, envelope{Status: "error", ErrorType: kind, Error: text})
}

const noReport = "there is no report yet: the first scan is under way, or failed (see the log)"

// ready returns the index, or answers that there is no report yet.
func (h *Handler) ready(w http.ResponseWriter) *index {
	x := h.index()
	if x == nil {
		apiError(w, http.StatusServiceUnavailable, "unavailable", noReport)
	}
	return x
}

// readyStates returns the last report with the states of its proposals, or
// answers why there is none.
func (h *Handler) readyStates(w http.ResponseWriter, req *http.Request) (states, bool) {
	x := h.ready(w)
	if x == nil {
		return states{}, false
	}
	s, err := h.states(req.Context(), x)
	if err != nil {
		h.internal(w, req, err)
	}
	return s, err == nil
}

// readyProposal returns the proposal that the path names, with the last report,
// or answers that there is none.
func (h *Handler) readyProposal(w http.ResponseWriter, req *http.Request) (*index, *sentei.Proposal) {
	x := h.ready(w)
	if x == nil {
		return nil, nil
	}
	p := x.proposals[req.PathValue("id")]
	if p == nil {
		apiError(w, http.StatusNotFound, "not_found", "the last report has no such proposal")
	}
	return x, p
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// A page is a part of a list.
type page[T any] struct {
	Items  []T `json:"items"`
	Total  int `json:"total"` // that match, of which Items are a part
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

func (h *Handler) apiStatus(w http.ResponseWriter, _ *http.Request) {
	s := struct {
		Decisions bool   `json:"decisions"`       // whether decisions are taken
		Token     string `json:"token,omitempty"` // to send with one
		Report    string `json:"report,omitempty"`
	}{Decisions: h.canDecide()}
	if s.Decisions {
		s.Token = h.token
	}
	if r := h.options.Report(); r != nil {
		s.Report = store.ReportID(r.At)
	}
	w.Header().Set("Cache-Control", "no-store")
	apiData(w, s)
}

// A metricItem is a metric in a list, without its parts.
type metricItem struct {
	Backend      string         `json:"backend"`
	Name         string         `json:"name"`
	Type         string         `json:"type,omitempty"`
	Verdict      sentei.Verdict `json:"verdict"`
	Jobs         []string       `json:"jobs"`
	Cost         sentei.Cost    `json:"cost"`
	PerMonth     float64        `json:"per_month"`
	Score        float64        `json:"score"`
	SeriesGrowth *int64         `json:"series_growth,omitempty"`
	Readers      int            `json:"readers"`
	Proposals    []string       `json:"proposals"`
}

func (h *Handler) apiInventory(w http.ResponseWriter, req *http.Request) {
	q, err := readMetricQuery(req.URL.Query(), 100)
	if err != nil {
		apiError(w, http.StatusBadRequest, "bad_data", err.Error())
		return
	}
	x := h.ready(w)
	if x == nil {
		return
	}
	found := x.find(q)
	out := struct {
		page[metricItem]
		Cost     sentei.Cost `json:"cost"` // of all that match
		PerMonth float64     `json:"per_month"`
		Currency string      `json:"currency,omitempty"`
	}{page[metricItem]{[]metricItem{}, found.Total, q.Limit, q.Offset}, found.Cost, found.PerMonth, x.currency}
	for _, m := range found.Metrics {
		item := metricItem{
			Backend: m.Backend, Name: m.Name, Type: m.Type, Verdict: m.Verdict, Jobs: []string{}, Cost: m.Cost, PerMonth: m.PerMonth,
			Score: m.Score, SeriesGrowth: m.SeriesGrowth, Readers: len(m.Readers), Proposals: []string{},
		}
		for i := range m.Jobs {
			item.Jobs = append(item.Jobs, m.Jobs[i].Job)
		}
		for _, p := range x.about[metricKey{m.Backend, m.Name}] {
			item.Proposals = append(item.Proposals, p.ID)
		}
		out.Items = append(out.Items, item)
	}
	apiData(w, out)
}

func (h *Handler) apiMetric(w http.ResponseWriter, req *http.Request) {
	x := h.ready(w)
	if x == nil {
		return
	}
	m := x.metrics[metricKey{req.PathValue("backend"), req.PathValue("name")}]
	if m == nil {
		apiError(w, http.StatusNotFound, "not_found", "the last report has no such metric")
		return
	}
	out := struct {
		Metric    *sentei.MetricReport `json:"metric"`
		Consumers []*sentei.Consumer   `json:"consumers"`
		Proposals []*sentei.Proposal   `json:"proposals"`
	}{m, []*sentei.Consumer{}, orEmpty(x.about[metricKey{m.Backend, m.Name}])}
	for _, id := range slices.Concat(m.Readers, m.DeadReaders) {
		if c := x.consumers[id]; c != nil {
			out.Consumers = append(out.Consumers, c)
		}
	}
	apiData(w, out)
}

// apiMetricTrend answers for metrics that are gone, too.
func (h *Handler) apiMetricTrend(w http.ResponseWriter, req *http.Request) {
	x := h.ready(w)
	if x == nil {
		return
	}
	backend, name := req.PathValue("backend"), req.PathValue("name")
	points, err := h.metricTrend(req.Context(), backend, name)
	switch {
	case err != nil:
		h.internal(w, req, err)
	case len(points) == 0 && x.metrics[metricKey{backend, name}] == nil:
		apiError(w, http.StatusNotFound, "not_found", "neither the last report nor a kept one has such a metric")
	default:
		apiData(w, orEmpty(points))
	}
}

// metricTrend returns nothing without a store.
func (h *Handler) metricTrend(ctx context.Context, backend, name string) ([]store.MetricPoint, error) {
	if h.options.Decider == nil {
		return nil, nil
	}
	return h.options.Decider.MetricTrend(ctx, backend, name)
}

// listed answers with a part of the report.
func (h *Handler) listed(of func(*index) any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if x := h.ready(w); x != nil {
			apiData(w, of(x))
		}
	}
}

func (h *Handler) apiReports(w http.ResponseWriter, req *http.Request) {
	reports, err := h.reports(req.Context())
	if err != nil {
		h.internal(w, req, err)
		return
	}
	type item struct {
		ID string `json:"id"`
		At string `json:"at"`
		store.Summary
	}
	out := []item{}
	for _, r := range reports {
		out = append(out, item{r.ID, r.At.UTC().Format("2006-01-02T15:04:05.000Z"), r.Summary})
	}
	apiData(w, out)
}

// apiReport answers with the whole report, as sentei report -o json has it.
func (h *Handler) apiReport(w http.ResponseWriter, req *http.Request) {
	x := h.ready(w)
	if x == nil {
		return
	}
	f, err := report.ByName("json")
	if err != nil {
		h.internal(w, req, err)
		return
	}
	var b bytes.Buffer
	b.WriteString(`{"status":"success","data":`)
	if err := f.Write(&b, x.Report, report.Options{}); err != nil {
		h.internal(w, req, err)
		return
	}
	b.WriteString("}\n")
	w.Header().Set("Content-Type", "application/json")
	_, _ = b.WriteTo(w) // the client has gone
}

// internal answers that something failed that the client cannot help.
func (h *Handler) internal(w http.ResponseWriter, req *http.Request, err error) {
	h.options.Logger.Error("answer request", "path", req.URL.Path, "err", err)
	apiError(w, http.StatusInternalServerError, "internal", err.Error())
}
