package relabel

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sentei/sentei"
)

func TestDeleteDiff(t *testing.T) {
	const rules = "groups:\n- name: g\n  rules:\n  - record: a:sum\n    expr: sum(a)\n  - record: b:sum\n    expr: sum(b)\n  - record: c:sum\n    expr: sum(c)\n"
	rule := func(name, file string, line int) sentei.Consumer {
		return sentei.Consumer{ID: name, Kind: sentei.RecordingRule, Backend: "b", Records: name, Location: sentei.Location{File: file, Line: line, Group: "g"}}
	}
	r := &sentei.Report{
		Backends:  []sentei.Backend{{Name: "b"}},
		Consumers: []sentei.Consumer{rule("a:sum", "r.yml", 4), rule("b:sum", "r.yml", 1), rule("c:sum", "r.yml", 8), rule("d:sum", "elsewhere.yml", 3)},
	}
	for _, id := range []string{"a:sum", "b:sum", "c:sum", "d:sum"} {
		r.Proposals = append(r.Proposals, sentei.Proposal{
			ID: "of " + id, Grade: sentei.GradeA, Place: sentei.Place{Backend: "b"},
			Action: sentei.Action{Kind: sentei.DeleteRules, Metric: id, Rules: []string{id}},
		})
	}
	var out bytes.Buffer
	files := map[string]map[string]File{"b": {"r.yml": {"rules/r.yml", []byte(rules)}}}
	if err := diffDialect.Write(&out, r, Options{RuleFiles: files}); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, want := range []string{
		"--- a/rules/r.yml\n+++ b/rules/r.yml\n", "\n-  - record: a:sum\n-    expr: sum(a)\n", "\n-  - record: c:sum\n-    expr: sum(c)\n",
		`#   not in this diff: line 1: recording rule "b:sum": it is not in this line`, "#   r.yml:1, group g: b:sum\n", "#   elsewhere.yml:3, group g: d:sum\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "of a:sum") || strings.Contains(got, "of c:sum") || strings.Contains(got, "-  - record: b:sum") {
		t.Errorf("what the diff does is told again, or more than that is done:\n%s", got)
	}
	files["b"]["r.yml"] = File{"rules/r.yml", []byte(rules + "---\na: b\n")}
	out.Reset()
	if err := diffDialect.Write(&out, r, Options{RuleFiles: files}); err != nil || !strings.Contains(out.String(), "several documents") || strings.Contains(out.String(), "+++") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
