package rulesyaml

import (
	"maps"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// groupList reads a list of groups.
func (r *reader) groupList(list *tree.Value, namespace string, lang sentei.Lang) {
	if list == nil { // "groups:" without anything
		r.groups = true
		return
	}
	if list.Kind != tree.Array {
		r.issue(list, true, "", "groups must be a list, found %s", list.Kind)
		return
	}
	r.groups = true
	for _, g := range list.Items {
		if g.Kind != tree.Object {
			r.issue(g, true, "", "a rule group must be an object, found %s", g.Kind)
			continue
		}
		r.group(g, namespace, lang)
	}
}

func (r *reader) group(g *tree.Value, namespace string, lang sentei.Lang) {
	r.groups = true
	name := g.Get("name").Scalar()
	if namespace != "" {
		name = namespace + "/" + name
	}
	rules := g.Get("rules")
	if rules == nil {
		return
	}
	if rules.Kind != tree.Array {
		r.issue(rules, true, "", "rules of group %s must be a list, found %s", name, rules.Kind)
		return
	}
	common := group{name: name, lang: lang, labels: r.labels(g, "group "+name)}
	for _, v := range rules.Items {
		r.rule(v, g, &common)
	}
}

// group is what the rules of a group have in common.
type group struct {
	name   string
	lang   sentei.Lang
	labels map[string]string
}

// rule reads one rule v of group g.
func (r *reader) rule(v, g *tree.Value, common *group) {
	r.rules++
	if v.Kind != tree.Object {
		r.issue(v, true, "", "a rule of group %s must be an object, found %s", common.name, v.Kind)
		return
	}
	rule := Rule{
		Line: v.Line, Group: common.name, Lang: common.lang,
		Alert: v.Get("alert").Scalar(), Record: v.Get("record").Scalar(),
	}
	var what string
	switch {
	case rule.Alert != "" && rule.Record != "":
		r.issue(v, true, "", "a rule of group %s is both alert %s and record %s", common.name, rule.Alert, rule.Record)
		return
	case rule.Alert != "":
		what = "alert " + rule.Alert
	case rule.Record != "":
		what = "record " + rule.Record
	default:
		hint := ""
		if v.Has("data") || v.Has("grafana_alert") {
			hint = "this looks like a rule of Grafana's own: the source dashboard_files reads those"
		}
		r.issue(v, true, hint, "a rule of group %s has neither alert nor record", common.name)
		return
	}
	typ := v.Get("type").Scalar()
	if typ == "" {
		typ = g.Get("type").Scalar()
	}
	switch typ {
	case "":
	case "prometheus": // vmalert knows types, Prometheus does not
		rule.Lang = sentei.MetricsQL
	case "vlogs": // reads logs, no metrics
		return
	default:
		rule.Opaque = "rules of type " + typ + " are not understood"
	}
	expr := v.Get("expr")
	if expr.Scalar() == "" {
		r.issue(v, true, "", "%s of group %s has no expr", what, common.name)
		return
	}
	rule.Expr = expr.Scalar()
	rule.Labels = maps.Clone(common.labels)
	for name, value := range r.labels(v, what) {
		if rule.Labels == nil {
			rule.Labels = map[string]string{}
		}
		rule.Labels[name] = value
	}
	if rule.Alert != "" {
		rule.Queries = append(rule.Queries, queries(g.Get("labels"), "label")...)
		rule.Queries = append(rule.Queries, queries(v.Get("labels"), "label")...)
		rule.Queries = append(rule.Queries, queries(v.Get("annotations"), "annotation")...)
	}
	r.file.Rules = append(r.file.Rules, rule)
}

// labels returns the labels of a rule or group, or nil.
func (r *reader) labels(v *tree.Value, what string) map[string]string {
	labels := v.Get("labels")
	if labels == nil {
		return nil
	}
	if labels.Kind != tree.Object {
		r.issue(labels, true, "", "labels of %s must be an object, found %s", what, labels.Kind)
		return nil
	}
	out := map[string]string{}
	for _, f := range labels.Fields {
		out[f.Key] = f.Value.Scalar()
	}
	return out
}

// queries returns the queries in templates, each named after its kind and key.
func queries(templates *tree.Value, kind string) []Query {
	var out []Query
	for _, f := range templates.Entries() {
		for _, q := range TemplateQueries(f.Value.Scalar()) {
			q.Line, q.Where = f.Value.Line, kind+" "+f.Key
			out = append(out, q)
		}
	}
	return out
}
