package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// noOpReport returns a report of job a (and job c, that two scrape jobs bring)
// with its series.
func noOpReport() (*sentei.Report, list) {
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("c1", "c"), scrapeJob("c2", "c")}, []sentei.MetricReport{
		metric("h_bucket", []string{"a"}, sentei.Used), metric("m", []string{"a", "c"}, sentei.Used), metric("rec:m", []string{"a"}, sentei.Used),
		metric("up", []string{"a"}, sentei.Used),
	})
	series := with("h_bucket", "a", "le", "0.5", "1.0", "5.0", "+Inf")
	series = append(series, with("m", "a", "mode", "idle", "nice", "user")...)
	series = append(series, with("m", "c", "mode", "idle")...)
	series = append(series, with("rec:m", "a", "mode", "idle")...)
	return r, append(series, with("up", "a", "mode", "idle")...)
}

// with returns series of a metric, one for each value of the label.
func with(metric, job, label string, values ...string) list {
	var out list
	for _, v := range values {
		out = append(out, labels.FromStrings("__name__", metric, "job", job, label, v))
	}
	return out
}

func jobRules(job, rules string) string {
	return "scrape_configs:\n- job_name: " + job + "\n  metric_relabel_configs:\n  - " + strings.ReplaceAll(rules, "\n", "\n  - ") + "\n"
}

func TestNoOpRelabelRule(t *testing.T) {
	job := func(rules string) string { return jobRules("a", rules) }
	write := func(rules string) string {
		return "global: {external_labels: {cluster: x, replica: '${HOST}'}}\nremote_write:\n- url: http://far\n  write_relabel_configs:\n  - " + strings.ReplaceAll(rules, "\n", "\n  - ") + "\n"
	}
	tests := map[string]struct {
		file   string
		want   []string // parts of the findings
		blind  bool     // without a way to list series
		series int64    // of the cost of the first
	}{
		"a drop that works":     {file: job("{source_labels: [__name__], regex: gone_.*, action: drop}")},
		"a value that works":    {file: job("{source_labels: [__name__, le], regex: 'h_bucket;(2|10)(\\.0)?', action: drop}")},
		"integers":              {file: job("{source_labels: [__name__, le], regex: 'h_bucket;(1|5|10)', action: drop}"), want: []string{`p.yml:4, scrape job a, metric_relabel_configs[0]: the rule asks for 1 or 5 in a form`}, series: 2},
		"integers, blind":       {file: job("{source_labels: [__name__, le], regex: 'h_bucket;(1|5|10)', action: drop}"), blind: true},
		"le changed later":      {file: job("{source_labels: [__name__, le], regex: 'h_bucket;(1|5|10)', action: drop}\n{source_labels: [le], regex: (.*), target_label: le, replacement: '$1'}")},
		"loose alternation":     {file: job("{source_labels: [__name__, mode], regex: 'm;wait|nice', action: drop}"), want: []string{"binds wrongly"}, series: 1},
		"loose names":           {file: job("{source_labels: [__name__, mode], regex: 'x|m;nice|user', action: drop}"), want: []string{"write (x|m);(nice|user)"}, series: 1},
		"tight alternation":     {file: job("{source_labels: [__name__, mode], regex: 'm;(wait|steal)', action: drop}")},
		"two whole values":      {file: job("{source_labels: [__name__, mode], regex: 'm;wait|m;steal', action: drop}")},
		"not active":            {file: job("{source_labels: [__name__], regex: m, action: drop}"), want: []string{"the rule is not active"}, series: 10},
		"not active, blind":     {file: job("{source_labels: [__name__], regex: m, action: drop}"), want: []string{"10 series get samples"}, blind: true, series: 10},
		"keep, not active":      {file: job("{source_labels: [__name__], regex: m, action: keep}"), want: []string{"4 series get samples"}},
		"labeldrop, not active": {file: job("{regex: mod., action: labeldrop}"), want: []string{"3 series get samples"}},
		"labeldrop, set later":  {file: job("{regex: mode, action: labeldrop}\n{source_labels: [job], target_label: mode}")},
		"labelkeep":             {file: job("{regex: __name__|job|le|mode, action: labelkeep}")},
		"set to a value":        {file: job("{source_labels: [__name__], regex: m, target_label: mode, replacement: idle}"), want: []string{"2 series get samples"}},
		"set from a value":      {file: job("{source_labels: [mode], target_label: mode, replacement: 'x$1'}")},
		"names that are gone":   {file: job("{source_labels: [__name__], regex: n|o, target_label: mode, replacement: ''}"), want: []string{"names that were not stored"}, blind: true},
		"a name of another job": {file: jobRules("c1", "{source_labels: [__name__], regex: h_bucket, target_label: x, replacement: y}")},
		"a recorded name":       {file: job("{source_labels: [__name__], regex: 'rec:m|up', action: drop}")},
		"shared job":            {file: jobRules("c1", "{source_labels: [__name__], regex: m, action: drop}")},
		"write: without effect": {file: write("{source_labels: [__name__], regex: x, action: drop}"), want: []string{"remote_write 0, write_relabel_configs[0]: the rule changes none"}, blind: true},
		"write: with effect":    {file: write("{source_labels: [__name__], regex: rec:.*, action: drop}"), blind: true},
		"write: integers":       {file: write("{source_labels: [__name__, le], regex: 'h_bucket;(1|5)', action: drop}"), want: []string{"in a form that is not stored"}, series: 2},
		"write: by a label":     {file: write("{source_labels: [mode], regex: steal, action: drop}"), want: []string{"changes none"}},
		"write: blind":          {file: write("{source_labels: [mode], regex: steal, action: drop}"), blind: true},
		"write: external label": {file: write("{source_labels: [cluster], regex: y, action: drop}"), want: []string{"changes none"}},
		"write: external again": {file: write("{source_labels: [cluster], regex: x, action: drop}")},
		"write: environment":    {file: write("{source_labels: [replica], regex: y, action: drop}")},
		"write: set before":     {file: write("{source_labels: [__name__], target_label: x}\n{source_labels: [x], regex: 'y', action: drop}")},
		"write: label not there": {file: write("{regex: nothing, action: labeldrop}\n{regex: replica, action: labeldrop}"),
			want: []string{"write_relabel_configs[0]: the rule changes none"}},
		"write: strip that works": {file: write("{source_labels: [__name__], regex: m, target_label: mode, replacement: ''}")},
		"write: keeps all":        {file: write("{source_labels: [__name__], regex: .+, action: keep}")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, series := noOpReport()
			in := &Input{Report: r, Configs: map[string]Config{"b": {Path: "p.yml", Content: []byte(tt.file)}}}
			if !tt.blind {
				in.Series = map[string]sentei.SeriesReader{"b": series}
			}
			made, err := noOpRelabelRuleOptions{MinSeries: 1}.Propose(t.Context(), in)
			if err != nil || len(made.Problems) > 0 || len(made.Proposals) > 0 {
				t.Fatalf("%+v, %v", made, err)
			}
			var got []string
			for _, f := range made.Findings {
				got = append(got, f.Where+": "+f.Message+" / "+f.Hint)
			}
			if !slices.EqualFunc(got, tt.want, strings.Contains) {
				t.Errorf("want %q, got %q", tt.want, got)
			}
			if len(got) > 0 && made.Findings[0].Cost.Series != tt.series {
				t.Errorf("cost %+v", made.Findings[0].Cost)
			}
		})
	}
}

// TestNoOpRelabelRuleUnlisted has a metric whose series cannot be listed: a rule
// that may change them is not called one without effect, others are judged.
func TestNoOpRelabelRuleUnlisted(t *testing.T) {
	r, series := noOpReport()
	write := "remote_write:\n- url: http://r/\n  write_relabel_configs:\n  - {source_labels: [mode], regex: steal, action: drop}\n"
	for unlisted, want := range map[string]int{"m": 0, "": 1} {
		in := &Input{
			Report: r, Configs: map[string]Config{"b": {Path: "p.yml", Content: []byte(write)}},
			Series: map[string]sentei.SeriesReader{"b": partial{series, unlisted}},
		}
		made, err := noOpRelabelRuleOptions{MinSeries: 1}.Propose(t.Context(), in)
		if err != nil || len(made.Problems) > 0 || len(made.Findings) != want {
			t.Errorf("without %q: %+v, %v", unlisted, made, err)
		}
	}
}

func TestNoOpRelabelRuleProblems(t *testing.T) {
	r, _ := noOpReport()
	in := &Input{Report: r, Configs: map[string]Config{"b": {Path: "p.yml", Content: []byte("scrape_configs: [{}]")}}}
	made, err := noOpRelabelRuleOptions{MinSeries: 1}.Propose(t.Context(), in)
	if err != nil || len(made.Problems) != 1 || made.Problems[0].Blocking {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestSegments(t *testing.T) {
	for regex, want := range map[string][]string{
		"a;b":          {"a", "b"},
		"a;(b;c|d);e":  {"a", "(b;c|d)", "e"},
		`a\;b;[;)];c`:  {`a\;b`, "[;)]", "c"},
		"a":            {"a"},
		`\Qa;b\E`:      nil,
		";":            {"", ""},
		"(a|b);(c)(d)": {"(a|b)", "(c)(d)"},
	} {
		if d := cmp.Diff(want, segments(regex, ";")); d != "" {
			t.Errorf("%s: -want +got\n%s", regex, d)
		}
	}
	if got := segments("a.b", "."); got != nil {
		t.Errorf("a separator with a meaning: %q", got)
	}
}
