package usage

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/files"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/internal/tree"
)

// mimirtoolFiles reads what mimirtool analyze found.
var mimirtoolFiles = Info{Class: sentei.ClassDeclared, Info: source.New("mimirtool_files", sentei.Doc{
	Title: "Metrics that mimirtool analyze found in dashboards and rules",
	Text: `Reads metrics-in-grafana.json (mimirtool analyze grafana, analyze dashboard) and metrics-in-ruler.json (analyze
ruler, analyze rule-file). A metric that they name is read by that dashboard or rule group, with all its labels: labels,
values and ranges do not stand in the files. Recording rules count as if somebody read what they record.

**They show who reads something, never that nobody does.** mimirtool passes over selectors that name metrics by a regular
expression, library panels, annotations, Grafana's own alerts and the templates of alerts without a word, and a file is as
old as it is. So this source is of the class *declared*, and does not stand for rules or dashboards in analysis.require.
Read those by rule_files, prometheus_rules or dashboard_files, which also tell labels apart.

A query that mimirtool could not parse stands in the file with the error. sentei reads it again, with Grafana's variables.
These are problems that block verdicts, as somebody may read what is not there:

- an error without a query, such as a panel type that mimirtool does not know;
- a dashboard or rule group that names no metric at all, and has no query that sentei could read;
- a file that is neither of the two, or that names no metric.

When you have looked at one and it is harmless, list its id under accepted_problems.

The other way round, ` + "`sentei report -o mimirtool`" + ` writes prometheus-metrics.json as mimirtool analyze prometheus does.`,
	Example: `- mimirtool_files:
    paths:            # files, glob patterns or folders, relative to this file
      - metrics-in-grafana.json
      - metrics-in-ruler.json
    lang: promql      # language of queries that mimirtool could not parse: promql or metricsql
`,
}, mimirtoolFilesOptions{Lang: sentei.PromQL}, newMimirtoolFiles)}

type mimirtoolFilesOptions struct {
	Paths []string    `yaml:"paths"`
	Lang  sentei.Lang `yaml:"lang"`
}

type mimirtoolFilesSource struct {
	mimirtoolFilesOptions
	env source.Env
}

func newMimirtoolFiles(o mimirtoolFilesOptions, env source.Env) (Source, error) {
	if err := errors.Join(files.Check("paths", o.Paths), checkLang(o.Lang)); err != nil {
		return nil, err
	}
	return &mimirtoolFilesSource{o, env}, nil
}

// Consumers implements Source.
func (s *mimirtoolFilesSource) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	c := collector{env: s.env}
	found, problems := files.Find(s.env, s.Paths, ".json")
	c.Problems = problems
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := files.Read(f)
		if err != nil {
			c.problem(f.Name, err)
			continue
		}
		doc, err := tree.ParseJSON(data)
		if err != nil {
			c.problem(f.Name, err)
			continue
		}
		s.file(&c, f.Name, doc)
	}
	return &c.UsageData, nil
}

// file adds what one file tells.
func (s *mimirtoolFilesSource) file(c *collector, file string, doc *tree.Value) {
	parts := doc.Get("dashboards")
	if !doc.Has("dashboards") {
		parts = doc.Get("ruleGroups")
	}
	if !doc.Has("dashboards") && !doc.Has("ruleGroups") {
		hint := "name metrics-in-grafana.json or metrics-in-ruler.json"
		if doc.Has("in_use_metric_counts") {
			hint = "this one is what mimirtool makes of both; " + hint
		}
		s.block(c, sentei.Location{File: file}, "it is no file of mimirtool analyze that says who reads metrics", hint)
		return
	}
	for _, wrong := range malformed(doc, parts) {
		s.block(c, sentei.Location{File: file, Line: wrong.Line}, "this is not what mimirtool writes here", "make the file anew")
	}
	named := map[string]bool{}
	found := 0
	for _, part := range parts.List() {
		found += s.part(c, file, part, doc.Has("dashboards"), named)
	}
	for _, m := range doc.Get("metricsUsed").List() {
		if name := m.Str(); name != "" && !named[name] {
			found++
			s.reads(c, reader{sentei.Declared, "some dashboard or rule", sentei.Location{File: file, Line: m.Line}, "mimirtool says so"}, name)
		}
	}
	if found == 0 {
		s.block(c, sentei.Location{File: file}, "mimirtool found no metric at all", "run it again, with an address and a token that may read")
	}
}

// malformed returns the values that are not of the kind that they should be.
func malformed(doc, parts *tree.Value) []*tree.Value {
	var out []*tree.Value
	texts := func(v *tree.Value) {
		if v == nil {
			return
		}
		if !v.Is(tree.Array) {
			out = append(out, v)
		}
		for _, item := range v.List() {
			if !item.Is(tree.String) {
				out = append(out, item)
			}
		}
	}
	texts(doc.Get("metricsUsed"))
	if parts != nil && !parts.Is(tree.Array) {
		out = append(out, parts)
	}
	for _, part := range parts.List() {
		if !part.Is(tree.Object) {
			out = append(out, part)
		}
		texts(part.Get("metrics"))
		texts(part.Get("parse_errors"))
	}
	return out
}

// reader is who reads something: a dashboard, or a group of rules.
type reader struct {
	kind   sentei.ConsumerKind
	name   string
	where  sentei.Location
	reason string
}

// part adds one dashboard or rule group, marks what metrics it names, and
// returns how many metrics and queries stand in it.
func (s *mimirtoolFilesSource) part(c *collector, file string, part *tree.Value, dashboard bool, named map[string]bool) (understood int) {
	at := reader{where: sentei.Location{File: file, Line: part.Line}}
	if dashboard {
		at.name = cmp.Or(part.Get("title").Str(), part.Get("slug").Str(), part.Get("uid").Str(), "a dashboard without a title")
		at.kind, at.where.Dashboard, at.where.DashboardUID = sentei.Dashboard, at.name, part.Get("uid").Str()
	} else { // whether alerting or recording rules read it does not stand there
		group := part.Get("name").Str()
		if ns := cmp.Or(part.Get("namspace").Str(), part.Get("namespace").Str()); ns != "" { // the first is how mimirtool spells it
			group = ns + "/" + group
		}
		at.kind, at.name, at.where.Group, at.reason = sentei.Declared, "rule group "+group, group, "mimirtool found it in the rules of the group"
	}
	for _, m := range part.Get("metrics").List() {
		if name := m.Str(); name != "" {
			understood++
			named[name] = true
			s.reads(c, at, name)
		}
	}
	var unread []string
	for _, e := range part.Get("parse_errors").List() {
		query, ok := queryOf(e.Str())
		if !ok {
			unread = append(unread, e.Str())
			continue
		}
		understood++
		at := at
		at.where.Line = e.Line
		c.add(at.consumer(sentei.Expression{Text: query, Lang: s.Lang, Template: dashboard}))
	}
	const hint = "read the dashboards or rules themselves, by dashboard_files, rule_files or prometheus_rules, or accept the problem if nothing is missed"
	switch {
	case len(unread) > 0:
		s.block(c, at.where, "mimirtool could not read a part of it: "+strings.Join(unread, "; "), hint)
	case understood == 0:
		s.block(c, at.where, "mimirtool found no metric in it", hint)
	}
	return understood
}

// reads adds that a metric is read, with every label.
func (s *mimirtoolFilesSource) reads(c *collector, by reader, metric string) {
	c.add(by.consumer(sentei.Expression{Text: "{__name__=" + strconv.Quote(metric) + "}", Lang: sentei.PromQL}))
}

func (r *reader) consumer(e sentei.Expression) sentei.Consumer {
	return sentei.Consumer{Kind: r.kind, Name: r.name, Location: r.where, Reason: r.reason, Expression: e}
}

func (s *mimirtoolFilesSource) block(c *collector, where sentei.Location, message, hint string) {
	c.Problems = append(c.Problems, s.env.Problem(sentei.Problem{Where: where.String(), Message: message, Hint: hint, Blocking: true}))
}

// parseError is what the parser says behind the query.
var parseError = regexp.MustCompile(`: (\d+:\d+|\w+ position):? parse error: `)

// queryOf returns the query of an error of mimirtool: "query=sum(: 1:5: parse
// error: …".
func queryOf(text string) (string, bool) {
	query, ok := strings.CutPrefix(text, "query=")
	ends := parseError.FindAllStringIndex(query, -1)
	if !ok || len(ends) != 1 { // with two, it is not known where the query ends
		return "", false
	}
	query = strings.TrimSpace(query[:ends[0][0]])
	return query, query != ""
}
