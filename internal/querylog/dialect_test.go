package querylog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// Lines as the servers write them.
const (
	lineV2Rule = `{"params":{"end":"2026-11-22T18:36:44.067Z","query":"sum by (job) (up)","start":"2026-11-22T18:36:44.067Z","step":0},"ruleGroup":{"file":"/etc/prometheus/rules.yml","name":"g1"},"spanID":"0000000000000000","stats":{"timings":{"evalTotalTime":0.000066921,"resultSortTime":0,"queryPreparationTime":0.000041751,"innerEvalTime":0.000018944,"execQueueTime":0.00005284,"execTotalTime":0.00012662},"samples":{"totalQueryableSamples":0,"peakSamples":0}},"ts":"2026-11-22T18:36:44.068Z"}`
	lineV2HTTP = `{"httpRequest":{"clientIP":"127.0.0.1","method":"GET","path":"/api/v1/query"},"params":{"end":"2026-11-22T18:36:53.785Z","query":"rate(prometheus_http_requests_total{code=\"200\"}[1m])","start":"2026-11-22T18:36:53.785Z","step":0},"spanID":"0000000000000000","stats":{"timings":{"evalTotalTime":0.000129145,"resultSortTime":0,"queryPreparationTime":0.000073616,"innerEvalTime":0.000047075,"execQueueTime":0.000013812,"execTotalTime":0.000151705},"samples":{"totalQueryableSamples":2,"peakSamples":3}},"ts":"2026-11-22T18:36:53.786Z"}`
	lineV3HTTP = `{"time":"2026-11-22T18:38:48.287110947Z","level":"INFO","source":"engine.go:1125","msg":"promql query logged","params":{"end":"2026-11-22T18:38:48.286Z","query":"sum by (job) (up{job=~\"1|2\"})","start":"2026-11-22T18:37:48.286Z","step":15},"stats":{"timings":{"evalTotalTime":0.000081091,"resultSortTime":0.000001053,"queryPreparationTime":0.000021453,"innerEvalTime":0.000043956,"execQueueTime":0,"execTotalTime":0.000083134},"samples":{"totalQueryableSamples":2,"samplesRead":2,"seriesTouched":2,"peakSamples":2}},"httpRequest":{"clientIP":"127.0.0.1","method":"GET","path":"/api/v1/query_range"}}`
	lineV3Rule = `{"time":"2026-11-22T19:38:48.287346897+01:00","level":"INFO","source":"engine.go:729","msg":"promql query logged","params":{"end":"2026-11-22T18:38:48.286Z","query":"up > 0","start":"2026-11-22T18:38:48.286Z","step":0},"stats":{"timings":{"evalTotalTime":6.0456e-05,"resultSortTime":0,"queryPreparationTime":0.000005697,"innerEvalTime":0.000051446,"execQueueTime":0,"execTotalTime":0.000061231},"samples":{"totalQueryableSamples":20,"samplesRead":20,"peakSamples":40}},"spanID":"0000000000000000","traceID":"00000000000000000000000000000000","ruleGroup":{"file":"/etc/rules.yml","name":"g1"}}`
	lineFailed = `{"time":"2026-11-22T18:38:48.287346897Z","level":"INFO","source":"engine.go:1125","msg":"promql query logged","params":{"end":"2026-11-22T18:38:48.286Z","query":"up + on() up","start":"2026-11-22T18:38:48.286Z","step":0},"error":"found duplicate series for the match group {} on the right hand-side of the operation: [{__name__=\"up\", job=\"0\"}, {__name__=\"up\", job=\"1\"}];many-to-many matching not allowed: matching labels must be unique on one side","stats":{"timings":{"evalTotalTime":0.000060456,"resultSortTime":0,"queryPreparationTime":0.000005697,"innerEvalTime":0.000051446,"execQueueTime":0,"execTotalTime":0.000061231},"samples":{"totalQueryableSamples":20,"samplesRead":20,"seriesTouched":20,"peakSamples":40}},"ruleGroup":{"file":"/etc/rules.yml","name":"g1"}}`
	lineMimir  = `ts=2026-11-22T18:37:51.268111222Z caller=handler.go:457 level=info user=team-a trace_id=6f1c msg="query stats" component=query-frontend method=POST path=/prometheus/api/v1/query_range route_name=prometheus_api_v1_query_range user_agent=Grafana/11.2.0 status_code=200 response_time=12.1ms response_size_bytes=431 query_wall_time_seconds=0.01 fetched_series_count=3 sharded_queries=0 split_queries=1 length=1h0m0s param_end=2026-11-22T18:37:00Z param_query="sum(rate(http_requests_total{code=~\"5..\"}[5m]))" param_start=2026-11-22T17:37:00Z param_step=60000 status=success`
	lineSeries = `ts=2026-11-22T18:37:52Z caller=handler.go:457 level=info user=team-a msg="query stats" component=query-frontend method=GET path=/prometheus/api/v1/series user_agent=Grafana/11.2.0 status_code=200 param_match[]="up{job=\"a\",instance=~\"x,y\"},node_load1" param_start=1 status=success`
	lineThanos = `ts=2026-11-22T18:37:53Z caller=handler.go:222 level=info msg="slow query detected" method=GET host=thanos:9090 path=/api/v1/query remote_user= remote_addr=10.0.0.1:4711 time_taken=6.1s grafana_dashboard_uid=- grafana_panel_id=- trace_id=- param_query=up param_dedup=true`
	lineVM     = "2026-11-22T18:37:51.299Z\twarn\tVictoriaMetrics/app/vmselect/main.go:136\tslow query according to -search.logSlowQueryDuration=1ms: remoteAddr=\"127.0.0.1:53328\", duration=0.019 seconds; requestURI: \"/api/v1/query_range?query=count(%7B__name__%3D~%22vm_.*%22%7D)&start=1795370871&end=1795372671&step=1\""
	lineVMStat = "2026-11-22T18:37:51.299+0200\tinfo\tVictoriaMetrics/app/vmselect/prometheus/prometheus.go:99\tvm_slow_query_stats type=instant query=\"sum(rate(m{a=\\\"b\\\"}))\" query_hash=12 start_ms=1 end_ms=2 step_ms=1 range_ms=1 tenant=\"0\" execution_duration_ms=5 series_fetched=1 samples_fetched=2 bytes=3 memory_estimated_bytes=4"
)

func at(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

func TestLines(t *testing.T) {
	const minimal = `{"time":"2026-11-22T18:00:00Z","params":{"query":"up"}`
	minimalAt := at("2026-11-22T18:00:00Z")
	tests := map[string]struct {
		format string
		line   string
		want   entry
		err    string // "other" for errOther
	}{
		"2.x rule": {line: lineV2Rule, want: entry{
			texts: []string{"sum by (job) (up)"}, lang: sentei.PromQL, time: at("2026-11-22T18:36:44.068Z"),
			origin: origin{rule: true, file: "/etc/prometheus/rules.yml", group: "g1"},
		}},
		"2.x request": {line: lineV2HTTP, want: entry{
			texts: []string{`rate(prometheus_http_requests_total{code="200"}[1m])`}, lang: sentei.PromQL,
			time: at("2026-11-22T18:36:53.786Z"), origin: origin{path: "/api/v1/query"},
		}},
		"3.x request": {line: lineV3HTTP, want: entry{
			texts: []string{`sum by (job) (up{job=~"1|2"})`}, lang: sentei.PromQL,
			time: at("2026-11-22T18:38:48.287110947Z"), origin: origin{path: "/api/v1/query_range"},
		}},
		"3.x rule, zone of its own": {line: lineV3Rule, want: entry{
			texts: []string{"up > 0"}, lang: sentei.PromQL, time: at("2026-11-22T18:38:48.287346897Z"),
			origin: origin{rule: true, file: "/etc/rules.yml", group: "g1"},
		}},
		"3.x error": {line: lineFailed, want: entry{
			texts: []string{"up + on() up"}, lang: sentei.PromQL, time: at("2026-11-22T18:38:48.287346897Z"), failed: true,
			origin: origin{rule: true, file: "/etc/rules.yml", group: "g1"},
		}},
		"cancelled is asked": {
			line: minimal + `,"error":"query was canceled in expression evaluation"}`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt},
		},
		"timed out is asked": {
			line: minimal + `,"error":"query timed out in expression evaluation"}`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt},
		},
		"error as an object is asked": {
			line: minimal + `,"error":{}}`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt},
		},
		"error null": {
			line: minimal + `,"error":null}`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt},
		},
		"empty rule group": {
			line: minimal + `,"ruleGroup":{"file":"","name":""}}`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt},
		},
		"rule group without members": {
			line: minimal + `,"ruleGroup":{}}`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt},
		},
		"unknown keys, any order, spaces": {
			line: `{"x":[1,{"query":"no"}], "params" : {"z":"\"query\":\"no\"","query":"a\tb\u003e\"\\\"\ud83d\ude00"},"ts":"2026-11-22T18:00:00Z"}` + "\r",
			want: entry{texts: []string{"a\tb>\"\\\"😀"}, lang: sentei.PromQL, time: minimalAt},
		},
		"invalid UTF-8": {
			line: `{"time":"2026-11-22T18:00:00Z","params":{"query":"up{a=\"` + "\xff" + `\"}"}}`,
			want: entry{texts: []string{"up{a=\"\uFFFD\"}"}, lang: sentei.PromQL, time: minimalAt},
		},
		"no query":               {line: `{"time":"2026-11-22T18:00:00Z","params":{}}`, err: "params.query is missing"},
		"no params":              {line: `{"time":"2026-11-22T18:00:00Z"}`, err: "params.query is missing"},
		"no time":                {line: `{"params":{"query":"up"}}`, err: "time is missing"},
		"bad time":               {line: `{"time":"yesterday","params":{"query":"up"}}`, err: "yesterday"},
		"time out of range":      {line: `{"time":"9999-11-22T18:00:00Z","params":{"query":"up"}}`, err: "out of range"},
		"query is no string":     {line: `{"time":"2026-11-22T18:00:00Z","params":{"query":1}}`, err: "not the JSON"},
		"cut short":              {line: lineV3HTTP[:300], err: "not the JSON"},
		"two lines run together": {line: lineV3HTTP[:300] + lineV3HTTP, err: "not the JSON"},
		"garbage":                {line: "\x00\x00\x00", err: "in no known format"},
		"text":                   {line: "panic: runtime error", err: "in no known format"},
		"text in a pure log":     {format: "prometheus", line: "panic: runtime error", err: "not in the format"},
		"text in a process log":  {format: "mimir", line: "panic: runtime error", err: "other"},
		"query of another log":   {format: "thanos", line: lineV3HTTP, err: "not in the format thanos"},

		"mimir": {line: lineMimir, want: entry{
			texts: []string{`sum(rate(http_requests_total{code=~"5.."}[5m]))`}, lang: sentei.PromQL,
			time: at("2026-11-22T18:37:51.268111222Z"), origin: origin{path: "/prometheus/api/v1/query_range"},
			dialect: "query-frontend",
		}},
		"mimir series": {line: lineSeries, want: entry{
			texts: []string{`up{job="a",instance=~"x,y"}`, "node_load1"}, lang: sentei.PromQL,
			time: at("2026-11-22T18:37:52Z"), origin: origin{path: "/prometheus/api/v1/series"}, dialect: "query-frontend",
		}},
		"mimir remote read": {
			line: `ts=2026-11-22T18:00:00Z level=info msg="query stats" path=/prometheus/api/v1/read status=success`,
			want: entry{lang: sentei.PromQL, time: minimalAt, blind: true, origin: origin{path: "/prometheus/api/v1/read"}, dialect: "query-frontend"},
		},
		"mimir remote read with matchers": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/api/v1/read param_matchers_0="{__name__=\"up\",a=~\"b\"}" param_start_0=1`,
			want: entry{texts: []string{`{__name__="up",a=~"b"}`}, lang: sentei.PromQL, time: minimalAt, origin: origin{path: "/api/v1/read"}, dialect: "query-frontend"},
		},
		"mimir labels without match": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/prometheus/api/v1/labels status=success`, err: "other",
		},
		"mimir failed": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/p status=failed err="vector cannot contain metrics with the same labelset" param_query=up`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, failed: true, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir failed to parse": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/p status=failed status_code=400 err="invalid parameter \"query\": 1:4: parse error: unexpected end of input" param_query=sum(`,
			want: entry{texts: []string{"sum("}, lang: sentei.PromQL, time: minimalAt, failed: true, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir bad request without a reason": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/p status_code=400 param_query=up`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, failed: true, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir limit is asked": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/p status=failed status_code=422 err="expanding series: the query time range exceeds the limit (err-mimir-max-query-length)" param_query=up`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir failed without a reason is asked": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/p status=failed status_code=422 param_query=up`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir canceled is asked": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/p status=canceled err="context canceled" param_query=up`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir asked by sentei": {
			line: `ts=2026-11-22T18:00:00Z msg="query stats" path=/p user_agent=sentei/1.0 param_query=up`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, own: true, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir as JSON": {
			line: `{"ts":"2026-11-22T18:00:00Z","level":"info","msg":"query stats","path":"/p","param_query":"up","status":"success","fetched_series_count":3}`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},
		"mimir something else": {line: `ts=2026-11-22T18:00:00Z level=info msg="ring updated" x`, err: "other"},
		"mimir torn":           {line: lineMimir[:strings.Index(lineMimir, "5m]")], err: "param_query is not closed"},
		"thanos slow": {line: lineThanos, want: entry{
			texts: []string{"up"}, lang: sentei.PromQL, time: at("2026-11-22T18:37:53Z"),
			origin: origin{path: "/api/v1/query"}, slow: true, dialect: "query-frontend",
		}},
		"thanos failed": {
			line: `ts=2026-11-22T18:00:00Z level=error msg="failed query" path=/p error="multiple matches for labels: grouping labels must ensure unique matches" param_query=up`,
			want: entry{texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, failed: true, origin: origin{path: "/p"}, dialect: "query-frontend"},
		},

		"victoriametrics": {line: lineVM, want: entry{
			texts: []string{`count({__name__=~"vm_.*"})`}, lang: sentei.MetricsQL, time: at("2026-11-22T18:37:51.299Z"),
			origin: origin{path: "/api/v1/query_range"}, slow: true, dialect: "victoriametrics",
		}},
		"victoriametrics, everything logged": {
			line: strings.Replace(lineVM, "=1ms", "=1ns", 1),
			want: entry{
				texts: []string{`count({__name__=~"vm_.*"})`}, lang: sentei.MetricsQL, time: at("2026-11-22T18:37:51.299Z"),
				origin: origin{path: "/api/v1/query_range"}, dialect: "victoriametrics",
			},
		},
		"victoriametrics stats": {line: lineVMStat, want: entry{
			texts: []string{`sum(rate(m{a="b"}))`}, lang: sentei.MetricsQL, time: at("2026-11-22T16:37:51.299Z"),
			slow: true, dialect: "victoriametrics",
		}},
		"victoriametrics as JSON": {
			line: `{"ts":"2026-11-22T18:00:00.000Z","level":"warn","caller":"x","msg":"slow query according to -search.logSlowQueryDuration=1ns: remoteAddr=\"a\", duration=0.001 seconds; requestURI: \"/api/v1/series?match[]=up&match%5B%5D=down\""}`,
			want: entry{texts: []string{"up", "down"}, lang: sentei.MetricsQL, time: minimalAt, origin: origin{path: "/api/v1/series"}, dialect: "victoriametrics"},
		},
		"victoriametrics something else": {line: "2026-11-22T18:37:51.299Z\tinfo\tVictoriaMetrics/lib/x.go:1\tstarted", err: "other"},
		"victoriametrics torn":           {line: lineVM[:len(lineVM)-5], err: "requestURI is not quoted"},

		"CRI": {line: "2026-11-22T19:00:00.1Z stdout F " + lineV3HTTP, want: entry{
			texts: []string{`sum by (job) (up{job=~"1|2"})`}, lang: sentei.PromQL,
			time: at("2026-11-22T18:38:48.287110947Z"), origin: origin{path: "/api/v1/query_range"},
		}},
		"CRI gives the time": {line: `2026-11-22T18:00:00Z stderr F msg="query stats" path=/p param_query=up`, want: entry{
			texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, origin: origin{path: "/p"}, dialect: "query-frontend",
		}},
		"CRI, split": {line: "2026-11-22T19:00:00.1Z stdout P " + lineV3HTTP[:99], err: "split"},
		"Docker": {line: `{"log":"ts=2026-11-22T18:00:00Z msg=\"query stats\" path=/p param_query=up\n","stream":"stdout","time":"2026-11-22T18:00:01Z"}`, want: entry{
			texts: []string{"up"}, lang: sentei.PromQL, time: minimalAt, origin: origin{path: "/p"}, dialect: "query-frontend",
		}},
		"Docker, split": {line: `{"log":"ts=2026","stream":"stdout","time":"2026-11-22T18:00:01Z"}`, err: "split"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := lineParser(tt.format)
			if err != nil {
				t.Fatal(err)
			}
			var got entry
			err = p.full([]byte(tt.line), &got)
			if tt.err != "" {
				if tt.err == "other" && !errors.Is(err, errOther) || tt.err != "other" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Fatalf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(entry{}, origin{})); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
		})
	}
}
