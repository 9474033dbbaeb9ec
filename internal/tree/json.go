package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// ParseJSON reads one JSON document. The error is a *SyntaxError.
func ParseJSON(data []byte) (*Value, error) { return parseJSON(data, 1) }

// ParseJSON reads the JSON document that the string holds. Lines are those of
// the file that the string stands in.
func (v *Value) ParseJSON() (*Value, error) {
	root, err := parseJSON([]byte(v.Str()), v.firstLine())
	return embedded(v, root, err)
}

func parseJSON(data []byte, firstLine int) (*Value, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		e := &SyntaxError{Message: err.Error()}
		if s, ok := errors.AsType[*json.SyntaxError](err); ok {
			e.Line, e.Column = position(data, int(s.Offset)-1, firstLine)
		}
		return nil, e
	}
	p := jsonParser{data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: firstLine}
	p.dec.UseNumber()
	return p.value()
}

// position returns line and column of the byte at the offset.
func position(data []byte, offset, firstLine int) (line, column int) {
	offset = min(max(offset, 0), len(data))
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return firstLine + bytes.Count(before, []byte("\n")), utf8.RuneCount(before[start:]) + 1
}

// jsonParser builds the tree from the tokens of a document that is known to
// be valid.
type jsonParser struct {
	data   []byte
	dec    *json.Decoder
	line   int
	read   int // up to here line has been counted
	values int
}

// token returns the next token, and sets line to the one it stands on: no
// token spans lines.
func (p *jsonParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	end := int(p.dec.InputOffset())
	p.line += bytes.Count(p.data[p.read:end], []byte("\n"))
	p.read = end
	return t, err
}

func (p *jsonParser) value() (*Value, error) {
	t, err := p.token()
	if err != nil {
		return nil, &SyntaxError{Line: p.line, Message: err.Error()}
	}
	return p.valueOf(t)
}

func (p *jsonParser) valueOf(t json.Token) (*Value, error) {
	if p.values++; p.values > maxValues {
		return nil, tooMany(p.line)
	}
	v := &Value{Line: p.line}
	switch t := t.(type) {
	case string:
		v.Kind, v.Text = String, t
	case json.Number:
		v.Kind, v.Text = Number, t.String()
	case bool:
		v.Kind, v.Text = Bool, "false"
		if t {
			v.Text = "true"
		}
	case json.Delim:
		if t == '{' {
			v.Kind = Object
			return v, p.fields(v)
		}
		v.Kind = Array
		return v, p.items(v)
	}
	return v, nil
}

func (p *jsonParser) fields(v *Value) error {
	for {
		t, err := p.token()
		if err != nil {
			return &SyntaxError{Line: p.line, Message: err.Error()}
		}
		key, ok := t.(string)
		if !ok { // the closing brace
			return nil
		}
		child, err := p.value()
		if err != nil {
			return err
		}
		v.Fields = append(v.Fields, Field{key, child})
	}
}

func (p *jsonParser) items(v *Value) error {
	for {
		t, err := p.token()
		if err != nil {
			return &SyntaxError{Line: p.line, Message: err.Error()}
		}
		if t == json.Delim(']') {
			return nil
		}
		child, err := p.valueOf(t)
		if err != nil {
			return err
		}
		v.Items = append(v.Items, child)
	}
}

// embedded moves what was read from a string that is no block of its own
// lines to the line of the string.
func embedded(in, root *Value, err error) (*Value, error) {
	if in == nil || in.textLine > 0 {
		return root, err
	}
	if e, ok := errors.AsType[*SyntaxError](err); ok {
		return nil, &SyntaxError{Line: in.Line, Message: e.Error()}
	}
	root.moveTo(in.Line)
	return root, err
}

// firstLine returns the line that the text of the string begins on, or 1 when
// its lines are no lines of the file.
func (v *Value) firstLine() int {
	if v == nil || v.textLine == 0 {
		return 1
	}
	return v.textLine
}

func (v *Value) moveTo(line int) {
	if v == nil || v.Line == line && v.textLine == 0 && v.Items == nil && v.Fields == nil {
		return
	}
	v.Line, v.textLine = line, 0
	for _, item := range v.Items {
		item.moveTo(line)
	}
	for _, f := range v.Fields {
		f.Value.moveTo(line)
	}
}
