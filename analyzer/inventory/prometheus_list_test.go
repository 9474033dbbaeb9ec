package inventory

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// oddName is a metric's name that must be quoted.
const oddName = "odd.\"na\\me\n"

// listServer is the shop's server with a storage of its own, since 200 hours.
func listServer() *fakePrometheus {
	f := shopServer()
	f.since = fakeNow.Add(-200 * time.Hour)
	f.static["status/runtimeinfo"] = `{"startTime":"2026-10-01T00:00:00Z","storageRetention":"15d or 10GiB"}`
	f.active = append(f.active, promSeries(oddName, "job", "web", "a.b", "x\"y\\\nz"))
	return f
}

// listScan scans the fake and returns the inventory.
func listScan(t *testing.T, f *fakePrometheus, change func(*prometheusServerOptions)) *sentei.Inventory {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	o := prometheusServerOptions{
		prometheusOptions: prometheusOptions{Config: promapi.DefaultConfig(), Lookback: model.Duration(time.Hour), LabelMetrics: 10, MaxSeriesPerQuery: 100, MaxSeriesPerScan: maxSeriesPerScan},
		ListSeries:        1000,
	}
	o.URL = server.URL
	if change != nil {
		change(&o)
	}
	src, err := newPrometheusServer(o, source.Env{Backend: "b", Name: "prometheus", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	inv, _, err := src.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// readAll lists the metrics: each series with whether it is live.
func readAll(t *testing.T, inv *sentei.Inventory, metrics ...string) (got []string, err error) {
	t.Helper()
	if inv.Series == nil {
		t.Fatal("the inventory lists no series")
	}
	err = inv.Series.ReadSeries(t.Context(), metrics, func(s sentei.Series) error {
		got = append(got, fmt.Sprint(s.Labels, s.Live))
		return nil
	})
	return got, err
}

func shown(live bool, all ...labels.Labels) (out []string) {
	slices.SortFunc(all, labels.Compare)
	for _, l := range all {
		out = append(out, fmt.Sprint(l, live))
	}
	return out
}

func TestPrometheusList(t *testing.T) {
	f := listServer()
	inv := listScan(t, f, nil)
	if want := (sentei.Window{From: fakeNow.Add(-200 * time.Hour), To: fakeNow}); inv.Listed != want {
		t.Errorf("listed from %s to %s, want from %s", inv.Listed.From, inv.Listed.To, want.From)
	}
	got, err := readAll(t, inv, "up", oddName, "http_seconds_bucket", "batch_last_run", "not stored")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(
		shown(true, f.active[0], f.active[1], f.active[2]), shown(true, f.active[len(f.active)-1]),
		shown(true, f.active[4], f.active[3]), shown(false, f.ended[0]), shown(false, f.ended[1], f.ended[2]),
	)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	stop := errors.New("enough")
	if err := inv.Series.ReadSeries(t.Context(), []string{"up"}, func(sentei.Series) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the reader's error became %v", err)
	}
}

// TestPrometheusListFaults wants that a list is whole, or an error.
func TestPrometheusListFaults(t *testing.T) {
	const metric = "http_seconds_bucket"
	answer := func(text string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool { _, _ = io.WriteString(w, text); return true }
	}
	bucket := func(name, le string) string {
		return fmt.Sprintf(`{"__name__":%q,"job":"web","instance":"a","le":%q}`, name, le)
	}
	whole := bucket(metric, "1") + "," + bucket(metric, "+Inf")
	tests := map[string]struct {
		path   string
		answer func(http.ResponseWriter) bool
		err    string
	}{
		"422": {"series", func(w http.ResponseWriter) bool { return refuse(w, 422, "execution", "too many") }, "cannot be split"},
		"429": {"series", func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", "600")
			return refuse(w, 429, "", "slow down")
		}, "429"},
		"503":            {"series", func(w http.ResponseWriter) bool { return refuse(w, 503, "timeout", "no time") }, "cannot be split"},
		"dropped":        {"series", func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) }, "closed without an answer"},
		"half":           {"series", answer(`{"status":"success","data":[` + whole), "ended early"},
		"no data":        {"series", answer(`{"status":"success"}`), "it has no data"},
		"warning":        {"series", answer(`{"status":"success","data":[` + whole + `],"warnings":["a store is down"]}`), "a store is down"},
		"partial":        {"series", answer(`{"status":"success","data":[` + whole + `],"isPartial":true}`), "partial"},
		"empty":          {"series", answer(`{"status":"success","data":[]}`), "short"},
		"short":          {"series", answer(`{"status":"success","data":[` + bucket(metric, "1") + `]}`), "short"},
		"ended, not new": {"series", answer(`{"status":"success","data":[` + bucket(metric, "1") + `,` + bucket(metric, "7") + `]}`), "short"},
		"other metric":   {"series", answer(`{"status":"success","data":[` + whole + `,` + bucket("up", "") + `]}`), "series of up"},
		"live warning":   {"query", answer(`{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a store is down"]}`), "a store is down"},
		"nothing live":   {"query", answer(`{"status":"success","data":{"resultType":"vector","result":[]}}`), "0 of the 2 active"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := listServer()
			inv := listScan(t, f, func(o *prometheusServerOptions) {
				o.Timeout, o.Budget = model.Duration(time.Second), model.Duration(time.Second)
			})
			f.fail = func(w http.ResponseWriter, path, what string) bool {
				return path == tt.path && strings.Contains(what, metric) && tt.answer(w)
			}
			got, err := readAll(t, inv, metric, "nobody")
			unlisted, ok := errors.AsType[*sentei.UnlistedError](err)
			if !ok || !slices.Equal(unlisted.Metrics, []string{metric}) || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(shown(true, promSeries("nobody")), got); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPrometheusListBounds looks at metrics with too many series, at limits
// that are used up, and at another server behind the same address.
func TestPrometheusListBounds(t *testing.T) {
	many := func(o *prometheusServerOptions) { o.MaxSeriesPerQuery, o.MaxSeriesPerScan = 2, 1000 }
	if got, err := readAll(t, listScan(t, listServer(), many), "up", "batch_last_run"); err == nil || !strings.Contains(err.Error(), "series of up cannot be listed: it has more than 2") || len(got) != 2 {
		t.Errorf("too many active: %v, error %v", got, err)
	}
	if got, err := readAll(t, listScan(t, listServer(), many), "http_seconds_bucket"); err == nil || !strings.Contains(err.Error(), "it has more than 2") || got != nil {
		t.Errorf("too many with those that ended: %v, error %v", got, err)
	}
	few := func(o *prometheusServerOptions) { o.ListSeries = 5 }
	if got, err := readAll(t, listScan(t, listServer(), few), "up", "up"); err == nil || !strings.Contains(err.Error(), "more series than") || len(got) > 3 {
		t.Errorf("list_series: %v, error %v", got, err)
	}
	inv := listScan(t, listServer(), nil)
	inv.Series.(*seriesLister).used = 10 * time.Minute
	if got, err := readAll(t, inv, "up", "nobody"); err == nil || !strings.Contains(err.Error(), "the budget for the whole scan is used up") || got != nil {
		t.Errorf("budget: %v, error %v", got, err)
	}
	f := listServer()
	inv = listScan(t, f, nil)
	f.static["status/runtimeinfo"] = `{"startTime":"2026-10-01T00:00:01Z","storageRetention":"15d"}`
	if got, err := readAll(t, inv, "up"); err == nil || !strings.Contains(err.Error(), "several servers answer there") || got != nil {
		t.Errorf("another server: %v, error %v", got, err)
	}
}

// TestPrometheusListNone looks at servers whose lists may be short without a
// word, and at those of which the age of their samples is not known.
func TestPrometheusListNone(t *testing.T) {
	tests := map[string]func(*fakePrometheus){
		"remote read":   func(f *fakePrometheus) { f.static["status/config"] = `{"yaml":"remote_read: [{url: http://x}]\n"}` },
		"configuration": func(f *fakePrometheus) { delete(f.static, "status/config") },
		"no storage":    func(f *fakePrometheus) { f.static["status/runtimeinfo"] = `{"startTime":"2026-10-01T00:00:00Z"}` },
		"no start":      func(f *fakePrometheus) { f.static["status/runtimeinfo"] = `{"storageRetention":"15d"}` },
		"no such API":   func(f *fakePrometheus) { delete(f.static, "status/runtimeinfo") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			f := listServer()
			change(f)
			if inv := listScan(t, f, nil); inv.Series != nil || inv.Listed != (sentei.Window{}) {
				t.Errorf("lists series, from %s", inv.Listed.From)
			}
		})
	}
	if inv := listScan(t, listServer(), func(o *prometheusServerOptions) { o.ListSeries = 0 }); inv.Series != nil {
		t.Error("list_series: 0 lists series")
	}
	for name, answer := range map[string]string{"no targets": `[]`, "two values": `[{"metric":{},"value":[1,"1"]},{"metric":{"a":"b"},"value":[1,"1"]}]`} {
		f := listServer()
		f.fail = func(w http.ResponseWriter, path, what string) bool {
			if path == "query" && what == "count(up)" {
				fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":%s}}`, answer)
				return true
			}
			return false
		}
		if inv := listScan(t, f, nil); inv.Listed != (sentei.Window{From: fakeNow, To: fakeNow}) {
			t.Errorf("%s: listed from %s", name, inv.Listed.From)
		}
	}
}
