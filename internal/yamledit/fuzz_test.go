package yamledit

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzAppend checks that a patched file parses, has the rules and equals the
// input outside of the added lines.
func FuzzAppend(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := parse(in)
		if err != nil {
			return
		}
		names := doc.jobs.names[:min(len(doc.jobs.names), 3)]
		var additions []Addition
		for _, name := range names {
			additions = append(additions, Addition{Job: name, Items: items})
		}
		p, err := Append(in, additions)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.edits)+len(p.Skipped) != len(names) {
			t.Errorf("%d inserted and %d skipped of %d", len(p.edits), len(p.Skipped), len(names))
		}
		if got := remove(p); got != string(in) {
			t.Errorf("the file changed elsewhere: %q", got)
		}
		if _, err := decode(p.Result); err != nil {
			t.Errorf("the result does not parse: %v\n%s", err, p.Result)
		}
		checkDiff(t, p)
	})
}
