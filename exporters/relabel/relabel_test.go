package relabel

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sentei/sentei"
)

func files(t *testing.T) map[string]File {
	t.Helper()
	out := map[string]File{}
	for _, name := range []string{"cluster", "edge", "prod"} {
		content, err := os.ReadFile("testdata/" + name + ".yml")
		if err != nil {
			t.Fatal(err)
		}
		out[name] = File{Path: name + "/prometheus.yml", Content: content}
	}
	return out
}

func TestGolden(t *testing.T) {
	for _, d := range Dialects() {
		t.Run(d.Name, func(t *testing.T) {
			r := cluster()
			if d.Name == "diff" { // needs a file of each backend
				r = shop()
			}
			var notes bytes.Buffer
			text := write(t, d, r, Options{Files: files(t), Notes: &notes})
			golden(t, "golden."+d.Name+"."+d.Extension, text)
			golden(t, "golden."+d.Name+".notes", notes.Bytes())
			golden(t, "nothing."+d.Name+"."+d.Extension, write(t, d, &sentei.Report{At: shop().At}, Options{}))
			if !strings.Contains(unindented(string(text)), unindented(d.Doc.Example)) {
				t.Errorf("the example of the documentation is not written:\n%s", d.Doc.Example)
			}
		})
	}
}

// unindented returns the lines without the space around them.
func unindented(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

func TestByName(t *testing.T) {
	for _, want := range Dialects() {
		if got, err := ByName(want.Name); err != nil || got.Doc != want.Doc || got.Doc.Title == "" {
			t.Errorf("%s: %+v, %v", want.Name, got, err)
		}
	}
	if _, err := ByName("toml"); err == nil || !strings.Contains(err.Error(), "use one of prometheus, diff, operator") {
		t.Errorf("got %v", err)
	}
}

// TestFilesAreListed wants a dialect for every file that makes one.
func TestFilesAreListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	makers := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "Dialect = Dialect{") && !strings.HasSuffix(f, "_test.go") {
			makers++
			if _, err := ByName(strings.TrimSuffix(f, ".go")); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
	if makers != len(Dialects()) {
		t.Errorf("%d files, %d dialects", makers, len(Dialects()))
	}
}

// TestApplyTwice wants nothing new in a file that was patched and not deployed.
func TestApplyTwice(t *testing.T) {
	file := files(t)["prod"]
	patches, err := Apply(shop(), "prod", file)
	if err != nil {
		t.Fatal(err)
	}
	first := patches[0]
	if first.Present != 1 { // node_schedstat_…
		t.Errorf("%d present in the original", first.Present)
	}
	file.Content = first.Result
	if patches, err = Apply(shop(), "prod", file); err != nil {
		t.Fatal(err)
	}
	again := patches[0]
	if !bytes.Equal(again.Result, first.Result) || again.Present != 11 || len(again.Skipped) != len(first.Skipped) {
		t.Errorf("%d present, skipped %v, result\n%s", again.Present, again.Skipped, again.Result)
	}
}

func TestChunks(t *testing.T) {
	var all []stored
	for i := range 130 {
		all = append(all, stored{fmt.Sprintf("m_%03d", i), "j", sentei.Unused, "j", i%2 == 0})
	}
	all = append(all, stored{strings.Repeat("long_", 600) + "1", "j", sentei.Unused, "j", false}, stored{strings.Repeat("long_", 600) + "2", "j", sentei.Unused, "j", false})
	r := reportOf("b", []sentei.ScrapeJob{{Name: "j", JobLabels: []string{"j"}}}, all...)
	plans, err := plan(r, &r.Backends[0], r.Proposals)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, rule := range plans[0].rules {
		sizes = append(sizes, len(rule.proposals))
		if n := len(rule.regex()); n > maxRegexBytes+100 {
			t.Errorf("%d bytes", n)
		}
	}
	if got := fmt.Sprint(sizes); got != "[1 60 6 60 5]" {
		t.Errorf("sizes %s", got)
	}
	write(t, prometheusDialect, r, Options{})
}

// TestErrors gives reports that contradict themselves: nothing may be written.
func TestErrors(t *testing.T) {
	jobs := []sentei.ScrapeJob{{Name: "j", JobLabels: []string{"a", "b"}}}
	tests := map[string]struct {
		report *sentei.Report
		want   string
	}{
		"shared, but by name alone": {reportOf("b", jobs, stored{"m", "a", sentei.Unused, "j", false}, stored{"m", "b", sentei.Used, "", false}),
			`metric "m" of job "b" would be dropped too`},
		"unused there too, but not proposed": {reportOf("b", jobs, stored{"m", "a", sentei.Unused, "j", false}, stored{"m", "b", sentei.Unused, "", false}),
			`metric "m" of job "b" would be dropped too`},
		"used in a job that may be renamed": {reportOf("b", jobs, stored{"m", "a", sentei.Unused, "j", false}, stored{"m", "c", sentei.Unknown, "", false}),
			`metric "m" of job "c" would be dropped too`},
		"used":           {reportOf("b", jobs, stored{"m", "a", sentei.Used, "j", true}), "is not unused"},
		"no scrape job":  {reportOf("b", jobs, stored{"m", "a", sentei.Unused, "k", true}), `scrape job "k" is not known`},
		"not valid text": {reportOf("b", jobs, stored{"m\xff", "a", sentei.Unused, "j", true}), `no relabel rule can name metric "m\xff"`},
		"no job":         {reportOf("b", jobs, stored{"m", "", sentei.Unused, "j", true}), `no relabel rule can name metric "m" of job ""`},
		"no separator": {reportOf("b", jobs, stored{";@|#%=~, \u241f", "a", sentei.Unused, "j", true}),
			"no separator is left"},
		"no backend": {func() *sentei.Report {
			r := reportOf("b", jobs, stored{"m", "a", sentei.Unused, "j", true})
			r.Proposals[0].Place.Backend = "c"
			return r
		}(), `there is no backend "c"`},
		"no such series": {func() *sentei.Report {
			r := reportOf("b", jobs, stored{"m", "a", sentei.Unused, "j", true})
			r.Proposals[0].Place.Job = "b"
			return r
		}(), "series that the report does not know"},
		"another action": {func() *sentei.Report {
			r := reportOf("b", jobs, stored{"m", "a", sentei.Unused, "j", true})
			r.Proposals[0].Action.Kind = "strip_label"
			return r
		}(), "there is no relabel rule for strip_label"},
	}
	file := Options{Files: map[string]File{"b": {"p.yml", []byte("scrape_configs: [{job_name: j}, {job_name: k}]")}}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, d := range []Dialect{prometheusDialect, diffDialect, vmagentDialect, alloyDialect, otelDialect} {
				var b bytes.Buffer
				err := d.Write(&b, tt.report, file)
				if err == nil || !strings.Contains(err.Error(), tt.want) || b.Len() > 0 {
					t.Errorf("%s: wrote %q, error %v, want one with %q", d.Name, b.String(), err, tt.want)
				}
			}
		})
	}
}

func TestDiffErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]File
		want  string
	}{
		"no files":   {nil, "backend edge is not known: set prometheus_config\nwrite the diff: the prometheus.yml of backend prod"},
		"a template": {map[string]File{"edge": {"p.yml", []byte("{{ a }}\nb: c")}}, "patch p.yml: parse"},
	} {
		if err := writeDiff(&bytes.Buffer{}, shop(), Options{Files: tt.files}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
