package relabel

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
)

// filesReport proposes to drop a metric at each of the scrape jobs.
func filesReport(jobs ...string) *sentei.Report {
	var all []sentei.ScrapeJob
	var metrics []stored
	for _, j := range jobs {
		all = append(all, sentei.ScrapeJob{Name: j, JobLabels: []string{j}})
		metrics = append(metrics, stored{"m_" + j, j, sentei.Unused, j, true})
	}
	return reportOf("b", all, metrics...)
}

// TestDiffOfScrapeConfigFiles adds each rule to the file that holds its job, and
// says of which jobs it cannot be added and why.
func TestDiffOfScrapeConfigFiles(t *testing.T) {
	o := Options{
		Files: map[string]File{"b": {"conf/p.yml", []byte("scrape_config_files: [jobs/*.yml]\nscrape_configs:\n- job_name: main\n")}},
		Included: map[string][]promconfig.File{"b": {
			{Path: "conf/jobs/alias.yml", Content: []byte(`scrape_configs:
- job_name: shared
  metric_relabel_configs: &rules
  - {regex: pod, action: labeldrop}
- job_name: alias
  metric_relabel_configs: *rules
- &base
  job_name: base
- <<: *base
  job_name: merged
- job_name: free
  metric_relabel_configs:
  - {regex: pod, action: labeldrop}
`)},
			{Path: "conf/jobs/done.yml", Content: []byte(`scrape_configs:
- job_name: done
  metric_relabel_configs:
  - {source_labels: [__name__], regex: m_done, action: drop}
`)},
			{Path: "conf/jobs/idle.yml", Content: []byte("scrape_configs: [{job_name: idle}]\n")},
			{Path: "conf/jobs/list.yml", Content: []byte("- job_name: list\n")},
			{Path: "../far.yml", Content: []byte("scrape_configs:\n- job_name: far\n")},
		}},
	}
	text := string(write(t, diffDialect, filesReport("main", "shared", "alias", "base", "merged", "free", "done", "list", "far", "nowhere"), o))
	var got []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "+++") || strings.Contains(line, "regex:") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{
		"# Made by sentei from its report of 2026-11-20T12:00:00Z.",
		"# Backend b, conf/p.yml.",
		"# Not in this diff; sentei propose -o prometheus shows these rules:",
		`#   scrape job "nowhere": it is not in this file; look for it in the files of scrape_config_files and add the rules there`,
		"+++ b/conf/p.yml",
		"+    regex: '(m_main);main'",
		"# Backend b, conf/jobs/alias.yml.",
		"# Not in this diff; sentei propose -o prometheus shows these rules:",
		`#   line 6: scrape job "alias": metric_relabel_configs is an alias (*rules): lines cannot be added to it; add the rules by hand`,
		`#   line 7: scrape job "base": other parts of the file would change; change it by hand`,
		`#   line 3: scrape job "shared": metric_relabel_configs is shared: line 6 has an alias of it (*rules): lines cannot be added to it; add the rules by hand`,
		"+++ b/conf/jobs/alias.yml",
		"+    regex: '(m_merged);merged'",
		"- {regex: pod, action: labeldrop}",
		"+    regex: '(m_free);free'",
		"# Backend b, conf/jobs/done.yml.",
		"# The file has rules already for 1 of the proposals; they are left out.",
		"# Nothing is to be added.",
		"# Backend b, conf/jobs/list.yml.",
		"# Not in this diff; sentei propose -o prometheus shows these rules:",
		`#   scrape job "list": parse YAML (a template must be rendered first): line 1: the file is not a mapping; add the rules by hand`,
		"# Backend b, ../far.yml.",
		"# Not in this diff; sentei propose -o prometheus shows these rules:",
		`#   scrape job "far": the file is not below the folder that the diff is for; add the rules by hand`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s\n%s", d, text)
	}
}

// TestApplyScrapeConfigFilesTwice wants nothing new in files that were patched.
func TestApplyScrapeConfigFilesTwice(t *testing.T) {
	r := filesReport("a", "b")
	main := File{"p.yml", []byte("scrape_configs:\n- job_name: a\n")}
	in := promconfig.File{Path: "b.yml", Content: []byte("scrape_configs:\n- job_name: b\n")}
	first, err := Apply(r, "b", main, in)
	if err != nil || len(first) != 2 || first[0].Present+first[1].Present != 0 {
		t.Fatal(first, err)
	}
	main.Content, in.Content = first[0].Result, first[1].Result
	again, err := Apply(r, "b", main, in)
	if err != nil || again[0].Present != 1 || again[1].Present != 1 || !bytes.Equal(again[1].Result, in.Content) || !bytes.Contains(in.Content, []byte("m_b")) {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := Apply(r, "b", main, in, promconfig.File{Path: "c.yml", Content: in.Content}); err == nil || !strings.Contains(err.Error(), "parse c.yml") {
		t.Error(err)
	}
}
