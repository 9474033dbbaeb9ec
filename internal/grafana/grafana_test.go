package grafana

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// lines writes all that the file holds.
func lines(file *File, library Library, err error) []string {
	var out []string
	add := func(q Query) {
		s := fmt.Sprintf("%s %q, %s", q.Kind, q.Name, q.Location)
		if q.Location.URL != "" {
			s += " " + q.Location.URL
		}
		s += "\n    " + strings.TrimSpace(q.Expression.Text)
		if q.Opaque != "" {
			s += "OPAQUE: " + q.Opaque
		}
		var notes []string
		note := func(on bool, text string) {
			if on {
				notes = append(notes, text)
			}
		}
		note(q.Expression.VariableQuery, "variable query")
		note(q.Expression.Template, "template")
		note(q.Expression.Lang != "", string(q.Expression.Lang))
		note(q.Datasource != "", "of "+q.Datasource)
		note(q.Other, "other plugin: "+q.Plugin)
		note(q.Records != "", fmt.Sprintf("records %s%v", q.Records, q.RecordLabels))
		for _, v := range q.Expression.Variables {
			notes = append(notes, v.Name+"="+strings.Join(v.Values, "|"))
		}
		if len(notes) > 0 {
			s += "\n    (" + strings.Join(notes, "; ") + ")"
		}
		out = append(out, s)
	}
	for _, d := range file.Dashboards {
		out = append(out, fmt.Sprintf("# dashboard %q, uid %q", d.Title, d.UID))
		for _, q := range d.Queries(library) {
			add(q)
		}
		if names := d.AdHoc(); len(names) > 0 {
			out = append(out, "ad hoc: "+strings.Join(names, ", "))
		}
	}
	for _, p := range file.Panels {
		out = append(out, fmt.Sprintf("# library panel %q, uid %q", p.Name, p.UID))
	}
	if len(file.Alerts) > 0 {
		out = append(out, "# alert rules")
	}
	for _, q := range file.Alerts {
		add(q)
	}
	for _, i := range file.Issues {
		s := fmt.Sprintf("line %d: %s", i.Line, i.Message)
		if !i.Blocking {
			s += " (does not block)"
		}
		out = append(out, s)
	}
	if err != nil {
		out = append(out, "error: "+err.Error())
	}
	return out
}

func readLibrary(t *testing.T) Library {
	t.Helper()
	library := Library{}
	paths, err := filepath.Glob("testdata/library/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("library panels: %v, %v", paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Read(filepath.ToSlash(path), data)
		if err != nil || len(file.Issues) > 0 {
			t.Fatalf("%s: %v, %v", path, err, file.Issues)
		}
		library.Add(file.Panels)
	}
	return library
}

// TestRead reads files of every shape and compares all that is found with the
// golden file of the same name.
func TestRead(t *testing.T) {
	library := readLibrary(t)
	for _, name := range []string{
		"alerts-api.json", "alerts-provisioned.yaml", "alerts-resources.yaml", "alerts-ruler.json", "api-answer.json",
		"classic-v41.json", "elements-list.json", "exported.json", "list.json", "manifests.yaml", "mixin.json", "not.json",
		"perses.json", "resources.json", "rows-v14.json", "v2-spec.json", "v2alpha1.yaml", "v2beta1.json", "variables.json",
		"library/elements.json", "library/none.json", "library/one.json", "library/resource.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			file, err := Read(name, data)
			got := strings.Join(lines(file, library, err), "\n") + "\n"
			golden := filepath.Join("testdata", "golden", strings.ReplaceAll(name, "/", "-")+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	tests := map[string]struct {
		name, in string
		want     []string
	}{
		"broken JSON":        {"a.json", "{\n \"panels\": [}", []string{"error: line 2, column 13: invalid character '}' looking for beginning of value"}},
		"broken YAML":        {"a.yaml", "a: b: c", []string{"error: line 1, column 5: mapping values are not allowed in this context"}},
		"empty":              {"a.json", " \n", []string{"line 0: no dashboard in the file; found nothing"}},
		"empty YAML":         {"a.yml", "# x\n", []string{"line 0: no dashboard in the file; found nothing"}},
		"text":               {"a.json", `"x"`, []string{"line 1: the document is no dashboard, but a string"}},
		"empty object":       {"a.json", `{}`, []string{"line 1: the document is no dashboard, but an empty object"}},
		"empty list":         {"a.json", `[]`, []string{"line 1: the document is no dashboard, but a list"}},
		"list of others":     {"a.json", `[1, {"a": 2}]`, []string{"line 1: the document is no dashboard, but a list"}},
		"manifest":           {"a.yaml", "{apiVersion: v1, kind: Service, metadata: {name: s}}", []string{"line 0: no dashboard in the file; found Service s"}},
		"config map without": {"a.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}", []string{"line 0: no dashboard in the file; found ConfigMap c"}},
		"rules of Prometheus": {"a.yaml", "groups: [{name: g, rules: [{alert: A, expr: up}]}]",
			[]string{"line 1: the document is no dashboard, but an object with groups"}},
		"no gzip": {"a.yaml", "{apiVersion: v1, kind: GrafanaDashboard, metadata: {name: d}, spec: {gzipJson: abcd}}",
			[]string{"line 1: GrafanaDashboard d: unpack gzipJson: unexpected EOF"}},
		"broken inside": {"a.yaml", "{apiVersion: v1, kind: GrafanaDashboard, metadata: {name: d}, spec: {json: '{'}}",
			[]string{"line 1: GrafanaDashboard d: line 1, column 1: unexpected end of JSON input"}},
		"no title": {"dir/the name.json", `{"panels": []}`, []string{`# dashboard "the name", uid ""`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := Read(tt.name, []byte(tt.in))
			if diff := cmp.Diff(tt.want, lines(file, nil, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A stated plugin may be out of date: what Grafana asks counts.
func TestStalePlugins(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string // expression, data source, whether it is of another plugin
	}{
		"the panel's data source wins": {`{"panels": [{"datasource": {"type": "prometheus", "uid": "p"},
			"targets": [{"datasource": {"type": "loki", "uid": "l"}, "expr": "up"}]}]}`, []string{"up p false"}},
		"unless its plugin is not known": {`{"panels": [{"datasource": {"uid": "$ds"},
			"targets": [{"datasource": {"type": "loki", "uid": "l"}, "expr": "up"}]}]}`, []string{"up l true"}},
		"but not a mixed one": {`{"panels": [{"datasource": {"type": "prometheus", "uid": "-- Mixed --"},
			"targets": [{"datasource": {"type": "loki", "uid": "l"}, "expr": "up"}]}]}`, []string{"up l true"}},
		"nor over Grafana's own": {`{"panels": [{"datasource": {"type": "prometheus", "uid": "p"},
			"targets": [{"datasource": {"type": "__expr__", "uid": "__expr__"}, "expr": "$A"}]}]}`, nil},
		"Grafana's own type with another UID": {`{"panels": [
			{"datasource": {"type": "datasource", "uid": "p"}, "targets": [{"expr": "a"}]},
			{"datasource": {"type": "grafana", "uid": "p"}, "targets": [{"expr": "b"}]},
			{"datasource": {"type": "dashboard", "uid": "p"}, "targets": [{"expr": "c"}]},
			{"datasource": {"type": "datasource", "uid": "-- Dashboard --"}, "targets": [{"expr": "d"}]},
			{"datasource": {"type": "datasource", "uid": "grafana"}, "targets": [{"expr": "e"}]},
			{"datasource": {"type": "datasource", "uid": "-- Mixed --"}, "targets": [{"expr": "f"}]}]}`,
			[]string{"a p false", "b p false", "c p false", "e grafana true", "f  false"}},
		"default": {`{"panels": [{"datasource": {"type": "loki", "uid": "default"}, "targets": [{"expr": "up"}]}]}`, []string{"up  false"}},
		"variable of the data source": {`{"panels": [
			{"datasource": {"type": "loki", "uid": "${none}"}, "targets": [{"expr": "a"}]},
			{"datasource": {"type": "loki", "uid": "$ds"}, "targets": [{"expr": "b"}]},
			{"datasource": {"type": "datasource", "uid": "x-$ds"}, "targets": [{"expr": "c"}]}],
			"templating": {"list": [{"name": "ds", "type": "datasource", "query": "loki"}]}}`, []string{"a  false", "b  true", "c  false"}},
		"its language stays": {`{"panels": [
			{"datasource": {"type": "victoriametrics-metrics-datasource", "uid": "${none}"}, "targets": [{"expr": "a"}]}]}`,
			[]string{"a  false metricsql"}},
		"variable": {`{"panels": [], "templating": {"list": [{"name": "v", "type": "query",
			"datasource": {"type": "loki", "uid": "p"}, "query": "label_values(up, job)"}]}}`, []string{"label_values(up, job) p true"}},
		"alert": {`{"uid": "u", "title": "A", "data": [{"datasourceUid": "p",
			"model": {"datasource": {"type": "loki", "uid": "l"}, "expr": "up"}}]}`, []string{"up p false"}},
		"alert of Loki": {`{"uid": "u", "title": "A", "data": [{"datasourceUid": "l",
			"model": {"datasource": {"type": "loki", "uid": "l"}, "expr": "up"}}]}`, []string{"up l true"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := Read("a.json", []byte(tt.in))
			if err != nil || len(file.Issues) > 0 {
				t.Fatal(err, file.Issues)
			}
			queries := file.Alerts
			for _, d := range file.Dashboards {
				queries = append(queries, d.Queries(nil)...)
			}
			var got []string
			for _, q := range queries {
				line := fmt.Sprintf("%s %s %v %s", q.Expression.Text, q.Datasource, q.Other, q.Expression.Lang)
				got = append(got, strings.TrimSpace(line))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQueryText(t *testing.T) {
	tests := []struct {
		in, want string
		known    bool
	}{
		{`"label_values(up, job)"`, "label_values(up, job)", true},
		{`{"query": "up", "qryType": 1}`, "up", true},
		{`{"query": {"query": "up"}}`, "up", true},
		{`{"__legacyStringValue": "up"}`, "up", true},
		{`{"expr": "up"}`, "query_result(up)", true},
		{`{"qryType": 0, "match": "up"}`, "label_names(up)", true},
		{`{"qryType": 0}`, "label_names()", true},
		{`{"qryType": 0, "query": ""}`, "", true},
		{`{"qryType": 1, "label": "a"}`, "label_values(a)", true},
		{`{"qryType": 1, "label": "a", "metric": "up"}`, "label_values(up,a)", true},
		{`{"qryType": 1, "label": "a", "labelFilters": [{"label": "b", "op": "=", "value": "c"}]}`, `label_values({b="c"},a)`, true},
		{`{"qryType": 2, "metric": "node_.*"}`, "metrics(node_.*)", true},
		{`{"qryType": 3, "varQuery": "up"}`, "query_result(up)", true},
		{`{"qryType": 4, "seriesQuery": "up"}`, "up", true},
		{`{"qryType": 5, "classicQuery": "up"}`, "up", true},
		{`{"qryType": 6}`, "", false},
		{`{"refId": "A"}`, "", true},
		{`{"refId": "A", "x": null, "y": ""}`, "", true},
		{`{"refId": "A", "rawSql": "SELECT 1"}`, "", false},
		{`null`, "", true},
	}
	for _, tt := range tests {
		docs, err := parse("a.json", []byte(`{"q": `+tt.in+`}`))
		if err != nil {
			t.Fatal(err)
		}
		got, known := queryText(docs[0].Get("q"))
		if got != tt.want || known != tt.known {
			t.Errorf("%s: got %q, %v, want %q, %v", tt.in, got, known, tt.want, tt.known)
		}
	}
}

func FuzzRead(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.*")
	if err != nil || len(paths) == 0 {
		f.Fatalf("seeds: %v, %v", paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(isYAML(path), data)
	}
	f.Fuzz(func(t *testing.T, yaml bool, data []byte) {
		name := "a.json"
		if yaml {
			name = "a.yaml"
		}
		file, _ := Read(name, data)
		library := Library{}
		library.Add(file.Panels)
		queries := slices.Clone(file.Alerts)
		for _, d := range file.Dashboards {
			queries = append(queries, d.Queries(library)...)
			d.AdHoc()
		}
		for _, q := range queries {
			if q.Location.File != name || q.Location.Line < 1 || (q.Opaque == "") == (strings.TrimSpace(q.Expression.Text) == "") {
				t.Errorf("incomplete query %+v", q)
			}
		}
	})
}
