package inventory

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// fakeVictoria answers as VictoriaMetrics does: what is active has samples on
// the day of fakeNow, what has ended had them the day before.
type fakeVictoria struct {
	*fakePrometheus
	topN    int // metrics that the server lists at most
	cut     int // values of a label that the server lists at most, without a word
	partial bool
}

func (f *fakeVictoria) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	selector := r.FormValue("match[]")
	switch {
	case f.fail != nil && f.fail(w, path, selector+r.FormValue("query")):
	case path == "status/tsdb":
		f.status(w, selector, r.FormValue("date"))
	case strings.HasPrefix(path, "label/") && f.cut > 0:
		rec := httptest.NewRecorder()
		f.fakePrometheus.ServeHTTP(rec, r)
		var a struct{ Data []string }
		if err := yaml.Unmarshal(rec.Body.Bytes(), &a); err != nil {
			panic(err)
		}
		f.reply(w, a.Data[:min(f.cut, len(a.Data))])
	case path == "targets", path == "status/config", path == "rules":
		http.Error(w, "unsupported path requested", http.StatusBadRequest)
	default:
		f.fakePrometheus.ServeHTTP(w, r)
	}
}

func (f *fakeVictoria) status(w http.ResponseWriter, selector, date string) {
	all := f.active
	if date == fakeNow.AddDate(0, 0, -1).Format(time.DateOnly) {
		all = f.ended
	}
	counts, total := make(map[string]int64), 0
	for _, l := range all {
		if selector == "" || matchesAll(selector, l) {
			counts[l.Get("__name__")]++
			total++
		}
	}
	var metrics []promapi.NameCount
	for _, v := range topValues(counts) {
		metrics = append(metrics, promapi.NameCount{Name: v.Value, Value: v.Series})
	}
	names := []map[string]any{}
	for _, m := range metrics[:min(f.topN, len(metrics))] {
		names = append(names, map[string]any{"name": m.Name, "value": m.Value, "requestsCount": 0, "lastRequestTimestamp": 0})
	}
	data := map[string]any{"totalSeries": total, "totalLabelValuePairs": 9 * total, "seriesCountByMetricName": names}
	if f.partial {
		w.Write([]byte(`{"status":"success","isPartial":true,"data":` + asJSON(data) + `}`))
		return
	}
	f.reply(w, data)
}

func victoriaSource(t *testing.T, f http.Handler, count string, lookback time.Duration) Source {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	o := victoriaMetricsOptions{Count: count, ScrapeInterval: 60_000_000_000, prometheusOptions: prometheusOptions{
		Config: promapi.DefaultConfig(), LabelMetrics: 3, MaxSeriesPerQuery: 5, MaxSeriesPerScan: maxSeriesPerScan,
	}}
	o.URL = server.URL + "/select/0/prometheus/"
	o.Lookback.Set(lookback.String())
	src, err := newVictoriaMetrics(o, source.Env{Backend: "b", Name: "victoriametrics", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func newFakeVictoria() *fakeVictoria {
	shop := shopServer()
	shop.static = map[string]string{"metadata": "{}"}
	return &fakeVictoria{fakePrometheus: shop, topN: 1000}
}

// underPath serves a cluster's path.
func underPath(h http.Handler) http.Handler { return http.StripPrefix("/select/0/prometheus", h) }

func TestVictoriaMetricsCounts(t *testing.T) {
	today := []string{
		"http_seconds_bucket web 2 of 2", "job:up:sum web 1 of 1", "nobody  1 of 1", "up db 1 of 1", "up web 2 of 2",
	}
	both := []string{
		"batch_last_run web 2 of 2", "http_seconds_bucket web 2 of 3", "job:up:sum web 1 of 1", "nobody  1 of 1", "up db 1 of 1", "up web 2 of 2",
	}
	exact := []string{
		"batch_last_run web 0 of 2", "http_seconds_bucket web 2 of 3", "job:up:sum web 1 of 1", "nobody  1 of 1", "up db 1 of 1", "up web 2 of 2",
	}
	tests := map[string]struct {
		count    string
		lookback time.Duration
		topN     int
		want     []string
	}{
		"the index of a day":              {countIndex, time.Hour, 1000, today},
		"the index of two days":           {countIndex, 13 * time.Hour, 1000, both},
		"a server that lists one metric":  {countIndex, 13 * time.Hour, 1, both},
		"a server that lists two metrics": {countIndex, time.Hour, 2, today},
		"queries":                         {countQueries, 13 * time.Hour, 1000, exact},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeVictoria()
			f.topN = tt.topN
			if tt.lookback == time.Hour {
				f.ended = nil // /api/v1/series tells the same day
			}
			inv, problems, err := victoriaSource(t, underPath(f), tt.count, tt.lookback).Inventory(t.Context())
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			for _, m := range inv.Metrics {
				for _, j := range m.Jobs {
					for _, l := range j.Labels {
						if known := l.SeriesWithoutLive >= 0; known != (tt.count == countQueries) {
							t.Errorf("%s: series without %s: %d", m.Name, l.Name, l.SeriesWithoutLive)
						}
					}
				}
			}
			if diff := cmp.Diff(tt.want, seriesOf(inv)); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
			if estimated := slices.Contains(inv.Estimated, "series"); estimated != (tt.count == countIndex) {
				t.Errorf("estimated: %v", inv.Estimated)
			}
			if tt.count == countIndex { // no sample is read, so the tracker sees nothing
				for _, asked := range f.asked {
					if strings.HasPrefix(asked, "query") && asked != "query time()" {
						t.Errorf("asked %s", asked)
					}
				}
			}
		})
	}
}

func TestVictoriaMetricsFailures(t *testing.T) {
	const (
		jobs  = "!the series of some jobs could not be counted; they are not in the inventory"
		short = "!the series of all jobs are fewer than the series of the day; metrics may be missing in the inventory"
		warns = "!the server warns that its counts may be incomplete"
	)
	failing := func(path string, status int, parts ...string) func(http.ResponseWriter, string, string) bool {
		return func(w http.ResponseWriter, p, what string) bool {
			for _, part := range parts {
				if !strings.Contains(what, part) {
					return false
				}
			}
			return p == path && refuse(w, status, "", "no")
		}
	}
	tests := map[string]struct {
		change  func(*fakeVictoria)
		count   string
		problem string // blocking ones begin with "!"
		err     string
		missing string
	}{
		"no status":                  {change: func(f *fakeVictoria) { f.fail = failing("status/tsdb", 500) }, err: "read the status of 2026-11-01"},
		"a Prometheus":               {change: func(f *fakeVictoria) { f.static["x"] = ""; f.fail = plainStatus }, err: "has no totalSeries: is this a VictoriaMetrics"},
		"no jobs":                    {change: func(f *fakeVictoria) { f.fail = failing("label/job/values", 500) }, err: "read values of label job"},
		"no job can be counted":      {change: func(f *fakeVictoria) { f.fail = failing("status/tsdb", 422, "job") }, err: `job "": `},
		"one job cannot be counted":  {change: func(f *fakeVictoria) { f.fail = failing("status/tsdb", 422, `job=""`) }, problem: jobs, missing: "nobody"},
		"the names of a job fail":    {change: func(f *fakeVictoria) { f.topN = 1; f.fail = failing("label/__name__/values", 422, `job="web"`) }, problem: jobs, missing: "job:up:sum"},
		"a metric of a job fails":    {change: func(f *fakeVictoria) { f.topN = 1; f.fail = failing("status/tsdb", 422, `"job:up:sum"`) }, problem: jobs, missing: "job:up:sum"},
		"jobs are cut":               {change: func(f *fakeVictoria) { f.cut = 1 }, problem: short},
		"names are cut":              {change: func(f *fakeVictoria) { f.topN, f.cut = 1, 2 }, problem: jobs, missing: "job:up:sum"},
		"a storage node is away":     {change: func(f *fakeVictoria) { f.partial = true }, problem: warns},
		"active series cannot count": {change: func(f *fakeVictoria) { f.fail = failing("query", 500, "nobody") }, count: countQueries, problem: "!the series of some metrics could not be counted; these metrics are not in the inventory", missing: "nobody"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeVictoria()
			tt.change(f)
			count := tt.count
			if count == "" {
				count = countIndex
			}
			inv, problems, err := victoriaSource(t, underPath(f), count, time.Hour).Inventory(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, p := range problems {
				found = found || p.Message == strings.TrimPrefix(tt.problem, "!") && p.Blocking == strings.HasPrefix(tt.problem, "!") && p.Hint != ""
			}
			if !found {
				t.Errorf("problems %+v, want %q", problems, tt.problem)
			}
			for _, m := range inv.Metrics {
				if m.Name == tt.missing {
					t.Errorf("%s is in the inventory", m.Name)
				}
			}
		})
	}
}

// plainStatus answers as Prometheus does.
func plainStatus(w http.ResponseWriter, path, _ string) bool {
	if path != "status/tsdb" {
		return false
	}
	fmt.Fprint(w, `{"status":"success","data":{"headStats":{"numSeries":508},"seriesCountByMetricName":[{"name":"up","value":1}]}}`)
	return true
}

// TestVictoriaMetricsCutLabels leaves out the labels of a metric when the list
// of values to split it by was cut.
func TestVictoriaMetricsCutLabels(t *testing.T) {
	f := newFakeVictoria()
	f.active, f.ended = nil, nil
	for i := range 120 {
		f.active = append(f.active, promSeries("tall", "job", "j", "pod", fmt.Sprint(i)))
	}
	for cut, known := range map[int]bool{0: true, 119: false} {
		f.cut = cut
		src := victoriaSource(t, underPath(f), countIndex, time.Hour).(*victoriaMetricsSource)
		src.MaxSeriesPerQuery = 50
		inv, _, err := src.Inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := inv.Metrics[0].Jobs[0].Labels != nil; got != known {
			t.Errorf("values cut at %d: labels known: %v", cut, got)
		}
	}
}

func TestVictoriaMetricsOptions(t *testing.T) {
	_, err := newVictoriaMetrics(victoriaMetricsOptions{Count: "all"}, source.Env{})
	for _, want := range []string{"url is missing", `count is "all": it must be index or queries`, "scrape_interval is 0s", "lookback is 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	var items []map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(victoriaMetrics.Doc.Example), &items); err != nil {
		t.Fatal(err)
	}
	node := items[0][victoriaMetrics.Kind]
	var o victoriaMetricsOptions
	if err := node.Load(&o, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if o.Count == "" || o.ScrapeInterval == 0 || o.Lookback == 0 || o.LabelMetrics == 0 || o.MaxSeriesPerQuery == 0 || o.URL == "" || o.Budget == 0 {
		t.Errorf("the example leaves options out: %+v", o)
	}
}
