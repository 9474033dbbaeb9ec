package yamledit

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const ruleFile = `# Rules.
groups:
  - name: one # a group
    rules:
      # The first.
      - record: a:sum
        expr: sum(a) # of all

      # Reads the first.
      # Two lines.
      - record: b:sum
        expr: |
          sum(a:sum)
            # part of the text
        # trailing, of the rule

      # A heading, not of one rule.

      - {record: c:sum, expr: sum(c)}
      - alert: A
        expr: a > 1

  # The second group.
  - name: two
    interval: 1m
    rules:
    - record: d:sum
      expr: sum(d)
    -
      record: e:sum
      expr: sum(e)

  - name: three
    rules:
      - &f
        record: f:sum
        expr: sum(f)
      - <<: *f
        record: g:sum
      - record: h:sum
        expr: sum(h)
`

// deleteRules takes rules by what they record out of the text, "-" standing
// for one that is not there.
func deleteRules(t *testing.T, text string, records ...string) *Patch {
	t.Helper()
	var deletions []Deletion
	for _, r := range records {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if strings.Contains(strings.TrimRight(line, "\r")+",", "record: "+r+",") {
				if strings.TrimSpace(lines[i-1]) == "- &f" {
					i-- // a mapping begins at its anchor
				}
				deletions = append(deletions, Deletion{Record: r, Line: i + 1})
			}
		}
		if r == "-" {
			deletions = append(deletions, Deletion{Record: r, Line: 1})
		}
	}
	p, err := Delete([]byte(text), deletions)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDelete(t *testing.T) {
	tests := map[string]struct {
		records []string
		gone    string // the removed lines, one after the other
		skipped string
	}{
		"first":         {[]string{"a:sum"}, "      # The first.\n      - record: a:sum\n        expr: sum(a) # of all\n\n", ""},
		"text and more": {[]string{"b:sum"}, "      # Reads the first.\n      # Two lines.\n      - record: b:sum\n        expr: |\n          sum(a:sum)\n            # part of the text\n        # trailing, of the rule\n\n", ""},
		"braces":        {[]string{"c:sum"}, "      - {record: c:sum, expr: sum(c)}\n", ""},
		"below a dash":  {[]string{"e:sum"}, "    -\n      record: e:sum\n      expr: sum(e)\n", ""},
		"a group":       {[]string{"d:sum", "e:sum"}, "  # The second group.\n  - name: two\n    interval: 1m\n    rules:\n    - record: d:sum\n      expr: sum(d)\n    -\n      record: e:sum\n      expr: sum(e)\n\n", ""},
		"the last":      {[]string{"h:sum"}, "      - record: h:sum\n        expr: sum(h)\n", ""},
		"two in a row":  {[]string{"a:sum", "b:sum"}, "      # The first.\n      - record: a:sum\n        expr: sum(a) # of all\n\n      # Reads the first.\n      # Two lines.\n      - record: b:sum\n        expr: |\n          sum(a:sum)\n            # part of the text\n        # trailing, of the rule\n\n", ""},
		"an anchor":     {[]string{"f:sum", "h:sum"}, "      - record: h:sum\n        expr: sum(h)\n", "has an alias of a part of it (*f)"},
		"not there":     {[]string{"-"}, "", `line 1: recording rule "-": it is not in this line`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{ruleFile, strings.ReplaceAll(ruleFile, "\n", "\r\n")} {
				p := deleteRules(t, text, tt.records...)
				diff, err := p.Diff("rules.yml")
				if err != nil {
					t.Fatal(err)
				}
				var gone strings.Builder
				for line := range strings.Lines(strings.ReplaceAll(diff, "\r\n", "\n")) {
					if strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "---") {
						gone.WriteString(line[1:])
					} else if strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+++") {
						t.Errorf("a line is added: %s", line)
					}
				}
				if d := cmp.Diff(tt.gone, gone.String()); d != "" {
					t.Errorf("-want +got\n%s", d)
				}
				if (tt.skipped == "") != (len(p.Skipped) == 0) || tt.skipped != "" && !strings.Contains(p.Skipped[0].Error(), tt.skipped) {
					t.Errorf("skipped %v", p.Skipped)
				}
			}
		})
	}
}

func TestDeleteRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"groups: [{name: g, rules: [{record: r, expr: x}]}]":                         "written in brackets",
		"groups:\n- name: g\n  rules:\n  - - record: r\n      expr: x\n":             "its lines hold something else",
		"a: |\n  groups:\n  - name: g\n    rules:\n    - record: r\n      expr: x\n": "within a text",
		"groups:\n- name: g\n  rules:\n  - record: r\n    expr: x\n---\na: b\n":      "several documents",
		"{{ .Values }}\na: b": "a template must be rendered",
	} {
		at := 1 + strings.Count(text[:max(0, strings.Index(text, "record"))], "\n")
		p, err := Delete([]byte(text), []Deletion{{Record: "r", Line: at}})
		switch {
		case err != nil:
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", text, err)
			}
		case len(p.Skipped) != 1 || !strings.Contains(p.Skipped[0].Error(), want) || string(p.Result) != text:
			t.Errorf("%s: skipped %v\n%s", text, p.Skipped, p.Result)
		}
	}
}

// TestDeleteAll takes every recording rule out of real files, one by one and
// all at once.
func TestDeleteAll(t *testing.T) {
	files, err := filepath.Glob("../../testdata/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	record := regexp.MustCompile(`record: (\S+)\n`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before, ok := countRules(text)
		if !ok {
			t.Fatal(file)
		}
		var all []string
		for _, m := range record.FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
			p := deleteRules(t, string(text), m[1])
			if after, ok := countRules(p.Result); len(p.Skipped) > 0 || !ok || after >= before {
				t.Errorf("%s: %s: %d of %d rules, skipped %v", file, m[1], after, before, p.Skipped)
			}
			if strings.Contains(string(p.Result), "\n\n\n") {
				t.Errorf("%s: %s: blank lines side by side", file, m[1])
			}
		}
		p := deleteRules(t, string(text), all...)
		if len(p.Skipped) > 0 || strings.Contains(string(p.Result), "record:") {
			t.Error(fmt.Sprint(p.Skipped), string(p.Result))
		}
	}
}
