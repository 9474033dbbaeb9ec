package grafana

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// tokens matches the variables in a text, as Grafana does:
// $name, [[name:format]], ${name.field:format}.
var tokens = regexp.MustCompile(`\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}`)

// variables is what is known of the variables of a dashboard.
type variables struct {
	values  map[string][]string // of those that can take no other values
	open    map[string]bool     // those that can
	plugins map[string][]string // plugins of data source variables
	adHoc   []string            // those that change every query
}

func newVariables() variables {
	return variables{values: map[string][]string{}, open: map[string]bool{}, plugins: map[string][]string{}}
}

// define adds a variable of a kind (query, custom, constant, …). body holds its
// fields, which have the same names in all schemas. A name that is defined
// twice (in sections of a dashboard) may have the values of both.
func (vs *variables) define(name, kind string, body *tree.Value) {
	switch kind {
	case "datasource":
		plugin := body.Get("pluginId").Str()
		if plugin == "" {
			plugin = body.Get("query").Str()
		}
		vs.plugins[name] = append(vs.plugins[name], plugin)
	case "adhoc", "groupby":
		vs.adHoc = append(vs.adHoc, name)
	}
	values, ok := enumerate(kind, body)
	if !ok || vs.open[name] {
		vs.open[name] = true
		delete(vs.values, name)
		return
	}
	values = append(values, vs.values[name]...)
	slices.Sort(values)
	vs.values[name] = slices.Compact(values)
}

// enumerate returns all values that a variable can take, or false when it may
// take others.
func enumerate(kind string, body *tree.Value) ([]string, bool) {
	query := body.Get("query").Scalar()
	var values []string
	switch kind {
	case "constant":
		if values = []string{query}; query == "" {
			values = chosen(body.Get("current"))
		}
	case "custom":
		if body.Get("valuesFormat").Str() == "json" || body.Get("allValue").Scalar() != "" {
			return nil, false
		}
		if values = splitCustom(query); query != "" && slices.Contains(values, "") {
			return nil, false // a matcher on nothing selects series without the label
		}
	case "interval":
		if auto := body.Get("auto"); auto != nil && auto.Text != "false" {
			return nil, false
		}
		for _, v := range intervals.FindAllString(query, -1) {
			values = append(values, strings.Trim(v, `"'`))
		}
	case "switch":
		for _, key := range []string{"enabledValue", "disabledValue"} {
			if v := body.Get(key).Scalar(); v != "" {
				values = append(values, v)
			} else if body.Has(key) {
				return nil, false // the empty text changes what stands around it
			}
		}
	default:
		return nil, false
	}
	if kind != "constant" {
		for _, option := range body.Get("options").List() {
			if option.Has("properties") || option.Has("value") && len(option.Get("value").List()) == 0 && option.Get("value").Scalar() == "" {
				return nil, false
			}
			values = append(values, chosen(option)...)
		}
		values = append(values, chosen(body.Get("current"))...)
	}
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" || v == "$__all" })
	if len(values) == 0 || slices.ContainsFunc(values, tokens.MatchString) {
		return nil, false
	}
	return values, true
}

// intervals matches the values of an interval variable.
var intervals = regexp.MustCompile(`"[^"]*"|'[^']*'|\w+`)

// chosen returns the values of an option, which is an object with one value or
// a list of them, or the bare value.
func chosen(option *tree.Value) []string {
	if option.Is(tree.Object) {
		option = option.Get("value")
	}
	var values []string
	for _, v := range option.List() {
		values = append(values, v.Scalar())
	}
	return append(values, option.Scalar())
}

// splitCustom splits the query of a custom variable: values, or "text : value",
// between commas; a comma in a value is written \, .
func splitCustom(query string) []string {
	const comma = "\x00"
	var values []string
	for v := range strings.SplitSeq(strings.ReplaceAll(query, `\,`, comma), ",") {
		v = strings.TrimSpace(strings.ReplaceAll(v, comma, ","))
		if i := strings.LastIndex(v, " : "); i > 0 {
			v = strings.TrimSpace(v[i+len(" : "):])
		}
		values = append(values, v)
	}
	return values
}

// expression returns the expression with what is known of its variables.
func (vs *variables) expression(text string, lang sentei.Lang) sentei.Expression {
	e := sentei.Expression{Text: text, Lang: lang}
	plain := map[string]bool{} // used for its values alone
	for _, m := range tokens.FindAllStringSubmatch(text, -1) {
		e.Template = true
		name, field, format := m[1]+m[2]+m[4], m[5], m[3]+m[6]
		usual := field == "" && format != "text"
		if before, ok := plain[name]; ok {
			usual = usual && before
		}
		plain[name] = usual
	}
	for name, usual := range plain {
		if values, ok := vs.values[name]; ok && usual {
			e.Variables = append(e.Variables, sentei.Variable{Name: name, Values: values})
		}
	}
	slices.SortFunc(e.Variables, func(a, b sentei.Variable) int { return strings.Compare(a.Name, b.Name) })
	return e
}

// queryText returns the query of a query variable in the language that its
// field for text has: label_values(up, job). It returns false when the query is
// none of a Prometheus-like data source, as far as one can tell.
func queryText(q *tree.Value) (string, bool) {
	if q == nil {
		return "", true
	}
	if q.Kind != tree.Object {
		return q.Scalar(), true
	}
	for _, key := range []string{"query", "__legacyStringValue"} {
		if text := q.Get(key).Str(); strings.TrimSpace(text) != "" {
			return text, true
		}
	}
	if inner := q.Get("query"); inner.Is(tree.Object) {
		return queryText(inner)
	}
	if expr := q.Get("expr").Str(); strings.TrimSpace(expr) != "" {
		return "query_result(" + expr + ")", true
	}
	if q.Has("qryType") {
		return editorText(q)
	}
	for _, f := range q.Fields {
		if f.Key != "refId" && f.Key != "query" && (f.Value.Scalar() != "" || f.Value.Items != nil || f.Value.Fields != nil) {
			return "", false
		}
	}
	return "", true
}

// editorText puts the query together from the fields of Grafana's editor.
func editorText(q *tree.Value) (string, bool) {
	get := func(key string) string { return q.Get(key).Str() }
	switch q.Get("qryType").Scalar() {
	case "0":
		if q.Has("query") && get("match") == "" {
			return "", true // not filled in yet
		}
		return "label_names(" + get("match") + ")", true
	case "1":
		var filters []string
		for _, f := range q.Get("labelFilters").List() {
			filters = append(filters, fmt.Sprintf(`%s%s"%s"`, f.Get("label").Str(), f.Get("op").Str(), f.Get("value").Str()))
		}
		selector := get("metric")
		if len(filters) > 0 {
			selector += "{" + strings.Join(filters, ",") + "}"
		}
		if selector == "" {
			return "label_values(" + get("label") + ")", true
		}
		return "label_values(" + selector + "," + get("label") + ")", true
	case "2":
		return "metrics(" + get("metric") + ")", true
	case "3":
		return "query_result(" + get("varQuery") + ")", true
	case "4":
		return get("seriesQuery"), true
	case "5":
		return get("classicQuery"), true
	}
	return "", false
}
