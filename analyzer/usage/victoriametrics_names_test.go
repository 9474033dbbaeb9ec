package usage

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// fakeTracker answers as VictoriaMetrics does.
type fakeTracker struct {
	stats  string
	status int      // of the statistics, 200 when zero
	stored []string // metric names
	cut    int      // names told at most, all when zero
	refuse bool     // to list names
}

// recordedStats is what a single node of v1.150.0 answered after the query
// count(b).
const recordedStats = `{"status":"success","statsCollectedSince":1795400000,"statsCollectedRecordsTotal":3,` +
	`"trackerMemoryMaxSizeBytes":173431521,"trackerCurrentMemoryUsageBytes":195,"records":[` +
	`{"metricName":"c","queryRequestsCount":7,"lastRequestTimestamp":1795403000},` +
	`{"metricName":"a","queryRequestsCount":0,"lastQueryRequestTimestamp":0},` +
	`{"metricName":"b","queryRequestsCount":2,"lastQueryRequestTimestamp":1795407555}]}`

const trackerNow = 1795410000

func (f *fakeTracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/api/v1/query":
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"scalar","result":[%d,"%d"]}}`, trackerNow, trackerNow)
	case r.URL.Path == "/api/v1/status/metric_names_stats":
		if f.status != 0 {
			w.WriteHeader(f.status)
		}
		w.Write([]byte(f.stats))
	case r.URL.Path == "/api/v1/label/__name__/values" && f.refuse:
		w.WriteHeader(http.StatusUnprocessableEntity)
		w.Write([]byte(`{"status":"error","errorType":"422","error":"the number of matching timeseries exceeds 1000000"}`))
	case r.URL.Path == "/api/v1/label/__name__/values":
		names := []string{}
		for _, n := range f.stored {
			if !strings.Contains(r.FormValue("match[]"), n) {
				names = append(names, n)
			}
		}
		if f.cut > 0 && len(names) > f.cut {
			names = names[:f.cut]
		}
		text, _ := json.Marshal(names)
		fmt.Fprintf(w, `{"status":"success","data":%s}`, text)
	default:
		http.NotFound(w, r)
	}
}

func trackerSource(t *testing.T, f *fakeTracker) *namesTracker {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	var node yaml.Node
	if err := yaml.Unmarshal([]byte("url: "+server.URL), &node); err != nil {
		t.Fatal(err)
	}
	src, err := victoriaMetricsNames.Build(node.Content[0], source.Env{Backend: "b", Name: "victoriametrics_names", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return src.(*namesTracker)
}

func TestVictoriaMetricsNames(t *testing.T) {
	data, err := trackerSource(t, &fakeTracker{stats: recordedStats, stored: []string{"a", "b", "c"}}).Consumers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	somebody := func(name string, count, last int64) sentei.Consumer {
		return sentei.Consumer{
			ID: sentei.HashID("metric name", "b", "victoriametrics_names", name), Kind: sentei.Query,
			Backend: "b", Source: "victoriametrics_names", Name: "somebody reads " + name + " (metric names tracker, counts fetched series)",
			Expression: sentei.Expression{Text: `{__name__="` + name + `"}`, Lang: sentei.PromQL},
			Count:      count, LastSeen: time.Unix(last, 0).UTC(),
			Origins: []string{"metric names tracker"},
		}
	}
	want := &sentei.UsageData{
		Consumers: []sentei.Consumer{somebody("b", 2, 1795407555), somebody("c", 7, 1795403000)},
		Window:    sentei.Window{From: time.Unix(1795400000, 0).UTC(), To: time.Unix(trackerNow, 0).UTC()},
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

func TestVictoriaMetricsNamesProblems(t *testing.T) {
	all := strings.Builder{}
	for i := range suspicious {
		fmt.Fprintf(&all, `,{"metricName":"m%d","queryRequestsCount":1,"lastQueryRequestTimestamp":0}`, i)
	}
	edit := func(old, new string) string {
		if !strings.Contains(recordedStats, old) {
			t.Fatalf("no %s to replace", old)
		}
		return strings.Replace(recordedStats, old, new, 1)
	}
	tests := map[string]struct {
		fake    fakeTracker
		limit   int
		problem string // blocking ones begin with "!"
		hint    string
		err     string
	}{
		"the tracker is full": {
			fake:    fakeTracker{stats: edit("UsageBytes\":195", "UsageBytes\":156088369")},
			problem: "!the metric names tracker is full or nearly so, and does not register new metrics", hint: "it uses 156088369 of 173431521 bytes",
		},
		"a metric is not in the tracker": {
			fake:    fakeTracker{stats: recordedStats, stored: []string{"a", "new", "old"}},
			problem: "!the metric names tracker does not know some stored metrics; whether somebody reads them is not known", hint: "new, old: ",
		},
		"the list of stored metrics is cut": {
			fake:    fakeTracker{stats: recordedStats, stored: []string{"a", "b", "c"}, cut: 2},
			problem: "!the stored metrics could not be listed, so it is not known whether the tracker knows all of them", hint: "cuts its list of values",
		},
		"stored metrics cannot be listed": {
			fake:    fakeTracker{stats: recordedStats, refuse: true},
			problem: "!the stored metrics could not be listed, so it is not known whether the tracker knows all of them", hint: "exceeds 1000000",
		},
		"a storage node is away": {
			fake:    fakeTracker{stats: edit(`"status":"success",`, `"status":"success","isPartial":true,`)},
			problem: "!the server warns that its answer may be incomplete", hint: "a storage node did not answer",
		},
		"more records than are read": {
			fake: fakeTracker{stats: recordedStats}, limit: 3,
			problem: "!the metric names tracker holds more than the 3 metrics that are read", hint: "reset",
		},
		"everything was requested": {
			fake:    fakeTracker{stats: edit(`{"metricName":"a","queryRequestsCount":0,"lastQueryRequestTimestamp":0},`, strings.TrimPrefix(all.String(), ",")+",")},
			problem: "every metric was requested, as by something that reads all of them", hint: "count: index",
		},
		"the tracker is off": {
			fake: fakeTracker{stats: `{"status":"success","statsCollectedSince":0,"statsCollectedRecordsTotal":0,"trackerMemoryMaxSizeBytes":0,"trackerCurrentMemoryUsageBytes":0,"records":[]}`},
			err:  "the metric names tracker is off: turn it on with -storage.trackMetricNamesStats",
		},
		"a server without a tracker": {
			fake: fakeTracker{stats: `remoteAddr: "127.0.0.1"; unsupported path requested: "/api/v1/status/metric_names_stats"`, status: 400},
			err:  "read the metric names tracker: GET ",
		},
		"an answer of something else": {
			fake: fakeTracker{stats: `{"status":"success","data":{}}`},
			err:  "has no statsCollectedSince",
		},
		"no records at all": {
			fake: fakeTracker{stats: `{"status":"success","statsCollectedSince":1600000000,"trackerMemoryMaxSizeBytes":1000000,"trackerCurrentMemoryUsageBytes":200}`},
			err:  "has no records",
		},
		"records without a count": {
			fake: fakeTracker{stats: edit(`"queryRequestsCount":7,`, "")},
			err:  "no queryRequestsCount",
		},
		"half an answer": {fake: fakeTracker{stats: "{\"sta"}, err: "ended early"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			src := trackerSource(t, &tt.fake)
			if tt.limit > 0 {
				src.limit = tt.limit
			}
			data, err := src.Consumers(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(data.Problems) != 1 || len(data.Consumers) < 2 {
				t.Fatalf("%d consumers, problems %+v", len(data.Consumers), data.Problems)
			}
			p := data.Problems[0]
			if p.Message != strings.TrimPrefix(tt.problem, "!") || p.Blocking != strings.HasPrefix(tt.problem, "!") || !strings.Contains(p.Hint, tt.hint) {
				t.Errorf("problem %+v, want %q with the hint %q", p, tt.problem, tt.hint)
			}
		})
	}
}

func TestVictoriaMetricsNamesOptions(t *testing.T) {
	_, err := newVictoriaMetricsNames(victoriaMetricsNamesOptions{}, source.Env{})
	for _, want := range []string{"url is missing", "lookback is 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	var items []map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(victoriaMetricsNames.Doc.Example), &items); err != nil {
		t.Fatal(err)
	}
	node := items[0][victoriaMetricsNames.Kind]
	var o victoriaMetricsNamesOptions
	if err := node.Load(&o, yaml.WithKnownFields()); err != nil || o.Lookback == 0 || o.URL == "" || o.Budget == 0 {
		t.Errorf("the example leaves options out: %+v (%v)", o, err)
	}
}
