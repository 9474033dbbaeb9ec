package grafana

import (
	"github.com/sentei/sentei/internal/tree"
)

// isClassic reports whether the object is a dashboard of the classic schema, of
// any version.
func isClassic(o *tree.Value) bool {
	for _, key := range []string{"panels", "rows"} {
		if list := o.Get(key); list.Is(tree.Array) || list == nil && o.Has(key) {
			return true
		}
	}
	return o.Has("schemaVersion") || o.Get("templating", "list").Is(tree.Array)
}

// classic reads a dashboard of the classic schema: panels, and in versions
// before 16 rows of panels.
func (w *walker) classic() {
	body := w.d.body
	for _, v := range body.Get("templating", "list").List() {
		w.seen[v] = true
		if kind := v.Get("type").Str(); kind == "query" || kind == "" {
			w.variableQuery(v.Get("name").Str(), v.Get("query"), v.Get("definition"), w.source(v.Get("datasource"), datasource{}))
		}
	}
	for _, a := range body.Get("annotations", "list").List() {
		w.annotation(a, "annotation "+a.Get("name").Scalar(), w.source(a.Get("datasource"), datasource{}))
	}
	for _, row := range body.Get("rows").List() {
		w.panels(row.Get("panels"))
	}
	w.panels(body.Get("panels"))
}

// annotation reads an annotation query: the text is in expr, or in target, or
// in both.
func (w *walker) annotation(a *tree.Value, panel string, ds datasource) {
	target := a.Get("target")
	w.target(target, w.source(target.Get("datasource"), ds), panel)
	w.seen[a] = true
	if a.Get("expr").Scalar() != target.Get("expr").Scalar() {
		w.target(a, ds, panel)
	}
}

// panels reads a list of panels, and the panels in rows among them.
func (w *walker) panels(list *tree.Value) {
	for _, p := range list.List() {
		name := panelName(p)
		w.targets(p, name)
		if ref := p.Get("libraryPanel"); ref.Is(tree.Object) {
			// A copy of the panel that was saved with the dashboard may be out
			// of date; it counts, but does not stand for the panel.
			filledIn := w.d.answered && len(p.Get("targets").List()) > 0
			if !w.libraryPanel(ref, name) && !filledIn {
				w.missing(ref, name)
			}
		}
		w.panels(p.Get("panels"))
	}
}

// classicVariables collects what the dashboard says about variables and about
// the library panels that came with it.
func (w *walker) classicVariables() {
	body := w.d.body
	for _, v := range body.Get("templating", "list").List() {
		w.vars.define(v.Get("name").Str(), v.Get("type").Str(), v)
	}
	for _, in := range body.Get("__inputs").List() {
		if in.Get("type").Str() == "datasource" {
			w.vars.define(in.Get("name").Str(), "datasource", in)
		}
	}
	elements := body.Get("__elements")
	for _, e := range elements.List() {
		w.embed(e.Get("uid").Scalar(), e)
	}
	for _, f := range elements.Entries() {
		w.embed(f.Key, f.Value)
	}
}

func (w *walker) embed(uid string, element *tree.Value) {
	w.embedded.Add([]*LibraryPanel{{UID: uid, Name: element.Get("name").Str(), file: w.file, model: element.Get("model")}})
}
