package usage

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

// recorded reads the sample data with a source. Everything in it must be
// understood.
func recorded(t *testing.T, info Info, options string) *sentei.UsageData {
	t.Helper()
	s, err := buildSource(t, info, "../../testdata", options)
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Consumers(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range data.Problems {
		if p.Blocking {
			t.Errorf("%s: %s", p.Where, p.Message)
		}
	}
	for _, c := range data.Consumers {
		if a := promql.Analyze(c.Expression, sentei.AllLabelsBut()); a.Opaque+c.Opaque != "" {
			t.Errorf("%s: %s: %s%s", c.Location, c.Text, c.Opaque, a.Opaque)
		}
	}
	return data
}

// linesOf returns the lines of the sample files by their names.
func linesOf(t *testing.T, pattern string) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/" + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	out := map[string][]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel("../../testdata", path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(name)] = strings.Split(string(data), "\n")
	}
	return out
}

// TestRecordedRules finds every rule of the sample data by a plain search, on
// the line where the source says it is.
func TestRecordedRules(t *testing.T) {
	rule := regexp.MustCompile(`^\s*- (alert|record): (\S+)$`)
	var want []string
	for file, lines := range linesOf(t, "rules/*.yml") {
		for i, line := range lines {
			if m := rule.FindStringSubmatch(line); m != nil {
				want = append(want, sentei.Location{File: file, Line: i + 1}.String()+" "+m[2])
			}
		}
	}
	var got []string
	for _, c := range recorded(t, ruleFiles, "paths: [rules/*.yml]").Consumers {
		if !strings.Contains(c.Name, ",") { // no query of a template
			got = append(got, sentei.Location{File: c.Location.File, Line: c.Location.Line}.String()+" "+c.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestRecordedDashboards finds every text under the key expr of the sample
// dashboards by a plain search among the consumers.
func TestRecordedDashboards(t *testing.T) {
	data := recorded(t, dashboardFiles, "{paths: [grafana/*.json], library_panels: [grafana/library/*.json]}")
	type place struct {
		file string
		line int
		text string
	}
	have := map[place]bool{}
	for _, c := range data.Consumers {
		have[place{c.Location.File, c.Location.Line, c.Text}] = true
	}
	expr := regexp.MustCompile(`"expr": (".+")`)
	found := 0
	for file, lines := range linesOf(t, "grafana/*.json") {
		for i, line := range lines {
			m := expr.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			var text string
			if err := json.Unmarshal([]byte(m[1]), &text); err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			if strings.Contains(text, "|=") {
				continue // of Loki
			}
			found++
			if !have[place{file, i + 1, text}] {
				t.Errorf("%s:%d: no consumer for %s", file, i+1, text)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d expressions in the sample dashboards", found)
	}
}
