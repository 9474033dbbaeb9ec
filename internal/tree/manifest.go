package tree

import (
	"encoding/base64"
	"strings"
)

// Objects returns the objects that a document holds: the items of a
// Kubernetes List, those of lists in it included, or the document itself.
func Objects(doc *Value) []*Value {
	items := doc.Get("items")
	if !items.Is(Array) || !strings.HasSuffix(doc.Get("kind").Str(), "List") {
		return []*Value{doc}
	}
	var out []*Value
	for _, item := range items.Items {
		out = append(out, Objects(item)...)
	}
	return out
}

// IsManifest reports whether the document is a Kubernetes object.
func IsManifest(doc *Value) bool {
	return doc.Get("kind").Str() != "" && doc.Get("apiVersion").Str() != ""
}

// Name returns "kind name", as ConfigMap monitoring/rules, of a Kubernetes
// object.
func Name(doc *Value) string {
	name := doc.Get("metadata", "name").Scalar()
	if ns := doc.Get("metadata", "namespace").Scalar(); ns != "" {
		name = ns + "/" + name
	}
	return strings.TrimSpace(doc.Get("kind").Str() + " " + name)
}

// Files returns the files that a ConfigMap or Secret holds, and false for
// anything else. The values are strings.
func Files(doc *Value) ([]Field, bool) {
	kind := doc.Get("kind").Str()
	if !IsManifest(doc) || kind != "ConfigMap" && kind != "Secret" {
		return nil, false
	}
	var files []Field
	for _, f := range doc.Fields {
		switch f.Key {
		case "data", "stringData", "binaryData":
		default:
			continue
		}
		encoded := f.Key == "binaryData" || f.Key == "data" && kind == "Secret"
		for _, entry := range f.Value.Entries() {
			if entry.Value.Kind != String {
				continue
			}
			if encoded {
				entry.Value = decoded(entry.Value)
			}
			files = append(files, entry)
		}
	}
	return files, true
}

// decoded returns the string with its base64 undone, or as it is when it is
// no base64.
func decoded(v *Value) *Value {
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v.Text), ""))
	if err != nil {
		return v
	}
	return &Value{Kind: String, Line: v.Line, Text: string(text)}
}
