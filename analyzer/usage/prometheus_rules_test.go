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
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// rulesServer answers by path; queries answers queries that hold its keys.
func rulesServer(t *testing.T, answers, queries map[string]string) Source {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if r.URL.Path == "/api/v1/query" {
			text, ok = `{"status":"success","data":{"resultType":"vector","result":[]}}`, true
			for part, vector := range queries {
				if strings.Contains(r.FormValue("query"), part) {
					text = `{"status":"success","data":{"resultType":"vector","result":` + vector + `}}`
				}
			}
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(server.Close)
	cfg := promapi.DefaultConfig()
	cfg.URL = server.URL
	src, err := newPrometheusRules(prometheusRulesOptions{Config: cfg, Lang: sentei.PromQL},
		source.Env{Backend: "b", Name: "prometheus_rules", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

const someRules = `{"status":"success","data":{"groups":[
  {"name":"g2","file":"/etc/rules.yml","interval":60,"rules":[
    {"type":"alerting","name":"Down","query":"up == 0","health":"err","lastError":"boom",
     "labels":{"severity":"page","team":"{{ query \"team_info\" | first | label \"team\" }}"},
     "annotations":{"summary":"{{ printf \"load{instance='%s'}\" $labels.instance | query | first | value }}","broken":"{{ query }"}},
    {"type":"recording","name":"job:up:sum","query":"sum by (job) (up)","labels":{"team":"a"},"health":"ok"}]},
  {"name":"g1","file":"/etc/rules.yml","interval":60,"rules":[
    {"type":"tracing","name":"New","query":"x"},
    {"type":"alerting","name":"Empty"}]}]}}`

func TestPrometheusRules(t *testing.T) {
	data, err := rulesServer(t, map[string]string{"/api/v1/rules": someRules}, nil).Consumers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g1 := sentei.Location{File: "/etc/rules.yml", Group: "g1"}
	g2 := sentei.Location{File: "/etc/rules.yml", Group: "g2"}
	want := []sentei.Consumer{
		{Kind: sentei.AlertingRule, Name: "Empty", Location: g1, Opaque: "the server does not tell the query of the rule"},
		{
			Kind: sentei.AlertingRule, Name: "New", Location: g1, Expression: sentei.Expression{Text: "x"},
			Opaque: `the rule has the type "tracing", which is neither alerting nor recording`,
		},
		{Kind: sentei.AlertingRule, Name: "Down", Location: g2, Expression: sentei.Expression{Text: "up == 0"}},
		{
			Kind: sentei.AlertingRule, Name: "Down, annotation broken", Location: g2,
			Opaque: `the template cannot be parsed: template: __alert:1: unexpected "}" in operand`,
		},
		{
			Kind: sentei.AlertingRule, Name: "Down, annotation summary", Location: g2,
			Expression: sentei.Expression{Text: "load{instance='${arg1}'}", Template: true},
		},
		{Kind: sentei.AlertingRule, Name: "Down, label team", Location: g2, Expression: sentei.Expression{Text: "team_info"}},
		{
			Kind: sentei.RecordingRule, Name: "job:up:sum", Location: g2, Expression: sentei.Expression{Text: "sum by (job) (up)"},
			Records: "job:up:sum", RecordLabels: map[string]string{"team": "a"},
		},
	}
	ids := make(map[string]bool)
	for i, c := range data.Consumers {
		if c.ID == "" || ids[c.ID] || c.Backend != "b" || c.Source != "prometheus_rules" {
			t.Errorf("identity of %+v", c)
		}
		ids[c.ID] = true
		if i < len(want) {
			want[i].ID, want[i].Backend, want[i].Source = c.ID, c.Backend, c.Source
		}
	}
	if diff := cmp.Diff(want, data.Consumers); diff != "" {
		t.Errorf("consumers (-want +got):\n%s", diff)
	}
	if len(data.Problems) > 0 || data.Window != (sentei.Window{}) {
		t.Errorf("problems %v, window %v", data.Problems, data.Window)
	}
}

func TestPrometheusRulesProblems(t *testing.T) {
	const (
		none    = `{"status":"success","data":{"groups":[]}}`
		runtime = `{"status":"success","data":{"startTime":"2026-11-01T00:00:00Z"}}`
	)
	handlers := func(values ...string) string {
		var vector []map[string]any
		for i := 0; i < len(values); i += 2 {
			vector = append(vector, map[string]any{"metric": map[string]string{"handler": values[i]}, "value": []any{1, values[i+1]}})
		}
		text, err := json.Marshal(vector)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	problem := func(blocking bool, message string) sentei.Problem {
		return sentei.Problem{Backend: "b", Source: "prometheus_rules", Message: message, Blocking: blocking}
	}
	tests := map[string]struct {
		answers, queries map[string]string
		want             []sentei.Problem
	}{
		"quiet": {answers: map[string]string{"/api/v1/rules": none, "/api/v1/status/runtimeinfo": runtime}},
		"a server that does not know its start": {
			answers: map[string]string{"/api/v1/rules": none},
			queries: map[string]string{"(handler) (prometheus_http": handlers("/federate", "12")},
		},
		"rules with a warning": {
			answers: map[string]string{"/api/v1/rules": `{"status":"success","data":{"groups":[]},"warnings":["a ruler is down"]}`},
			want:    []sentei.Problem{problem(true, "the server warns that its list of rules may be incomplete")},
		},
		"federation and remote read": {
			answers: map[string]string{"/api/v1/rules": none, "/api/v1/status/runtimeinfo": runtime},
			queries: map[string]string{"(handler) (prometheus_http": handlers("/api/v1/read", "7", "/federate", "12", "/api/v1/series", "9")},
			want: []sentei.Problem{
				problem(true, "somebody reads through /federate, which no query log shows"),
				problem(true, "somebody reads through /api/v1/read, which no query log shows"),
			},
		},
		"readers that cannot be asked for": {
			answers: map[string]string{"/api/v1/rules": none, "/api/v1/status/runtimeinfo": runtime},
			queries: map[string]string{"(handler) (prometheus_http": handlers("/federate", "12"), "increase(": "{"},
			want: []sentei.Problem{
				problem(true, "whether somebody reads through /federate or /api/v1/read could not be asked"),
				problem(true, "somebody reads through /federate, which no query log shows"),
			},
		},
		"a start that cannot be asked for": {
			answers: map[string]string{"/api/v1/rules": none, "/api/v1/status/runtimeinfo": "<html>"},
			want:    []sentei.Problem{problem(true, "whether somebody reads through /federate or /api/v1/read could not be asked")},
		},
		"many lookups": {
			answers: map[string]string{"/api/v1/rules": none, "/api/v1/status/runtimeinfo": runtime},
			queries: map[string]string{"increase(": handlers("/api/v1/series", "900.5", "/api/v1/label/:name/values", "800")},
			want: []sentei.Problem{
				problem(false, "somebody often looks up labels through /api/v1/series, which no query log shows"),
				problem(false, "somebody often looks up labels through /api/v1/label/:name/values, which no query log shows"),
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := rulesServer(t, tt.answers, tt.queries).Consumers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, data.Problems, cmpopts.IgnoreFields(sentei.Problem{}, "ID", "Hint", "Where")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			for _, p := range data.Problems {
				if p.ID == "" || p.Hint == "" || p.Where == "" {
					t.Errorf("incomplete problem %+v", p)
				}
			}
		})
	}
}

func TestPrometheusRulesFail(t *testing.T) {
	for name, answer := range map[string]string{
		"no such API": "", "half": `{"status":"success","data":{"groups":[{"name":`, "error": `{"status":"error","errorType":"internal","error":"no"}`,
		"no groups": `{"status":"success","data":{}}`,
	} {
		answers := map[string]string{}
		if answer != "" {
			answers["/api/v1/rules"] = answer
		}
		data, err := rulesServer(t, answers, nil).Consumers(t.Context())
		if err == nil || data != nil || !strings.HasPrefix(err.Error(), "read rules: GET http://") {
			t.Errorf("%s: got %v, error %v", name, data, err)
		}
	}
}

func TestPrometheusRulesOptions(t *testing.T) {
	_, err := newPrometheusRules(prometheusRulesOptions{Lang: "sql"}, source.Env{})
	for _, want := range []string{"url is missing", `lang: "sql" is unknown`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	var items []map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(prometheusRules.Doc.Example), &items); err != nil {
		t.Fatal(err)
	}
	node := items[0][prometheusRules.Kind]
	var o prometheusRulesOptions
	if err := node.Load(&o, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if o.URL == "" || o.Lang == "" || o.Concurrency == 0 || o.Timeout == 0 || o.Budget == 0 || o.HTTP.Authorization == nil {
		t.Errorf("the example leaves options out: %+v", o)
	}
}
