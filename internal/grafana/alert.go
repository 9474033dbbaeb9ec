package grafana

import (
	"fmt"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// alerts reads Grafana's own alerting and recording rules in every shape: a
// rule as the provisioning API answers, groups of them as they are exported and
// provisioned by files, groups by folder as the ruler API answers, and
// resources. It reports whether the object was one of these.
func (r *reader) alerts(o *tree.Value) bool {
	spec := o.Get("spec")
	switch {
	case isAlertRule(o):
		r.rule(o, o.Get("uid").Scalar(), o.Get("ruleGroup").Scalar())
	case spec.Get("expressions").Is(tree.Object):
		r.rule(spec, o.Get("metadata", "name").Scalar(), "")
	case isAlertGroup(o):
		r.alertGroup(o, o.Get("folder").Scalar())
	case anyOf(o.Get("groups"), isAlertGroup):
		for _, g := range o.Get("groups").Items {
			r.alertGroup(g, g.Get("folder").Scalar())
		}
	case o.Is(tree.Object) && byFolder(o):
		for _, f := range o.Fields {
			for _, g := range f.Value.List() {
				r.alertGroup(g, f.Key)
			}
		}
	default:
		return false
	}
	return true
}

func isAlertRule(o *tree.Value) bool {
	return o.Get("grafana_alert", "data").Is(tree.Array) || o.Get("data").Is(tree.Array) && (o.Has("title") || o.Has("condition"))
}

func isAlertGroup(o *tree.Value) bool { return anyOf(o.Get("rules"), isAlertRule) }

func anyOf(list *tree.Value, is func(*tree.Value) bool) bool {
	return slices.ContainsFunc(list.List(), is)
}

func byFolder(o *tree.Value) bool {
	for _, f := range o.Fields {
		if anyOf(f.Value, isAlertGroup) {
			return true
		}
	}
	return false
}

func (r *reader) alertGroup(g *tree.Value, folder string) {
	name := g.Get("name").Scalar()
	if folder != "" {
		name = folder + "/" + name
	}
	for _, rule := range g.Get("rules").List() {
		if !isAlertRule(rule) {
			r.issue(rule, "rules of a Prometheus are read by the source rule_files", "a rule of group %s is no rule of Grafana's own", name)
			continue
		}
		r.rule(rule, rule.Get("uid").Scalar(), name)
	}
}

// rule reads the queries of one rule.
func (r *reader) rule(o *tree.Value, uid, group string) {
	labels := o.Get("labels")
	if inner := o.Get("grafana_alert"); inner != nil {
		o, uid = inner, inner.Get("uid").Scalar()
	}
	rule := Query{
		Kind: sentei.AlertingRule, Name: o.Get("title").Scalar(),
		Location: sentei.Location{File: r.name, Line: o.Line, Group: group},
	}
	if uid != "" {
		rule.Location.URL = "/alerting/grafana/" + uid + "/view"
	}
	for _, d := range o.Get("data").List() {
		r.alertQuery(o, d, labels, rule)
	}
	for _, f := range o.Get("expressions").Entries() {
		r.alertQuery(o, f.Value, labels, rule)
	}
}

// alertQuery reads the query d of the rule o.
func (r *reader) alertQuery(o, d, labels *tree.Value, q Query) {
	model := d.Get("model")
	if model.Is(tree.String) { // Terraform and some exports keep it as text
		var err error
		if model, err = model.ParseJSON(); err != nil {
			q.Opaque = fmt.Sprintf("its model is no JSON: %v", err)
			r.file.Alerts = append(r.file.Alerts, q)
			return
		}
	}
	uid := datasourceUID(d)
	w := &walker{vars: newVariables(), d: &Dashboard{}, seen: map[*tree.Value]bool{}}
	ds := w.source(model.Get("datasource"), datasource{})
	if uid != "" {
		if ds.name != "" && ds.name != uid && isOther(ds.typ) {
			ds.typ = "" // the model is of another data source than the query
		}
		ds = w.ref(ds.typ, uid)
	}
	w.target(model, ds, "")
	for _, found := range w.queries {
		found.Kind, found.Name = q.Kind, q.Name
		line := found.Location.Line
		found.Location = q.Location
		found.Location.Line = line
		r.file.Alerts = append(r.file.Alerts, recording(o, d, labels, found))
	}
}

// recording turns the query d of a recording rule o into a recording rule, if it
// is recorded as it is in the data source that it reads. Else it stays a root:
// nobody here can tell who reads in another data source, nor which labels
// Grafana's own expressions between the query and the record need.
func recording(o, d, labels *tree.Value, q Query) Query {
	record := o.Get("record")
	metric, target := record.Get("metric").Scalar(), first(record, "target_datasource_uid", "targetDatasourceUid")
	direct := record.Get("from").Scalar() == d.Get("refId").Scalar()
	if record == nil { // a resource
		metric, target = o.Get("metric").Scalar(), first(o, "targetDatasourceUID", "targetDatasourceUid")
		direct = d.Get("source").Scalar() == "true"
	}
	switch {
	case metric == "":
		return q
	case !direct, target == "", target != datasourceUID(d):
		q.Name = "record " + metric
		return q
	}
	q.Kind, q.Name, q.Records = sentei.RecordingRule, metric, metric
	for _, f := range labels.Entries() {
		if q.RecordLabels == nil {
			q.RecordLabels = map[string]string{}
		}
		q.RecordLabels[f.Key] = f.Value.Scalar()
	}
	return q
}

func datasourceUID(d *tree.Value) string {
	return first(d, "datasourceUid", "datasourceUID", "datasource_uid")
}

// first returns the first of the keys that is not empty.
func first(o *tree.Value, keys ...string) string {
	for _, key := range keys {
		if v := o.Get(key).Scalar(); v != "" {
			return v
		}
	}
	return ""
}
