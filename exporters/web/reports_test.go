package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
	"github.com/sentei/sentei/internal/store"
)

// someDeliveries are one of each state.
type someDeliveries struct{ err error }

func (someDeliveries) Schedules() []Schedule {
	return []Schedule{{Name: "monday", Schedule: "0 7 * * 1", Next: testNow.Add(46 * time.Hour), Channels: []string{"slack", "files"}}}
}

func (s someDeliveries) Deliveries(context.Context, int) ([]store.Delivery, error) {
	d := store.Delivery{ID: 4, Report: "monday", Part: "owner <b>payments</b>", Channel: "slack", Key: "k", Title: "title", At: testNow, Queued: testNow, NextTry: testNow.Add(time.Hour), State: store.Waiting, Attempts: 3, LastTry: testNow, Error: "503 <i>"}
	all := []store.Delivery{d}
	for _, state := range []store.DeliveryState{store.Delivered, store.GivenUp, store.Replaced} {
		d.ID--
		d.State, d.Done = state, testNow
		all = append(all, d)
	}
	return all, s.err
}

func TestReportsPage(t *testing.T) {
	r := reporttest.Report()
	keeper := &memory{reports: []store.ReportInfo{{ID: store.ReportID(r.At), At: r.At, Summary: store.Summary{Currency: "EUR", Verdicts: map[sentei.Verdict]store.Sum{
		sentei.Used: {Series: 1000, PerMonth: 2}, sentei.Unused: {Series: 234, PerMonth: 1},
	}}}}}
	full := func(o *Options) { o.Decider, o.Deliveries = keeper, someDeliveries{} }
	for name, h := range map[string]*Handler{"with a report": newTest(t, r, full), "before the first report": newTest(t, nil, full)} {
		w := get(t, h, "/ui/reports")
		for _, want := range []string{
			"monday", "0 7 * * 1", "2026-11-23 07:00 UTC", "slack, files", "owner &lt;b&gt;payments&lt;/b&gt;", "503 &lt;i&gt;",
			"next try 2026-11-21 10:00 UTC", "given up", "delivered", "replaced", store.ReportID(r.At), "1,234", "3.00 EUR/month",
		} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: the page does not say %q", name, want)
			}
		}
		if n := strings.Count(w.Body.String(), "next try"); w.Code != http.StatusOK || n != 1 {
			t.Errorf("%s: status %d, %d next tries", name, w.Code, n)
		}
	}
	if w := get(t, newTest(t, r, nil), "/ui/reports"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "No report is delivered") || !strings.Contains(w.Body.String(), "None are kept") {
		t.Errorf("without schedules and store: %d %s", w.Code, w.Body)
	}
	broken := newTest(t, r, func(o *Options) { o.Deliveries = someDeliveries{errors.New("disk gone")} })
	for _, path := range []string{"/ui/reports", "/api/v1/deliveries"} {
		if w := get(t, broken, path); w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "disk gone") {
			t.Errorf("%s of a broken store: %d %s", path, w.Code, w.Body)
		}
	}
}
