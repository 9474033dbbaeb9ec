package grafana

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// Dashboard is one dashboard.
type Dashboard struct {
	Title, UID string
	file       string
	body       *tree.Value
	schema2    bool
	answered   bool // by the API, which fills in library panels as they are now
}

// Queries returns all queries of the dashboard, hidden and disabled ones
// included: those of variables, of annotations, of panels, and of places that
// are not known, each in the order of the text. Library panels that the library
// does not have give an opaque Query.
func (d *Dashboard) Queries(library Library) []Query {
	w := d.walker()
	w.library = library
	if d.schema2 {
		w.spec()
	} else {
		w.classic()
	}
	w.sweep(d.body, datasource{}, "")
	for _, p := range w.used {
		w.file = p.file
		w.sweep(p.model, datasource{}, "library panel "+p.Name)
	}
	return w.queries
}

// AdHoc returns the names of the variables by which a viewer can add a matcher
// or a grouping by any label to every query of the dashboard, sorted.
func (d *Dashboard) AdHoc() []string {
	w := d.walker()
	slices.Sort(w.vars.adHoc)
	return slices.Compact(w.vars.adHoc)
}

func (d *Dashboard) walker() *walker {
	w := &walker{d: d, file: d.file, vars: newVariables(), seen: map[*tree.Value]bool{}, embedded: Library{}}
	if d.schema2 {
		w.specVariables(d.body, w.vars.define)
	} else {
		w.classicVariables()
	}
	return w
}

// walker walks through one dashboard.
type walker struct {
	d        *Dashboard
	library  Library
	embedded Library // in the dashboard's own __elements
	vars     variables
	seen     map[*tree.Value]bool // objects whose queries were read or left out
	used     []*LibraryPanel
	file     string // that the walk is in
	queries  []Query
}

// add adds a query; panel says where in the dashboard it is.
func (w *walker) add(panel string, line int, ds datasource, e sentei.Expression, opaque string) {
	q := Query{
		Kind: sentei.Dashboard, Name: w.d.Title, Expression: e, Opaque: opaque,
		Datasource: ds.name, Plugin: ds.typ, Other: isOther(ds.typ),
		Location: sentei.Location{File: w.file, Line: line, Dashboard: w.d.Title, DashboardUID: w.d.UID, Panel: panel},
	}
	if w.d.UID != "" {
		q.Location.URL = "/d/" + w.d.UID
	}
	w.queries = append(w.queries, q)
}

// target reads the expression of an object that asks a data source: the target
// of a panel, an annotation, the query of the second schema. Data sources that
// are built into Grafana have none.
func (w *walker) target(t *tree.Value, ds datasource, panel string) {
	if t == nil {
		return
	}
	w.seen[t] = true
	expr := t.Get("expr")
	switch google := t.Get("promQLQuery", "expr"); {
	case google != nil && (ds.typ == "" || ds.typ == "stackdriver"):
		expr, ds.typ = google, ""
	case ds == builtIn:
		return
	}
	switch {
	case expr == nil:
	case expr.Kind != tree.String:
		w.add(panel, expr.Line, ds, sentei.Expression{}, fmt.Sprintf("expr must be a string, found %s", expr.Kind))
	case strings.TrimSpace(expr.Text) != "":
		w.add(panel, expr.Line, ds, w.vars.expression(expr.Text, ds.lang()), "")
	}
}

// variableFunction matches the queries that only Prometheus's variables have.
var variableFunction = regexp.MustCompile(`^\s*(label_values|label_names|metrics|query_result)\s*\(`)

// variableQuery reads the query of a query variable; definition is its text as
// Grafana shows it.
func (w *walker) variableQuery(name string, q, definition *tree.Value, ds datasource) {
	if ds == builtIn {
		return
	}
	panel := "variable " + name
	text, known := queryText(q)
	line := q.Pos(definition)
	if strings.TrimSpace(text) == "" {
		text = definition.Scalar()
	}
	if strings.TrimSpace(text) == "" {
		if !known && (isPrometheus(ds.typ) || isOther(ds.typ)) {
			w.add(panel, line, ds, sentei.Expression{VariableQuery: true}, "the form of the variable's query is not known")
		}
		return
	}
	e := w.vars.expression(text, ds.lang())
	e.VariableQuery = true
	w.add(panel, line, ds, e, "")
	// A text in the language of another plugin says nothing about metrics.
	if ds.typ != "" && !isPrometheus(ds.typ) && !variableFunction.MatchString(text) {
		w.queries[len(w.queries)-1].Other = true
	}
}

// libraryPanel reads a panel of which the dashboard holds only the reference.
// It reports whether the panel was found.
func (w *walker) libraryPanel(ref *tree.Value, panel string) bool {
	uid := ref.Get("uid").Scalar()
	found := append(slices.Clip(w.embedded[uid]), w.library[uid]...)
	if model := ref.Get("model"); model != nil {
		found = append(found, &LibraryPanel{Name: ref.Get("name").Str(), file: w.file, model: model})
	}
	file := w.file
	for _, p := range found {
		w.file = p.file
		w.used = append(w.used, p)
		w.targets(p.model, panel)
	}
	w.file = file
	return len(found) > 0
}

// missing adds the opaque query that stands for a library panel which was not
// found.
func (w *walker) missing(ref *tree.Value, panel string) {
	w.add(panel, ref.Line, datasource{}, sentei.Expression{}, fmt.Sprintf(
		"library panel %s (uid %s) is in none of the files", strconv.Quote(ref.Get("name").Str()), ref.Get("uid").Scalar()))
}

// targets reads the targets of a classic panel.
func (w *walker) targets(p *tree.Value, panel string) {
	ds := w.source(p.Get("datasource"), datasource{})
	for _, t := range p.Get("targets").List() {
		own := w.source(t.Get("datasource"), ds)
		// Unless the panel's data source is a mixed one, Grafana sends all
		// targets to it, whatever they state.
		if isOther(own.typ) && own != builtIn && ds.typ != "" && ds.typ != mixed && !isOther(ds.typ) {
			own = ds
		}
		w.panelTarget(t, own, panel)
	}
}

// panelName names a panel by its title, or else by its number.
func panelName(p *tree.Value) string {
	if title := p.Get("title").Scalar(); strings.TrimSpace(title) != "" {
		return "panel " + strconv.Quote(title)
	}
	if name := p.Get("libraryPanel", "name").Scalar(); name != "" {
		return "panel " + strconv.Quote(name)
	}
	if id := p.Get("id").Scalar(); id != "" {
		return "panel " + id
	}
	return "panel without a title"
}

// notSwept are parts of a dashboard whose expressions count only where they are
// used.
var notSwept = []string{"__elements", "__inputs", "__requires", "libraryPanel"}

// sweep finds expressions in places that no schema known here has: whatever
// object has a text expr, unless its data source is no Prometheus.
func (w *walker) sweep(v *tree.Value, ds datasource, path string) {
	if v == nil || w.seen[v] {
		return
	}
	if ref := v.Get("datasource"); ref != nil {
		ds = w.source(ref, ds)
	}
	if group := v.Get("group").Str(); v.Get("kind").Str() == "DataQuery" && group != "" {
		ds = w.ref(group, v.Get("datasource", "name").Str())
	}
	if v.Get("expr").Is(tree.String) {
		w.target(v, ds, "field "+strings.TrimPrefix(path, "."))
		return
	}
	for i, item := range v.Items {
		w.sweep(item, ds, fmt.Sprintf("%s[%d]", path, i))
	}
	for _, f := range v.Fields {
		if !slices.Contains(notSwept, f.Key) {
			w.sweep(f.Value, ds, path+"."+f.Key)
		}
	}
}
