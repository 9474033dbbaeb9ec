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
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// fakeThanos answers as Thanos Query does: over two replicas of everything,
// with a store that may be away.
type fakeThanos struct {
	*fakePrometheus
	away     bool
	statuses string // data of /api/v1/status/tsdb
	params   []string
}

func (f *fakeThanos) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	f.mu.Lock()
	f.params = append(f.params, fmt.Sprintf("%s dedup=%s partial_response=%s replicaLabels=%v tenant=%s", path,
		r.FormValue("dedup"), r.FormValue("partial_response"), r.Form["replicaLabels[]"], r.Header.Get("THANOS-TENANT")))
	f.mu.Unlock()
	reading := path == "query" && !strings.HasPrefix(r.FormValue("query"), "time()") || path == "series" || strings.HasPrefix(path, "label")
	switch {
	case path == "status/tsdb" && f.statuses != "":
		fmt.Fprintf(w, `{"status":"success","data":%s}`, f.statuses)
	case path == "status/tsdb", path == "status/config":
		http.NotFound(w, r)
	case f.away && reading && r.FormValue("partial_response") != "true":
		refuse(w, 422, "execution", "expanding series: receive series from Addr: store:10901: connection refused")
	case f.away && reading:
		rec := httptest.NewRecorder()
		f.fakePrometheus.ServeHTTP(rec, r)
		text, _, _ := strings.Cut(rec.Body.String(), `,"warnings"`)
		fmt.Fprintf(w, `%s,"warnings":["receive series from Addr: store:10901: connection refused"]}`, strings.TrimSuffix(strings.TrimSpace(text), "}"))
	case r.FormValue("dedup") != "true" && (path == "query" || path == "series"):
		both := func(series []labels.Labels) (out []labels.Labels) {
			for _, l := range series {
				for _, replica := range []string{"a", "b"} {
					out = append(out, labels.NewBuilder(l).Set("replica", replica).Labels())
				}
			}
			return out
		}
		(&fakePrometheus{active: both(f.active), ended: both(f.ended), static: f.static}).ServeHTTP(w, r)
	default:
		f.fakePrometheus.ServeHTTP(w, r)
	}
}

func newFakeThanos() *fakeThanos {
	return &fakeThanos{fakePrometheus: shopServer(), statuses: `{"headStats":{"numSeries":14},"seriesCountByMetricName":[{"name":"up","value":6}]}`}
}

func thanosSourceFor(t *testing.T, f http.Handler, change func(*thanosOptions)) Source {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	o := thanosOptions{Dedup: true, ScrapeInterval: 60_000_000_000, prometheusOptions: prometheusOptions{
		Config: promapi.DefaultConfig(), Lookback: 3_600_000_000_000, LabelMetrics: 3, MaxSeriesPerQuery: 100, MaxSeriesPerScan: maxSeriesPerScan,
	}}
	o.URL = server.URL
	if change != nil {
		change(&o)
	}
	src, err := newThanos(o, source.Env{Backend: "b", Name: "thanos", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestThanosCounts(t *testing.T) {
	once := []string{
		"batch_last_run web 0 of 2", "http_seconds_bucket web 2 of 3", "job:up:sum web 1 of 1", "nobody  1 of 1", "up db 1 of 1", "up web 2 of 2",
	}
	twice := []string{
		"batch_last_run web 0 of 4", "http_seconds_bucket web 4 of 6", "job:up:sum web 2 of 2", "nobody  2 of 2", "up db 2 of 2", "up web 4 of 4",
	}
	tests := map[string]struct {
		change  func(*fakeThanos)
		options func(*thanosOptions)
		want    []string
		params  string
	}{
		"replicas count once": {want: once, params: "dedup=true partial_response=false replicaLabels=[] tenant="},
		"every replica counts": {want: twice, params: "dedup=false partial_response=false replicaLabels=[] tenant=",
			options: func(o *thanosOptions) { o.Dedup = false }},
		"a tenant, and other replica labels": {want: once, params: "dedup=true partial_response=true replicaLabels=[r s] tenant=team-a",
			options: func(o *thanosOptions) {
				o.Tenant, o.ReplicaLabels, o.PartialResponse = "team-a", []string{"r", "s"}, true
			}},
		"no statistics": {want: once, change: func(f *fakeThanos) { f.statuses = "" }, params: "dedup=true partial_response=false replicaLabels=[] tenant="},
		"small groups":  {want: once, options: func(o *thanosOptions) { o.MaxSeriesPerQuery = 2 }, params: "dedup=true partial_response=false replicaLabels=[] tenant="},
		"wrong statistics": {want: once, change: func(f *fakeThanos) { f.statuses = `{"headStats":{"numSeries":1},"seriesCountByMetricName":[]}` },
			params: "dedup=true partial_response=false replicaLabels=[] tenant="},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeThanos()
			if tt.change != nil {
				tt.change(f)
			}
			inv, problems, err := thanosSourceFor(t, f, tt.options).Inventory(t.Context())
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			if diff := cmp.Diff(tt.want, seriesOf(inv)); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
			for _, p := range f.params {
				if !strings.HasSuffix(p, " "+tt.params) {
					t.Errorf("asked %s, want %s", p, tt.params)
				}
			}
			if len(inv.ScrapeJobs) > 0 {
				t.Errorf("scrape jobs %v", inv.ScrapeJobs)
			}
		})
	}
}

func TestThanosFailures(t *testing.T) {
	const receive = `[{"tenant":"b","headStats":{"numSeries":5}},{"tenant":"a","headStats":{"numSeries":7}}]`
	noQueries := func(w http.ResponseWriter, path, _ string) bool {
		return path == "query" && refuse(w, 404, "", "404 page not found")
	}
	tests := map[string]struct {
		change   func(*fakeThanos)
		partial  bool
		problems []string // all of them block
		err      string
	}{
		"a store is away": {change: func(f *fakeThanos) { f.away = true }, err: "store:10901: connection refused"},
		"a store is away, which is allowed": {change: func(f *fakeThanos) { f.away = true }, partial: true, problems: []string{
			"the server warns that its counts may be incomplete", "the server warns that its list of metric names may be incomplete",
		}},
		"a Receive":      {change: func(f *fakeThanos) { f.statuses, f.fail = receive, noQueries }, err: "this is a Thanos Receive (tenants a, b), which answers no queries"},
		"something else": {change: func(f *fakeThanos) { f.fail = noQueries }, err: "does url hold the right path prefix?"},
		"nothing can be asked": {change: func(f *fakeThanos) {
			f.fail = func(w http.ResponseWriter, _, _ string) bool { return refuse(w, 500, "", "broken") }
		}, err: "500 Internal Server Error: broken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeThanos()
			tt.change(f)
			inv, problems, err := thanosSourceFor(t, f, func(o *thanosOptions) { o.PartialResponse = tt.partial }).Inventory(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.problems {
				if !slices.ContainsFunc(problems, func(p sentei.Problem) bool {
					return p.Message == want && p.Blocking && strings.Contains(p.Hint, "connection refused")
				}) {
					t.Errorf("problems %+v, want %q", problems, want)
				}
			}
			for _, m := range inv.Metrics {
				if m.Jobs[0].Labels != nil {
					t.Errorf("%s has label statistics of a part of its series", m.Name)
				}
			}
		})
	}
}

func TestThanosOptions(t *testing.T) {
	o := thanosOptions{ReplicaLabels: []string{"r"}, Tenant: "a"}
	o.SetHeader("Thanos-Tenant", "b")
	_, err := newThanos(o, source.Env{})
	for _, want := range []string{"url is missing", "replica_labels needs dedup: true", "scrape_interval is 0s", "http_headers sets Thanos-Tenant as well"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	var items []map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(thanos.Doc.Example), &items); err != nil {
		t.Fatal(err)
	}
	node := items[0][thanos.Kind]
	o = thanosOptions{PartialResponse: true}
	if err := node.Load(&o, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if !o.Dedup || o.PartialResponse || o.Tenant == "" || o.ReplicaLabels == nil || o.ScrapeInterval == 0 || o.Lookback == 0 || o.LabelMetrics == 0 || o.MaxSeriesPerQuery == 0 || o.URL == "" {
		t.Errorf("the example leaves options out: %+v", o)
	}
}
