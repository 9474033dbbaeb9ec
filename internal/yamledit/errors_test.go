package yamledit

import (
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	tests := map[string]struct{ file, items, want string }{
		"template":    {"{{ if .Values.x }}\nscrape_configs: []\n{{ end }}\n", items, "template must be rendered"},
		"tab":         {"scrape_configs:\n\t- job_name: a\n", items, "line 2"},
		"old Mac":     {"scrape_configs:\r- job_name: a\r", items, "line breaks"},
		"unicode":     {"scrape_configs:\n- job_name: a\u2028\n", items, "line breaks"},
		"a list":      {"- a\n", items, "not a mapping"},
		"alias":       {"a: &a [{job_name: a}]\nscrape_configs: *a\n", items, "line 2: scrape_configs is an alias"},
		"no list":     {"scrape_configs: {a: b}\n", items, "line 1: scrape_configs is not a list"},
		"no rules":    {"scrape_configs: [{job_name: a}]\n", "# nothing\n", "there are none"},
		"rules break": {"scrape_configs: [{job_name: a}]\n", "- a: [\n", "read the rules to add to scrape job \"a\""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := Append([]byte(tt.file), []Addition{{Job: "a", Items: tt.items}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want an error with %q", p, err, tt.want)
			}
		})
	}
}

func TestSkippedJobs(t *testing.T) {
	for _, file := range []string{"", "# nothing\n", "scrape_configs:\n", "scrape_configs: []\n", "scrape_configs:\n- \n- 1\n- a\n"} {
		p, err := Append([]byte(file), []Addition{{Job: "a", Items: items}})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Skipped) != 1 || string(p.Result) != file {
			t.Errorf("%q: %+v", file, p)
		}
	}
	p, err := Append([]byte("scrape_configs:\n- job_name: a\n  basic_auth:\n    password: |\n      b"), []Addition{{Job: "a", Items: items}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Skipped) != 1 || !strings.Contains(p.Skipped[0].Error(), "end the file with a line break first") {
		t.Errorf("%+v", p.Skipped)
	}
	p, err = Append([]byte("scrape_configs:\n- &a\n  job_name: a\n- *a\n- b\n"), []Addition{{Job: "a", Items: items}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Skipped) != 1 || !strings.Contains(p.Skipped[0].Error(), `scrape job "a": the job name is given twice`) {
		t.Errorf("%+v", p.Skipped)
	}
}

func TestDiffNames(t *testing.T) {
	p, err := Append([]byte("scrape_configs:\n- job_name: a\n"), []Addition{{Job: "a", Items: items}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"prometheus.yml":       "--- a/prometheus.yml\n+++ b/prometheus.yml\n",
		"./conf/p.yml":         "--- a/conf/p.yml\n+++ b/conf/p.yml\n",
		"/etc/prometheus/p.y":  "--- a/etc/prometheus/p.y\n+++ b/etc/prometheus/p.y\n",
		"../elsewhere/p.yml":   "--- a/p.yml\n+++ b/p.yml\n",
		"my conf/p.yml":        "--- a/my conf/p.yml\n+++ b/my conf/p.yml\n",
		"two\nlines/\"p\".yml": "--- \"a/two\\nlines/\\\"p\\\".yml\"\n+++ \"b/two\\nlines/\\\"p\\\".yml\"\n",
	} {
		got, err := p.Diff(name)
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}
