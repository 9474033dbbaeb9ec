package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Deletion is a recording rule to take out of a rule file.
type Deletion struct {
	Record string // the metric that it writes
	Line   int    // where the rule begins, 1-based
}

// Delete takes the rules out of a rule file, with the comments right above
// them and the blank lines that nothing needs any more. A group goes with its
// last rule. A rule that cannot be taken out by removing lines alone stays and
// is listed in Patch.Skipped. An error means that the file cannot be read.
func Delete(file []byte, deletions []Deletion) (*Patch, error) {
	if err := checkLineBreaks(file); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(file))
	var root, second yaml.Node
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("parse YAML (a template must be rendered first): %w", err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds several documents; delete the rules by hand")
	}
	d := &document{lines: strings.SplitAfter(string(file), "\n")}
	flatten(&root, &d.nodes)
	p := &Patch{Original: file, Result: file}
	var gone []*yaml.Node
	for _, del := range deletions {
		item, skipped := d.findRule(del)
		if skipped == nil {
			skipped = d.removable(item)
		}
		if skipped == nil {
			// Each one is tried with those before it, so that one that cannot
			// go does not keep the others.
			next := append(slices.Clone(gone), item.node)
			edits, result, err := d.remove(file, &root, next)
			if err == nil {
				gone, p.edits, p.Result = next, edits, result
				continue
			}
			skipped = &reason{item.node.Line, err.Error() + "; delete the rule by hand"}
		}
		p.Skipped = append(p.Skipped, Skipped{Record: del.Record, Line: skipped.line, Reason: skipped.text})
	}
	return p, nil
}

// item is an item of a list.
type item struct{ node, list *yaml.Node }

// findRule finds the item that is the rule.
func (d *document) findRule(del Deletion) (*item, *reason) {
	for _, list := range d.nodes {
		if list.Kind != yaml.SequenceNode {
			continue
		}
		for _, n := range list.Content {
			if record := valueOf(n, "record"); n.Line == del.Line && record != nil && record.Value == del.Record {
				return &item{node: n, list: list}, nil
			}
		}
	}
	return nil, &reason{del.Line, "it is not in this line of the file, or within a text; delete it by hand"}
}

// removable returns why the lines of an item cannot just be taken out, or nil.
func (d *document) removable(it *item) *reason {
	if it.list.Style&yaml.FlowStyle != 0 {
		return &reason{it.node.Line, "the list is written in brackets; delete the rule by hand"}
	}
	var inside []*yaml.Node
	flatten(it.node, &inside)
	for _, a := range d.nodes {
		if a.Kind == yaml.AliasNode && !slices.Contains(inside, a) && slices.Contains(inside, a.Alias) {
			return &reason{it.node.Line, fmt.Sprintf("line %d has an alias of a part of it (*%s); delete the rule by hand", a.Line, a.Value)}
		}
	}
	if _, ok := d.dashLine(it); !ok {
		return &reason{it.node.Line, "its lines hold something else, too; delete the rule by hand"}
	}
	return nil
}

// dashLine returns the line with the dash of an item, if nothing else stands
// before it.
func (d *document) dashLine(it *item) (int, bool) {
	column := d.dashColumn(it.list)
	for _, line := range []int{it.node.Line, it.node.Line - 1} {
		if line < 1 {
			continue
		}
		if m := dashLine.FindStringSubmatch(d.lines[line-1]); m != nil && len(m[1]) == column-1 {
			return line, true
		}
	}
	return 0, false
}

// remove takes the rules out, and groups that are empty then, and verifies the
// result.
func (d *document) remove(file []byte, root *yaml.Node, rules []*yaml.Node) ([]edit, []byte, error) {
	gone := map[*yaml.Node]bool{}
	for _, n := range rules {
		gone[n] = true
	}
	for _, list := range d.nodes { // a list of groups stands before the groups
		for _, group := range list.Content {
			rules := valueOf(group, "rules")
			empty := list.Kind == yaml.SequenceNode && rules != nil && len(rules.Content) > 0 &&
				!slices.ContainsFunc(rules.Content, func(n *yaml.Node) bool { return !gone[n] })
			if empty && d.removable(&item{node: group, list: list}) == nil {
				gone[group] = true
			}
		}
	}
	lines := make([]bool, len(d.lines)+2) // which go, 1-based
	for _, list := range d.nodes {
		for _, n := range list.Content {
			if gone[n] && list.Kind == yaml.SequenceNode {
				d.mark(&item{node: n, list: list}, lines)
			}
		}
	}
	d.markBlank(lines)
	var edits []edit
	offset := 0
	for i, text := range d.lines {
		if lines[i+1] {
			if n := len(edits); n > 0 && edits[n-1].end == offset {
				edits[n-1].end += len(text)
			} else {
				edits = append(edits, edit{offset: offset, end: offset + len(text)})
			}
		}
		offset += len(text)
	}
	result := apply(file, edits)
	return edits, result, verifyDeletion(file, result, root, gone, len(rules))
}

var commentLine = regexp.MustCompile(`^ *#`)

// mark marks the lines of an item: its own, the comments right above it that
// are indented as it is, and those right below that are indented deeper.
func (d *document) mark(it *item, lines []bool) {
	first, _ := d.dashLine(it)
	indent := d.dashColumn(it.list) - 1
	last := d.lastLine(it.node)
	comment := func(line int) bool { return commentLine.MatchString(d.lines[line-1]) }
	for first > 1 && comment(first-1) && indentOf(d.lines[first-2]) == indent {
		first--
	}
	for last < len(d.lines) && comment(last+1) && indentOf(d.lines[last]) > indent {
		last++
	}
	for i := first; i <= last; i++ {
		lines[i] = true
	}
}

// markBlank marks the blank lines that would stand side by side, at the end of
// the file or right below a key.
func (d *document) markBlank(lines []bool) {
	blank := func(i int) bool { return i >= 1 && i <= len(d.lines) && strings.TrimSpace(d.lines[i-1]) == "" }
	for i := 1; i <= len(d.lines); i++ {
		if !lines[i] || i < len(d.lines) && lines[i+1] {
			continue
		}
		above := i // what stays above
		for above > 0 && lines[above] {
			above--
		}
		below := i + 1
		for blank(below) && !lines[below] {
			below++
		}
		keyAbove := above >= 1 && strings.HasSuffix(strings.TrimSpace(d.lines[above-1]), ":")
		switch {
		case below > len(d.lines): // nothing but blank lines follows
			for k := above; blank(k); k-- {
				lines[k] = true
			}
		case blank(above) || keyAbove:
			for k := i + 1; k < below; k++ {
				lines[k] = true
			}
		}
	}
}
