package promapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCardinality(t *testing.T) {
	const recorded = `{"series_count_total":13014,"labels":[{"label_name":"team","label_values_count":3,"series_count":13010,` +
		`"cardinality":[{"label_value":"bi","series_count":8007},{"label_value":"ml","series_count":5001}]}]}`
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.FormValue("label_names[]")+" "+r.FormValue("selector")+" "+r.FormValue("count_method")+" "+r.FormValue("limit"), `team {a="b"} active 2`; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		w.Write([]byte(recorded))
	})
	got, err := c.Cardinality(t.Context(), "team", `{a="b"}`, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := Cardinality{Tenant: 13014, Values: 3, Series: 13010, Top: []NameCount{{"bi", 8007}, {"ml", 5001}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cardinality (-want +got):\n%s", diff)
	}
	if got.Complete() {
		t.Error("two values of three are called complete")
	}
	got.Top = append(got.Top, NameCount{"ops", 1})
	if got.Complete() {
		t.Error("13009 series of 13010 are called complete")
	}
	got.Top[2].Value = 2
	if !got.Complete() {
		t.Error("all values are not called complete")
	}
}

func TestCardinalityFailures(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		off    bool
		err    string
	}{
		"off":          {400, "cardinality analysis is disabled for the tenant: a", true, "disabled for the tenant: a"},
		"not there":    {404, "404 page not found", true, "set -querier.cardinality-analysis-enabled"},
		"limit":        {400, "'limit' param cannot be greater than '500'", false, "cannot be greater than"},
		"error in 200": {200, `{"data":[],"status":"error","error":"error merging"}`, false, "error merging"},
		"other label":  {200, `{"series_count_total":1,"labels":[{"label_name":"x","label_values_count":0,"series_count":0}]}`, false, "not what the API promises"},
		"no counts":    {200, `{"series_count_total":1,"labels":[{"label_name":"job"}]}`, false, "lacks counts"},
		"no total":     {200, `{"labels":[]}`, false, "not one of the API"},
		"half":         {200, `{"series_count_total":1,"lab`, false, "ended early"},
		"a login page": {200, `<html>`, false, "HTML"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, reply(tt.status, "application/json", tt.body))
			_, err := c.Cardinality(t.Context(), "job", "", 500)
			if err == nil || !strings.Contains(err.Error(), tt.err) || errors.Is(err, ErrNoCardinality) != tt.off {
				t.Errorf("got error %v, want one with %q", err, tt.err)
			}
		})
	}
}

func TestParamsAndHeaders(t *testing.T) {
	cfg := DefaultConfig()
	if err := cfg.SetHeader("X-Scope-OrgID", "a"); err != nil {
		t.Fatal(err)
	}
	if err := cfg.SetHeader("x-scope-orgid", "b"); err == nil || !strings.Contains(err.Error(), "http_headers sets X-Scope-OrgID as well") {
		t.Errorf("the same header twice: %v", err)
	}
	cfg.Params = map[string][]string{"dedup": {"true"}, "replicaLabels[]": {"a", "b"}}
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		seen = append(seen, r.Method+" "+r.Header.Get("X-Scope-OrgID")+" "+r.Form.Encode())
		w.Write([]byte(`{"status":"success","isPartial":true,"data":[]}`))
	}))
	t.Cleanup(server.Close)
	cfg.URL = server.URL
	c, epoch := newClient(t, cfg), time.UnixMilli(0)
	_, warnings, err := c.LabelValues(t.Context(), "job", "", epoch, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "partial") {
		t.Errorf("warnings %q of a partial answer", warnings)
	}
	if _, _, err := c.Series(t.Context(), "up", epoch, epoch, 0); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET a dedup=true&end=0.000&replicaLabels%5B%5D=a&replicaLabels%5B%5D=b&start=0.000",
		"POST a dedup=true&end=0.000&match%5B%5D=up&replicaLabels%5B%5D=a&replicaLabels%5B%5D=b&start=0.000",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
