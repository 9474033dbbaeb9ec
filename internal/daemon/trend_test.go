package daemon

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei/internal/reporttest"
	"github.com/sentei/sentei/internal/store"
)

// TestReportsHaveATrend keeps an earlier report: the page that is served and
// the file that is written draw how it developed.
func TestReportsHaveATrend(t *testing.T) {
	d, _, _ := newTestDaemon(t, missingInventory)
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "sentei.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	r := reporttest.Report()
	before := *r
	before.At = r.At.Add(-time.Hour)
	if _, err := st.SaveReport(t.Context(), &before); err != nil {
		t.Fatal(err)
	}
	d.report.Store(r)
	d.review = http.NotFoundHandler()
	page := func() string {
		w := httptest.NewRecorder()
		d.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/report/html", nil))
		return w.Body.String()
	}
	const trend = "How it developed"
	if body := page(); !strings.Contains(body, "</html>") || strings.Contains(body, trend) {
		t.Error("without a store there is no trend")
	}
	d.store = st
	if !strings.Contains(page(), trend) {
		t.Error("the page has no trend")
	}
	c := *d.current.Load().config
	c.Output.Directory, c.Output.Reports, c.Output.Relabel = t.TempDir(), []string{"html"}, nil
	outputs, err := newOutputs(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := outputs[0].write(r, d.past(t.Context())); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(outputs[0].name); err != nil || !strings.Contains(string(text), trend) {
		t.Error("the file has no trend", err)
	}
}
