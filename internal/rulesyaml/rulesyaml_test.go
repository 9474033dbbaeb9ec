package rulesyaml

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines writes a file as a list: rules, their queries, then issues.
func lines(f *File, err error) []string {
	var out []string
	for _, r := range f.Rules {
		s := fmt.Sprintf("%d %s: ", r.Line, r.Group)
		if r.Alert != "" {
			s += "alert " + r.Alert
		} else {
			s += "record " + r.Record
		}
		s += " = " + strings.TrimSpace(r.Expr)
		if r.Lang != "" {
			s += " (" + string(r.Lang) + ")"
		}
		if r.Opaque != "" {
			s += " opaque: " + r.Opaque
		}
		if len(r.Labels) > 0 {
			s += fmt.Sprint(" ", r.Labels)
		}
		out = append(out, s)
		for _, q := range r.Queries {
			out = append(out, fmt.Sprintf("%d   %s: %s%s", q.Line, q.Where, q.Expr, q.Opaque))
		}
	}
	for _, i := range f.Issues {
		s := fmt.Sprintf("%d! %s", i.Line, i.Message)
		if !i.Blocking {
			s += " (does not block)"
		}
		out = append(out, s)
	}
	if err != nil {
		out = append(out, err.Error())
	}
	return out
}

func TestRead(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string
	}{
		"prometheus": {`# comment
groups:
  - name: node
    interval: 1m
    query_offset: 1m
    labels: {team: infra, severity: none}
    future_field: [1]
    rules:
      - record: instance:up:sum
        expr: sum by (instance) (up)
        labels:
          severity: page
          n: 1
      - alert: Down

        expr: |
          up == 0
        for: 5m
        keep_firing_for: 1m
  - name: empty
    rules: []
  - name: none
`, []string{
			"9 node: record instance:up:sum = sum by (instance) (up) map[n:1 severity:page team:infra]",
			"14 node: alert Down = up == 0 map[severity:none team:infra]",
		}},
		"thanos, a number, anchors and merges": {`groups:
- name: g
  partial_response_strategy: warn
  rules:
  - &base
    alert: A
    expr: 1
    labels: {a: b}
  - <<: *base
    alert: B
`, []string{"5 g: alert A = 1 map[a:b]", "9 g: alert B = 1 map[a:b]"}},
		"JSON": {"{\"groups\": [{\"name\": \"g\",\n \"rules\": [{\"record\": \"r\",\n \"expr\": \"up\"}]}]}", []string{"2 g: record r = up"}},
		"PrometheusRule among others": {`apiVersion: v1
kind: Service
metadata: {name: s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
spec: {rules: [{host: a}], groups: [x]}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: p}
spec:
  groups:
  - name: g
    rules:
    - alert: A
      expr: up
`, []string{"20 g: alert A = up"}},
		"VMRule and vmalert types": {`apiVersion: operator.victoriametrics.com/v1beta1
kind: VMRule
spec:
  groups:
  - name: m
    rules:
    - {alert: A, expr: up default 0}
  - name: g
    type: graphite
    rules:
    - {record: r, expr: "sum(a.b.*)"}
  - name: l
    type: vlogs
    rules:
    - {alert: L, expr: "_time:5m error"}
---
groups:
- name: v
  type: prometheus
  rules:
  - {alert: B, expr: up}
  - {alert: C, type: vlogs, expr: x}
`, []string{
			"7 m: alert A = up default 0 (metricsql)",
			"11 g: record r = sum(a.b.*) (metricsql) opaque: rules of type graphite are not understood",
			"21 v: alert B = up (metricsql)",
		}},
		"only logs": {"groups: [{name: l, type: vlogs, rules: [{alert: L, expr: x}]}]", nil},
		"config maps in a list": {`apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: c, namespace: n}
  data:
    prometheus.yml: |
      global: {}
    run.sh: |
      a: b: c
    a.yml: |
      # rules
      groups:
      - name: g
        rules:
        - alert: A
          expr: up
    broken.yml: |
      groups:
      - a: b: c
- apiVersion: v1
  kind: Secret
  metadata: {name: s}
  stringData:
    x: "groups: [{name: q, rules: [{record: r, expr: b}]}]"
`, []string{
			"17 g: alert A = up",
			"26 q: record r = b",
			"19! ConfigMap n/c, key broken.yml: line 21, column 7: mapping values are not allowed in this context",
		}},
		"mimirtool file":    {"namespace: ns\ngroups:\n- name: g\n  rules:\n  - {record: r, expr: up}\n", []string{"5 ns/g: record r = up"}},
		"ruler answer":      {"ns:\n- name: g\n  rules:\n  - {record: r, expr: up}\nother:\n- name: h\n  rules: [{alert: A, expr: x}]\n", []string{"4 ns/g: record r = up", "7 other/h: alert A = x"}},
		"one group":         {"name: g\nrules:\n- {record: r, expr: up}\n", []string{"3 g: record r = up"}},
		"list of groups":    {"- name: g\n  rules:\n  - {record: r, expr: up}\n", []string{"3 g: record r = up"}},
		"group as manifest": {"apiVersion: x/v1\nkind: RuleGroup\nspec: {name: g, rules: [{alert: A, expr: up}]}\n", []string{"3 g: alert A = up"}},
		"broken rules": {`groups:
- name: g
  labels: [x]
  rules:
  - {alert: A, record: b, expr: up}
  - {expr: up}
  - {alert: A}
  - {alert: B, expr: {a: b}}
  - text
  - {alert: C, expr: up, labels: 3}
  - {uid: x, title: t, data: []}
- name: h
  rules: {alert: A}
- text
`, []string{
			"10 g: alert C = up",
			"3! labels of group g must be an object, found list",
			"5! a rule of group g is both alert A and record b",
			"6! a rule of group g has neither alert nor record",
			"7! alert A of group g has no expr",
			"8! alert B of group g has no expr",
			"9! a rule of group g must be an object, found string",
			"10! labels of alert C must be an object, found number",
			"11! a rule of group g has neither alert nor record",
			"13! rules of group h must be a list, found object",
			"14! a rule group must be an object, found string",
		}},
		"groups is no list":      {"groups: 3\n", []string{"1! groups must be a list, found number"}},
		"no groups":              {"groups: []\n", []string{"0! the file holds no rule: its groups are empty (does not block)"}},
		"no rules in the object": {"kind: PrometheusRule\napiVersion: monitoring.coreos.com/v1\nspec: {}\n", []string{"0! the file holds no rule: its groups are empty (does not block)"}},
		"empty":                  {"# nothing\n", []string{"0! no rule groups in the file; found nothing"}},
		"another kind":           {"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n", []string{"0! no rule groups in the file; found Service s"}},
		"another document":       {"scrape_configs: []\n---\nrules: [{seriesQuery: up}]\n", []string{"1! the document holds no rule groups", "3! the document holds no rule groups"}},
		"broken after a rule":    {"groups: [{name: g, rules: [{alert: A, expr: up}]}]\n---\n{{ if }}\n", []string{"1 g: alert A = up", "line 3, column 2: the key of a mapping must be a scalar"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(Read([]byte(tt.in)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQueriesOfRule(t *testing.T) {
	const file = `groups:
- name: g
  labels:
    owner: '{{ query "team_info" | first | label "team" }}'
  rules:
  - alert: A
    expr: up
    labels:
      tier: '{{ with query "tier" }}{{ . | first | value }}{{ end }}'
    annotations:
      summary: "{{ $labels.instance }} is down"
      description: |
        {{ range query "up" }}{{ end }}{{ query "x" }}
  - record: r
    expr: up
    labels: {x: '{{ query "never run" }}'}
`
	want := []string{
		"6 g: alert A = up",
		"4   label owner: team_info",
		"9   label tier: tier",
		"12   annotation description: up",
		"12   annotation description: x",
		"14 g: record r = up",
	}
	f, err := Read([]byte(file))
	for i := range f.Rules {
		f.Rules[i].Labels = nil
	}
	if diff := cmp.Diff(want, lines(f, err)); diff != "" {
		t.Error(diff)
	}
}

func TestTemplateQueries(t *testing.T) {
	const onlyWhenFires = " is only known when the alert fires"
	tests := []struct {
		in   string
		want []Query
	}{
		{`{{ $value | humanize }} on {{ $labels.instance }}`, nil},
		{`a broken {{ template without the function`, nil},
		{"{{ query `up{a=\"b\"}` }}", []Query{{Expr: `up{a="b"}`}}},
		{`{{ query "up{a=\"b\"}" | first | value | humanize }}`, []Query{{Expr: `up{a="b"}`}}},
		{`{{ "up" | query }}`, []Query{{Expr: "up"}}},
		{`{{ first (query "up") }}`, []Query{{Expr: "up"}}},
		{`{{ (query "up" | first).Value }}`, []Query{{Expr: "up"}}},
		{`{{ $q := query "up" }}{{ if $q }}{{ else if query "a" }}{{ else }}{{ query "b" }}{{ end }}`, []Query{{Expr: "up"}, {Expr: "a"}, {Expr: "b"}}},
		{`{{ range $i, $e := query "up" }}{{ end }}`, []Query{{Expr: "up"}}},
		{`{{ define "t" }}{{ query "in" }}{{ end }}{{ template "t" (query "up") }}`, []Query{{Expr: "up"}, {Expr: "in"}}},
		{`{{ with printf "up{job='%s',n=\"%d\"}" $labels.job 3 | query }}{{ end }}`, []Query{{Expr: `up{job='${arg1}',n="${arg2}"}`, Template: true}}},
		{`{{ query (printf "up{job=%q} > %.2f%%" $labels.job $value) }}`, []Query{{Expr: `up{job="${arg1}"} > ${arg2}%`, Template: true}}},
		{`{{ $labels.job | printf "up{job=%q}" | query }}`, []Query{{Expr: `up{job="${arg1}"}`, Template: true}}},
		{`{{ query (printf "%[1]s" $labels.job) }}`, []Query{{Opaque: `the query in "query (printf \"%[1]s\" $labels.job)"` + onlyWhenFires}}},
		{`{{ query (printf "up %") }}`, []Query{{Opaque: `the query in "query (printf \"up %\")"` + onlyWhenFires}}},
		{`{{ query $labels.q }}`, []Query{{Opaque: `the query in "query $labels.q"` + onlyWhenFires}}},
		{`{{ $labels.q | query }}`, []Query{{Opaque: `the query in "query"` + onlyWhenFires}}},
		{`{{ args "up" | query }}`, []Query{{Opaque: `the query in "query"` + onlyWhenFires}}},
		{`{{ $expr | printf | query }}`, []Query{{Opaque: `the query in "query"` + onlyWhenFires}}},
		{`{{ printf $expr | query }}`, []Query{{Opaque: `the query in "query"` + onlyWhenFires}}},
		{`{{ first query }}`, []Query{{Opaque: `the query in "first query"` + onlyWhenFires}}},
		{`{{ query.Value }}`, []Query{{Opaque: `the query in "query.Value"` + onlyWhenFires}}},
		{`{{ query "up" `, []Query{{Opaque: "the template cannot be parsed: template: __alert:1: unclosed action"}}},
		{`{{ $nobody }}{{ query "up" }}`, []Query{{Opaque: `the template cannot be parsed: template: __alert:1: undefined variable "$nobody"`}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, TemplateQueries(tt.in)); diff != "" {
			t.Errorf("%s\n%s", tt.in, diff)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"groups:\n- name: g\n  labels: {a: b}\n  rules:\n  - alert: A\n    expr: up\n    annotations: {s: '{{ query \"x\" }}'}\n",
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  data:\n    a.yml: |\n      groups: [{name: g, rules: [{record: r, expr: x}]}]\n",
		"ns:\n- name: g\n  rules:\n  - {record: r, expr: up, type: graphite}\n",
		"groups: [{rules: [{alert: A, expr: 1, labels: {x: '{{ printf \"%s\" . | query }}'}}]}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		file, err := Read([]byte(in))
		if err == nil && len(file.Rules) == 0 && len(file.Issues) == 0 && !strings.Contains(in, "vlogs") {
			t.Errorf("neither a rule nor an issue in %q", in)
		}
		for _, r := range file.Rules {
			if r.Expr == "" || r.Line < 1 || (r.Alert == "") == (r.Record == "") {
				t.Errorf("incomplete rule %+v", r)
			}
			for _, q := range r.Queries {
				if q.Where == "" || q.Line < 1 {
					t.Errorf("incomplete query %+v", q)
				}
			}
		}
	})
}
