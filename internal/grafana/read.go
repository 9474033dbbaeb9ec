package grafana

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sentei/sentei/internal/tree"
)

// Read reads a file or an API answer. name is the file's name: .yml and .yaml
// are read as YAML, and everything goes into locations under it. The error is
// a *tree.SyntaxError; what stands in the documents before it is returned as
// well. A document that holds neither dashboards, nor library panels, nor alert
// rules is a blocking Issue.
func Read(name string, data []byte) (*File, error) {
	r := &reader{name: name, file: File{Name: name}}
	docs, err := parse(name, data)
	for _, doc := range docs {
		for _, o := range tree.Objects(doc) {
			r.top(o)
		}
	}
	if err == nil && !r.found && !slices.ContainsFunc(r.file.Issues, func(i tree.Issue) bool { return i.Blocking }) {
		found := "nothing"
		if len(r.skipped) > 0 {
			found = strings.Join(r.skipped, ", ")
		}
		r.file.Issues = append(r.file.Issues, tree.Issue{
			Message: "no dashboard in the file; found " + found, Hint: hintLeaveOut, Blocking: true,
		})
	}
	return &r.file, err
}

const hintLeaveOut = "leave the file out of paths if it is not meant to hold dashboards"

func parse(name string, data []byte) ([]*tree.Value, error) {
	if isYAML(name) {
		return tree.ParseYAML(data)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	doc, err := tree.ParseJSON(data)
	if err != nil {
		return nil, err
	}
	return []*tree.Value{doc}, nil
}

func isYAML(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

type reader struct {
	name    string
	file    File
	found   bool     // something that is known, be it empty
	skipped []string // Kubernetes objects of other kinds
}

func (r *reader) issue(at *tree.Value, hint, format string, args ...any) {
	r.file.Issues = append(r.file.Issues, tree.Issue{
		Line: at.Pos(nil), Message: fmt.Sprintf(format, args...), Hint: hint, Blocking: true,
	})
}

// top reads an object at the top of a document, and says so when it is none
// that is known.
func (r *reader) top(o *tree.Value) {
	switch {
	case r.object(o):
		r.found = true
	case tree.IsManifest(o):
		r.skipped = append(r.skipped, tree.Name(o))
	default:
		r.issue(o, hintLeaveOut, "the document is no dashboard, but %s", describe(o))
	}
}

// describe says what an object is that is not known.
func describe(o *tree.Value) string {
	if kind := o.Get("kind").Str(); kind == "Dashboard" && o.Get("spec", "panels").Is(tree.Object) {
		return "a dashboard of Perses"
	}
	if o.Kind != tree.Object {
		return "a " + o.Kind.String()
	}
	var keys []string
	for _, f := range o.Fields {
		keys = append(keys, f.Key)
	}
	slices.Sort(keys)
	if len(keys) == 0 {
		return "an empty object"
	}
	if len(keys) > 5 {
		keys = append(keys[:5], "…")
	}
	return "an object with " + strings.Join(keys, ", ")
}

// object reads an object of any known shape, and reports whether it was one.
func (r *reader) object(o *tree.Value) bool {
	if o == nil {
		return false
	}
	if files, ok := tree.Files(o); ok {
		return r.configMap(o, files)
	}
	spec, result := o.Get("spec"), o.Get("result")
	uid := o.Get("metadata", "name").Scalar()
	switch {
	case o.Is(tree.Array):
		return r.list(o)
	case o.Get("dashboard").Is(tree.Object):
		before := len(r.file.Dashboards)
		known := r.object(o.Get("dashboard"))
		for _, d := range r.file.Dashboards[before:] {
			d.answered = o.Get("meta").Is(tree.Object)
		}
		return known
	case strings.HasPrefix(o.Get("kind").Str(), "Grafana") && spec != nil:
		return r.operator(o, spec)
	case o.Get("kind").Str() == "LibraryPanel" && spec != nil:
		r.file.Panels = append(r.file.Panels, &LibraryPanel{UID: uid, Name: spec.Get("title").Str(), file: r.name, model: spec})
	case isSchema2(spec), isClassic(spec):
		r.dashboard(spec, uid)
	case isSchema2(o), isClassic(o):
		r.dashboard(o, "")
	case o.Get("model").Is(tree.Object) && o.Has("uid"):
		r.file.Panels = append(r.file.Panels, &LibraryPanel{
			UID: o.Get("uid").Scalar(), Name: o.Get("name").Str(), file: r.name, model: o.Get("model")})
	case result.Has("elements"):
		return r.list(result.Get("elements")) || result.Get("elements").List() == nil
	case result.Is(tree.Object):
		return r.object(result)
	case o.Get("kind").Str() == "Variable" && spec.Get("spec") != nil:
		r.globalVariable(o, spec)
	default:
		return r.alerts(o) || r.byFile(o)
	}
	return true
}

// dashboard adds a dashboard; uid is that of the object around it.
func (r *reader) dashboard(body *tree.Value, uid string) {
	d := &Dashboard{Title: body.Get("title").Scalar(), UID: uid, file: r.name, body: body, schema2: isSchema2(body)}
	if d.UID == "" {
		d.UID = body.Get("uid").Scalar()
	}
	if d.Title == "" {
		d.Title = strings.TrimSuffix(path.Base(r.name), path.Ext(r.name))
	}
	r.file.Dashboards = append(r.file.Dashboards, d)
}

// globalVariable adds a variable that all dashboards share, as a dashboard that
// consists of it.
func (r *reader) globalVariable(o, variable *tree.Value) {
	body := &tree.Value{Kind: tree.Object, Line: o.Line, Fields: []tree.Field{
		{Key: "title", Value: &tree.Value{Kind: tree.String, Line: o.Line, Text: "global variables"}},
		{Key: "elements", Value: &tree.Value{Kind: tree.Object, Line: o.Line}},
		{Key: "variables", Value: &tree.Value{Kind: tree.Array, Line: o.Line, Items: []*tree.Value{variable}}},
	}}
	r.dashboard(body, "")
}

// list reads a list of objects. It is known if one of them is; the others are
// issues then.
func (r *reader) list(list *tree.Value) bool {
	var unknown []*tree.Value
	for _, item := range list.List() {
		if !r.object(item) {
			unknown = append(unknown, item)
		}
	}
	if len(unknown) == len(list.List()) {
		return false
	}
	for _, item := range unknown {
		r.issue(item, "", "an item of the list is no dashboard, but %s", describe(item))
	}
	return true
}

// byFile reads an object that holds dashboards by their file names, as mixins
// are printed.
func (r *reader) byFile(o *tree.Value) bool {
	for _, f := range o.Entries() {
		if !isClassic(f.Value) && !isSchema2(f.Value) {
			return false
		}
	}
	for _, f := range o.Entries() {
		r.dashboard(f.Value, "")
	}
	return len(o.Entries()) > 0
}
