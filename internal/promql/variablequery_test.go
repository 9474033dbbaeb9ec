package promql

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

var variableQueries = []struct {
	name, query, vars, want string
}{
	{"label values", `label_values(up, job)`, "", `up: job`},
	{"label values, spaces", `label_values( up{a="1"} ,  job ) `, "", `up{a="1"}: a, job`},
	{"label values, lines", "label_values(\n  up,\n  job\n)", "", `up: job`},
	{"label values, comma in a matcher", `label_values(up{a=~"b,c"}, job)`, "", `up{a=~"b,c"}: a, job`},
	{"label values of all series", `label_values(job)`, "", `{__name__=~".+"}: job`},
	{"metric names", `label_values(__name__)`, "", `{__name__=~".+"}: none`},
	{"metric names of series", `label_values({job="$job"}, __name__)`, "", `{job=~"(?:.*)"}: job`},
	{"label values, quoted name", `label_values({"a.b"}, c.d)`, "", `{__name__="a.b"}: c.d`},
	{"label values, variable", `label_values(up{job=~"$job"}, instance)`, "", `up{job=~"(?:.*)"}: instance, job`},
	{"label values, known variable", `label_values(up{job="$job"}, instance)`, "job=a|b", `up{job=~"(?:a|b)"}: instance, job`},
	{"label values, label is a variable", `label_values(up, $l)`, "", `up: all`},
	{"label values, label is a known variable", `label_values(up, ${l})`, "l=a|b", `up: a, b`},
	{"label values of an expression", `label_values(rate(up[5m]) > 0, job)`, "", `up: job; erased NAME`},
	{"label values of a metric that is a variable", `label_values($metric, job)`, "", `{}: all`},
	{"label values, selector only", `label_values({a="b,c"})`, "", `{a="b,c"}: all`},
	{"label names", `label_names()`, "", `{__name__=~".+"}: all`},
	{"label names of metrics", `label_names(node_cpu)`, "", `{__name__=~".*node_cpu.*"}: all`},
	{"label names of a variable", `label_names($m)`, "", `{__name__=~".*(?:.*).*"}: all`},
	{"label names of a selector", `label_names({a="1"})`, "", `{__name__=~".+"}: all`},
	{"metrics", `metrics(^node_.*_total$)`, "", `{__name__=~".*(?:^node_.*_total$).*"}: none`},
	{"metrics, not a regular expression of Go", `metrics(a(?!b))`, "", `{__name__=~".+"}: none`},
	{"metrics, variable", `metrics($prefix)`, "", `{__name__=~".+"}: none`},
	{"metrics, known variable", `metrics($p)`, "p=a", `{__name__=~".*(?:a).*"}: none`},
	{"query result", `query_result(topk(3, sum by (job) (up{a="$a"})))`, "", `up{a=~"(?:.*)"}: a, job; order`},
	{"query result with parentheses behind", `query_result(sum(up) / sum(down))`, "", "up: none\ndown: none"},
	{"series of a variable", `$m`, "", `{}: all`},
	{"series", `up{job="a"}`, "", `up{job="a"}: all`},
	{"nothing", ``, "", ``},
	{"label values of nothing", `label_values()`, "", ``},
	{"object", `{"query": "label_values(up, job)", "refId": "A", "qryType": 1}`, "", `up: job`},
	{"object, label names", `{"qryType": 0, "match": "node"}`, "", `{__name__=~".*node.*"}: all`},
	{"object, label values", `{"qryType": 1, "label": "job", "metric": "up", "labelFilters": [{"label": "a", "op": "=~", "value": "$a"}]}`, "", `up{a=~"(?:.*)"}: a, job`},
	{"object, label values of all series", `{"qryType": 1, "label": "job"}`, "", `{__name__=~".+"}: job`},
	{"object, metrics", `{"qryType": 2, "metric": "a"}`, "", `{__name__=~".*(?:a).*"}: none`},
	{"object, query result", `{"qryType": 3, "varQuery": "sum(up)"}`, "", `up: none`},
	{"object, series", `{"qryType": 4, "seriesQuery": "up"}`, "", `up: all`},
	{"object, classic", `{"qryType": 5, "classicQuery": "label_values(up, job)"}`, "", `up: job`},
	{"selector that looks like an object", `{job="a"}`, "", `{job="a"}: all`},
}

func TestVariableQueries(t *testing.T) {
	for _, tt := range variableQueries {
		t.Run(tt.name, func(t *testing.T) {
			e := sentei.Expression{Text: tt.query, Template: true, VariableQuery: true, Variables: vars(tt.vars)}
			if diff := cmp.Diff(tt.want, describeSelectors(Analyze(e, sentei.AllLabelsBut()))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.query, diff)
			}
		})
	}
}

func TestOpaqueVariableQueries(t *testing.T) {
	for _, query := range []string{`sum(`, `{}x`, `{"refId": "A"}`, `{"qryType": 9}`, `{"qryType": "x"}`, `query_result($q)`} {
		t.Run(query, func(t *testing.T) {
			a := Analyze(sentei.Expression{Text: query, VariableQuery: true}, sentei.AllLabelsBut())
			if a.Opaque == "" {
				t.Errorf("not opaque: %s", describeSelectors(a))
			}
		})
	}
}
