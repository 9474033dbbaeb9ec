package usage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMimirtoolFiles(t *testing.T) {
	tests := map[string]struct {
		file string
		want []string
	}{
		"dashboards": {`{
  "metricsUsed": ["up", "node_load1", "elsewhere"],
  "dashboards": [
    {"slug": "", "uid": "abc", "title": "Nodes", "metrics": ["node_load1", "up"], "parse_errors": null},
    {"slug": "shop", "title": "", "metrics": null, "parse_errors": [
      "query=sum by ($by) (rate(shop_total[5m])): 1:9: parse error: unexpected character: '$'"]}
  ]
}`, []string{
			`dashboard Nodes [dashboard "Nodes", f.json:4]: {__name__="node_load1"}`,
			`dashboard Nodes [dashboard "Nodes", f.json:4]: {__name__="up"}`,
			`dashboard shop [dashboard "shop", f.json:6]: sum by ($by) (rate(shop_total[5m])) (template)`,
			`declared some dashboard or rule [f.json:2]: {__name__="elsewhere"} because mimirtool says so`,
		}},
		"rule groups, with the key as mimirtool spells it": {`{
  "metricsUsed": null,
  "ruleGroups": [
    {"namspace": "ns", "name": "g", "metrics": ["a"], "parse_errors": ["query=b{: 1:3: parse error: unexpected end of input inside braces"]}
  ]
}`, []string{
			`declared rule group ns/g [f.json:4, group ns/g]: {__name__="a"} because mimirtool found it in the rules of the group`,
			`declared rule group ns/g [f.json:4, group ns/g]: b{ because mimirtool found it in the rules of the group`,
		}},
		"what hides a reader": {`{
  "metricsUsed": ["up"],
  "dashboards": [
    {"title": "A", "metrics": ["up"], "parse_errors": ["unsupported panel type: \"map\"", "templating type error: name=x"]},
    {"title": "B", "metrics": [], "parse_errors": []},
    {"title": "C", "metrics": [], "parse_errors": ["query=: 1:1: parse error: no expression found in input"]},
    {"title": "D", "metrics": [], "parse_errors": ["query=a: 1:1: parse error: x: 1:2: parse error: y"]}
  ]
}`, []string{
			`dashboard A [dashboard "A", f.json:4]: {__name__="up"}`,
			`BLOCKING dashboard "A", f.json:4: mimirtool could not read a part of it: unsupported panel type: "map"; templating type error: name=x`,
			`BLOCKING dashboard "B", f.json:5: mimirtool found no metric in it`,
			`BLOCKING dashboard "C", f.json:6: mimirtool could not read a part of it: query=: 1:1: parse error: no expression found in input`,
			`BLOCKING dashboard "D", f.json:7: mimirtool could not read a part of it: query=a: 1:1: parse error: x: 1:2: parse error: y`,
		}},
		"nothing":          {`{"metricsUsed": null, "dashboards": null}`, []string{`BLOCKING f.json: mimirtool found no metric at all`}},
		"the other output": {`{"total_active_series": 1, "in_use_metric_counts": []}`, []string{`BLOCKING f.json: it is no file of mimirtool analyze that says who reads metrics`}},
		"no object":        {`[]`, []string{`BLOCKING f.json: it is no file of mimirtool analyze that says who reads metrics`}},
		"other kinds": {"{\"metricsUsed\": [1],\n\"ruleGroups\": [[],\n{\"metrics\": \"a\"}]}", []string{
			`BLOCKING f.json:1: this is not what mimirtool writes here`,
			`BLOCKING f.json:2: this is not what mimirtool writes here`,
			`BLOCKING f.json:3: this is not what mimirtool writes here`,
			`BLOCKING f.json:2: mimirtool found no metric in it`,
			`BLOCKING f.json:3: mimirtool found no metric in it`,
			`BLOCKING f.json: mimirtool found no metric at all`,
		}},
		"cut short": {`{"metricsUsed": ["up"`, []string{`BLOCKING f.json:1:21: unexpected end of JSON input`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{"f.json": tt.file})
			if diff := cmp.Diff(tt.want, readSource(t, mimirtoolFiles, dir, "{paths: [f.json]}")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMimirtoolFilesOptions(t *testing.T) {
	for options, want := range map[string]string{
		"{}":                            "error: line 1: mimirtool_files: paths",
		"{paths: [a.json], lang: sql}":  "error: line 1: mimirtool_files: lang",
		"{paths: [a.json], files: [b]}": "field files not found",
	} {
		got := readSource(t, mimirtoolFiles, t.TempDir(), options)
		if len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: %q, want %q", options, got, want)
		}
	}
}

func FuzzMimirtoolFiles(f *testing.F) {
	f.Add(`{"metricsUsed": ["up"], "dashboards": [{"title": "A", "metrics": ["up"], "parse_errors": ["query=a(: 1:1: parse error: x"]}]}`)
	f.Add(`{"ruleGroups": [{"namspace": 1, "name": {}, "metrics": [null]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		got := readSource(t, mimirtoolFiles, writeFiles(t, map[string]string{"f.json": text}), "{paths: [f.json]}")
		if len(got) == 0 {
			t.Errorf("%q says nothing, not even that it cannot be read", text)
		}
	})
}
