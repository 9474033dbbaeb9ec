package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/analyzer/inventory"
	"github.com/sentei/sentei/analyzer/usage"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/rules"
)

// TestDocs compares the pages of sources, rules, dialects and channels with the
// documentation in their code; -update writes them again.
func TestDocs(t *testing.T) {
	for folder, docs := range map[string][]documented{"sources": sourceDocs(), "rules": ruleDocs(), "dialects": dialectDocs(), "channels": channelDocs()} {
		for _, d := range docs {
			t.Run(d.kind, func(t *testing.T) {
				var want bytes.Buffer
				if err := writeDoc(&want, d); err != nil {
					t.Fatal(err)
				}
				page := filepath.Join("../../docs", folder, d.kind+".md")
				if *update {
					if err := os.MkdirAll(filepath.Dir(page), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(page, want.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				got, err := os.ReadFile(page)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want.Bytes()) {
					t.Errorf("%s differs from the code: run go test ./cmd/sentei -run TestDocs -update", page)
				}
				if d.doc.Title == "" || d.doc.Text == "" || d.doc.Example == "" {
					t.Error("title, text or example is missing")
				}
			})
		}
	}
}

// TestExamples builds every source, rule and channel from the example in its
// documentation, so that an example can be copied as it stands.
func TestExamples(t *testing.T) {
	env := source.Env{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Now: time.Now}
	build := map[string]func(*yaml.Node) error{}
	for _, i := range inventory.All() {
		build[i.Kind] = func(n *yaml.Node) error { _, err := i.Build(n, env); return err }
	}
	for _, i := range usage.All() {
		build[i.Kind] = func(n *yaml.Node) error { _, err := i.Build(n, env); return err }
	}
	for _, i := range rules.All() {
		build[i.Kind] = func(n *yaml.Node) error { _, err := i.Build(n, env); return err }
	}
	for _, i := range notify.All() {
		build[i.Kind] = func(n *yaml.Node) error { _, err := i.Build(n, env); return err }
	}
	for _, d := range slices.Concat(sourceDocs(), ruleDocs(), channelDocs()) {
		t.Run(d.kind, func(t *testing.T) {
			var example map[string]yaml.Node
			if text := strings.TrimPrefix(d.doc.Example, "- "); text != d.doc.Example {
				var list []map[string]yaml.Node // an item of a list, as sources are
				if err := yaml.Unmarshal([]byte(d.doc.Example), &list); err != nil || len(list) != 1 {
					t.Fatalf("%d items, %v", len(list), err)
				}
				example = list[0]
			} else if err := yaml.Unmarshal([]byte(d.doc.Example), &example); err != nil {
				t.Fatal(err)
			}
			node, ok := example[d.kind]
			if !ok || len(example) != 1 {
				t.Fatalf("the example does not configure %s alone", d.kind)
			}
			if err := build[d.kind](&node); err != nil {
				t.Error(err)
			}
		})
	}
	for _, d := range slices.Concat(sourceDocs(), channelDocs()) {
		if !strings.HasPrefix(d.doc.Example, "- "+d.kind+":") {
			t.Errorf("the example of %s is no list item", d.kind)
		}
	}
}

// family is a list of members that each have a file in a folder and an
// end-to-end script.
type family struct {
	folder, list string
	script       string // prefix of the script's name
	makes        string // what the file of a member holds
	members      []string
}

func families() []family {
	var f [6]family
	f[0] = family{folder: "analyzer/inventory", list: "sources.go", script: "source_", makes: "source.New("}
	for _, i := range inventory.All() {
		f[0].members = append(f[0].members, i.Kind)
	}
	f[1] = family{folder: "analyzer/usage", list: "sources.go", script: "source_", makes: "source.New("}
	for _, i := range usage.All() {
		f[1].members = append(f[1].members, i.Kind)
	}
	f[2] = family{folder: "rules", list: "rules.go", script: "rule_", makes: "source.New("}
	for _, i := range rules.All() {
		f[2].members = append(f[2].members, i.Kind)
	}
	f[3] = family{folder: "exporters/relabel", list: "dialects.go", script: "relabel_", makes: "Dialect{"}
	for _, d := range relabel.Dialects() {
		f[3].members = append(f[3].members, d.Name)
	}
	f[4] = family{folder: "exporters/report", list: "formats.go", script: "report_", makes: "Format{"}
	for _, r := range report.Formats() {
		f[4].members = append(f[4].members, r.Name)
	}
	f[5] = family{folder: "exporters/notify", list: "notify.go", script: "channel_", makes: "source.New("}
	for _, i := range notify.All() {
		f[5].members = append(f[5].members, i.Kind)
	}
	return f[:]
}

// TestFamilies checks that every member of a family has its own file and an
// end-to-end script that names it.
func TestFamilies(t *testing.T) {
	for _, f := range families() {
		if len(f.members) == 0 {
			t.Errorf("%s lists nothing", f.folder)
		}
		for _, m := range f.members {
			if _, err := os.Stat(filepath.Join("../..", f.folder, m+".go")); err != nil {
				t.Errorf("%s: %v", m, err)
			}
			scripts, err := filepath.Glob("../../testdata/script/" + f.script + m + "*.txtar")
			if err != nil || len(scripts) == 0 {
				t.Errorf("%s has no script testdata/script/%s%s.txtar", m, f.script, m)
			}
			for _, s := range scripts {
				if text, err := os.ReadFile(s); err != nil || !strings.Contains(string(text), m) {
					t.Errorf("%s does not name %s (%v)", s, m, err)
				}
			}
		}
	}
}

// TestNoMemberIsForgotten checks that every file that makes a member of a
// family stands in the family's list.
func TestNoMemberIsForgotten(t *testing.T) {
	for _, f := range families() {
		files, err := filepath.Glob(filepath.Join("../..", f.folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			base := filepath.Base(file)
			if base == f.list || strings.HasSuffix(base, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), f.makes) && !slices.Contains(f.members, strings.TrimSuffix(base, ".go")) {
				t.Errorf("%s makes a member (%s) that %s does not list", file, f.makes, f.list)
			}
		}
	}
}
