package querylog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"query.log", "query.log.1", "query.log.1.gz", "query.log.2.gz"} {
		put(t, dir, name, lineV2Rule+"\n")
	}
	for _, err := range []error{
		os.Symlink("query.log", filepath.Join(dir, "query.log.link")),
		os.Mkdir(filepath.Join(dir, "query.log.d"), 0o700),
		os.Symlink("nowhere", filepath.Join(dir, "query.log.lost")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	res := readAll(t, Options{Patterns: []string{filepath.Join(dir, "query.log*"), filepath.Join(dir, "*.gz"), filepath.Join(dir, "none*")}})
	var got []string
	for _, f := range res.Files {
		name := filepath.Base(f.Path)
		if f.Err != nil {
			name += " fails"
		}
		got = append(got, name)
	}
	// The link is query.log. A compressed file is another one than its namesake:
	// only its content could tell.
	want := []string{"query.log", "query.log.1", "query.log.1.gz", "query.log.2.gz", "query.log.d fails", "query.log.lost fails"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "none*")}, res.Unmatched); diff != "" {
		t.Errorf("unmatched (-want +got):\n%s", diff)
	}
	if res.Moved {
		t.Error("nothing was rotated")
	}
	if res.Counts.Used != 4 {
		t.Errorf("counts %+v, want 4 used", res.Counts)
	}
}

// A file may be renamed, removed or appended to once it is open.
func TestFilesChangeWhileBeingRead(t *testing.T) {
	line := lineV2Rule + "\n"
	tests := map[string]struct {
		change func(path string) error
		lines  int64
		err    string
	}{
		"renamed":   {change: func(path string) error { return os.Rename(path, path+".1") }, lines: 2},
		"removed":   {change: os.Remove, lines: 2},
		"appended":  {change: func(path string) error { return appendTo(path, line) }, lines: 2},
		"truncated": {change: func(path string) error { return os.Truncate(path, int64(len(line))) }, lines: 1, err: "truncated"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := put(t, t.TempDir(), "query.log", line+line)
			files, _, err := open([]string{path})
			if err != nil {
				t.Fatal(err)
			}
			defer files[0].close()
			if err := tt.change(path); err != nil {
				t.Fatal(err)
			}
			p, err := lineParser("")
			if err != nil {
				t.Fatal(err)
			}
			got := files[0].read(t.Context(), []*worker{newWorker(p)}, newProgress(nil, nil))
			if got.Counts.Used != tt.lines {
				t.Errorf("counts %+v, want %d used", got.Counts, tt.lines)
			}
			if tt.err == "" && got.Err != nil || tt.err != "" && (got.Err == nil || !strings.Contains(got.Err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", got.Err, tt.err)
			}
		})
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func TestSettled(t *testing.T) {
	line := lineV2Rule + "\n"
	for name, change := range map[string]func(path string) error{
		"rotated": func(path string) error {
			if err := os.Rename(path, path+".1"); err != nil {
				return err
			}
			return os.WriteFile(path, nil, 0o600)
		},
		"replaced": func(path string) error {
			if err := os.WriteFile(path+"x", nil, 0o600); err != nil {
				return err
			}
			return os.Rename(path+"x", path)
		},
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, t.TempDir(), "query.log", line)
			patterns := []string{path + "*"}
			paths, _, err := expand(patterns)
			if err != nil {
				t.Fatal(err)
			}
			files := openAll(paths)
			defer files[0].close()
			if !settled(patterns, paths, files) {
				t.Error("not settled, but nothing has changed")
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			if settled(patterns, paths, files) {
				t.Error("settled, but the file is another one now")
			}
		})
	}
}

func TestReadBrokenGzip(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "query.log.gz", strings.Repeat(lineV2Rule+"\n"+lineV3HTTP+"\n", 1000))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"cut short": whole[:len(whole)-10], "only the start": whole[:5]} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			res := readAll(t, Options{Patterns: []string{path}})
			if err := res.Files[0].Err; err == nil || !strings.Contains(err.Error(), "read query log "+path) {
				t.Errorf("error %v, want one that names the file", err)
			}
		})
	}
}
