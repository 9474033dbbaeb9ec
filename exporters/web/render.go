package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

//go:embed templates
var templates embed.FS

//go:embed static
var static embed.FS

//go:embed openapi.json
var description []byte

// An asset is a file that pages load.
type asset struct {
	contentType string
	body        []byte
	version     string // of its content; part of the address, so it can be kept
}

// load reads templates and files. The style sheet is that of the report with
// what the review page adds.
func (h *Handler) load() error {
	base, err := report.Templates()
	if err != nil {
		return err
	}
	h.templates, err = base.Funcs(funcs()).ParseFS(templates, "templates/*.html")
	if err != nil {
		return fmt.Errorf("parse pages: %w", err)
	}
	css, err := report.StyleSheet()
	if err != nil {
		return err
	}
	own, err := static.ReadFile("static/review.css")
	if err != nil {
		return err
	}
	script, err := static.ReadFile("static/review.js")
	if err != nil {
		return err
	}
	h.static = map[string]asset{}
	for name, a := range map[string]asset{
		"review.css": {contentType: "text/css; charset=utf-8", body: append([]byte(css), own...)},
		"review.js":  {contentType: "text/javascript; charset=utf-8", body: script},
	} {
		sum := sha256.Sum256(a.body)
		a.version = hex.EncodeToString(sum[:6])
		h.static[name] = a
	}
	return nil
}

func (h *Handler) serveStatic(w http.ResponseWriter, req *http.Request) {
	a, ok := h.static[req.PathValue("name")]
	if !ok {
		h.notFound(w, req)
		return
	}
	if req.URL.RawQuery == a.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", a.contentType)
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(a.body))
}

func (h *Handler) apiDescription(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(description))
}

// A frame is what every page has around its body.
type frame struct {
	Root           string // leads from the page to /
	Section        string // of the navigation
	Title          string
	Style, Script  string // versions
	At             time.Time
	Backends       []sentei.Backend
	Priced         bool
	Unit, Currency string
	Decides        bool // decisions are taken
	Kept           bool // there are decisions to show
	Token          string
	Blocking       int // problems
	Body           any
}

// root returns what leads from the path of a request to /, so that the page
// works below any prefix of a proxy.
func root(req *http.Request) string {
	depth := strings.Count(strings.TrimPrefix(req.URL.EscapedPath(), "/"), "/")
	if depth == 0 {
		return "./"
	}
	return strings.Repeat("../", depth)
}

// show writes a page to memory first, so that an error is a clean one.
func (h *Handler) show(w http.ResponseWriter, req *http.Request, code int, name, section, title string, x *index, body any) {
	f := frame{
		Root: root(req), Section: section, Title: title, Body: body, Unit: "series",
		Style: h.static["review.css"].version, Script: h.static["review.js"].version,
		Decides: h.canDecide(), Kept: h.options.Decider != nil,
	}
	if f.Decides {
		f.Token = h.token
	}
	if x != nil {
		f.At, f.Backends, f.Priced, f.Currency = x.At, x.Backends, x.priced, x.currency
		if x.priced {
			f.Unit = x.currency + "/month"
		}
		for i := range x.Problems {
			if x.Problems[i].Blocking {
				f.Blocking++
			}
		}
	}
	var b bytes.Buffer
	if err := h.templates.ExecuteTemplate(&b, name, f); err != nil {
		h.options.Logger.Error("make page", "path", req.URL.Path, "err", err)
		http.Error(w, "make page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // decisions change it
	w.WriteHeader(code)
	_, _ = b.WriteTo(w) // the client has gone
}

// fail shows a page that says what is wrong.
func (h *Handler) fail(w http.ResponseWriter, req *http.Request, code int, text string) {
	h.show(w, req, code, "ui-error", "", http.StatusText(code), h.index(), text)
}

func (h *Handler) notFound(w http.ResponseWriter, req *http.Request) {
	h.fail(w, req, http.StatusNotFound, "There is no such page.")
}

// metricPath and proposalPath are relative to /.
func metricPath(backend, name string) string {
	return "ui/metric/" + url.PathEscape(backend) + "/" + url.PathEscape(name)
}

func proposalPath(id string) string { return "ui/proposals/" + url.PathEscape(id) }

// bar writes a share of a whole as the width of a rectangle, in percent.
func bar(part, whole float64) string {
	if whole <= 0 || part <= 0 {
		return "0"
	}
	return strconv.FormatFloat(min(100, 100*part/whole), 'f', 2, 64)
}

// proposalRows are lines of a table within a page.
type proposalRows struct {
	Frame     frame
	Proposals []sentei.Proposal
}

// kinds names consumers of a kind.
func kinds(kind string) string {
	switch sentei.ConsumerKind(kind) {
	case sentei.Query:
		return "Logged queries"
	case sentei.Declared:
		return "Declared consumers"
	case sentei.Dashboard:
		return "Dashboards"
	case sentei.RecordingRule:
		return "Recording rules"
	case sentei.AlertingRule:
		return "Alerting rules"
	}
	return kind
}

func funcs() template.FuncMap {
	return template.FuncMap{
		"count":        number.Count,
		"countInt":     func(n int) string { return number.Count(int64(n)) },
		"money":        number.Money,
		"rate":         number.Rate,
		"score":        number.Score,
		"growth":       number.Growth,
		"plural":       number.Plural,
		"minute":       number.Minute,
		"percent":      number.Percent,
		"date":         number.Date,
		"span":         number.Span,
		"change":       func(a sentei.Action) string { return relabeling.Change(&a) },
		"saving":       func(c sentei.Cost) string { return relabeling.Saving(c, 0, "") },
		"title":        func(p sentei.Proposal) string { return relabeling.Title(&p) },
		"place":        func(p sentei.Place) string { return relabeling.PlaceName(&p) },
		"metricPath":   metricPath,
		"proposalPath": proposalPath,
		"verdicts":     sentei.Verdicts,
		"states":       sentei.States,
		"grades":       gradeNames,
		"gradeName":    report.GradeName,
		"pathPart":     url.PathEscape,
		"rank":         rank,
		"kinds":        kinds,
		"dialectTitle": func(d relabel.Dialect) string { return d.Doc.Title },
		"inc":          func(n int) int { return n + 1 },
		"rows":         func(f frame, proposals []sentei.Proposal) proposalRows { return proposalRows{f, proposals} },
	}
}
