package promconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

func TestScrapeJobs(t *testing.T) {
	const static = "static_configs: [{targets: [a:1]}]"
	tests := map[string]struct {
		job  string // entries of the scrape job j
		want []string
		open bool // other job labels may come
	}{
		"static":                          {static, []string{"j"}, false},
		"no targets":                      {"", []string{"j"}, false},
		"a static label":                  {"static_configs: [{targets: [a:1], labels: {job: x}}]", []string{"x"}, false},
		"a static label of one group":     {"static_configs: [{targets: [a:1], labels: {job: x}}, {targets: [b:1]}]", []string{"j", "x"}, false},
		"an empty static label":           {"static_configs: [{targets: [a:1], labels: {job: ''}}]", []string{"j"}, false},
		"static label and discovery":      {"static_configs: [{targets: [a:1], labels: {job: x}}]\nec2_sd_configs: [{port: 1}]", []string{"j", "x"}, false},
		"discovery":                       {"kubernetes_sd_configs: [{role: pod}]", []string{"j"}, false},
		"discovery by files":              {"file_sd_configs: [{files: [a]}]", []string{"j"}, true},
		"discovery by HTTP":               {"http_sd_configs: [{url: a}]", []string{"j"}, true},
		"unknown keys":                    {"new_thing: {a: b}", []string{"j"}, false},
		"relabel other labels":            {"relabel_configs: [{target_label: instance, replacement: x}, {action: keep, source_labels: [job], regex: a}]", []string{"j"}, false},
		"relabel job to a value":          {"relabel_configs: [{target_label: job, replacement: x}]", []string{"x"}, false},
		"relabel job on a condition":      {"relabel_configs: [{source_labels: [a], regex: b, target_label: job, replacement: x}]", []string{"j", "x"}, false},
		"relabel job twice":               {"relabel_configs: [{regex: b, target_label: job, replacement: x}, {target_label: job, replacement: y}]", []string{"y"}, false},
		"relabel job from a label":        {"relabel_configs: [{source_labels: [__meta_x], target_label: job}]", []string{"j"}, true},
		"remove job":                      {"relabel_configs: [{target_label: job, replacement: ''}]", []string{"j"}, true},
		"lower-case job":                  {"relabel_configs: [{source_labels: [job], action: lowercase, target_label: job}]", []string{"j"}, true},
		"a computed target label":         {"relabel_configs: [{source_labels: [a], target_label: $1, replacement: x}]", []string{"j"}, true},
		"a computed label of other kind":  {"relabel_configs: [{source_labels: [a], target_label: 'k8s_${1}', replacement: x}]", []string{"j"}, false},
		"labelmap":                        {"relabel_configs: [{action: labelmap, regex: __meta_kubernetes_pod_label_(.+)}]", []string{"j"}, true},
		"labelmap with a prefix":          {"relabel_configs: [{action: labelmap, regex: __meta_(.+), replacement: node_$1}]", []string{"j"}, false},
		"labelmap with the prefix of job": {"relabel_configs: [{action: labelmap, regex: __meta_(.+), replacement: jo$1}]", []string{"j"}, true},
		"labeldrop of another":            {"relabel_configs: [{action: labeldrop, regex: pod}]", []string{"j"}, false},
		"labeldrop of job":                {"relabel_configs: [{action: labeldrop, regex: j.b}]", []string{"j"}, true},
		"labelkeep with job":              {"relabel_configs: [{action: labelkeep, regex: __.*|job}]", []string{"j"}, false},
		"labelkeep without job":           {"relabel_configs: [{action: labelkeep, regex: __.*}]", []string{"j"}, true},
		"metric relabeling of another":    {"metric_relabel_configs: [{action: labeldrop, regex: pod}]", []string{"j"}, false},
		"metric relabeling of job":        {"metric_relabel_configs: [{target_label: job, replacement: x}]", []string{"j"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := "scrape_configs:\n- job_name: j\n  scrape_interval: 30s\n  " + strings.ReplaceAll(tt.job, "\n", "\n  ") + "\n"
			read, err := Read([]byte(text))
			got := read.ScrapeJobs
			if err != nil {
				t.Fatal(err)
			}
			want := []sentei.ScrapeJob{{Name: "j", JobLabels: tt.want, OpenJobs: tt.open, Interval: 30 * time.Second}}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestIntervals(t *testing.T) {
	for global, want := range map[string]time.Duration{"": time.Minute, "global: {scrape_interval: 15s}\n": 15 * time.Second} {
		read, err := Read([]byte(global + "scrape_configs: [{job_name: b}, {job_name: a, scrape_interval: 5s}]"))
		if err != nil {
			t.Fatal(err)
		}
		jobs := read.ScrapeJobs
		if len(jobs) != 2 || jobs[0].Name != "a" || jobs[0].Interval != 5*time.Second || jobs[1].Interval != want {
			t.Errorf("%s: %+v", global, jobs)
		}
	}
}

func TestMetricRelabelConfigs(t *testing.T) {
	rules, err := MetricRelabelConfigs([]byte(`scrape_configs:
- job_name: a
  metric_relabel_configs: &a
  - {source_labels: [__name__], regex: b, action: drop}
- job_name: b
  metric_relabel_configs: *a
- job_name: c
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 3 || len(rules["a"]) != 1 || rules["b"][0].Regex.String() != "b" || rules["c"] != nil {
		t.Errorf("%+v", rules)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{{ .Values }}\na: b":                                                                             "template must be rendered",
		"scrape_configs: [{}]":                                                                            "scrape_configs[0] has no job_name",
		"scrape_configs: 1":                                                                               "line 1",
		"global: {scrape_interval: fast}":                                                                 "fast",
		"scrape_configs: [{job_name: a}, {job_name: a}]":                                                  `"a" is given twice`,
		"scrape_configs: [{job_name: a, relabel_configs: [{regex: '('}]}]":                                "missing closing )",
		"scrape_configs: [{job_name: a, relabel_configs: [{action: hashmod}]}]":                           `job "a": relabel_configs[0]: relabel configuration for hashmod`,
		"scrape_configs: [{job_name: a, metric_relabel_configs: [null]}]":                                 `job "a": metric_relabel_configs[0] is empty`,
		"scrape_configs: [{job_name: a, metric_relabel_configs: [{action: eat}]}]":                        "eat",
		"scrape_configs: [{job_name: a, metric_relabel_configs: [{action: labeldrop, target_label: x}]}]": "requires only 'regex'",
	} {
		if jobs, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want an error with %q", text, jobs, err, want)
		}
	}
}

// TestFiles reads the files that rules are added to in the tests of yamledit.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("../yamledit/testdata/*.yml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(text)
		if twice := filepath.Base(file) == "files.yml"; (err != nil) != twice {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestWhatLeavesTheServer(t *testing.T) {
	text := []byte(`
global:
  external_labels: {replica: a, cluster: eu}
scrape_configs:
- {job_name: j, honor_labels: true}
remote_write:
- url: https://user:secret@mimir.example/api/v1/push
- url: http://10.0.0.1:9009/api/v1/write?tenant=1
  name: long term
- {}
`)
	read, err := Read(text)
	if d := cmp.Diff([]string{"cluster", "replica"}, read.ExternalLabels); err != nil || d != "" {
		t.Error(err, d)
	}
	if d := cmp.Diff([]string{"mimir.example", "10.0.0.1:9009 (long term)", "remote_write[2]"}, read.RemoteWrite); d != "" {
		t.Error(d)
	}
	jobs := read.ScrapeJobs
	if len(jobs) != 1 || !jobs[0].HonorLabels || jobs[0].OpenJobs {
		t.Errorf("got %+v", jobs)
	}
}
