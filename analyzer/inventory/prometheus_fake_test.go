package inventory

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// fakeNow is the server's time.
var fakeNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// fakePrometheus answers the API from a list of series, as far as the source
// asks.
type fakePrometheus struct {
	active []labels.Labels // have a sample now
	ended  []labels.Labels // had one in the last hour
	static map[string]string
	since  time.Time // queries of an earlier instant find nothing
	// fail may answer in place of the fake: by path and selector or query.
	fail func(w http.ResponseWriter, path, what string) bool

	mu    sync.Mutex
	asked []string // path and selector or query
	most  int      // series in one answer
}

func (f *fakePrometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	query := strings.TrimSuffix(r.FormValue("query"), " # sentei")
	what := query + r.FormValue("match[]")
	f.mu.Lock()
	f.asked = append(f.asked, strings.TrimSpace(path+" "+what))
	f.mu.Unlock()
	if f.fail != nil && f.fail(w, path, what) {
		return
	}
	if text, ok := f.static[path]; ok {
		fmt.Fprintf(w, `{"status":"success","data":%s}`, text)
		return
	}
	switch {
	case path == "query" && query == "time()":
		f.reply(w, map[string]any{"resultType": "scalar", "result": point(float64(fakeNow.Unix()))})
	case path == "query":
		if seconds, _ := strconv.ParseFloat(r.FormValue("time"), 64); int64(seconds) < f.since.Unix() {
			f.reply(w, map[string]any{"resultType": "vector", "result": []any{}})
			return
		}
		f.query(w, query)
	case path == "series":
		limit, _ := strconv.Atoi(r.FormValue("limit"))
		found := f.selected(r.FormValue("match[]"), true)
		if limit > 0 && len(found) > limit {
			found = found[:limit]
			defer f.reply(w, found, "results truncated due to limit")
			return
		}
		f.reply(w, found)
	case path == "labels":
		f.reply(w, f.distinct(r.FormValue("match[]"), func(l labels.Label) string { return l.Name }))
	case strings.HasPrefix(path, "label/"):
		name := strings.Split(path, "/")[1]
		f.reply(w, f.distinct(r.FormValue("match[]"), func(l labels.Label) string {
			if l.Name != name {
				return ""
			}
			return l.Value
		}))
	case path == "status/tsdb":
		f.reply(w, map[string]any{"headStats": map[string]int{"numSeries": len(f.active)}})
	default:
		http.NotFound(w, r)
	}
}

func (f *fakePrometheus) reply(w http.ResponseWriter, data any, warnings ...string) {
	json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data, "warnings": warnings})
}

func point(v float64) []any { return []any{fakeNow.Unix(), fmt.Sprint(v)} }

// selected returns the series that a selector selects.
func (f *fakePrometheus) selected(selector string, ended bool) []labels.Labels {
	all := f.active
	if ended {
		all = slices.Concat(f.active, f.ended)
	}
	found := []labels.Labels{}
	matches := selecting(selector)
	for _, l := range all {
		if matches(l) {
			found = append(found, l)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.most = max(f.most, len(found))
	return found
}

// selecting returns what a selector selects; everything when it is empty.
func selecting(selector string) func(labels.Labels) bool {
	if selector == "" {
		return func(labels.Labels) bool { return true }
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		panic(err)
	}
	return func(l labels.Labels) bool {
		return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(l.Get(m.Name)) })
	}
}

func matchesAll(selector string, l labels.Labels) bool { return selecting(selector)(l) }

func (f *fakePrometheus) distinct(selector string, of func(labels.Label) string) []string {
	values := []string{}
	for _, l := range f.selected(selector, true) {
		l.Range(func(l labels.Label) { values = append(values, of(l)) })
	}
	slices.Sort(values)
	return slices.DeleteFunc(slices.Compact(values), func(v string) bool { return v == "" })
}

// query answers a selector, and counts of one.
func (f *fakePrometheus) query(w http.ResponseWriter, query string) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		panic(err)
	}
	var selector string
	overTime := false
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			selector = n.String()
		case *parser.Call:
			overTime = n.Func.Name == "last_over_time"
		}
		return nil
	})
	found := f.selected(selector, overTime)
	counts := make(map[string]float64)
	byKey := make(map[string]labels.Labels)
	for _, l := range found {
		if agg, ok := expr.(*parser.AggregateExpr); ok {
			l = l.MatchLabels(true, agg.Grouping...)
		}
		counts[l.String()]++
		byKey[l.String()] = l
	}
	result := []any{}
	for key, n := range counts {
		result = append(result, map[string]any{"metric": byKey[key], "value": point(n)})
	}
	f.reply(w, map[string]any{"resultType": "vector", "result": result})
}

// fakeSource returns the source for the fake.
func fakeSource(t *testing.T, f *fakePrometheus, perQuery, labelMetrics int) Source {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	o := prometheusOptions{Config: promapi.DefaultConfig(), Lookback: 3_600_000_000_000, LabelMetrics: labelMetrics, MaxSeriesPerQuery: perQuery, MaxSeriesPerScan: maxSeriesPerScan}
	o.URL = server.URL
	src, err := newPrometheus(o, source.Env{Backend: "b", Name: "prometheus", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// promSeries makes label sets from name/value pairs, the metric name first.
func promSeries(pairs ...string) labels.Labels {
	return labels.FromStrings(append([]string{"__name__"}, pairs...)...)
}

// refuse answers with an error of the API.
func refuse(w http.ResponseWriter, status int, errorType, message string) bool {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":"error","errorType":%q,"error":%q}`, errorType, message)
	return true
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// seriesOf returns "metric job active of all" for everything counted.
func seriesOf(inv *sentei.Inventory) (all []string) {
	for _, m := range inv.Metrics {
		for _, j := range m.Jobs {
			all = append(all, fmt.Sprintf("%s %s %d of %d", m.Name, j.Job, j.Cost.Series, j.Cost.SeriesInSpan))
		}
	}
	return all
}
