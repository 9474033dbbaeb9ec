package grafana

import (
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// isSchema2 reports whether the object is the spec of a dashboard of schema 2
// (v2alpha1, v2beta1, v2).
func isSchema2(o *tree.Value) bool {
	return o.Get("elements").Is(tree.Object) || o.Has("elements") && o.Has("layout")
}

// spec reads a dashboard of schema 2.
func (w *walker) spec() {
	body := w.d.body
	w.specVariables(body, func(name, kind string, v *tree.Value) {
		if kind == "query" {
			w.specVariable(name, v)
		}
	})
	for _, a := range body.Get("annotations").List() {
		w.specAnnotation(a)
	}
	for _, element := range body.Get("elements").Entries() {
		w.element(element)
	}
}

// specVariables calls f for every variable of the dashboard and of the sections
// in its layout.
func (w *walker) specVariables(v *tree.Value, f func(name, kind string, body *tree.Value)) {
	for _, variable := range v.Get("variables").List() {
		body := variable.Get("spec")
		kind := strings.ToLower(strings.TrimSuffix(variable.Get("kind").Str(), "Variable"))
		f(body.Get("name").Str(), kind, body)
	}
	if layout := v.Get("layout"); layout != nil {
		w.sections(layout, f)
	}
}

// sections finds the rows and tabs of a layout, which may hold variables and
// layouts of their own.
func (w *walker) sections(v *tree.Value, f func(name, kind string, body *tree.Value)) {
	if v.Has("variables") || v.Has("layout") {
		w.specVariables(v, f)
		return
	}
	for _, item := range v.List() {
		w.sections(item, f)
	}
	for _, field := range v.Entries() {
		w.sections(field.Value, f)
	}
}

func (w *walker) specVariable(name string, v *tree.Value) {
	w.seen[v] = true
	q := v.Get("query")
	ds := w.querySource(q, v.Get("datasource"))
	if q.Has("spec") {
		q = q.Get("spec")
	}
	w.variableQuery(name, q, v.Get("definition"), ds)
}

// querySource returns the data source of a query. v2alpha1 has its type in the
// query's kind and a reference beside it; later versions have it in the query.
func (w *walker) querySource(q, beside *tree.Value) datasource {
	typ := q.Get("group").Str()
	if kind := q.Get("kind").Str(); typ == "" && kind != "DataQuery" {
		typ = kind
	}
	if typ == "" {
		typ = beside.Get("type").Str()
	}
	uid := q.Get("datasource", "name").Str()
	if uid == "" {
		uid = beside.Get("uid").Str()
	}
	return w.ref(typ, uid)
}

func (w *walker) specAnnotation(a *tree.Value) {
	body := a.Get("spec")
	panel := "annotation " + body.Get("name").Scalar()
	q := body.Get("query")
	ds := w.querySource(q, body.Get("datasource"))
	w.seen[q] = true
	w.target(q.Get("spec"), ds, panel)
	if old := body.Get("legacyOptions"); old != nil && old.Get("expr").Scalar() != q.Get("spec", "expr").Scalar() {
		w.annotation(old, panel, ds)
	} else if old != nil {
		w.seen[old] = true
	}
}

// element reads a panel, or the reference to a library panel.
func (w *walker) element(f tree.Field) {
	body := f.Value.Get("spec")
	panel := panelName(body)
	ref := body.Get("libraryPanel")
	if !ref.Is(tree.Object) && f.Value.Get("kind").Str() == "LibraryPanel" {
		w.add(panel, f.Value.Line, datasource{}, sentei.Expression{}, "the panel is a library panel, but does not say which")
	}
	if ref.Is(tree.Object) {
		if !w.libraryPanel(ref, panel) {
			w.missing(ref, panel)
		}
		return
	}
	for _, query := range body.Get("data", "spec", "queries").List() {
		inner := query.Get("spec")
		q := inner.Get("query")
		w.panelTarget(q.Get("spec"), w.querySource(q, inner.Get("datasource")), panel)
	}
}
