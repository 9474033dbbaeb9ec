package yamledit

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// betweenNodes matches the lines that may stand between the last line of a
// node and the first token of the next: blank lines, comments, and a dash
// alone or with an anchor or a tag.
var betweenNodes = regexp.MustCompile(`^\s*(-\s+)?([&!]\S*\s+)*(#.*)?$`)

// documentMark matches the lines that end a document.
var documentMark = regexp.MustCompile(`^(---|\.\.\.)(\s|$)`)

// lastLine returns the number of the last line of a node, without the blank
// lines and comments that follow it: those mostly belong to what comes next.
func (d *document) lastLine(n *yaml.Node) int {
	leaf := n
	for len(leaf.Content) > 0 {
		leaf = leaf.Content[len(leaf.Content)-1]
	}
	next := d.nextLine(leaf)
	first := d.leafEnd(leaf, next)
	line := next - 1
	for line > first && betweenNodes.MatchString(strings.TrimRight(d.lines[line-1], "\r\n")+" ") {
		line--
	}
	return line
}

// nextLine returns the line of the node that follows the leaf in the text, or
// of the end of the document.
func (d *document) nextLine(leaf *yaml.Node) int {
	for _, n := range d.nodes[slices.Index(d.nodes, leaf)+1:] {
		if n.Line > leaf.Line {
			return n.Line
		}
	}
	for i := leaf.Line; i < len(d.lines); i++ {
		if documentMark.MatchString(d.lines[i]) {
			return i + 1
		}
	}
	if d.lines[len(d.lines)-1] == "" { // behind the last line break
		return len(d.lines)
	}
	return len(d.lines) + 1
}

// leafEnd returns a line up to which everything surely belongs to the leaf.
// Only the text of block scalars and quoted scalars can look like comments.
func (d *document) leafEnd(leaf *yaml.Node, next int) int {
	switch {
	case leaf.Kind != yaml.ScalarNode:
		return leaf.Line
	case leaf.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(leaf, next)
	case leaf.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return d.quotedEnd(leaf)
	}
	return leaf.Line
}

// blockScalarEnd follows the lines that are indented deeper than the line with
// the | or >. Blank lines at the end count where the header says keep (+).
func (d *document) blockScalarEnd(leaf *yaml.Node, next int) int {
	header := d.lines[leaf.Line-1]
	end := leaf.Line
	blank := end
	for line := leaf.Line + 1; line < next; line++ {
		text := d.lines[line-1]
		if strings.TrimSpace(text) == "" {
			blank = line
			continue
		}
		if indentOf(text) <= indentOf(header) {
			break
		}
		end, blank = line, line
	}
	indicators, _, _ := strings.Cut(header[strings.LastIndexAny(header, "|>"):], "#")
	if strings.Contains(indicators, "+") {
		return blank
	}
	return end
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// quotedEnd returns the line of the closing quote.
func (d *document) quotedEnd(leaf *yaml.Node) int {
	quote := byte('"')
	if leaf.Style&yaml.SingleQuotedStyle != 0 {
		quote = '\''
	}
	open := false
	for i := leaf.Line - 1; i < len(d.lines); i++ {
		text := d.lines[i]
		j := 0
		if i == leaf.Line-1 { // Column counts characters
			runes := []rune(text)
			j = len(string(runes[:min(leaf.Column-1, len(runes))]))
		}
		for ; j < len(text); j++ {
			switch {
			case !open:
				open = text[j] == quote
			case quote == '"' && text[j] == '\\':
				j++
			case text[j] == quote && quote == '\'' && j+1 < len(text) && text[j+1] == quote:
				j++
			case text[j] == quote:
				return i + 1
			}
		}
	}
	return leaf.Line
}
