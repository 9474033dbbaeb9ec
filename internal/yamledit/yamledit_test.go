package yamledit

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const items = `# Nobody reads these.
- source_labels: [__name__]
  regex: '(a_total|b\.c)'
  action: drop
- {source_labels: [__name__], regex: d, action: drop}
`

// TestShapes adds rules to every job of files as people write them, and to one
// that is not there. The golden diffs have added lines only.
func TestShapes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			patch := appendToAll(t, in)
			diff, err := patch.Diff(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range patch.Skipped {
				diff += s.Error() + "\n"
			}
			golden := strings.TrimSuffix(file, ".yml") + ".diff"
			if *update {
				if err := os.WriteFile(golden, []byte(diff), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), diff); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			checkDiff(t, patch)
		})
	}
}

// TestLineBreaks repeats the shapes with \r\n and without a final line break.
func TestLineBreaks(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		unix := appendToAll(t, in)
		t.Run("crlf "+filepath.Base(file), func(t *testing.T) {
			p := appendToAll(t, []byte(strings.ReplaceAll(string(in), "\n", "\r\n")))
			if d := cmp.Diff(strings.ReplaceAll(string(unix.Result), "\n", "\r\n"), string(p.Result)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			checkDiff(t, p)
		})
		t.Run("no final break "+filepath.Base(file), func(t *testing.T) {
			p := appendToAll(t, []byte(strings.TrimRight(string(in), "\n")))
			if strings.HasSuffix(string(p.Result), "\n") {
				t.Errorf("the file ends in a line break now:\n%s", p.Result)
			}
			checkDiff(t, p)
		})
	}
}

func appendToAll(t *testing.T, in []byte) *Patch {
	t.Helper()
	doc, err := parse(in)
	if err != nil {
		t.Fatal(err)
	}
	var additions []Addition
	for _, name := range append(slices.Clone(doc.jobs.names), "missing") {
		additions = append(additions, Addition{Job: name, Items: items})
	}
	patch, err := Append(in, additions)
	if err != nil {
		t.Fatal(err)
	}
	if got := remove(patch); got != string(in) {
		t.Errorf("without the insertions it is not the input:\n%s", cmp.Diff(string(in), got))
	}
	if got := strings.Count(string(patch.Result), "a_total|b"); got != len(additions)-len(patch.Skipped) {
		t.Errorf("%d rules for %d additions, %d skipped", got, len(additions), len(patch.Skipped))
	}
	return patch
}

// remove takes the inserted texts out of the result.
func remove(p *Patch) string {
	inserts := slices.Clone(p.edits)
	slices.SortStableFunc(inserts, func(a, b edit) int { return a.offset - b.offset })
	var b strings.Builder
	result, offset := string(p.Result), 0
	for _, in := range inserts {
		n := in.offset - offset
		b.WriteString(result[:n])
		if !strings.HasPrefix(result[n:], in.text) {
			return fmt.Sprintf("%q is not at %d", in.text, in.offset)
		}
		result, offset = result[n+len(in.text):], in.offset
	}
	return b.String() + result
}

// checkDiff applies the diff as strictly as git does, and looks for removed
// lines: only a last line without a line break may be written again.
func checkDiff(t *testing.T, p *Patch) {
	t.Helper()
	diff, err := p.Diff("dir/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.edits) == 0 {
		if diff != "" {
			t.Errorf("a diff of nothing:\n%s", diff)
		}
		return
	}
	hunks, ok := strings.CutPrefix(diff, "--- a/dir/prometheus.yml\n+++ b/dir/prometheus.yml\n")
	if !ok {
		t.Fatalf("header of\n%s", diff)
	}
	old := strings.SplitAfter(string(p.Original), "\n")
	var out strings.Builder
	at := 0 // lines of old that are used up
	lines := strings.SplitAfter(hunks, "\n")
	for i, line := range lines {
		if line == "" || line[0] == '\\' {
			continue
		}
		if line[0] == '@' {
			var from, n, to, m int
			if _, err := fmt.Sscanf(line, "@@ -%d,%d +%d,%d @@", &from, &n, &to, &m); err != nil {
				t.Fatal(err)
			}
			for ; at < from-1; at++ {
				out.WriteString(old[at])
			}
			if got := strings.Count(out.String(), "\n") + 1; got != to {
				t.Errorf("%s: the hunk starts in line %d of the result", line, got)
			}
			continue
		}
		text := line[1:]
		if strings.HasPrefix(lines[i+1], `\ No newline`) {
			text = strings.TrimSuffix(text, "\n")
		}
		if line[0] != '+' {
			if old[at] != text {
				t.Fatalf("line %d is %q in the file and %q in the diff", at+1, old[at], text)
			}
			at++
		}
		if line[0] == '-' && (at != len(old) || strings.HasSuffix(text, "\n")) {
			t.Errorf("line %d is removed", at)
		}
		if line[0] != '-' {
			out.WriteString(text)
		}
	}
	out.WriteString(strings.Join(old[at:], ""))
	if d := cmp.Diff(string(p.Result), out.String()); d != "" {
		t.Errorf("the applied diff differs from the result, -want +got\n%s", d)
	}
}
