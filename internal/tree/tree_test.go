package tree

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// show writes the tree with the line of every value.
func show(v *Value) string {
	switch {
	case v == nil:
		return "-"
	case v.Kind == Object:
		var parts []string
		for _, f := range v.Fields {
			parts = append(parts, f.Key+":"+show(f.Value))
		}
		return fmt.Sprintf("%d{%s}", v.Line, strings.Join(parts, " "))
	case v.Kind == Array:
		var parts []string
		for _, item := range v.Items {
			parts = append(parts, show(item))
		}
		return fmt.Sprintf("%d[%s]", v.Line, strings.Join(parts, " "))
	}
	return fmt.Sprintf("%d%q", v.Line, v.Text)
}

func TestParseJSON(t *testing.T) {
	tests := map[string]struct{ in, want, err string }{
		"lines":           {"{\n \"a\": [1,\n 2.50],\n\n \"b\": {\"c\": null, \"d\": true}}", `1{a:2[2"1" 3"2.50"] b:5{c:5"" d:5"true"}}`, ""},
		"byte order mark": {"\ufeff{\"a\":\"\\n\"}", `1{a:1"\n"}`, ""},
		"empty":           {"", "-", "line 1, column 1: unexpected end of JSON input"},
		"cut short":       {"{\n\"a\": [1", "-", "line 2, column 7: unexpected end of JSON input"},
		"wrong character": {"{\n  \"é\": x}", "-", "line 2, column 8: invalid character 'x' looking for beginning of value"},
		"two documents":   {"{}\n{}", "-", "line 2, column 1: invalid character '{' after top-level value"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v, err := ParseJSON([]byte(tt.in))
			check(t, show(v), err, tt.want, tt.err)
		})
	}
}

func check(t *testing.T, got string, err error, want, wantErr string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	msg := ""
	if err != nil {
		msg = err.Error()
	}
	if msg != wantErr {
		t.Errorf("error %q, want %q", msg, wantErr)
	}
}

func TestParseYAML(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	tests := map[string]struct{ in, want, err string }{
		"documents":    {"a: 1\n---\n# nothing\n---\n- x\n- y: z\n", `1{a:1"1"} 5[5"x" 6{y:6"z"}]`, ""},
		"empty":        {"", "", ""},
		"alias":        {"a: &x {p: 1}\nb: *x\n", `1{a:1{p:1"1"} b:1{p:1"1"}}`, ""},
		"merge":        {"a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", `1{a:1{p:1"1" q:1"2"} b:3{q:4"3" p:1"1"}}`, ""},
		"merge list":   {"a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y]}\n", `1{a:1{p:1"1"} b:2{p:2"2" r:2"3"} c:3{p:1"1" r:2"3"}}`, ""},
		"holds itself": {"a: &x [*x]\n", "", "line 1, column 4: anchor x holds itself"},
		"bomb":         {bomb, "", "line 7: more than 5000000 values in one document"},
		"object key":   {"? {a: b}\n: c\n", "", "line 1, column 3: the key of a mapping must be a scalar"},
		"syntax":       {"ok: 1\n---\na: b: c\n", `1{ok:1"1"}`, "line 3, column 5: mapping values are not allowed in this context"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			docs, err := ParseYAML([]byte(tt.in))
			var got []string
			for _, d := range docs {
				got = append(got, show(d))
			}
			check(t, strings.Join(got, " "), err, tt.want, tt.err)
		})
	}
}

func TestEmbedded(t *testing.T) {
	const file = `block: |

  {"a":
    1}
folded: >
  {"a":
  1}
quoted: "{\"a\":\n1}"
broken: |
  {"a":
   x}
brokenLine: "{\n x"
yaml: |
  - 1
  - 2
`
	docs, err := ParseYAML([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ want, err string }{
		"block":      {`3{a:4"1"}`, ""},
		"folded":     {`5{a:5"1"}`, ""},
		"quoted":     {`8{a:8"1"}`, ""},
		"broken":     {"-", "line 11, column 2: invalid character 'x' looking for beginning of value"},
		"brokenLine": {"-", "line 12: line 2, column 2: invalid character 'x' looking for beginning of object key string"},
	}
	for key, tt := range tests {
		v, err := docs[0].Get(key).ParseJSON()
		check(t, show(v), err, tt.want, tt.err)
	}
	list, err := docs[0].Get("yaml").ParseYAML()
	check(t, show(list[0]), err, `14[14"1" 15"2"]`, "")
}

func TestManifests(t *testing.T) {
	const file = `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: c, namespace: n}
    data: {a.json: "1", n: 3}
    binaryData: {b: Mg==}
  - apiVersion: v1
    kind: ServiceList
    items:
      - {apiVersion: v1, kind: Secret, metadata: {name: s}, data: {c: Mw==, d: "!"}, stringData: {e: "5"}}
      - {apiVersion: v1, kind: Service, metadata: {name: x}, data: {c: "1"}}
`
	docs, err := ParseYAML([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range Objects(docs[0]) {
		files, ok := Files(o)
		line := fmt.Sprint(Name(o), " ", ok)
		for _, f := range files {
			line += " " + f.Key + "=" + f.Value.Text
		}
		got = append(got, line)
	}
	want := []string{"ConfigMap n/c true a.json=1 b=2", "Secret s true c=3 d=! e=5", "Service x false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNil(t *testing.T) {
	var v *Value
	if v.Get("a", "b") != nil || v.Str() != "" || v.Scalar() != "" || v.List() != nil || v.Entries() != nil || v.Has("a") || v.Pos(nil) != 0 {
		t.Error("a value that is not there is not empty")
	}
	if _, err := v.ParseJSON(); err == nil {
		t.Error("nothing is no JSON document")
	}
	if docs, err := v.ParseYAML(); len(docs) > 0 || err != nil {
		t.Error("nothing holds no YAML document")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,null,"x"]}`, "a: &x {b: |\n  c\n}\nd: {<<: *x}\n---\n- *x", "a: &x [*x]", "? [a]\n: b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + strings.Count(string(data), "\u0085") +
			strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029") + 1
		v, err := ParseJSON(data)
		inLines(t, v, lines)
		syntax(t, err)
		docs, err := ParseYAML(data)
		for _, d := range docs {
			inLines(t, d, lines+1)
		}
		syntax(t, err)
	})
}

func syntax(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*SyntaxError](err); err != nil && !ok {
		t.Errorf("%T is no SyntaxError: %v", err, err)
	}
}

func inLines(t *testing.T, v *Value, lines int) {
	t.Helper()
	if v == nil {
		return
	}
	if v.Line < 1 || v.Line > lines {
		t.Fatalf("value on line %d of %d", v.Line, lines)
	}
	for _, item := range v.Items {
		inLines(t, item, lines)
	}
	for _, f := range v.Fields {
		inLines(t, f.Value, lines)
	}
}
