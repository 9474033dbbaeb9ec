package yamledit

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Diff returns the unified diff of the patch, which git apply and patch -p1
// take, or "" when nothing changes. name is the path of the file, relative to
// where the diff is applied; of an absolute path the root is left out.
func (p *Patch) Diff(name string) (string, error) {
	if len(p.edits) == 0 {
		return "", nil
	}
	name = path.Clean(filepath.ToSlash(name))
	name = strings.TrimPrefix(strings.TrimPrefix(name, filepath.ToSlash(filepath.VolumeName(name))), "/")
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		name = path.Base(name)
	}
	from, to := "a/"+name, "b/"+name
	if strings.ContainsAny(name, "\"\\\n\t") { // git's form for such names
		from, to = strconv.Quote(from), strconv.Quote(to)
	}
	edits := make([]udiff.Edit, len(p.edits))
	for i, e := range p.edits {
		edits[i] = udiff.Edit{Start: e.offset, End: e.end, New: e.text}
	}
	diff, err := udiff.ToUnified(from, to, string(p.Original), edits, udiff.DefaultContextLines)
	if err != nil {
		return "", fmt.Errorf("make the diff of %s: %w", name, err)
	}
	return renumber(diff), nil
}

// hunkHeader matches the start of a hunk; every other line of a hunk starts
// with a blank, +, - or \.
var hunkHeader = regexp.MustCompile(`(?m)^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@$`)

// renumber computes the line numbers of the result anew. udiff does not count
// the lines between two edits of one hunk, and git starts to look for a hunk's
// place at that number: off by some lines, it may find one that looks alike.
func renumber(diff string) string {
	added := 0
	return hunkHeader.ReplaceAllStringFunc(diff, func(header string) string {
		m := hunkHeader.FindStringSubmatch(header)
		start, from, to := number(m[1]), number(m[2]), number(m[3])
		header = fmt.Sprintf("@@ -%d,%d +%d,%d @@", start, from, start+added, to)
		added += to - from
		return header
	})
}

// number reads a number of a hunk header; a count left out is 1.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1
	}
	return n
}
