//go:build unix

package tsdbscan

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe in the place of a file must not be waited for.
func TestPipesAreRefused(t *testing.T) {
	for _, name := range []string{"meta.json", "index", "chunks", "chunks/000001"} {
		t.Run(name, func(t *testing.T) {
			path := smallBlock(t, t.TempDir())
			remove(t, filepath.Join(path, name))
			if err := syscall.Mkfifo(filepath.Join(path, name), 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := List(path)
			if err == nil {
				_, err = Scan(t.Context(), l.Blocks, Options{})
			}
			if err == nil || !strings.Contains(err.Error(), "not a regular file") && !strings.Contains(err.Error(), "not a directory") {
				t.Errorf("got %v", err)
			}
		})
	}
	pipe := filepath.Join(t.TempDir(), "data")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := List(pipe); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
}
