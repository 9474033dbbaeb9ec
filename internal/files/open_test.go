//go:build unix

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/source"
)

// Reading a pipe would wait for its writer for ever.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := folder(t, map[string]string{"boards/a.json": "{}", "boards/link.json": "-> pipe.json"})
	pipe := filepath.Join(dir, "boards", "pipe.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, patterns := range [][]string{{"boards"}, {"boards/*"}, {"boards/a.json", "boards/link.json", "boards/pipe.json"}} {
		found, problems := Find(source.Env{Dir: dir}, patterns, ".json")
		if len(found) != 1 || found[0].Name != "boards/a.json" {
			t.Errorf("%v: found %v", patterns, found)
		}
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprint(p.Where, ": ", p.Message, " ", p.Blocking))
		}
		want := []string{
			"boards/link.json: read file: a named pipe, not a regular file true",
			"boards/pipe.json: read file: a named pipe, not a regular file true",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", patterns, diff)
		}
	}
	// It may have become one since it was found.
	if _, err := Read(File{"pipe.json", pipe}); err == nil || err.Error() != "read file: a named pipe, not a regular file" {
		t.Errorf("got %v", err)
	}
}

func TestOpen(t *testing.T) {
	dir := folder(t, map[string]string{"a": "text", "link": "-> a"})
	for path, want := range map[string]string{
		filepath.Join(dir, "a"):    "text",
		filepath.Join(dir, "link"): "text",
		filepath.Join(dir, "gone"): "stat " + filepath.Join(dir, "gone") + ": no such file or directory",
		dir:                        "open " + dir + ": a folder, not a regular file",
		os.DevNull:                 "open " + os.DevNull + ": a device, not a regular file",
	} {
		got, err := ReadFile(path)
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
