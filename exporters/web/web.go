// Package web is the review page and the HTTP API. In come the last good
// report and, where decisions are kept, somebody who keeps them; out goes an
// http.Handler. GET never changes anything: the only thing that can be changed
// is what is decided about a proposal.
//
// The page needs no script and no network beside the daemon: what scripts add
// (keys, a copy button) is for comfort.
package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/store"
)

// A Decider keeps what is decided about proposals. Its methods may be called
// from any goroutine.
type Decider interface {
	// Decide adds decisions to the histories of their proposals, all or none.
	// It refuses decisions that are not complete.
	Decide(ctx context.Context, decisions ...sentei.Decision) error
	// Decisions returns the latest decision about each proposal, by its
	// identifier.
	Decisions(ctx context.Context) (map[string]sentei.Decision, error)
	// History returns all decisions about a proposal, the oldest first.
	History(ctx context.Context, proposal string) ([]sentei.Decision, error)
	// Reports lists the kept reports, the newest first.
	Reports(ctx context.Context) ([]store.ReportInfo, error)
	// MetricTrend returns what a metric took at each kept report that had it,
	// the newest first.
	MetricTrend(ctx context.Context, backend, name string) ([]store.MetricPoint, error)
}

// Options are what a Handler works with.
type Options struct {
	// Report returns the last good report, or nil before the first one.
	Report func() *sentei.Report
	// Decider may be nil: then no decisions are offered or taken.
	Decider Decider
	// Deliveries may be nil: then no report is delivered on a schedule.
	Deliveries Deliveries
	// ReadOnly says that no decisions are offered or taken, though those of
	// before are shown.
	ReadOnly func() bool
	// Relabel returns what dialects need beside the report.
	Relabel func() (relabel.Options, error)
	// RuleDoc returns the documentation of a rule.
	RuleDoc func(rule string) (sentei.Doc, bool)
	// Origin is where people reach the daemon, as https://sentei.example.org,
	// when a proxy hides that; may be empty.
	Origin string
	Now    func() time.Time
	Logger *slog.Logger
}

// Handler serves the page and the API.
type Handler struct {
	options   Options
	mux       *http.ServeMux
	templates *template.Template
	static    map[string]asset
	token     string // proves that a form comes from a page of ours
	foreign   *http.CrossOriginProtection

	mu    sync.Mutex
	known *index // of the report asked for last
}

// New makes the handler. It serves / and everything below /ui/, /relabel/ and /api/v1/.
func New(o Options) (*Handler, error) {
	h := &Handler{options: o, mux: http.NewServeMux(), token: rand.Text(), foreign: http.NewCrossOriginProtection()}
	if o.Origin != "" {
		if err := h.foreign.AddTrustedOrigin(o.Origin); err != nil {
			return nil, fmt.Errorf("trust origin %s: %w", o.Origin, err)
		}
	}
	if err := h.load(); err != nil {
		return nil, err
	}
	for _, r := range h.pages() {
		h.mux.HandleFunc(r.pattern, r.serve)
	}
	for _, r := range h.api() {
		h.mux.HandleFunc(r.pattern, r.serve)
	}
	h.mux.HandleFunc("GET /ui/static/{name}", h.serveStatic)
	h.mux.HandleFunc("GET /ui/", h.notFound)
	h.mux.HandleFunc("GET /api/v1/", func(w http.ResponseWriter, _ *http.Request) {
		apiError(w, http.StatusNotFound, "not_found", "there is no such path: see /api/v1/openapi.json")
	})
	return h, nil
}

// A route is one pattern of http.ServeMux and who serves it.
type route struct {
	pattern string
	serve   http.HandlerFunc
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	header := w.Header()
	// Everything comes from the daemon itself, and scripts and styles from
	// files: what a label value smuggles in does not run.
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	// Other sites do not learn names; our own forms still say where they come from.
	header.Set("Referrer-Policy", "same-origin")
	h.mux.ServeHTTP(w, req)
}

// canDecide reports whether decisions are taken.
func (h *Handler) canDecide() bool {
	return h.options.Decider != nil && !(h.options.ReadOnly != nil && h.options.ReadOnly())
}
