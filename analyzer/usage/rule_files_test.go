package usage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// writeFiles writes the files to a new folder.
func writeFiles(t *testing.T, content map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// buildSource builds the source from its options.
func buildSource(t *testing.T, info Info, dir, options string) (Source, error) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Load([]byte(options), &doc); err != nil {
		t.Fatal(err)
	}
	return info.Build(doc.Content[0], source.Env{Backend: "prod", Name: info.Kind, Dir: dir})
}

// readSource builds the source and writes all that it finds as lines.
func readSource(t *testing.T, info Info, dir, options string) []string {
	t.Helper()
	s, err := buildSource(t, info, dir, options)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	data, err := s.Consumers(context.Background())
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	return usageLines(t, data, info.Kind)
}

func usageLines(t *testing.T, data *sentei.UsageData, kind string) []string {
	t.Helper()
	var out []string
	ids := map[string]bool{}
	for _, c := range data.Consumers {
		if c.Backend != "prod" || c.Source != kind || c.ID == "" || ids[c.ID] {
			t.Errorf("consumer without its backend, source or own identifier: %+v", c)
		}
		ids[c.ID] = true
		s := fmt.Sprintf("%s %s [%s]: %s", c.Kind, c.Name, c.Location, strings.TrimSpace(c.Text))
		if c.Lang != "" {
			s += " (" + string(c.Lang) + ")"
		}
		if c.VariableQuery {
			s += " (variable)"
		}
		if c.Template {
			s += " (template)"
		}
		if c.AdHoc {
			s += " (ad hoc)"
		}
		for _, v := range c.Variables {
			s += fmt.Sprintf(" $%s=%s", v.Name, strings.Join(v.Values, "|"))
		}
		if c.Records != "" {
			s += fmt.Sprintf(" records %s%v", c.Records, c.RecordLabels)
		}
		if c.Reason != "" {
			s += " because " + c.Reason
		}
		if c.Location.URL != "" {
			s += " " + c.Location.URL
		}
		if c.Opaque != "" {
			s += " OPAQUE " + c.Opaque
		}
		out = append(out, s)
	}
	for _, p := range data.Problems {
		if p.Backend != "prod" || p.Source != kind || p.ID == "" {
			t.Errorf("problem without its backend, source or identifier: %+v", p)
		}
		s := fmt.Sprintf("%s: %s", p.Where, p.Message)
		if p.Blocking {
			s = "BLOCKING " + s
		}
		out = append(out, s)
	}
	return out
}

func TestRuleFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"conf/sentei.yml": "",
		"conf/rules/a.yml": `groups:
- name: node
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {team: infra}
  - alert: Down
    expr: up == 0
    annotations:
      summary: '{{ with printf "build_info{job=%q}" $labels.job | query }}{{ end }}{{ query "x" }}{{ query "x" }}'
      text: '{{ query .q }}'
`,
		"conf/rules/b.yml": `apiVersion: operator.victoriametrics.com/v1beta1
kind: VMRule
spec: {groups: [{name: vm, rules: [{alert: A, expr: up default 0}]}, {name: g, type: graphite, rules: [{alert: G, expr: a.b}]}]}
`,
		"conf/rules/broken.yml": "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up}\n---\na: b: c\n",
		"conf/rules/half.yml":   "groups:\n- name: g\n  rules:\n  - {alert: A}\n  - {alert: B, expr: 'not promql ('}\n",
		"conf/other.yml":        "scrape_configs: []\n",
		"conf/empty.yml":        "groups: []\n",
		"up.yml":                "groups: [{name: u, rules: [{alert: U, expr: up}]}]",
	})
	tests := map[string]struct {
		options string
		want    []string
	}{
		"rules and templates": {"paths: [rules/a.yml]", []string{
			`recording rule job:up:sum [rules/a.yml:4, group node]: sum by (job) (up) records job:up:summap[team:infra]`,
			`alerting rule Down [rules/a.yml:7, group node]: up == 0`,
			`alerting rule Down, annotation summary [rules/a.yml:10, group node]: build_info{job="${arg1}"} (template)`,
			`alerting rule Down, annotation summary [rules/a.yml:10, group node]: x`,
			`alerting rule Down, annotation text [rules/a.yml:11, group node]:  OPAQUE the query in "query .q" is only known when the alert fires`,
		}},
		"languages": {"{paths: [rules/b.yml, ../up.yml], lang: metricsql}", []string{
			`alerting rule U [../up.yml:1, group u]: up (metricsql)`,
			`alerting rule A [rules/b.yml:3, group vm]: up default 0 (metricsql)`,
			`alerting rule G [rules/b.yml:3, group g]: a.b (metricsql) OPAQUE rules of type graphite are not understood`,
		}},
		"absolute":   {"paths: [" + dir + "/up.yml]", []string{`alerting rule U [` + filepath.ToSlash(dir) + `/up.yml:1, group u]: up`}},
		"broken":     {"paths: [rules/broken.yml]", []string{`alerting rule A [rules/broken.yml:4, group g]: up`, `BLOCKING rules/broken.yml:6:5: mapping values are not allowed in this context`}},
		"incomplete": {"paths: [rules/half.yml]", []string{`alerting rule B [rules/half.yml:5, group g]: not promql (`, `BLOCKING rules/half.yml:4: alert A of group g has no expr`}},
		"no rules":   {"paths: [other.yml, empty.yml]", []string{`empty.yml: the file holds no rule: its groups are empty`, `BLOCKING other.yml:1: the document holds no rule groups`}},
		"no file":    {"paths: ['rules/*.rules', rules]", []string{`BLOCKING rules/*.rules: no file matches rules/*.rules`, `BLOCKING rules: is a folder`}},
		"no paths":   {"paths: []", []string{"error: line 1: rule_files: paths: at least one path or glob pattern is needed"}},
		"lang":       {"{paths: [a], lang: logql}", []string{`error: line 1: rule_files: lang: "logql" is unknown; known are promql and metricsql`}},
		"unknown":    {"path: [a]", []string{"error: line 1: field path not found"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readSource(t, ruleFiles, filepath.Join(dir, "conf"), tt.options)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRuleFilesStops(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.yml": "groups: []"})
	s, err := buildSource(t, ruleFiles, dir, "paths: [a.yml]")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Consumers(ctx); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
