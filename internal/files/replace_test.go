package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestReplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new [folder]")
	path := filepath.Join(dir, "report.json")
	put := func(text string, failure error) error {
		return Replace(path, 0o640, func(w io.Writer) error {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
			return failure
		})
	}
	content := func() string {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, text := range []string{"one", "two"} {
		if err := put(text, nil); err != nil || content() != text {
			t.Fatalf("wrote %q: %v", text, err)
		}
	}
	broken := errors.New("broken")
	if err := put("half", broken); !errors.Is(err, broken) || content() != "two" {
		t.Errorf("error %v, file %q", err, content())
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	young, old, other := filepath.Join(dir, ".report.json.1"), filepath.Join(dir, ".report.json.2"), filepath.Join(dir, ".report.html.3")
	for _, name := range []string{young, old, other} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * abandoned)
	for _, name := range []string{old, other} {
		if err := os.Chtimes(name, past, past); err != nil {
			t.Fatal(err)
		}
	}
	if err := put("three", nil); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".report.html.3", ".report.json.1", "report.json"}; !slices.Equal(names, want) {
		t.Errorf("there are %q, want %q", names, want)
	}
}
