package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/reporttest"
	"github.com/sentei/sentei/internal/store"
)

var testNow = time.Date(2026, time.November, 21, 9, 0, 0, 0, time.UTC)

// memory is a Decider that keeps decisions while the test runs.
type memory struct {
	mu      sync.Mutex
	all     []sentei.Decision
	reports []store.ReportInfo
	points  []store.MetricPoint
}

func (m *memory) Decide(_ context.Context, decisions ...sentei.Decision) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range decisions {
		if decisions[i].By == "" {
			return fmt.Errorf("%w: it needs the name of who decides", errEntry)
		}
	}
	m.all = append(m.all, decisions...)
	return nil
}

func (m *memory) Decisions(context.Context) (map[string]sentei.Decision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]sentei.Decision{}
	for _, d := range m.all {
		out[d.Proposal] = d
	}
	return out, nil
}

func (m *memory) History(_ context.Context, proposal string) ([]sentei.Decision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []sentei.Decision
	for _, d := range m.all {
		if d.Proposal == proposal {
			out = append(out, d)
		}
	}
	return out, nil
}

func (m *memory) Reports(context.Context) ([]store.ReportInfo, error) { return m.reports, nil }

func (m *memory) MetricTrend(_ context.Context, _, name string) ([]store.MetricPoint, error) {
	if name == "x" {
		return nil, nil
	}
	return m.points, nil
}

// newTest returns a handler for a report; change may alter its options.
func newTest(t testing.TB, r *sentei.Report, change func(*Options)) *Handler {
	t.Helper()
	o := Options{
		Report:  func() *sentei.Report { return r },
		Relabel: func() (relabel.Options, error) { return relabel.Options{}, nil },
		RuleDoc: func(rule string) (sentei.Doc, bool) {
			return sentei.Doc{Title: "about " + rule, Text: "First paragraph.\n\nSecond with `code`."}, true
		},
		Now:    func() time.Time { return testNow },
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(t testing.TB, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// resolve returns where a link on a page leads, or "" for another host.
func resolve(t *testing.T, page, link string) string {
	t.Helper()
	base, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	target, err := base.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if target.Host != "" || target.Scheme != "" {
		return ""
	}
	return target.String()
}

func TestPages(t *testing.T) {
	r := reporttest.Report()
	h := newTest(t, r, func(o *Options) { o.Decider = &memory{} })
	for path, want := range map[string]string{
		"/": "Review",
		"/ui/metrics?q=http&verdict=unused&sort=series&order=asc&limit=5": "http_",
		"/" + metricPath("prod", "node_cpu_seconds_total"):                "node_cpu_seconds_total",
		"/ui/proposals?state=pending&grade=A":                             "Grade A",
		"/" + proposalPath(r.Proposals[0].ID):                             "Stands",
		"/ui/relabel?dialect=prometheus&state=all":                        "metric_relabel_configs",
		"/ui/findings": "Findings",
		"/ui/problems": "Sources",
	} {
		w := get(t, h, path)
		if path == "/"+proposalPath(r.Proposals[0].ID) {
			want = "Evidence"
		}
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, %q is missing:\n%.2000s", path, w.Code, want, w.Body)
		}
	}
}

// TestTracked wants on its page what a proposal that was carried out promised,
// what came of it, and what is not seen.
func TestTracked(t *testing.T) {
	r := reporttest.Report()
	done := sentei.Tracked{Proposal: r.Proposals[0], AppliedAt: r.At, Note: "samples came every 5s <on average>"}
	done.ID, done.State, done.Saving, done.Realised = "carried-out", sentei.Applied, sentei.Cost{SamplesPerSecond: 40}, sentei.Cost{SamplesPerSecond: 13}
	r.Tracked = []sentei.Tracked{done}
	page := get(t, newTest(t, r, nil), "/"+proposalPath(done.ID)).Body.String()
	for _, want := range []string{"40.0 samples a second", "13.0 samples a second", "samples came every 5s &lt;on average&gt;", "applied"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing:\n%.3000s", want, page)
		}
	}
}

func TestOverviewSaysWhatChanged(t *testing.T) {
	before, r := reporttest.Report(), reporttest.Report()
	before.At = before.At.Add(-time.Hour)
	before.Metrics[2].Cost.Series -= 7
	before.Metrics[5].Cost.Series += 9
	r.SetGrowth(before)
	reports := []store.ReportInfo{}
	for i := range 5 {
		at := r.At.Add(-time.Duration(i) * time.Hour)
		reports = append(reports, store.ReportInfo{ID: store.ReportID(at), At: at, Summary: store.Summary{
			Verdicts: map[sentei.Verdict]store.Sum{sentei.Used: {Series: int64(100 - i)}, sentei.Unused: {Series: 50}},
		}})
	}
	h := newTest(t, r, func(o *Options) { o.Decider = &memory{reports: reports} })
	body := get(t, h, "/").Body.String()
	for _, want := range []string{`up">&#43;7<`, `down">-9<`, "Active series: 146 → ", "What the bill would be"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if body := get(t, h, "/ui/metrics?sort=growth&limit=1").Body.String(); !strings.Contains(body, r.Metrics[2].Name[:5]) || !strings.Contains(body, `aria-sort="descending"`) {
		t.Error("the metric that grew most does not come first")
	}
}

func TestMetricTrend(t *testing.T) {
	r := reporttest.Report()
	points := []store.MetricPoint{
		{At: r.At, Verdict: sentei.Used, Series: 9216, PerMonth: 60.5, Currency: "EUR"},
		{At: r.At.Add(-time.Hour), Verdict: sentei.Unknown, Series: 4711, PerMonth: 30.25, Currency: "EUR"},
	}
	h := newTest(t, r, func(o *Options) { o.Decider = &memory{points: points} })
	body := get(t, h, "/"+metricPath("prod", "node_cpu_seconds_total")).Body.String()
	for _, want := range []string{"How it developed", "Active series: 4,711 → 9,216", "EUR a month: 30.25 → ", "2026-11-20 11:00 UTC"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if body := get(t, newTest(t, r, nil), "/"+metricPath("prod", "node_cpu_seconds_total")).Body.String(); strings.Contains(body, "How it developed") {
		t.Error("without a store there is no trend")
	}
	if w := get(t, h, "/api/v1/metrics/prod/gone_total/trend"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"series":4711`) {
		t.Errorf("the trend of a metric that is gone: %d %s", w.Code, w.Body)
	}
}

func TestBeforeTheFirstReport(t *testing.T) {
	h := newTest(t, nil, nil)
	for _, path := range []string{"/", "/ui/metrics", "/ui/relabel"} {
		if w := get(t, h, path); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "There is no report yet") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
