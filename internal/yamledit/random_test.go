package yamledit

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fragments are entries of a scrape job; ~ stands for the indentation of a list under its key.
var fragments = []string{
	"scheme: https",
	"scrape_interval: 15s   # often",
	"honor_labels: true",
	"static_configs:\n~- targets: [a:1]\n~  labels: {x: y}\n~- targets:\n~  - b:1\n~  # the last\n~  - c:1 # d",
	"params:\n  'match[]':\n  ~- '{job=\"a\"}'\n  ~- \"{job=\\\"b\\\"}\"",
	"basic_auth:\n  username: \"#\"\n  password: |\n    a\n    # b\n\n    c",
	"metrics_path: >-\n  /metrics\n  # of all\n  - job_name: no job",
	"metrics_path: '/metrics\n  # it''s\n\n  - more'",
	"metrics_path: \"/metrics \\\n  # \\\" more\"  # end",
	"metrics_path: /metrics\n  and\n  more",
	"tls_config: {\n  # flow\n  ca_file: a,\n  key_file: 'b' }",
	"kubernetes_sd_configs: [ {role: pod},\n  # nodes\n  {role: node}\n  ]",
	"oauth2: &o\n  client_id: é\n  scopes:\n  ~- ü",
	"file_sd_configs:\n~- files:\n~    - a\n~-\n~  # the dash stands alone\n~  files: [b]",
	"proxy_url:",
}

// ruleFragments are the forms of metric_relabel_configs that lines can be
// added to.
var ruleFragments = []string{
	"metric_relabel_configs:",
	"metric_relabel_configs: # none",
	"metric_relabel_configs:\n~- {action: labeldrop, regex: a}",
	"metric_relabel_configs:\n\n~# first\n~- action: drop\n~  source_labels: [__name__]\n~  regex: >-\n~    a|\n~    # b\n~# - regex: c\n~- action: labeldrop\n~  regex: 'd\n~    # e'",
	"\"metric_relabel_configs\": !!seq\n~-   regex: a\n~    action: labeldrop",
	"metric_relabel_configs: &rules\n~- regex: a\n~  action: labeldrop",
}

// between are lines that may stand anywhere between entries.
var between = []string{"", "\n", "# comment\n", "      # far right\n", "\n  # - job_name: x\n\n", "  \n"}

// TestRandomFiles puts files together from fragments. Rules can be added to
// every job of them, so none may be skipped.
func TestRandomFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(from []string) string { return rapid.SampledFrom(from).Draw(t, "line") }
		offset := strings.Repeat(" ", rapid.SampledFrom([]int{0, 2, 4}).Draw(t, "offset"))
		indent := strings.Repeat(" ", rapid.SampledFrom([]int{0, 2, 4}).Draw(t, "indent"))
		dash := rapid.SampledFrom([]string{"- ", "-   ", "-\n", "- # job\n", "- !!map\n"}).Draw(t, "dash")
		inner := indent + strings.Repeat(" ", max(2, len(strings.TrimRight(dash, "\n#job !map"))))
		if strings.HasPrefix(dash, "-   ") {
			inner = indent + "    "
		}
		var in strings.Builder
		in.WriteString(pick([]string{"", "---\n", "# head\n\n", "global: {}\n"}) + "scrape_configs:\n")
		var additions []Addition
		for n := range rapid.IntRange(1, 4).Draw(t, "jobs") {
			name := fmt.Sprintf("job %d", n)
			additions = append(additions, Addition{Job: name, Items: items})
			entries := append(rapid.SliceOfNDistinct(rapid.SampledFrom(fragments), 0, 4, func(f string) string {
				key, _, _ := strings.Cut(f, ":")
				return key
			}).Draw(t, "entries"), "job_name: "+name)
			if rapid.Bool().Draw(t, "rules") {
				entries = append(entries, pick(ruleFragments))
			}
			entries = rapid.Permutation(entries).Draw(t, "order")
			in.WriteString(pick(between) + indent + dash)
			for i, entry := range entries {
				text := strings.ReplaceAll(entry, "~", offset)
				if i > 0 || strings.HasSuffix(dash, "\n") {
					in.WriteString(inner)
				}
				in.WriteString(strings.ReplaceAll(text, "\n", "\n"+inner) + "\n")
				if strings.HasSuffix(entry, "c") || i == len(entries)-1 || !strings.Contains(entry, "|\n") {
					in.WriteString(pick(between))
				}
			}
		}
		in.WriteString(pick([]string{"", "rule_files: []\n", "\n# end\n", "...\n", "---\na: b\n"}))
		file := in.String()
		if rapid.Bool().Draw(t, "no final break") {
			file = strings.TrimRight(file, "\n")
		}
		p, err := Append([]byte(file), additions)
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		for _, s := range p.Skipped {
			if !strings.HasSuffix(s.Reason, "end the file with a line break first") || !strings.HasSuffix(file, "    c") {
				t.Errorf("skipped: %v\n%s", s, file)
			}
		}
		if got := remove(p); got != file {
			t.Errorf("the file changed elsewhere:\n%s\nresult\n%s", file, p.Result)
		}
	})
}
