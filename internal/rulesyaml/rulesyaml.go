// Package rulesyaml reads alerting and recording rules from YAML (or JSON) in
// every shape they are kept in. In goes the text of a file; out come the rules
// with their lines, the queries inside their templates, and the parts that
// could not be read. It reads no files and does not understand expressions.
//
// The shapes: rule files of Prometheus, Thanos, Mimir and vmalert; PrometheusRule,
// VMRule and all other Kubernetes objects with spec.groups; ConfigMaps, Secrets
// and Lists that hold such; the answers of a ruler API (groups by namespace); a
// single group; several documents in one file.
package rulesyaml

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// File is what one file holds, in the order of its text.
type File struct {
	Rules  []Rule
	Issues []tree.Issue
}

// Rule is one alerting or recording rule: either Alert or Record is set.
type Rule struct {
	Line   int
	Group  string // with the namespace before it, if there is one
	Alert  string
	Record string
	Expr   string
	// Lang is MetricsQL where the file says so, else empty.
	Lang sentei.Lang
	// Labels are the rule's own over those of its group.
	Labels map[string]string
	// Queries are those in the templates of an alert's labels and annotations.
	Queries []Query
	// Opaque says why Expr cannot be understood, or is empty.
	Opaque string
}

// Query is a query that a template runs.
type Query struct {
	Line int
	// Where is "annotation summary", "label team".
	Where string
	Expr  string
	// Template says that Expr holds ${argN} for parts that are only known
	// when the alert fires.
	Template bool
	// Opaque says why the query is not known, or is empty.
	Opaque string
}

// Read reads all rules of a file. The error is a *tree.SyntaxError; what stands
// in the documents before it is returned as well.
func Read(data []byte) (*File, error) {
	r := reader{file: &File{}}
	docs, err := tree.ParseYAML(data)
	for _, doc := range docs {
		r.document(doc)
	}
	if err == nil && r.rules == 0 && !slices.ContainsFunc(r.file.Issues, func(i tree.Issue) bool { return i.Blocking }) {
		r.nothing()
	}
	return r.file, err
}

type reader struct {
	file   *File
	rules  int      // all that were seen, those that read no metrics included
	groups bool     // a list of groups was seen
	others []string // what was found instead of rules
}

func (r *reader) issue(at *tree.Value, blocking bool, hint, format string, args ...any) {
	r.file.Issues = append(r.file.Issues, tree.Issue{
		Line: at.Pos(nil), Message: fmt.Sprintf(format, args...), Hint: hint, Blocking: blocking,
	})
}

func (r *reader) nothing() {
	if r.groups {
		r.file.Issues = append(r.file.Issues, tree.Issue{Message: "the file holds no rule: its groups are empty"})
		return
	}
	found := "nothing"
	if len(r.others) > 0 {
		found = strings.Join(r.others, ", ")
	}
	r.file.Issues = append(r.file.Issues, tree.Issue{
		Message: "no rule groups in the file; found " + found, Hint: hintLeaveOut, Blocking: true,
	})
}

const hintLeaveOut = "leave the file out of paths if it is not meant to hold rules"

// document reads one document of any shape.
func (r *reader) document(doc *tree.Value) {
	for _, o := range tree.Objects(doc) {
		if files, ok := tree.Files(o); ok {
			r.others = append(r.others, tree.Name(o))
			r.configMap(o, files)
			continue
		}
		if !r.object(o) {
			if tree.IsManifest(o) {
				r.others = append(r.others, tree.Name(o))
				continue
			}
			r.issue(o, true, hintLeaveOut, "the document holds no rule groups")
		}
	}
}

// object reads rules from an object of a known shape, and reports whether it
// was one.
func (r *reader) object(o *tree.Value) bool {
	kind, spec := o.Get("kind").Str(), o.Get("spec")
	own := kind == "PrometheusRule" || kind == "VMRule"
	// Other Kubernetes objects have rules and groups of their own kind (Role,
	// Ingress): theirs must look like ours.
	foreign := tree.IsManifest(o) && !own
	lang := sentei.Lang("")
	if kind == "VMRule" {
		lang = sentei.MetricsQL
	}
	switch {
	case o.Has("groups") && (!foreign || isGroups(o.Get("groups"))):
		r.groupList(o.Get("groups"), o.Get("namespace").Scalar(), lang)
	case spec.Has("groups") && (!foreign || isGroups(spec.Get("groups"))):
		r.groupList(spec.Get("groups"), "", lang)
	case isGroup(spec) && tree.IsManifest(o):
		r.group(spec, "", lang)
	case isGroup(o):
		r.group(o, "", lang)
	case isGroups(o):
		r.groupList(o, "", lang)
	case isNamespaces(o):
		for _, f := range o.Fields {
			r.groupList(f.Value, f.Key, lang)
		}
	case own:
		r.groups = true
	default:
		return false
	}
	return true
}

// isGroup reports whether the object is a group of alerting or recording
// rules.
func isGroup(o *tree.Value) bool {
	for _, rule := range o.Get("rules").List() {
		if rule.Has("alert") || rule.Has("record") || rule.Has("expr") {
			return true
		}
	}
	return false
}

// isGroups reports whether the list holds objects with rules, and nothing else.
func isGroups(list *tree.Value) bool {
	for _, g := range list.List() {
		if !g.Has("rules") {
			return false
		}
	}
	return len(list.List()) > 0
}

// isNamespaces reports whether the object holds lists of groups by namespace,
// as rulers answer and mimirtool prints.
func isNamespaces(o *tree.Value) bool {
	for _, f := range o.Entries() {
		if !isGroups(f.Value) {
			return false
		}
	}
	return len(o.Entries()) > 0
}

// configMap reads the rule files in a ConfigMap or Secret; other files in it
// are passed over.
func (r *reader) configMap(o *tree.Value, files []tree.Field) {
	for _, f := range files {
		docs, err := f.Value.ParseYAML()
		if err != nil && mayHoldRules(f) {
			e := tree.Issue{Line: f.Value.Line, Message: fmt.Sprintf("%s, key %s: %v", tree.Name(o), f.Key, err), Blocking: true}
			r.file.Issues = append(r.file.Issues, e)
		}
		for _, doc := range docs {
			for _, inner := range tree.Objects(doc) {
				r.object(inner)
			}
		}
	}
}

// mayHoldRules reports whether a text that is no YAML may be a broken rule
// file.
func mayHoldRules(f tree.Field) bool {
	switch strings.ToLower(path.Ext(f.Key)) {
	case ".yml", ".yaml", ".rules", ".json":
		return true
	}
	return strings.Contains(f.Value.Text, "groups")
}
