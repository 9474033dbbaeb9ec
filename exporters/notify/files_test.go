package notify

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// content returns the files below a folder.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		got[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	c, err := build("files", dir, "{directory: reports, keep: 2}")
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(day int, text string) {
		t.Helper()
		m := message()
		m.At = time.Date(2026, 11, day, 10, 0, 0, 0, time.FixedZone("CET", 3600))
		m.Files = []File{{Name: "report.md", Body: []byte(text)}, {Name: "report.csv", Body: []byte("csv " + text)}}
		if err := c.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	deliver(2, "one")
	deliver(9, "two")
	deliver(9, "two again")
	// What a kill left, and what is no report.
	history := filepath.Join(dir, "reports", "weekly--owner-payments", "history")
	for _, name := range []string{".new/report.md", ".removed/report.md", "mine/notes.md"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(history, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(history, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deliver(16, "three")
	want := map[string]string{
		"report.md": "three", "report.csv": "csv three", "history/mine/notes.md": "x",
		"history/2026-11-09T09-00-00Z/report.md": "two again", "history/2026-11-09T09-00-00Z/report.csv": "csv two again",
		"history/2026-11-16T09-00-00Z/report.md": "three", "history/2026-11-16T09-00-00Z/report.csv": "csv three",
	}
	if diff := cmp.Diff(want, content(t, filepath.Join(dir, "reports", "weekly--owner-payments"))); diff != "" {
		t.Error(diff)
	}
}

func TestFilesWithoutHistory(t *testing.T) {
	dir := t.TempDir()
	c := channel(t, "files", "{directory: "+dir+", history: false}")
	m := message()
	m.Part = ""
	if err := c.Deliver(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"weekly/report.html": "<p>the report</p>", "weekly/report.csv": "metric,series\na,1\n"}, content(t, dir)); diff != "" {
		t.Error(diff)
	}
	if got := outcome(c.Deliver(canceled(), m)); got != "again: context canceled" {
		t.Error(got)
	}
}

func TestFilesFailures(t *testing.T) {
	c := channel(t, "files", "{directory: "+write(t, "file", "")+"}")
	if got := outcome(c.Deliver(t.Context(), message())); !strings.HasPrefix(got, "again: ") || !strings.Contains(got, "not a directory") {
		t.Error(got)
	}
	dir := t.TempDir()
	c = channel(t, "files", "{directory: "+dir+"}")
	for _, name := range []string{"../x", "/etc/x", "", ".hidden", "a/b", `a\b`, ".."} {
		m := message()
		m.Files[1].Name = name
		if got := outcome(c.Deliver(t.Context(), m)); !strings.HasPrefix(got, "refused: ") {
			t.Errorf("%q: %s", name, got)
		}
	}
	if got := content(t, dir); len(got) > 0 {
		t.Errorf("written: %v", got)
	}
}
