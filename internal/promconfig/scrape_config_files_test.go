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

// tree writes files below a new folder, which it returns. Its name would be a
// pattern.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a[b]*")
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestScrapeConfigFiles(t *testing.T) {
	dir := tree(t, map[string]string{
		"etc/prometheus.yml": `global: {scrape_interval: 15s}
scrape_config_files: [jobs/*.yml, none/*.yml, ../other.yml]
scrape_configs:
- {job_name: main}
`,
		"etc/jobs/b.yml": `scrape_configs:
- job_name: b
  honor_labels: true
- job_name: c
  scrape_interval: 5s
  static_configs: [{targets: [a:1], labels: {job: x}}]
  relabel_configs: [{source_labels: [__address__], regex: b, target_label: job, replacement: y}]
  metric_relabel_configs:
  - {regex: d, action: labeldrop}
`,
		"etc/jobs/a.yml":   "# nothing yet\n",
		"etc/jobs/b.yml.x": "{{ no YAML",
		"other.yml":        "- job_name: list\n  file_sd_configs: []\n  metric_relabel_configs: [{regex: e, action: labeldrop}]\n",
	})
	text, included, err := Load(dir, "etc/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range included {
		names = append(names, f.Path)
	}
	if d := cmp.Diff([]string{"etc/jobs/a.yml", "etc/jobs/b.yml", "other.yml"}, names); d != "" {
		t.Error(d)
	}
	read, err := Read(text, included...)
	if err != nil {
		t.Fatal(err)
	}
	want := []sentei.ScrapeJob{
		{Name: "b", JobLabels: []string{"b"}, HonorLabels: true, Interval: 15 * time.Second},
		{Name: "c", JobLabels: []string{"x", "y"}, Interval: 5 * time.Second},
		{Name: "list", JobLabels: []string{"list"}, OpenJobs: true, Interval: 15 * time.Second},
		{Name: "main", JobLabels: []string{"main"}, Interval: 15 * time.Second},
	}
	if d := cmp.Diff(want, read.ScrapeJobs); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	relabeling, err := ReadRelabeling(text, included...)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for _, j := range relabeling.Jobs {
		for _, r := range j.Rules {
			at[j.File+" "+j.Name] = r.Line
		}
	}
	if d := cmp.Diff(map[string]int{"etc/jobs/b.yml c": 9, "other.yml list": 3}, at); d != "" {
		t.Error(d)
	}
	absolute := filepath.Join(dir, "etc/prometheus.yml")
	if _, included, err = Load("elsewhere", absolute); err != nil || len(included) != 3 || included[2].Path != filepath.Join(dir, "other.yml") {
		t.Error(included, err)
	}
}

func TestScrapeConfigFilesErrors(t *testing.T) {
	for name, tt := range map[string]struct{ patterns, file, want string }{
		"no YAML":         {"[j.yml]", "{{ a }}\nb: c", "parse j.yml: yaml"},
		"no list":         {"[j.yml]", "scrape_configs: 1", "parse j.yml: yaml"},
		"a job of main":   {"[j.yml]", "scrape_configs: [{job_name: a}]", `parse j.yml: the job_name "a" is given twice, first in prometheus.yml`},
		"twice":           {"[j.yml]", "scrape_configs: [{job_name: b}, {job_name: b}]", `"b" is given twice, first in j.yml`},
		"matched twice":   {"[j.yml, '*.yml']", "scrape_configs: [{job_name: b}]", `"b" is given twice, first in j.yml`},
		"no name":         {"[j.yml]", "scrape_configs: [{}]", "parse j.yml: scrape_configs[0] has no job_name"},
		"a broken rule":   {"[j.yml]", "scrape_configs: [{job_name: b, metric_relabel_configs: [{regex: '('}]}]", "parse j.yml: error parsing regexp"},
		"a refused rule":  {"[j.yml]", "scrape_configs: [{job_name: b, metric_relabel_configs: [{action: hashmod}]}]", `parse j.yml: job "b": metric_relabel_configs[0]`},
		"a bad pattern":   {"['[']", "", `scrape_config_files: "["`},
		"not a list":      {"{a: b}", "", "parse prometheus.yml"},
		"a folder":        {"['.']", "", "a folder, not a regular file"},
		"a template":      {"{{ .Values }}", "", "template must be rendered"},
		"a dangling link": {"[gone]", "", "read the file gone of scrape_config_files"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string]string{"prometheus.conf": "scrape_config_files: " + tt.patterns + "\nscrape_configs: [{job_name: a}]\n", "j.yml": tt.file})
			if err := os.Symlink("nowhere", filepath.Join(dir, "gone")); err != nil {
				t.Fatal(err)
			}
			text, included, err := Load(dir, "prometheus.conf")
			if err == nil {
				_, err = Read(text, included...)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestOtherChangesInFiles(t *testing.T) {
	base := []byte("scrape_configs: [{job_name: a}]")
	was := []File{{"a.yml", []byte("scrape_configs: [{job_name: b}, {job_name: c, honor_labels: true}]")}}
	is := []File{{"b.yml", []byte("- {job_name: c}")}, {"c.yml", []byte("scrape_configs: [{job_name: b, metric_relabel_configs: [{regex: a}]}]")}}
	got, err := OtherChanges(base, was, base, is)
	if d := cmp.Diff([]string{`honor_labels of the scrape job "c"`}, got); err != nil || d != "" {
		t.Error(err, d)
	}
	if _, err := OtherChanges(base, was, base, []File{{"b.yml", []byte("{{ a }}\nb: c")}}); err == nil || !strings.Contains(err.Error(), "b.yml") {
		t.Error(err)
	}
}
