package daemon

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/store"
)

// TestReportsLeadWithWhatChanged wants files and answers over HTTP to tell what
// changed since the report before, or since the one that is asked for.
func TestReportsLeadWithWhatChanged(t *testing.T) {
	d, _, _ := newTestDaemon(t, missingInventory)
	d.options.Registry = prometheus.NewRegistry()
	d.review = http.NotFoundHandler()
	box := memory(t)
	defer closed(t, box)
	d.store = box
	ask := func(path string, code int, want string) {
		t.Helper()
		w := httptest.NewRecorder()
		d.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != code || !strings.Contains(w.Body.String(), want) || want == "" && strings.Contains(w.Body.String(), "What changed") {
			t.Errorf("%s: %d, want %d and %q:\n%.300s", path, w.Code, code, want, w.Body)
		}
	}
	publish := func(r *sentei.Report) {
		t.Helper()
		d.noteChanges(t.Context(), d.previous(t.Context()), r)
		d.report.Store(r)
		if _, err := box.SaveReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	publish(aged(0))
	ask("/report/markdown", http.StatusOK, "")
	publish(aged(24 * time.Hour))
	ask("/report/markdown", http.StatusOK, "What changed since 2000-01-01 00:00 UTC")
	publish(aged(24 * time.Hour)) // the same data again
	ask("/report/markdown", http.StatusOK, "What changed since 2000-01-01 00:00 UTC")
	publish(aged(48 * time.Hour))
	ask("/report/markdown", http.StatusOK, "What changed since 2000-01-02 00:00 UTC")
	first := store.ReportID(aged(0).At)
	for _, since := range []string{first, "2000-01-01", "2000-01-01T22:00:00Z"} {
		ask("/report/markdown?since="+since, http.StatusOK, "What changed since 2000-01-01 00:00 UTC")
	}
	ask("/report/json?since=2000-01-02", http.StatusOK, `"from": "2000-01-02T00:00:00Z"`)
	ask("/report/markdown?since=1999-12-31", http.StatusNotFound, "no report of 1999-12-31T00:00:00Z or before is kept")
	ask("/report/markdown?since=monday", http.StatusBadRequest, `since is "monday"`)

	// After a restart the store knows what was before.
	d.report.Store(nil)
	d.changed.Store(nil)
	publish(aged(48 * time.Hour))
	ask("/report/table", http.StatusOK, "What changed since 2000-01-02 00:00 UTC")

	o := output{name: t.TempDir() + "/report.md", render: func(_, _ io.Writer, _ *sentei.Report, before past) error {
		if before.changes == nil || len(before.kept) != 3 {
			return errors.New("nothing is known of before")
		}
		return nil
	}}
	if _, err := o.write(d.Report(), d.past(t.Context())); err != nil {
		t.Error(err)
	}
	d.store = nil
	ask("/report/markdown?since=2000-01-01", http.StatusNotFound, "no reports are kept")
}
