package tree

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v4"
)

// ParseYAML reads all documents of a YAML text; documents without content are
// left out. The error is a *SyntaxError; the documents before it are returned
// as well.
func ParseYAML(data []byte) ([]*Value, error) { return parseYAML(data, 1) }

// ParseYAML reads the YAML documents that the string holds. Lines are those of
// the file that the string stands in.
func (v *Value) ParseYAML() ([]*Value, error) {
	docs, err := parseYAML([]byte(v.Str()), v.firstLine())
	if v == nil || v.textLine > 0 {
		return docs, err
	}
	for _, doc := range docs {
		doc.moveTo(v.Line)
	}
	if e, ok := errors.AsType[*SyntaxError](err); ok {
		err = &SyntaxError{Line: v.Line, Message: e.Error()}
	}
	return docs, err
}

func parseYAML(data []byte, firstLine int) ([]*Value, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, &SyntaxError{Message: err.Error()}
	}
	var docs []*Value
	for {
		var node yaml.Node
		if err := loader.Load(&node); errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return docs, yamlError(err, firstLine)
		}
		b := yamlBuilder{offset: firstLine - 1, built: map[*yaml.Node]built{}}
		doc, err := b.value(&node)
		if err != nil {
			return docs, err
		}
		if doc.v.Kind != Null {
			docs = append(docs, doc.v)
		}
	}
}

func yamlError(err error, firstLine int) error {
	e := &SyntaxError{Message: err.Error()}
	if l, ok := errors.AsType[*yaml.LoadError](err); ok {
		e.Message = l.Message
		if l.Mark.Line > 0 {
			e.Line, e.Column = l.Mark.Line+firstLine-1, l.Mark.Column
		}
	}
	return e
}

// built is a value with the number of values in it, aliases expanded.
type built struct {
	v    *Value
	size int
}

// yamlBuilder builds the tree of one document. Values that aliases name are
// shared, not copied.
type yamlBuilder struct {
	offset int
	built  map[*yaml.Node]built // of anchors; without a value while being built
}

func (b *yamlBuilder) value(n *yaml.Node) (built, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return built{&Value{Line: b.line(n)}, 1}, nil
		}
		return b.value(n.Content[0])
	case yaml.AliasNode:
		return b.value(n.Alias)
	}
	if n.Anchor != "" {
		if done, ok := b.built[n]; ok {
			if done.v == nil {
				return built{}, &SyntaxError{Line: b.line(n), Column: n.Column, Message: "anchor " + n.Anchor + " holds itself"}
			}
			return done, nil
		}
		b.built[n] = built{}
	}
	out := built{&Value{Line: b.line(n)}, 1}
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		out.v.Kind = Object
		err = b.mapping(n, &out)
	case yaml.SequenceNode:
		out.v.Kind = Array
		for _, c := range n.Content {
			var item built
			if item, err = b.value(c); err != nil {
				break
			}
			out.v.Items = append(out.v.Items, item.v)
			out.size += item.size
		}
	default:
		b.scalar(n, out.v)
	}
	if err == nil && out.size > maxValues {
		err = tooMany(b.line(n))
	}
	if n.Anchor != "" {
		b.built[n] = out
	}
	return out, err
}

func (b *yamlBuilder) line(n *yaml.Node) int { return n.Line + b.offset }

func (b *yamlBuilder) scalar(n *yaml.Node, v *Value) {
	v.Text = n.Value
	switch n.ShortTag() {
	case "!!null":
		v.Kind = Null
	case "!!bool":
		v.Kind = Bool
	case "!!int", "!!float":
		v.Kind = Number
	default:
		v.Kind = String
		if n.Style&yaml.LiteralStyle != 0 {
			v.textLine = v.Line + 1
		}
	}
}

// mapping reads the entries, then those that merge keys (<<) bring in and
// that the mapping does not have itself.
func (b *yamlBuilder) mapping(n *yaml.Node, out *built) error {
	var merged []Field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return &SyntaxError{Line: b.line(key), Column: key.Column, Message: "the key of a mapping must be a scalar"}
		}
		value, err := b.value(node)
		if err != nil {
			return err
		}
		out.size += value.size
		if key.ShortTag() != "!!merge" {
			out.v.Fields = append(out.v.Fields, Field{key.Value, value.v})
			continue
		}
		merged = append(merged, value.v.Fields...)
		for _, item := range value.v.Items {
			merged = append(merged, item.Fields...)
		}
	}
	if len(merged) == 0 {
		return nil
	}
	have := make(map[string]bool, len(out.v.Fields))
	for _, f := range out.v.Fields {
		have[f.Key] = true
	}
	for _, f := range merged {
		if !have[f.Key] { // the first of several merged mappings wins
			have[f.Key] = true
			out.v.Fields = append(out.v.Fields, f)
		}
	}
	return nil
}
