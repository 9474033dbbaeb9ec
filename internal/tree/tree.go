// Package tree reads JSON and YAML into one kind of tree, whose values know
// the line they stand on. In goes the text of a file; out comes a tree.Value,
// or a SyntaxError with line and column. It reads no files.
//
// The readers of foreign formats (Grafana dashboards, rule files) walk such a
// tree instead of decoding into structs: their formats come in many versions,
// unknown fields must be tolerated, and every finding needs its line.
package tree

import (
	"fmt"
	"slices"
)

// Kind says what a Value is.
type Kind int

// The kinds of values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Object
	Array
)

// String returns the name of the kind as a user knows it.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "object", "list"}[k]
}

// Value is one value of a document. Its methods may be called on nil, which
// stands for a value that is not there.
type Value struct {
	Kind   Kind
	Line   int      // 1-based
	Text   string   // of a scalar
	Items  []*Value // of an array
	Fields []Field  // of an object, in the order of the text

	// textLine is the line on which Text begins when its lines are lines of
	// the file (a YAML block); 0 when all of Text stands on Line.
	textLine int
}

// Field is one entry of an object.
type Field struct {
	Key   string
	Value *Value
}

// Get follows the path of keys and returns the value there, or nil when there
// is none or it is null. Of a key that stands twice the last one counts.
func (v *Value) Get(path ...string) *Value {
	for _, key := range path {
		v = v.field(key)
	}
	if v == nil || v.Kind == Null {
		return nil
	}
	return v
}

func (v *Value) field(key string) *Value {
	if v == nil {
		return nil
	}
	for _, f := range slices.Backward(v.Fields) {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// Has reports whether the object has the key, be it null.
func (v *Value) Has(key string) bool { return v.field(key) != nil }

// Is reports whether the value is there and of the kind.
func (v *Value) Is(k Kind) bool { return v != nil && v.Kind == k }

// Str returns the text of a string, and "" for anything else.
func (v *Value) Str() string {
	if v.Is(String) {
		return v.Text
	}
	return ""
}

// Scalar returns the text of a string, number or boolean, and "" for anything
// else.
func (v *Value) Scalar() string {
	if v == nil || v.Kind == Object || v.Kind == Array || v.Kind == Null {
		return ""
	}
	return v.Text
}

// List returns the items of an array, and nil for anything else.
func (v *Value) List() []*Value {
	if v == nil {
		return nil
	}
	return v.Items
}

// Entries returns the fields of an object, and nil for anything else.
func (v *Value) Entries() []Field {
	if v == nil {
		return nil
	}
	return v.Fields
}

// Pos returns the line of the value, or that of the fallback when it is not
// there.
func (v *Value) Pos(fallback *Value) int {
	switch {
	case v != nil:
		return v.Line
	case fallback != nil:
		return fallback.Line
	}
	return 0
}

// Issue is a part of a document that could not be read or understood.
type Issue struct {
	Line     int // 0 when it is about the whole file
	Message  string
	Hint     string
	Blocking bool
}

// SyntaxError says where a text breaks the rules of its format.
type SyntaxError struct {
	Line, Column int // 1-based; 0 when unknown
	Message      string
}

// Error returns the message with its position.
func (e *SyntaxError) Error() string {
	switch {
	case e.Line == 0:
		return e.Message
	case e.Column == 0:
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// maxValues bounds the memory that one document can take, aliases expanded.
const maxValues = 5_000_000

func tooMany(line int) *SyntaxError {
	return &SyntaxError{Line: line, Message: fmt.Sprintf("more than %d values in one document", maxValues)}
}
