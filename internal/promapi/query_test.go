package promapi

import (
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
)

func TestQuery(t *testing.T) {
	tests := map[string]struct {
		data string
		want []Sample
		err  string
	}{
		"vector": {
			data: `{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]},{"metric":{},"value":[1.5,"+Inf"]}]}`,
			want: []Sample{{labels.FromStrings("a", "b"), 2}, {labels.EmptyLabels(), math.Inf(1)}},
		},
		"result before its type": {
			data: `{"result":[{"metric":{"a":"b"},"value":[1,"2"]}],"resultType":"vector"}`,
			want: []Sample{{labels.FromStrings("a", "b"), 2}},
		},
		"native histogram": {
			data: `{"resultType":"vector","result":[{"metric":{"a":"b"},"histogram":[1,{"count":"3","sum":"4"}]}]}`,
			want: []Sample{{labels.FromStrings("a", "b"), 0}},
		},
		"scalar":          {data: `{"resultType":"scalar","result":[1,"2"]}`, want: []Sample{{labels.EmptyLabels(), 2}}},
		"empty":           {data: `{"resultType":"vector","result":[]}`, want: []Sample{}},
		"matrix":          {data: `{"resultType":"matrix","result":[]}`, err: `result type "matrix" instead of a vector`},
		"value no text":   {data: `{"resultType":"scalar","result":[1,2]}`, err: "sample [1,2] is not a time and a value"},
		"value no number": {data: `{"resultType":"scalar","result":[1,"x"]}`, err: "invalid syntax"},
		"no data":         {data: `null`, err: `result type "" instead of a vector`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, reply(200, "application/json", `{"status":"success","data":`+tt.data+`,"warnings":["w"],"infos":["i"]}`))
			got, warnings, err := c.Query(t.Context(), "up", time.Time{})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(labels.Equal)); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"w"}, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNow(t *testing.T) {
	c := serve(t, reply(200, "application/json", `{"status":"success","data":{"resultType":"scalar","result":[1700000000.123,"1700000000.123"]}}`))
	now, err := c.Now(t.Context())
	if err != nil || !now.Equal(time.UnixMilli(1700000000123)) {
		t.Errorf("got %s, %v", now, err)
	}
}

func TestLookups(t *testing.T) {
	from, to := time.UnixMilli(1000), time.UnixMilli(2500)
	answers := map[string]string{
		"/api/v1/series":              `[{"__name__":"up","job":"a"},{"__name__":"up"}]`,
		"/api/v1/label/a%2Fb/values":  `["x","y"]`,
		"/api/v1/status/tsdb":         `{"headStats":{"numSeries":5},"seriesCountByMetricName":[{"name":"up","value":3}]}`,
		"/api/v1/metadata":            `{"up":[{"type":"gauge","help":"h","unit":""}]}`,
		"/api/v1/targets":             `{"activeTargets":[{"scrapePool":"p","labels":{"job":"j"},"scrapeInterval":"15s"}]}`,
		"/api/v1/scrape_pools":        `{"scrapePools":["p","q"]}`,
		"/api/v1/status/config":       `{"yaml":"global: {}"}`,
		"/api/v1/labels":              `["l"]`,
		"/api/v1/status/runtimeinfo":  `{"startTime":"2026-11-23T03:36:43.5Z"}`,
		"/api/v1/label/empty/values":  `null`,
		"/api/v1/label/select/values": `["z"]`,
	}
	params := make(map[string]url.Values)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		params[r.URL.EscapedPath()] = r.Form
		w.Write([]byte(`{"status":"success","data":` + answers[r.URL.EscapedPath()] + `,"warnings":["results truncated due to limit"]}`))
	})
	ctx := t.Context()
	var got []any
	take := func(value any, warnings []string, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		got = append(got, value, warnings)
	}
	series, warnings, err := c.Series(ctx, "up", from, to, 7)
	take(series, warnings, err)
	values, warnings, err := c.LabelValues(ctx, "a/b", "", from, to)
	take(values, warnings, err)
	values, warnings, err = c.LabelValues(ctx, "empty", "", from, to)
	take(values, warnings, err)
	values, warnings, err = c.LabelValues(ctx, "select", "up", from, to)
	take(values, warnings, err)
	values, warnings, err = c.LabelNames(ctx, "up", from, to)
	take(values, warnings, err)
	started, err := c.RuntimeInfo(ctx)
	take(started.Start.Unix(), nil, err)
	status, err := c.TSDBStatus(ctx, 100)
	take([]any{status.Head.Series, status.SeriesByMetric}, nil, err)
	metadata, err := c.Metadata(ctx)
	take(metadata, nil, err)
	targets, err := c.Targets(ctx)
	take(targets, nil, err)
	pools, err := c.ScrapePools(ctx)
	take(pools, nil, err)
	text, err := c.ConfigYAML(ctx)
	take(text, nil, err)

	truncated := []string{"results truncated due to limit"}
	none := []string(nil)
	want := []any{
		[]labels.Labels{labels.FromStrings("__name__", "up", "job", "a"), labels.FromStrings("__name__", "up")}, truncated,
		[]string{"x", "y"}, truncated,
		none, truncated,
		[]string{"z"}, truncated,
		[]string{"l"}, truncated,
		int64(1795405003), none,
		[]any{int64(5), []NameCount{{"up", 3}}}, none,
		map[string][]Metadata{"up": {{Type: "gauge", Help: "h"}}}, none,
		[]Target{{ScrapePool: "p", Labels: map[string]string{"job": "j"}, ScrapeInterval: "15s"}}, none,
		[]string{"p", "q"}, none,
		"global: {}", none,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(labels.Equal)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	wantParams := map[string]url.Values{
		"/api/v1/series":              {"match[]": {"up"}, "start": {"1.000"}, "end": {"2.500"}, "limit": {"7"}},
		"/api/v1/label/a%2Fb/values":  {"start": {"1.000"}, "end": {"2.500"}},
		"/api/v1/label/empty/values":  {"start": {"1.000"}, "end": {"2.500"}},
		"/api/v1/label/select/values": {"start": {"1.000"}, "end": {"2.500"}, "match[]": {"up"}},
		"/api/v1/labels":              {"start": {"1.000"}, "end": {"2.500"}, "match[]": {"up"}},
		"/api/v1/status/runtimeinfo":  {},
		"/api/v1/status/tsdb":         {"limit": {"100"}},
		"/api/v1/metadata":            {},
		"/api/v1/targets":             {"state": {"active"}},
		"/api/v1/scrape_pools":        {},
		"/api/v1/status/config":       {},
	}
	if diff := cmp.Diff(wantParams, params); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}
