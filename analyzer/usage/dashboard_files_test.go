package usage

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/files"
)

const (
	boardA = `{"title": "A", "uid": "a", "schemaVersion": 41, "panels": [
 {"id": 1, "title": "Up", "datasource": {"type": "prometheus", "uid": "prom1"}, "targets": [{"expr": "up"}, {"expr": "up"}]},
 {"id": 2, "title": "Other", "datasource": "Elsewhere", "targets": [{"expr": "other_total"}]},
 {"id": 3, "title": "Default", "targets": [{"expr": "default_total"}]},
 {"id": 4, "title": "VM", "datasource": {"type": "victoriametrics-metrics-datasource", "uid": "vm"}, "targets": [{"expr": "vm_total"}]}]}`
	boardB = `{"title": "B", "schemaVersion": 41, "templating": {"list": [
 {"name": "env", "type": "custom", "query": "prod,test"},
 {"name": "job", "type": "query", "query": "label_values(up, job)"},
 {"name": "Filters", "type": "adhoc"}]},
 "panels": [{"id": 1, "title": "Shared", "libraryPanel": {"uid": "lib", "name": "Shared"}}]}`
	libraryPanel = `{"result": {"elements": [{"uid": "lib", "name": "Shared", "kind": 1,
 "model": {"targets": [{"expr": "shared_total{env=\"$env\"}"}]}}]}}`
)

func TestDashboardFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"boards/a.json":            boardA,
		"boards/below/b.json":      boardB,
		"boards/below/readme.md":   "",
		"boards/.git/x.json":       "{",
		"library/lib.json":         libraryPanel,
		"broken/broken.json":       "{\n  \"panels\": [\n}",
		"broken/package.json":      `{"name": "x"}`,
		"broken/cm.yaml":           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a.json: |\n    {\"panels\": [\n",
		"alerts/grafana.yml":       "apiVersion: 1\ngroups:\n- name: g\n  folder: f\n  rules:\n  - uid: u\n    title: Alert\n    data:\n    - {refId: A, datasourceUid: prom1, model: {expr: alert_total}}\n",
		"alerts/record.json":       `{"uid": "r", "title": "R", "labels": {"a": "b"}, "record": {"metric": "m", "from": "A", "target_datasource_uid": "p"}, "data": [{"refId": "A", "datasourceUid": "p", "model": {"expr": "in_total"}}]}`,
		"boards-yaml/dashboard.md": "",
	})
	a := []string{
		`dashboard A [dashboard "A", panel "Up", boards/a.json:2]: up /d/a`,
		`dashboard A [dashboard "A", panel "Other", boards/a.json:3]: other_total /d/a`,
		`dashboard A [dashboard "A", panel "Default", boards/a.json:4]: default_total /d/a`,
		`dashboard A [dashboard "A", panel "VM", boards/a.json:5]: vm_total (metricsql) /d/a`,
	}
	variable := `dashboard B [dashboard "B", variable job, boards/below/b.json:3]: label_values(up, job) (variable) (ad hoc)`
	tests := map[string]struct {
		options string
		want    []string
	}{
		"folder with library panels": {"{paths: [boards], library_panels: [library]}", append(a[:4:4],
			variable, `dashboard B [dashboard "B", panel "Shared", library/lib.json:2]: shared_total{env="$env"} (template) (ad hoc) $env=prod|test`)},
		"library panels among the dashboards": {"paths: [boards/below, library/lib.json]", []string{
			variable, `dashboard B [dashboard "B", panel "Shared", library/lib.json:2]: shared_total{env="$env"} (template) (ad hoc) $env=prod|test`}},
		"missing library panel": {"paths: [boards/below/b.json]", []string{
			variable, `dashboard B [dashboard "B", panel "Shared", boards/below/b.json:5]:  (ad hoc) OPAQUE library panel "Shared" (uid lib) is in none of the files`}},
		"data sources": {"{paths: [boards/a.json], datasources: [prom1]}", []string{a[0], a[2],
			"data source Elsewhere: its queries are left out, because datasources does not list it",
			"data source vm: its queries are left out, because datasources does not list it"}},
		"language": {"{paths: [boards/a.json], lang: metricsql, datasources: [prom1]}", []string{
			`dashboard A [dashboard "A", panel "Up", boards/a.json:2]: up (metricsql) /d/a`,
			`dashboard A [dashboard "A", panel "Default", boards/a.json:4]: default_total (metricsql) /d/a`,
			"data source Elsewhere: its queries are left out, because datasources does not list it",
			"data source vm: its queries are left out, because datasources does not list it"}},
		"alert rules": {"paths: [alerts/*]", []string{
			`alerting rule Alert [alerts/grafana.yml:9, group f/g]: alert_total /alerting/grafana/u/view`,
			`recording rule m [alerts/record.json:1]: in_total records mmap[a:b] /alerting/grafana/r/view`}},
		"broken": {"paths: [broken/*]", []string{
			"BLOCKING broken/broken.json:3:1: invalid character '}' looking for beginning of value",
			"BLOCKING broken/cm.yaml:6: ConfigMap c, key a.json: unexpected end of JSON input",
			"BLOCKING broken/package.json:1: the document is no dashboard, but an object with name"}},
		"dashboards as library panels": {"{paths: [library], library_panels: [boards/a.json]}", []string{
			"BLOCKING boards/a.json: library_panels names a file with dashboards or alert rules: name it in paths"}},
		"no file":  {"paths: [nowhere, boards-yaml]", []string{"BLOCKING nowhere: no file matches nowhere", "BLOCKING boards-yaml: no file matches boards-yaml"}},
		"no paths": {"{}", []string{"error: line 1: dashboard_files: paths: at least one path or glob pattern is needed"}},
		"all wrong": {"{paths: [], library_panels: ['**'], lang: x}", []string{"error: line 1: dashboard_files: paths: at least one path or glob pattern is needed\n" +
			`lang: "x" is unknown; known are promql and metricsql` + "\n" + `library_panels: "**": ** is not supported, name each folder`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readSource(t, dashboardFiles, dir, tt.options)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Grafana goes by the UID of a data source; the type beside it may be wrong.
func TestDashboardFilesDatasources(t *testing.T) {
	const board = `{"title": "T", "panels": [
 {"id": 1, "title": "P", "datasource": {"type": %q, "uid": "p1"}, "targets": [{"expr": "a_total"}]},
 {"id": 2, "title": "L", "datasource": {"type": "loki", "uid": "l1"}, "targets": [{"expr": "{a=\"b\"}"}, {"expr": "{c=\"d\"}"}]},
 {"id": 3, "title": "T", "datasource": {"type": "tempo", "uid": "t1"}, "targets": [{"query": "{ }"}]}],
 "templating": {"list": [{"name": "v", "type": "query", "datasource": {"type": "loki", "uid": "l1"}, "query": "label_values(x)"}]}}`
	dir := writeFiles(t, map[string]string{
		"good/a.json":     fmt.Sprintf(board, "prometheus"),
		"stale/a.json":    fmt.Sprintf(board, "loki"),
		"vm.json":         fmt.Sprintf(board, "victoriametrics-metrics-datasource"),
		"variable.json":   `{"title": "V", "panels": [{"title": "P", "datasource": {"type": "prometheus", "uid": "$ds"}, "targets": [{"expr": "b_total"}]}]}`,
		"stale/none.json": `{"title": "N", "panels": []}`,
		"named/a.json": `{"title": "M", "panels": [{"title": "P", "datasource": {"type": "loki", "uid": "p9"}, "targets": [
			{"expr": "sum(rate(m1[5m]))"}, {"expr": "sum(rate({a=\"b\"}[5m]))"}, {"expr": "rate({a=\"$b\"} |= \"x\" [$__auto])"},
			{"expr": "rate({__name__=\"m2\"}[$__rate_interval])"}]}],
			"templating": {"list": [{"name": "v", "type": "query", "datasource": {"type": "loki", "uid": "p9"}, "query": "label_values(m3, job)"}]}}`,
	})
	good := `dashboard T [dashboard "T", panel "P", good/a.json:2]: a_total`
	stale := `dashboard T [dashboard "T", panel "P", stale/a.json:2]: a_total`
	variable := `dashboard V [dashboard "V", panel "P", variable.json:1]: b_total`
	const loki = "data sources of type loki: their queries are taken for not reading this backend"
	tests := map[string]struct {
		options string
		want    []string
		hints   []string
	}{
		"other types": {"paths: [good]", []string{good, loki}, []string{"2 queries; "}},
		"stale type":  {"paths: [stale]", []string{stale, loki}, []string{"2 queries; "}},
		"stale type of queries that name metrics": {"paths: [named]", []string{
			`dashboard M [dashboard "M", variable v, named/a.json:4]: label_values(m3, job) (variable)`,
			`dashboard M [dashboard "M", panel "P", named/a.json:2]: sum(rate(m1[5m]))`,
			`dashboard M [dashboard "M", panel "P", named/a.json:3]: rate({__name__="m2"}[$__rate_interval]) (template)`,
			loki}, []string{"2 queries; "}},
		"stale type of another data source that names metrics": {"{paths: [named, good], datasources: [p1]}", []string{good,
			"data source p9: its queries are left out, because datasources does not list it", loki}, []string{"3 queries; ", "4 queries; "}},
		"stale type of a UID that is known": {"paths: [good, stale]", []string{good, stale, loki}, []string{"4 queries; "}},
		"stale type of a UID that is known in another language": {"paths: [vm.json, stale]", []string{
			stale + " (metricsql)", `dashboard T [dashboard "T", panel "P", vm.json:2]: a_total (metricsql)`, loki}, []string{"4 queries; "}},
		"stale type of a UID that is listed": {"{paths: [stale], datasources: [p1]}", []string{stale, loki}, []string{"2 queries; "}},
		"listed and not used": {"{paths: [good], datasources: [p2, p3]}", []string{
			`BLOCKING datasources: no query uses the data source "p2", which datasources lists`,
			`BLOCKING datasources: no query uses the data source "p3", which datasources lists`,
			"data source p1: its queries are left out, because datasources does not list it", loki},
			[]string{"queries use l1, p1", "queries use l1, p1", "1 queries; ", "2 queries; "}},
		"one of two is used": {"{paths: [good, vm.json], datasources: [p1, p2]}", []string{good,
			`dashboard T [dashboard "T", panel "P", vm.json:2]: a_total (metricsql)`,
			`BLOCKING datasources: no query uses the data source "p2", which datasources lists`, loki},
			[]string{"queries use l1, p1", "4 queries; "}},
		"listed, and nothing is left out": {"{paths: [variable.json], datasources: [p1]}", []string{variable,
			`datasources: no query uses the data source "p1", which datasources lists`}, []string{"take it out"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readSource(t, dashboardFiles, dir, tt.options)); diff != "" {
				t.Error(diff)
			}
			s, err := buildSource(t, dashboardFiles, dir, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			data, err := s.Consumers(t.Context())
			if err != nil || len(data.Problems) != len(tt.hints) {
				t.Fatalf("%d problems, %v", len(data.Problems), err)
			}
			for i, p := range data.Problems {
				if !strings.Contains(p.Hint, tt.hints[i]) {
					t.Errorf("%s: the hint is %q, without %q", p.Message, p.Hint, tt.hints[i])
				}
			}
		})
	}
}

func TestDashboardFilesBounds(t *testing.T) {
	dir := writeFiles(t, map[string]string{"big.json": "[" + strings.Repeat(" ", files.MaxSize) + "]"})
	want := []string{"BLOCKING big.json: the file is larger than 64 MiB"}
	if diff := cmp.Diff(want, readSource(t, dashboardFiles, dir, "paths: [big.json]")); diff != "" {
		t.Error(diff)
	}
}

func TestDashboardFilesStops(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.json": boardA})
	s, err := buildSource(t, dashboardFiles, dir, "{paths: [a.json], library_panels: [a.json]}")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Consumers(ctx); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
