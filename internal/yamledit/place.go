package yamledit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// place says where the items of one entry go, and with which text around them.
func (d *document) place(l *list, index int, items string) (edit, *reason) {
	job, rulesKey := l.entries[index], l.rulesKey
	byHand := func(n *yaml.Node, what string) (edit, *reason) {
		return edit{}, &reason{n.Line, what + ": lines cannot be added to it; add the rules by hand"}
	}
	switch {
	case job.Kind == yaml.AliasNode:
		return byHand(job, "the "+l.what+" is an alias of another part of the file")
	case job.Kind != yaml.MappingNode || len(job.Content) == 0:
		return byHand(job, "the "+l.what+" is not a mapping")
	case job.Style&yaml.FlowStyle != 0:
		return byHand(job, "the "+l.what+" is written in braces")
	}
	key, rules := pairOf(job, rulesKey)
	switch {
	case key == nil && l.rules[index]:
		return byHand(job, rulesKey+" comes from a merge key (<<), which a key of its own would replace")
	case key == nil:
		indent := job.Content[0].Column - 1
		text := strings.Repeat(" ", indent) + rulesKey + ":\n" + indented(items, indent+d.sequenceOffset(job))
		return d.after(d.lastLine(job), text), nil
	case rules.Kind == yaml.AliasNode:
		return byHand(rules, rulesKey+" is an alias (*"+rules.Value+")")
	case rules.Anchor != "" && d.aliased(rules) != nil:
		return byHand(rules, fmt.Sprintf("%s is shared: line %d has an alias of it (*%s)", rulesKey, d.aliased(rules).Line, rules.Anchor))
	case rules.Kind == yaml.ScalarNode && rules.Tag == "!!null" && rules.Value == "":
		return d.after(key.Line, indented(items, key.Column-1+d.sequenceOffset(job))), nil
	case rules.Kind != yaml.SequenceNode:
		return byHand(rules, rulesKey+" is not a list")
	case rules.Style&yaml.FlowStyle != 0:
		return byHand(rules, rulesKey+" is written in brackets")
	}
	return d.after(d.lastLine(rules), indented(items, d.dashColumn(rules)-1)), nil
}

// after returns the insertion of the text behind a line, with the line break
// that the line has. Behind a last line without a line break, the break goes
// first and the file keeps ending without one.
func (d *document) after(line int, text string) edit {
	offset := 0
	for _, l := range d.lines[:line] {
		offset += len(l)
	}
	last := d.lines[line-1]
	if strings.HasSuffix(last, "\r\n") || !strings.HasSuffix(last, "\n") && strings.HasSuffix(d.lines[0], "\r\n") {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if !strings.HasSuffix(last, "\n") {
		trimmed := strings.TrimRight(text, "\r\n")
		text = text[len(trimmed):] + trimmed
	}
	return edit{offset: offset, end: offset, text: text}
}

func indented(items string, spaces int) string {
	var b strings.Builder
	for line := range strings.Lines(items) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.Repeat(" ", spaces))
		}
		b.WriteString(line)
	}
	return b.String()
}

// aliased returns an alias of the node, or nil.
func (d *document) aliased(n *yaml.Node) *yaml.Node {
	i := slices.IndexFunc(d.nodes, func(a *yaml.Node) bool { return a.Kind == yaml.AliasNode && a.Alias == n })
	if i < 0 {
		return nil
	}
	return d.nodes[i]
}

// sequenceOffset returns how far the file indents a list under its key, as the
// job does it, else as the first mapping with a list does; 2 if there is none.
func (d *document) sequenceOffset(job *yaml.Node) int {
	for _, m := range append([]*yaml.Node{job}, d.nodes...) {
		if m.Kind != yaml.MappingNode || m.Style&yaml.FlowStyle != 0 {
			continue
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			key, value := m.Content[i], m.Content[i+1]
			if value.Kind == yaml.SequenceNode && value.Style&yaml.FlowStyle == 0 && value.Line > key.Line {
				return value.Column - key.Column
			}
		}
	}
	return 2
}

var dashLine = regexp.MustCompile(`^( *)-(\s|$)`)

// dashColumn returns the 1-based column of the dashes of a block sequence. The
// position of one that has an anchor or a tag is that of the anchor or tag.
func (d *document) dashColumn(seq *yaml.Node) int {
	if line := d.lines[seq.Line-1]; seq.Column <= len(line) && line[seq.Column-1] == '-' {
		return seq.Column
	}
	for _, line := range d.lines[seq.Line:] {
		if m := dashLine.FindStringSubmatch(line); m != nil {
			return len(m[1]) + 1
		}
	}
	return seq.Column
}
