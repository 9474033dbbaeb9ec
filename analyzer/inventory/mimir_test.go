package inventory

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// fakeMimir answers as Mimir does for the tenant team-a.
type fakeMimir struct {
	*fakePrometheus
	off    bool // no cardinality API
	max    int  // highest limit
	hidden bool // the API leaves series out that it should know
}

func (f *fakeMimir) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Scope-OrgID") != "team-a" {
		http.Error(w, "no org id", http.StatusUnauthorized)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/prometheus/api/v1/")
	switch {
	case !ok || path == "targets" || path == "status/tsdb":
		http.NotFound(w, r)
	case path == "cardinality/label_values" && f.off:
		http.Error(w, "cardinality analysis is disabled for the tenant: team-a", http.StatusBadRequest)
	case path == "cardinality/label_values":
		r.ParseForm()
		f.cardinality(w, r.Form["label_names[]"], r.FormValue("selector"), r.FormValue("limit"), r.FormValue("count_method"))
	default:
		r.URL.Path = "/api/v1/" + path
		f.fakePrometheus.ServeHTTP(w, r)
	}
}

func (f *fakeMimir) cardinality(w http.ResponseWriter, names []string, selector, limitText, method string) {
	if f.fail != nil && f.fail(w, "cardinality", names[0]+" "+selector) {
		return
	}
	limit, err := strconv.Atoi(limitText)
	if len(names) != 1 || method != "active" || err != nil || limit > f.max {
		http.Error(w, fmt.Sprintf("'limit' param cannot be greater than '%d'", f.max), http.StatusBadRequest)
		return
	}
	counts, sum := make(map[string]int64), int64(0)
	for _, l := range f.active {
		if v := l.Get(names[0]); v != "" && (selector == "" || matchesAll(selector, l)) {
			counts[v]++
			sum++
		}
	}
	list := []map[string]any{}
	for _, v := range topValues(counts) {
		list = append(list, map[string]any{"label_value": v.Value, "series_count": v.Series})
	}
	total := len(f.active) // of the tenant, whatever the selector
	if f.hidden {
		total *= 2
	}
	answer := map[string]any{"series_count_total": total, "labels": []any{}}
	if len(counts) > 0 {
		answer["labels"] = []any{map[string]any{
			"label_name": names[0], "label_values_count": len(counts), "series_count": sum, "cardinality": list[:min(limit, len(list))],
		}}
	}
	w.Write([]byte(asJSON(answer)))
}

func newFakeMimir() *fakeMimir {
	return &fakeMimir{fakePrometheus: shopServer(), max: 500}
}

func mimirOptionsFor(url string) mimirOptions {
	o := mimirOptions{Tenant: "team-a", Count: countCardinality, Limit: 500, ScrapeInterval: 60_000_000_000, prometheusOptions: prometheusOptions{
		Config: promapi.DefaultConfig(), Lookback: 3_600_000_000_000, LabelMetrics: 3, MaxSeriesPerQuery: 5, MaxSeriesPerScan: maxSeriesPerScan,
	}}
	o.URL = url + "/prometheus"
	return o
}

func mimirSourceFor(t *testing.T, f http.Handler, change func(*mimirOptions)) Source {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	o := mimirOptionsFor(server.URL)
	if change != nil {
		change(&o)
	}
	src, err := newMimir(o, source.Env{Backend: "b", Name: "mimir", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestMimirCounts(t *testing.T) {
	want := []string{
		"batch_last_run web 0 of 2", "http_seconds_bucket web 2 of 3", "job:up:sum web 1 of 1", "nobody  1 of 1", "up db 1 of 1", "up web 2 of 2",
	}
	tests := map[string]struct {
		change  func(*fakeMimir)
		options func(*mimirOptions)
	}{
		"one list for a job":  {},
		"lists of one metric": {options: func(o *mimirOptions) { o.Limit = 1 }},
		"a lower limit":       {change: func(f *fakeMimir) { f.max = 2 }, options: func(o *mimirOptions) { o.Limit = 2 }},
		"queries":             {change: func(f *fakeMimir) { f.off = true }, options: func(o *mimirOptions) { o.Count = countQueries }},
		"a job is counted by a query": {change: func(f *fakeMimir) {
			f.fail = func(w http.ResponseWriter, path, what string) bool {
				return path == "cardinality" && strings.Contains(what, `job="web"`) && refuse(w, 500, "", "too much")
			}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeMimir()
			if tt.change != nil {
				tt.change(f)
			}
			inv, problems, err := mimirSourceFor(t, f, tt.options).Inventory(t.Context())
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			if diff := cmp.Diff(want, seriesOf(inv)); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
			if len(inv.ScrapeJobs) > 0 || slices.Contains(inv.Estimated, "series") {
				t.Errorf("scrape jobs %v, estimated %v", inv.ScrapeJobs, inv.Estimated)
			}
			if up := inv.Metrics[4].Jobs[1]; len(up.Labels) != 1 || up.Labels[0].SeriesWithoutLive != 1 || up.Cost.SamplesPerSecond != 2.0/60 {
				t.Errorf("up %+v", up)
			}
		})
	}
}

func TestMimirFailures(t *testing.T) {
	failing := func(path, part string, status int, message string) func(http.ResponseWriter, string, string) bool {
		return func(w http.ResponseWriter, p, what string) bool {
			return p == path && strings.Contains(what, part) && refuse(w, status, "", message)
		}
	}
	warning := func(path, part, data string) func(http.ResponseWriter, string, string) bool {
		return func(w http.ResponseWriter, p, what string) bool {
			if p != path || !strings.Contains(what, part) {
				return false
			}
			fmt.Fprintf(w, `{"status":"success","data":%s,"warnings":["results truncated due to limit"]}`, data)
			return true
		}
	}
	answering := func(body string) func(http.ResponseWriter, string, string) bool {
		return func(w http.ResponseWriter, p, _ string) bool {
			if p == "cardinality" {
				w.Write([]byte(body))
			}
			return p == "cardinality"
		}
	}
	either := func(a, b func(http.ResponseWriter, string, string) bool) func(http.ResponseWriter, string, string) bool {
		return func(w http.ResponseWriter, p, what string) bool { return a(w, p, what) || b(w, p, what) }
	}
	const jobs = "the series of some jobs could not be counted; they are not in the inventory"
	tests := map[string]struct {
		change  func(*fakeMimir)
		options func(*mimirOptions)
		problem string // all of them block
		err     string
	}{
		"the API is off":        {change: func(f *fakeMimir) { f.off = true }, err: "set -querier.cardinality-analysis-enabled"},
		"Cortex":                {change: func(f *fakeMimir) { f.fail = failing("cardinality", "", 404, "404 page not found") }, err: "or use count: queries"},
		"another tenant":        {options: func(o *mimirOptions) { o.Tenant = "team-b" }, err: "401 Unauthorized: no org id (check"},
		"the limit is too high": {change: func(f *fakeMimir) { f.max = 100 }, err: "'limit' param cannot be greater than '100'"},
		"an error with status 200": {change: func(f *fakeMimir) {
			f.fail = answering(`{"data":[],"status":"error","error":"error merging partial responses"}`)
		}, err: "error merging partial responses"},
		"an answer without counts":   {change: func(f *fakeMimir) { f.fail = answering(`{"series_count_total":9,"labels":[{"label_name":"job"}]}`) }, err: "not what the API promises"},
		"another API":                {change: func(f *fakeMimir) { f.fail = answering(`{"labels":[]}`) }, err: "the answer is not one of the API"},
		"no list of jobs":            {change: func(f *fakeMimir) { f.fail = failing("label/job/values", "", 500, "broken") }, err: "read values of label job"},
		"a list of jobs that is cut": {change: func(f *fakeMimir) { f.fail = warning("label/job/values", "", `["web"]`) }, err: "results truncated due to limit"},
		"no job can be counted": {change: func(f *fakeMimir) {
			f.fail = either(failing("cardinality", "__name__ ", 500, "broken"), failing("query", "count by", 500, "broken"))
		}, err: `job "": `},
		"a job cannot be counted at all": {change: func(f *fakeMimir) {
			f.fail = either(failing("cardinality", `job=""`, 500, "broken"), failing("query", `job=""`, 500, "broken"))
		}, problem: jobs},
		"names of a job are cut": {change: func(f *fakeMimir) {
			f.fail = either(warning("label/__name__/values", `job="web"`, `["up"]`), failing("query", `job="web"`, 500, "broken"))
		}, options: func(o *mimirOptions) { o.Limit = 1 }, problem: jobs},
		"names of a job are missing": {change: func(f *fakeMimir) {
			f.fail = either(func(w http.ResponseWriter, p, what string) bool {
				if p != "label/__name__/values" || !strings.Contains(what, `job="web"`) {
					return false
				}
				fmt.Fprint(w, `{"status":"success","data":["up"]}`)
				return true
			}, failing("query", `job="web"`, 500, "broken"))
		}, options: func(o *mimirOptions) { o.Limit = 1 }, problem: jobs},
		"a job is missing": {change: func(f *fakeMimir) {
			f.fail = func(w http.ResponseWriter, p, _ string) bool {
				if p == "label/job/values" {
					fmt.Fprint(w, `{"status":"success","data":["web"]}`)
				}
				return p == "label/job/values"
			}
		}, problem: "the list of jobs is shorter than the number of jobs; metrics may be missing in the inventory"},
		"series are missing": {change: func(f *fakeMimir) { f.hidden = true }, problem: "the series that were counted are much fewer than those of the tenant; metrics may be missing in the inventory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeMimir()
			if tt.change != nil {
				tt.change(f)
			}
			_, problems, err := mimirSourceFor(t, f, tt.options).Inventory(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(problems, func(p sentei.Problem) bool { return p.Message == tt.problem && p.Blocking && p.Hint != "" }) {
				t.Errorf("problems %+v, want %q", problems, tt.problem)
			}
		})
	}
}

func TestMimirOptions(t *testing.T) {
	_, err := newMimir(mimirOptions{Count: "all"}, source.Env{})
	for _, want := range []string{"url is missing", `count is "all": it must be cardinality or queries`, "limit is 0", "scrape_interval is 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	o := mimirOptionsFor("http://127.0.0.1")
	o.Tenant, o.Lookback = "a|b", 600_000_000_000
	o.SetHeader("x-scope-orgid", "other")
	_, err = newMimir(o, source.Env{})
	for _, want := range []string{`tenant "a|b" names several`, "lookback is 10m: it must be at least 20m", "http_headers sets x-scope-orgid as well"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	var items []map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(mimir.Doc.Example), &items); err != nil {
		t.Fatal(err)
	}
	node := items[0][mimir.Kind]
	o = mimirOptions{}
	if err := node.Load(&o, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if o.Count == "" || o.Tenant == "" || o.Limit == 0 || o.ScrapeInterval == 0 || o.Lookback == 0 || o.LabelMetrics == 0 || o.MaxSeriesPerQuery == 0 || o.URL == "" {
		t.Errorf("the example leaves options out: %+v", o)
	}
}
