package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
	"github.com/sentei/sentei/internal/store"
)

// schema is what the tests understand of JSON Schema; openapi.json uses no more.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 any                `json:"type"` // a name, or several
	Enum                 []string           `json:"enum"`
	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	Items                *schema            `json:"items"`
	AdditionalProperties any                `json:"additionalProperties"` // false, or a schema
	Format               string             `json:"format"`
	Description          string             `json:"description"`
	Minimum              *float64           `json:"minimum"`
	Maximum              *float64           `json:"maximum"`
}

type content map[string]struct{ Schema *schema }

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct{ Name, In string }
	RequestBody *struct{ Content content }
	Responses   map[string]struct{ Content content }
}

type openAPI struct {
	OpenAPI    string
	Paths      map[string]map[string]*operation
	Components struct{ Schemas map[string]*schema }
}

func readDescription(t *testing.T) *openAPI {
	t.Helper()
	var d openAPI
	if err := json.Unmarshal(description, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// check returns what in the value differs from the schema.
func (d *openAPI) check(s *schema, v any, at string) []string {
	if s == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if d.Components.Schemas[name] == nil {
			return []string{at + ": there is no schema " + name}
		}
		return d.check(d.Components.Schemas[name], v, at)
	}
	var types []string
	switch t := s.Type.(type) {
	case string:
		types = []string{t}
	case []any:
		for _, name := range t {
			types = append(types, name.(string))
		}
	}
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	is := "null"
	switch v := v.(type) {
	case string:
		is = "string"
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			fail("%q is none of %q", v, s.Enum)
		}
	case bool:
		is = "boolean"
	case float64:
		is = "number"
		if slices.Contains(types, "integer") && v == float64(int64(v)) {
			is = "integer"
		}
	case []any:
		is = "array"
		for i := range v {
			wrong = append(wrong, d.check(s.Items, v[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		is = "object"
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				fail("%s is missing", name)
			}
		}
		for name, value := range v {
			if p := s.Properties[name]; p != nil {
				wrong = append(wrong, d.check(p, value, at+"."+name)...)
			} else if s.AdditionalProperties == false {
				fail("%s is not described", name)
			}
		}
	}
	if len(types) > 0 && !slices.Contains(types, is) {
		fail("is %s, want %v", is, types)
	}
	return wrong
}

// ask sends a request, and checks the answer against the description.
func (d *openAPI) ask(t *testing.T, h http.Handler, pattern string, req *http.Request, code int) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Code != code {
		t.Errorf("%s %s: %d, want %d: %.500s", req.Method, req.URL, w.Code, code, w.Body)
		return nil
	}
	method, path, _ := strings.Cut(pattern, " ")
	described, ok := d.Paths[path][strings.ToLower(method)].Responses[fmt.Sprint(code)]
	if !ok {
		t.Errorf("%s: the answer %d is not described", pattern, code)
		return nil
	}
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%s: %v in %s", pattern, err, w.Body)
	}
	for _, wrong := range d.check(described.Content["application/json"].Schema, v, pattern) {
		t.Error(wrong)
	}
	return w.Body.Bytes()
}

// testReport is the realistic report with what else a report can hold.
func testReport() *sentei.Report {
	r := reporttest.Report()
	p := r.Proposals[0]
	p.State = sentei.Applied
	r.Tracked = append(r.Tracked, sentei.Tracked{Proposal: p, AppliedAt: r.At, Decision: sentei.Decision{Proposal: p.ID, State: sentei.Accepted, By: "ana", At: r.At}})
	return r
}

func TestEveryRouteIsDescribed(t *testing.T) {
	h := newTest(t, testReport(), nil)
	d := readDescription(t)
	var want, got []string
	for _, r := range h.api() {
		want = append(want, r.pattern)
	}
	for path, operations := range d.Paths {
		for method := range operations {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d.OpenAPI != "3.1.0" {
		t.Errorf("version %q", d.OpenAPI)
	}
}

func TestAnswersAreAsDescribed(t *testing.T) {
	r := testReport()
	keeper := &memory{reports: []store.ReportInfo{{ID: store.ReportID(r.At), At: r.At, Summary: store.Summary{Verdicts: map[sentei.Verdict]store.Sum{sentei.Used: {Count: 1}}}}},
		points: []store.MetricPoint{{At: r.At, Verdict: sentei.Used, Series: 3, PerMonth: 0.02, Currency: "EUR"}}}
	h := newTest(t, r, func(o *Options) { o.Decider, o.Deliveries = keeper, someDeliveries{} })
	none := newTest(t, nil, nil)
	d := readDescription(t)
	m, p := &r.Metrics[0], &r.Proposals[0]
	fill := strings.NewReplacer("{backend}", m.Backend, "{name}", m.Name, "{id}", p.ID)
	missing := strings.NewReplacer("{backend}", "x", "{name}", "x", "{id}", "x")
	for _, route := range h.api() {
		method, path, _ := strings.Cut(route.pattern, " ")
		if method != http.MethodGet {
			continue
		}
		d.ask(t, h, route.pattern, httptest.NewRequest(method, fill.Replace(path), nil), http.StatusOK)
		responses := d.Paths[path]["get"].Responses
		if _, ok := responses["404"]; ok {
			d.ask(t, h, route.pattern, httptest.NewRequest(method, missing.Replace(path), nil), http.StatusNotFound)
		}
		if _, ok := responses["503"]; ok {
			d.ask(t, none, route.pattern, httptest.NewRequest(method, fill.Replace(path), nil), http.StatusServiceUnavailable)
		}
	}
	for _, bad := range []string{
		"inventory?verdict=perhaps", "inventory?sort=color", "inventory?order=up", "inventory?limit=-1", "inventory?limit=5000", "inventory?offset=x",
		"proposals?state=open", "proposals?grade=D", "relabel?dialect=klingon", "relabel?state=x",
		"metrics?mode=sharp", "metrics?used=perhaps", "metrics?mode=regex&metric_name=(",
	} {
		path, _, _ := strings.Cut("/api/v1/"+bad, "?")
		d.ask(t, h, "GET "+path, httptest.NewRequest(http.MethodGet, "/api/v1/"+bad, nil), http.StatusBadRequest)
	}
	if w := get(t, h, "/api/v1/nothing"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `"errorType":"not_found"`) {
		t.Errorf("an unknown path: %d %s", w.Code, w.Body)
	}
}

func TestInventoryFiltersSortsAndPages(t *testing.T) {
	r := reporttest.Report()
	h := newTest(t, r, nil)
	list := func(query string) (names []string, total int) {
		var a struct {
			Data struct {
				Items []metricItem
				Total int
			}
		}
		w := get(t, h, "/api/v1/inventory?"+query)
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		for _, m := range a.Data.Items {
			names = append(names, m.Backend+"/"+m.Name)
		}
		return names, a.Data.Total
	}
	all, total := list("limit=1000&sort=name")
	if total != len(r.Metrics) || len(all) != total {
		t.Fatalf("%d of %d, the report has %d", len(all), total, len(r.Metrics))
	}
	down, _ := list("limit=1000&sort=name&order=desc")
	slices.Reverse(down)
	if diff := cmp.Diff(all, down); diff != "" {
		t.Error(diff)
	}
	var paged []string
	for offset := 0; offset < total; offset += 7 {
		part, n := list(fmt.Sprintf("limit=7&sort=name&offset=%d", offset))
		if n != total {
			t.Errorf("total %d", n)
		}
		paged = append(paged, part...)
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Error(diff)
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		got, _ := list("limit=1000&q=" + strings.ToUpper(m.Name) + "&backend=" + m.Backend + "&verdict=" + strings.ReplaceAll(string(m.Verdict), " ", "+") + "&job=" + m.Jobs[0].Job)
		if !slices.Contains(got, m.Backend+"/"+m.Name) {
			t.Errorf("%s is not found by its own properties: %q", m.Name, got)
		}
	}
	if got, n := list("q=no_such_metric"); n != 0 || got != nil {
		t.Errorf("got %q", got)
	}
}

// The documented answers of perses/metrics-usage, decoded as its clients do.
func TestUsageOfClients(t *testing.T) {
	type metric struct {
		Labels []string
		Usage  *struct {
			Dashboards []struct{ UID, Title, URL string }
			RecordingRules,
			AlertRules []struct {
				PromLink   string `json:"prom_link"`
				GroupName  string `json:"group_name"`
				Name       string
				Expression string
			}
		}
	}
	r := reporttest.Report()
	h := newTest(t, r, nil)
	list := func(query string) map[string]metric {
		var out map[string]metric
		w := get(t, h, "/api/v1/metrics?"+query)
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("%v in %s", err, w.Body)
		}
		return out
	}
	one := list("metric_name=node_filesystem_avail_bytes&mode=exact")["node_filesystem_avail_bytes"]
	if one.Usage == nil || len(one.Usage.AlertRules) == 0 || len(one.Usage.Dashboards) == 0 || !slices.Contains(one.Labels, "job") || !slices.Contains(one.Labels, "mountpoint") {
		t.Errorf("got %+v", one)
	}
	if rule := one.Usage.AlertRules[0]; rule.Expression == "" || rule.GroupName == "" || rule.Name == "" {
		t.Errorf("the rule is %+v", rule)
	}
	if len(list("metric_name=nodefsavail")) != 1 || len(list("metric_name=^node_&mode=regex")) < 3 || len(list("")) == 0 {
		t.Error("fuzzy or regex do not match")
	}
	// What is unknown must never look unused to a client.
	unused, used := list("used=false"), list("used=true")
	for i := range r.Metrics {
		m := &r.Metrics[i]
		_, listed := unused[m.Name]
		if listed && m.Verdict != sentei.Unused {
			t.Errorf("%s is %s, and listed as unused", m.Name, m.Verdict)
		}
		if _, both := used[m.Name]; both == listed {
			t.Errorf("%s is listed as used: %v, as unused: %v", m.Name, both, listed)
		}
	}
	if w := get(t, h, "/api/v1/metrics/up"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"usage"`) {
		t.Errorf("up: %d %s", w.Code, w.Body)
	}
}
