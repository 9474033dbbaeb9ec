package usage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/grafana"
	"github.com/sentei/sentei/internal/promql"
	"github.com/sentei/sentei/internal/source"
)

// datasources decides which queries of dashboards read this backend. It sees
// all of them before it is asked about the first.
type datasources struct {
	lang   sentei.Lang            // of queries that do not tell theirs
	listed []string               // names and UIDs of this backend; empty: every Prometheus counts
	seen   map[string]bool        // names and UIDs that queries use
	known  map[string]sentei.Lang // those that a query states to be Prometheus-like
	left   map[string]int         // queries left out, by name or UID
	others map[string]int         // queries left out, by the plugin that they state
}

func newDatasources(lang sentei.Lang, listed []string) *datasources {
	return &datasources{lang, listed, map[string]bool{}, map[string]sentei.Lang{}, map[string]int{}, map[string]int{}}
}

// see notes what a query tells about its data source.
func (d *datasources) see(q *grafana.Query) {
	if q.Datasource == "" {
		return
	}
	d.seen[q.Datasource] = true
	if q.Plugin != "" && !q.Other {
		d.known[q.Datasource] = max(d.known[q.Datasource], q.Expression.Lang) // a language wins over none
	}
}

// take reports whether the query reads this backend, and counts it if not. If
// it states the wrong plugin, the language is what other queries tell.
func (d *datasources) take(q *grafana.Query) bool {
	listed := slices.Contains(d.listed, q.Datasource)
	lang, known := d.known[q.Datasource]
	if q.Other && !listed && !known && !namesMetric(q.Expression, d.lang) {
		if !q.Expression.VariableQuery { // those look alike in too many plugins to say anything
			d.others[q.Plugin]++
		}
		return false
	}
	if len(d.listed) > 0 && q.Datasource != "" && !listed {
		d.left[q.Datasource]++
		return false
	}
	if q.Other {
		q.Expression.Lang = cmp.Or(q.Expression.Lang, lang)
	}
	return true
}

// namesMetric reports whether the text is one of PromQL or MetricsQL that names
// a metric. No text in LogQL does: its selectors are all in braces. Of variable
// queries only plain names tell, as other plugins have label_values too.
func namesMetric(e sentei.Expression, lang sentei.Lang) bool {
	e.Lang = cmp.Or(e.Lang, lang)
	a := promql.Analyze(e, sentei.LabelSet{})
	return a.Opaque == "" && slices.ContainsFunc(a.Selectors, func(s sentei.Selector) bool {
		return slices.ContainsFunc(s.Matchers, func(m *labels.Matcher) bool {
			return m.Name == model.MetricNameLabel && (!e.VariableQuery || m.Type == labels.MatchEqual)
		})
	})
}

// problems tells what was left out. Messages have no counts in them, so that a
// problem which was accepted stays the same when a query is added.
func (d *datasources) problems(env source.Env) []sentei.Problem {
	var out []sentei.Problem
	add := func(p sentei.Problem) { out = append(out, env.Problem(p)) }
	for _, name := range slices.Sorted(slices.Values(d.listed)) {
		if d.seen[name] {
			continue
		}
		hint := "take it out of datasources"
		if used := slices.Sorted(maps.Keys(d.seen)); len(used) > 0 {
			hint = "correct it, or take it out of datasources; queries use " + strings.Join(used, ", ")
		}
		add(sentei.Problem{
			Where:    "datasources",
			Message:  fmt.Sprintf("no query uses the data source %q, which datasources lists", name),
			Hint:     hint,
			Blocking: len(d.left)+len(d.others) > 0, // they may be of the one that was meant
		})
	}
	for _, name := range slices.Sorted(maps.Keys(d.left)) {
		add(sentei.Problem{
			Where:   "data source " + name,
			Message: "its queries are left out, because datasources does not list it",
			Hint:    fmt.Sprintf("%d queries; if it is this backend, add it to datasources", d.left[name]),
		})
	}
	for _, plugin := range slices.Sorted(maps.Keys(d.others)) {
		add(sentei.Problem{
			Where:   "data sources of type " + plugin,
			Message: "their queries are taken for not reading this backend",
			Hint: fmt.Sprintf("%d queries; Grafana goes by the UID: if a dashboard states a wrong type for this backend, add its UID to datasources",
				d.others[plugin]),
		})
	}
	return out
}
