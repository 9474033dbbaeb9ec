package grafana

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a dashboard does not tell must not be taken for nothing.
func TestUntold(t *testing.T) {
	const panel = `{"title": "P", "libraryPanel": {"uid": "x", "name": "X"}, "targets": [{"expr": "up"}]}`
	missing := `dashboard "D", panel "P", a.json:1: OPAQUE library panel "X" (uid x) is in none of the files`
	up := `dashboard "D", panel "P", a.json:1: up`
	const form = "the form of the query is not known: it has no expr, but "
	classic := func(target string) string {
		return `{"title": "D", "panels": [{"title": "P", "datasource": {"type": "prometheus", "uid": "p"}, "targets": [` + target + `]}]}`
	}
	otherwise := func(fields string) string { return `dashboard "D", panel "P", a.json:1: OPAQUE ` + form + fields }
	tests := map[string]struct {
		in   string
		want []string
	}{
		"library panel with a copy":       {`{"title": "D", "panels": [` + panel + `]}`, []string{up, missing}},
		"in a row":                        {`{"title": "D", "rows": [{"panels": [` + panel + `]}]}`, []string{up, missing}},
		"without meta":                    {`{"dashboard": {"title": "D", "panels": [` + panel + `]}}`, []string{up, missing}},
		"answer of the API":               {`{"meta": {}, "dashboard": {"title": "D", "panels": [` + panel + `]}}`, []string{up}},
		"answer, then a file in one list": {`[{"meta": {}, "dashboard": {"title": "D", "panels": [` + panel + `]}}, {"title": "D", "panels": [` + panel + `]}]`, []string{up, up, missing}},
		"answer without a copy": {`{"meta": {}, "dashboard": {"title": "D", "panels": [{"title": "P", "libraryPanel": {"uid": "x", "name": "X"}}]}}`,
			[]string{missing}},
		"no expression but another field": {classic(`{"refId": "A", "promql": "up"}`), []string{otherwise("promql")}},
		"two fields":                      {classic(`{"refId": "A", "rawSql": "x", "builder": {"metric": "up"}}`), []string{otherwise("builder, rawSql")}},
		"null":                            {classic(`{"expr": null, "queries": ["up"]}`), []string{otherwise("queries")}},
		"empty expression":                {classic(`{"expr": "", "rawSql": "x"}`), nil},
		"empty fields":                    {classic(`{"refId": "A", "a": "", "b": null, "c": [], "d": {}, "e": false}`), nil},
		"fields that ask nothing": {classic(`{"refId": "A", "datasource": {"type": "prometheus", "uid": "p"}, "hide": true, "legendFormat": "x",
			"interval": "1m", "format": "table", "instant": true, "range": true, "editorMode": "code", "exemplar": true, "intervalFactor": 2,
			"step": 4, "key": "k", "requestId": "1A", "queryType": "range", "useBackend": true, "fullMetaSearch": true,
			"includeNullMetadata": true, "disableTextWrap": true, "adhocFilters": [{"key": "a", "operator": "=", "value": "b"}]}`), nil},
		"of another plugin": {`{"title": "D", "panels": [{"title": "P", "datasource": {"type": "mysql", "uid": "m"}, "targets": [{"rawSql": "x"}]}]}`, nil},
		"of no stated type": {`{"title": "D", "panels": [{"title": "P", "targets": [{"rawSql": "x"}]}]}`, nil},
		"of Grafana itself": {`{"title": "D", "panels": [{"title": "P", "datasource": {"type": "datasource", "uid": "-- Dashboard --"}, "targets": [{"panelId": 2}]}]}`, nil},
		"schema 2": {`{"title": "D", "layout": {}, "elements": {"a": {"kind": "Panel", "spec": {"title": "P", "data": {"spec": {"queries": [
			{"spec": {"query": {"kind": "prometheus", "spec": {"promql": "up"}}}}]}}}}}}`, []string{`dashboard "D", panel "P", a.json:2: OPAQUE ` + form + "promql"}},
		"library panel of schema 2 without its name": {`{"title": "D", "layout": {}, "elements": {"a": {"kind": "LibraryPanel", "spec": {"title": "P"}}}}`,
			[]string{`dashboard "D", panel "P", a.json:1: OPAQUE the panel is a library panel, but does not say which`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := Read("a.json", []byte(tt.in))
			if err != nil || len(file.Issues) > 0 {
				t.Fatal(err, file.Issues)
			}
			var got []string
			for _, d := range file.Dashboards {
				for _, q := range d.Queries(nil) {
					line := fmt.Sprintf("%s: %s", q.Location, q.Expression.Text)
					if q.Opaque != "" {
						line += "OPAQUE " + q.Opaque
					}
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
