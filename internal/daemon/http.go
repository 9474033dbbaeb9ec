package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
)

// handler routes the HTTP endpoints. GET never changes anything.
func (d *Daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.options.Registry, promhttp.HandlerOpts{Registry: d.options.Registry}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "sentei is healthy.")
	})
	mux.HandleFunc("GET /-/ready", d.ready)
	mux.HandleFunc("POST /-/reload", d.reloadOverHTTP)
	mux.HandleFunc("PUT /-/reload", d.reloadOverHTTP)
	for _, f := range report.Formats() {
		mux.HandleFunc("GET /report/"+f.Name, d.withReport(func(req *http.Request, r *sentei.Report) (string, []byte, error) {
			var b bytes.Buffer
			changed, err := d.since(req.Context(), r, req.URL.Query().Get("since"))
			if err == nil {
				err = f.Write(&b, r, report.Options{Top: f.Top, Trend: d.kept(req.Context()), Changes: changed})
			}
			return f.ContentType, b.Bytes(), err
		}))
	}
	mux.Handle("/{$}", d.review)
	mux.Handle("/ui/", d.review)
	mux.Handle("/relabel/", d.review)
	mux.Handle("/api/v1/", d.review)
	return mux
}

// ready answers 200 once a scan has been tried. A source that is down does
// not make the daemon unready: that is what sentei_source_up is for.
func (d *Daemon) ready(w http.ResponseWriter, _ *http.Request) {
	if !d.tried.Load() {
		http.Error(w, "sentei is not ready: the first scan is under way", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "sentei is ready.")
}

func (d *Daemon) reloadOverHTTP(w http.ResponseWriter, req *http.Request) {
	if !d.current.Load().config.Web.EnableLifecycle {
		http.Error(w, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	if err := d.Reload(req.Context()); err != nil {
		http.Error(w, "keep the old configuration: "+err.Error(), http.StatusInternalServerError)
	}
}

// withReport answers with a rendering of the last good report. It is rendered
// to memory first, so that an error is a clean 500.
func (d *Daemon) withReport(render func(*http.Request, *sentei.Report) (contentType string, body []byte, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		r := d.Report()
		if r == nil {
			http.Error(w, "there is no report yet: see the log, or sentei_scans_total on /metrics", http.StatusServiceUnavailable)
			return
		}
		contentType, body, err := render(req, r)
		if err != nil {
			code := http.StatusInternalServerError
			if e, ok := errors.AsType[statusError](err); ok {
				code = e.code
			}
			http.Error(w, err.Error(), code)
			return
		}
		w.Header().Set("Content-Type", contentType)
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(body))
	}
}
