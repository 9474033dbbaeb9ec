package promql

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

// describeSelectors writes one line a selector: its text, the live labels, the
// erased ones unless all is live, and whether order matters. The metric name
// and what goes with it are written as NAME.
func describeSelectors(a Analysis) string {
	var lines []string
	if a.Opaque != "" {
		lines = append(lines, "opaque: "+a.Opaque)
	}
	from := 0
	for _, w := range a.written {
		for _, s := range a.Selectors[from : from+w.parts] {
			line := w.text + ": " + s.Live.String()
			if !s.Erased.IsEmpty() {
				line += "; erased " + strings.ReplaceAll(s.Erased.String(), "__name__, __type__, __unit__", "NAME")
			}
			if s.OrderSensitive {
				line += "; order"
			}
			if s.Hidden != "" {
				line += "; hidden"
			}
			lines = append(lines, line)
		}
		from += w.parts
	}
	return strings.Join(lines, "\n")
}

// The rows of the liveness table. Each is tried as a whole query and below an
// aggregation, so the need N of its output is all labels or {n}.
var liveness = []struct {
	row  string
	expr string
	all  string // need: all labels
	n    string // need: {n}, the expression stands in sum by (n) (…)
}{
	{"selector", `x{a="1", b=~".*", c!="", d=~".+"}`, `: all`, `: a, c, d, n`},
	{"selector without a name", `{a="1"}`, `: all`, `: a, n`},
	{"offset", `x offset 5m`, `: all`, `: n`},
	{"at", `x @ 10`, `: all`, `: n`},
	{"paren", `((x))`, `: all`, `: n`},
	{"unary plus", `+x`, `: all`, `: n`},
	{"unary minus", `-x`, `: all`, `: n; erased NAME`},
	{"range", `rate(x[5m])`, `: all`, `: n; erased NAME`},
	{"subquery", `rate(x[5m:1m])`, `: all`, `: n; erased NAME`},
	{"function", `abs(x)`, `: all`, `: n; erased NAME`},
	{"over time", `max_over_time(x[5m])`, `: all`, `: n; erased NAME`},
	{"last_over_time", `last_over_time(x[5m])`, `: all`, `: n`},
	{"first_over_time", `first_over_time(x[5m])`, `: all`, `: n`},
	{"sort", `sort(x)`, `: all; order`, `: n; order`},
	{"sort_desc", `sort_desc(x)`, `: all; order`, `: n; order`},
	{"sort_by_label", `sort_by_label(x, "l")`, `: all; order`, `: l, n; order`},
	{"sort_by_label_desc", `sort_by_label_desc(x, "l", "m")`, `: all; order`, `: l, m, n; order`},
	{"sum by", `sum by (k) (-x)`, `: k; erased NAME`, `: k; erased NAME`},
	{"avg without grouping", `avg(x)`, `: none`, `: none`},
	{"min by", `min by (k, l) (x)`, `: k, l`, `: k, l`},
	{"max by", `max by (k) (x)`, `: k`, `: k`},
	{"count by", `count by (k) (x)`, `: k`, `: k`},
	{"group by", `group by (k) (x)`, `: k`, `: k`},
	{"stddev by", `stddev by (k) (x)`, `: k`, `: k`},
	{"stdvar by", `stdvar by (k) (x)`, `: k`, `: k`},
	{"quantile by", `quantile by (k) (0.5, x)`, `: k`, `: k`},
	{"sum without", `sum without (k) (x)`, `: all but k`, `: all but k`},
	{"topk", `topk by (k) (3, x)`, `: all; order`, `: k, n; order`},
	{"bottomk without", `bottomk without (k) (3, x)`, `: all; order`, `: all but k; order`},
	{"limitk", `limitk(3, x)`, `: all; order`, `: all; order`},
	{"limit_ratio", `limit_ratio(0.5, x)`, `: all; order`, `: all; order`},
	{"count_values by", `count_values by (k, d) ("d", x)`, `: k`, `: k`},
	{"count_values without", `count_values without (k) ("d", x)`, `: all but d, k`, `: all but d, k`},
	{"label_replace, destination needed", `label_replace(x, "n", "$1", "src", ".*")`, `: all`, `: n, src; erased n`},
	{"label_replace, destination not needed", `label_replace(x, "d", "$1", "src", ".*")`, `: all`, `: n; erased d`},
	{"label_join, destination needed", `label_join(x, "n", "-", "s", "t")`, `: all but n; erased n`, `: s, t; erased n`},
	{"label_join, destination not needed", `label_join(x, "d", "-", "s")`, `: all but d; erased d`, `: n; erased d`},
	{"histogram_quantile", `histogram_quantile(0.9, x)`, `: all`, `: all`},
	{"histogram_quantiles", `histogram_quantiles(x, "q", 0.9, 0.5)`, `: all`, `: all`},
	{"histogram_fraction", `histogram_fraction(0, 1, x)`, `: all`, `: all`},
	{"absent", `absent(x{a="1"})`, `: a`, `: a`},
	{"absent_over_time", `absent_over_time(x[5m])`, `: none`, `: none`},
	{"scalar", `vector(scalar(x))`, `: none`, `: none`},
	{"vector-scalar arithmetic", `x * 2`, `: all`, `: n; erased NAME`},
	{"vector-scalar comparison", `x > 2`, `: all`, `: n; erased NAME`},
	{"vector-scalar bool", `2 > bool x`, `: all`, `: n; erased NAME`},
	{"one-to-one on", `x + on (k) y`, "x: k\ny: k", "x: k\ny: k"},
	{"one-to-one ignoring", `x > ignoring (k) y`, "x: all but k\ny: all but k", "x: all but k\ny: all but k"},
	{"one-to-one", `x / y`, "x: all\ny: all", "x: all\ny: all"},
	{"one-to-one fill", `x + on (k) fill (0) y`, "x: k\ny: k", "x: k\ny: k"},
	{"group_left", `x * on (k) group_left (i) y`, "x: all but i; erased NAME, i\ny: i, k", "x: k, n; erased NAME, i\ny: i, k"},
	{"group_right", `x * on (k) group_right (n) y`, "x: k, n\ny: all but n; erased NAME, n", "x: k, n\ny: k; erased NAME, n"},
	{"group_left fill", `x * on (k) group_left fill (0) y`, "x: all\ny: k", "x: k, n; erased NAME\ny: k"},
	{"and", `x and on (k) y`, "x: all\ny: k", "x: k, n\ny: k"},
	{"unless", `x unless ignoring (k) y`, "x: all\ny: all but k", "x: all but k\ny: all but k"},
	{"or", `x or on (k) y`, "x: all\ny: all", "x: k, n\ny: k, n"},
	{"or, by default on all labels", `x or y`, "x: all\ny: all", "x: all\ny: all"},
	{
		"info", `info(x)`, "x: all\ntarget_info: all; hidden",
		"x: instance, job, n; erased all but instance, job\ntarget_info: instance, job, n; hidden",
	},
	{
		"info with labels", `info(x, {v="1", n=~".*"})`, "x: all\ntarget_info{n=~\".*\",v=\"1\"}: instance, job, n, v; hidden",
		"x: instance, job, n; erased n, v\ntarget_info{n=~\".*\",v=\"1\"}: instance, job, n, v; hidden",
	},
	{
		"info of another metric", `info(x, {__name__="b_info"})`, "x: all\nb_info: all; hidden",
		"x: instance, job, n; erased all but instance, job\nb_info: instance, job, n; hidden",
	},
	{
		"info of all but one metric", `info(x, {__name__!="b_info"})`, "x: all\n{__name__!=\"b_info\",__name__=~\".+_info\"}: all; hidden",
		"x: all\n{__name__!=\"b_info\",__name__=~\".+_info\"}: instance, job, n; hidden",
	},
}

func TestLivenessTable(t *testing.T) {
	for _, row := range liveness {
		for need, want := range map[string]string{"all": row.all, "n": row.n} {
			t.Run(row.row+"/"+need, func(t *testing.T) {
				expr := row.expr
				if need == "n" {
					expr = "sum by (n) (" + expr + ")"
				}
				got := describeSelectors(Analyze(sentei.Expression{Text: expr}, sentei.AllLabelsBut()))
				if strings.HasPrefix(want, ":") { // one selector, its text does not matter
					_, got, _ = strings.Cut(got, ": ")
					got = ": " + got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", expr, diff)
				}
			})
		}
	}
}

// A parser that learns a function, an aggregation or an operator must not
// leave the analysis behind.
func TestEverythingOfPromQLIsClassified(t *testing.T) {
	for name := range parser.Functions {
		if functionRule(name) == unknownRule {
			t.Errorf("function %s is not classified", name)
		}
	}
	for item := range parser.ItemTypeStr {
		matchOrAt := item == parser.EQL_REGEX || item == parser.NEQ_REGEX || item == parser.AT
		if item.IsOperator() && !matchOrAt && !known(item) {
			t.Errorf("operator %s is not classified", item)
		}
		if item.IsAggregator() {
			expr := item.String() + " (x)"
			if item.IsAggregatorWithParam() {
				expr = item.String() + " (2, x)"
			}
			if item == parser.COUNT_VALUES {
				expr = item.String() + ` ("v", x)`
			}
			a := Analyze(sentei.Expression{Text: expr}, sentei.AllLabelsBut())
			if len(a.Selectors) != 1 || a.Selectors[0].Erased.AllBut {
				t.Errorf("aggregation %s is not classified: %+v", item, a)
			}
		}
	}
}

func TestRangeAndPath(t *testing.T) {
	tests := []struct {
		expr string
		want time.Duration
		path string
	}{
		{`x`, 0, ""},
		{`sum(rate(x[5m]))`, 5 * time.Minute, "rate sum"},
		{`rate(x[5m * 2] offset 1h)`, 70 * time.Minute, "rate"},
		{`x offset -1h`, 0, ""},
		{`max_over_time(rate(x[5m])[1h:1m] offset 10m) > 0`, 75 * time.Minute, "rate subquery max_over_time >"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			a := Analyze(sentei.Expression{Text: tt.expr}, sentei.AllLabelsBut())
			if len(a.Selectors) != 1 {
				t.Fatalf("%d selectors, opaque %q", len(a.Selectors), a.Opaque)
			}
			s := a.Selectors[0]
			if s.Range != tt.want || strings.Join(s.Path, " ") != tt.path {
				t.Errorf("range %v, path %v; want %v, %s", s.Range, s.Path, tt.want, tt.path)
			}
		})
	}
}

// A recording rule whose readers need fewer labels.
func TestNeedOfARecordingRule(t *testing.T) {
	tests := []struct {
		name, expr, want string
		need             sentei.LabelSet
	}{
		{"aggregated", `sum by (a, b) (rate(x[5m]))`, "x: a, b; erased NAME", sentei.Labels("a")},
		{"raw", `rate(x{c="1"}[5m])`, "x{c=\"1\"}: a, c; erased all", sentei.Labels("a")},
		{"raw, all but one", `x`, "x: all but a; erased all", sentei.AllLabelsBut("a")},
		{"or", `x or on (k) y`, "x: all\ny: all", sentei.Labels("a")},
		{"nothing", `x`, "x: none; erased all", sentei.Labels()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := describeSelectors(Analyze(sentei.Expression{Text: tt.expr}, tt.need))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpaque(t *testing.T) {
	tests := []struct {
		name string
		e    sentei.Expression
	}{
		{"not PromQL", sentei.Expression{Text: `sum(`}},
		{"empty", sentei.Expression{}},
		{"unknown function", sentei.Expression{Text: `frobnicate(x)`}},
		{"not MetricsQL", sentei.Expression{Text: `sum(`, Lang: sentei.MetricsQL}},
		{"unknown function of MetricsQL", sentei.Expression{Text: `frobnicate(x)`, Lang: sentei.MetricsQL}},
		{"Graphite", sentei.Expression{Text: `{__graphite__="a.*"}`}},
		{"unknown language", sentei.Expression{Text: `x`, Lang: "logql"}},
		{"too long", sentei.Expression{Text: "x" + strings.Repeat(" ", maxText)}},
		{"nested too deep", sentei.Expression{Text: strings.Repeat("(", 50_000) + "x" + strings.Repeat(")", 50_000)}},
		{"nested too deep in MetricsQL", sentei.Expression{Text: strings.Repeat("-", 50_000) + "x", Lang: sentei.MetricsQL}},
		{"nested too deep in a template", sentei.Expression{Text: strings.Repeat("abs(", 50_000) + "$x" + strings.Repeat(")", 50_000), Template: true}},
		{"nested too deep by its variables", sentei.Expression{Text: strings.Repeat("$f", 5000) + "x", Template: true, Variables: vars("f=-")}},
		{"predefined templates that explode", sentei.Expression{Text: strings.Repeat("ru(x,", 100) + "x" + strings.Repeat(")", 100), Lang: sentei.MetricsQL}},
		{"WITH templates that explode", sentei.Expression{Lang: sentei.MetricsQL, Text: "WITH (a = x+x+x+x+x, b = a+a+a+a+a+a, c = b+b+b+b+b+b+b, d = c+c+c+c+c+c+c, e = d+d+d+d+d+d+d, f = e+e+e+e+e+e+e) f+f+f+f+f+f+f"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Analyze(tt.e, sentei.AllLabelsBut())
			if a.Opaque == "" {
				t.Errorf("not opaque: %+v", a)
			}
		})
	}
}

func TestNormalize(t *testing.T) {
	got, err := Normalize("sum  by(job)(rate(x{b='1',a=\"2\"}[300s]))  # comment")
	if want := `sum by (job) (rate(x{a="2",b="1"}[5m]))`; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if got, err := Normalize("sum("); err == nil {
		t.Errorf("got %q; want an error", got)
	}
}
