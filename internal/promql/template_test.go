package promql

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// vars reads "a=1|2 b=x": variables with their values.
func vars(text string) []sentei.Variable {
	var all []sentei.Variable
	for _, f := range strings.Fields(text) {
		name, values, _ := strings.Cut(f, "=")
		all = append(all, sentei.Variable{Name: name, Values: strings.Split(values, "|")})
	}
	return all
}

// Templates stand in sum by (n) (…) unless they begin with a "=".
var templates = []struct {
	name, expr, vars, want string
}{
	// Inside matcher values.
	{"value", `x{a="$v"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"value, braces", `x{a=~"${v}"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"value, format", `x{a=~"${v:regex}"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"value, old syntax", `x{a=~"[[v]]", b=~"[[v:pipe]]"}`, "", `x{a=~"(?:.*)",b=~"(?:.*)"}: a, b, n`},
	{"value, field", `x{a=~"${v.text}"}`, "v=1", `x{a=~"(?:.*)"}: a, n`},
	{"value in single quotes", `x{a=~'$v'}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"value in backticks", "x{a=~`$v\\.`}", "", `x{a=~"(?:.*)"}: a, n`},
	{"part of a plain value", `x{a="a.b$v"}`, "", `x{a=~"a\\.b(?:.*)"}: a, n`},
	{"part of a regular expression", `x{a=~"a.b|$v-c"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"part of a regular expression for names", `{__name__=~"a.b|$v-c"}`, "", `{__name__=~"a.b|(?:.*)-c"}: n`},
	{"known part of a regular expression", `x{a=~"a.b|$v-c"}`, "v=1|2", `x{a=~"a.b|(?:1|2)-c"}: a, n`},
	{"part of a class", `x{a=~"a[$v]"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"part of a repetition", `x{a=~"a{$v}"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"behind a backslash", "x{a=~`a\\$v`}", "", `x{a=~"(?:.*)"}: a, n`},
	{"alternatives beside text", `x{a=~"a${v:pipe}"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"not a regular expression afterwards", `x{a=~"(?$v)"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"negative", `x{a!="$v", b!~"$v"}`, "", `x{a=~"(?:.*)",b=~"(?:.*)"}: a, b, n`},
	{"value without quotes", `x{a=~$v}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"builtin in a value", `x{a="$__interval"}`, "", `x{a=~"(?:.*)"}: a, n`},
	{"end of a regular expression", `x{a=~"b$"}`, "", `x{a=~"b$"}: a, n`},
	{"only a value", `{a="$v"}`, "", `{a=~"(?:.*)"}: a, n`},
	{"name value", `{__name__=~"$v"}`, "", `{__name__=~"(?:.+)"}: n`},
	{"name in quotes", `{"a.$v", b="1"}`, "", `{__name__=~"a\\.(?:.*)",b="1"}: b, n`},

	// Known values.
	{"one value", `x{a="$v", b!="$v"}`, "v=1", `x{a="1",b!="1"}: a, b, n`},
	{"one value as a regular expression", `x{a=~"$v", b!~"$v"}`, "v=1", `x{a=~"1",b!~"1"}: a, b, n`},
	{"one value with special characters", `x{a=~"$v", b!~"$v"}`, "v=1.2", `x{a=~"(?:1\\.2|1.2)",b=~"(?:.*)"}: a, b, n`},
	{"several values", `x{a=~"$v"}`, "v=1|2", `x{a=~"(?:1|2)"}: a, n`},
	{"several values in an equality", `x{a="p$v"}`, "v=1|2", `x{a=~"p(?:1|2)"}: a, n`},
	{"several values, negative", `x{a!~"$v"}`, "v=1|2", `x{a=~"(?:.*)"}: a, n`},
	{"a value that depends on another variable", `x{a="$v"}`, "v=$w", `x{a=~"(?:.*)"}: a, n`},
	{"a value with quotes", `x{a="$v"}`, `v="`, `x{a="\""}: a, n`},
	{"a format that is not known", `x{a="${v:json}"}`, "v=1", `x{a=~"(?:.*)"}: a, n`},
	{"a longer name is another variable", `x{a="$v_w", b="$v"}`, "v=1", `x{a=~"(?:.*)",b="1"}: a, b, n`},
	{"names one by one", `${v}_total`, "v=a|b", "a_total: n\nb_total: n"},
	{"functions one by one", `$f(x[5m])`, "f=rate|last_over_time", "x: n; erased NAME"},
	{"groupings one by one", `=sum by ($g) (x)`, "g=a|b", "x: a, b"},
	{"groupings that keep", `=sum without ($g) (x)`, "g=a|b", "x: all"},
	{"a list", `=sum by (${g:csv}) (x)`, "g=a", "x: a"},
	{"a matcher", `x{$m}`, `m=a="1"`, `x{a="1"}: a, n`},
	{"a whole expression", `=$q`, "q=sum(x)", "x: none"},
	{"part of an expression", `=sum($q) * 2`, "q=x|y", "x: none\ny: none"},
	{"the same variable twice", `=sum by ($g) (x{g="$g"})`, "g=a|b", "x{g=\"a\"}: a, g\nx{g=\"b\"}: b, g"},
	{"too many combinations", `=sum by ($g) (x)`, "g=" + strings.Repeat("a|", maxCombinations) + "a", "x: all"},

	// Metric names.
	{"whole name", `$v{a="1"}`, "", `{__name__=~"(?:.*)",a="1"}: a, n`},
	{"name with braces", `${v}{a="1"}`, "", `{__name__=~"(?:.*)",a="1"}: a, n`},
	{"part of a name", `rate(a_${v}_total[5m])`, "", `{__name__=~"a_(?:.*)_total"}: n; erased NAME`},
	{"part of a name with matchers", `rate(a_$v{b="$v"}[5m])`, "", `{__name__=~"a_(?:.*)",b=~"(?:.*)"}: b, n; erased NAME`},
	{"two parts", `${a}_$b`, "", `{__name__=~"(?:.*)_(?:.*)"}: n`},
	{"name or selector", `rate($v[5m])`, "", `{}: all`},
	{"name or expression", `max($v)`, "", `{}: all`},
	{"name with offset", `$v offset 5m`, "", `{} offset 5m: all`},

	// Matchers.
	{"list of matchers", `x{a="1", $v}`, "", `x{a="1"}: all`},
	{"nothing but a list", `{$v}`, "", `{}: all`},
	{"label", `x{$l="1", b="2"}`, "", `x{b="2"}: all`},
	{"part of a label", `x{a_$l=~"$v"}`, "", `x: all`},
	{"operator", `x{a${op}"1"}`, "", `x: all`},
	{"empty list", `x{a="1", $v,}`, "v=", `x{a="1"}: a, n`},

	// Groupings.
	{"by", `=sum by ($g) (x)`, "", "x: all"},
	{"by, and others", `=sum by (a, ${g:csv}) (x)`, "", "x: all"},
	{"by, part", `=sum by (a_$g) (x)`, "", "x: all"},
	{"by, quoted", `=sum by ("$g") (x)`, "", "x: all"},
	{"by behind", `=sum(x) by ($g)`, "", "x: all"},
	{"without", `=sum without (a, $g) (x)`, "", "x: all but a"},
	{"on", `=sum(x * on ($g) y)`, "", "x: all\ny: all"},
	{"ignoring", `=sum(x * ignoring (a, $g) y)`, "", "x: all but a\ny: all but a"},
	{"group_left", `=sum(x * on (a) group_left ($g) y)`, "", "x: all\ny: all"},
	{"or on", `=sum(x or on ($g) y)`, "", "x: all\ny: all"},

	// Functions.
	{"function", `$f(x)`, "", "x: all; order"},
	{"function with range", `${f}_over_time(x{a="$v"}[5m])`, "", `x{a=~"(?:.*)"}: all; order`},
	{"function with two arguments", `${f}(0.9, x) + on (n) y`, "", "x: all; order\ny: n"},
	{"aggregation", `$f by (a) (x)`, "", "x: all; order"},
	{"aggregation, grouping behind", `$f(sum by (b) (x)) by (a)`, "", "x: b; order"},
	{"function in a function", `$f($g(x), y)`, "", "x: all; order\ny: all; order"},
	{"function in a subquery", `max_over_time($f(x)[1h:1m])`, "", "x: all; order"},

	// Durations, numbers and times.
	{"range", `rate(x[$__rate_interval])`, "", "x: n; erased NAME"},
	{"range with a unit", `rate(x[${v}m])`, "", "x: n; erased NAME"},
	{"range with a number", `rate(x[5$v])`, "", "x: n; erased NAME"},
	{"range of an automatic interval", `rate(x[$v])`, "v=$__auto_interval_v", "x: n; erased NAME"},
	{"subquery", `max_over_time(x[${__range_s}s:$res])`, "", "x: n; erased NAME"},
	{"offset by a variable", `x offset $v`, "", "x offset 5m: n"},
	{"offset back", `x offset -$v`, "", "x offset -5m: n"},
	{"time", `x @ ${__to:date:seconds}`, "", "x @ 1700000000.000: n"},
	{"time of a variable", `x @ $k`, "", "x @ 1700000000.000: n"},
	{"parameter", `topk($k, x)`, "", "x: n; order"},
	{"parameter with grouping", `topk by (a) ($k, x)`, "", "x: a, n; order"},
	{"quantile", `histogram_quantile(0.$k, sum by (le) (x))`, "", "x: le"},
	{"quantile in percent", `histogram_quantile($k / 100, sum by (le) (x))`, "", "x: le"},
	{"milliseconds", `x / $__interval_ms * 1000`, "", "x: n; erased NAME"},

	// Other strings.
	{"label to write", `label_replace(x, "$d", "$1", "s", ".*")`, "", "x: all"},
	{"label to read", `label_replace(x, "n", "$1", "$s", ".*")`, "", "x: all"},
	{"replacement", `label_replace(x, "n", "$r", "s", "(.*)")`, "", "x: n, s; erased n"},
	{"capture groups are no variables", `label_replace(x, "n", "$1-${2}", "s", "(.*)-(.*)")`, "", "x: n, s; erased n"},
	{"known label to write", `label_replace(x, "$d", "$1", "s", ".*")`, "d=d", "x: n; erased d"},
	{"label to join", `label_join(x, "n", "-", "$s")`, "", "x: all"},
	{"label to sort by", `=sum(sort_by_label(x, "$l"))`, "", "x: all; order"},
	{"label for values", `=count_values by (a) ("$l", x)`, "", "x: a"},

	// The rest.
	{"comment", "x # $v {", "", "x: n"},
	{"brackets in a string", `x{a="$v]})"}`, "", `x{a=~"(?:.*)\\]\\}\\)"}: a, n`},
	{"read as MetricsQL", `rate(x{a="$v" or b="1"})`, "", `x{a=~"(?:.*)" or b="1"}: a, b, n; erased NAME` + "\n" + `x{a=~"(?:.*)" or b="1"}: a, b, n; erased NAME`},
	{"info", `info(x, {$v})`, "", "x: all; order\n{}: all; hidden"},
}

func TestTemplates(t *testing.T) {
	for _, tt := range templates {
		t.Run(tt.name, func(t *testing.T) {
			expr, root := strings.CutPrefix(tt.expr, "=")
			if !root {
				expr = "sum by (n) (" + tt.expr + "\n)"
			}
			e := sentei.Expression{Text: expr, Template: true, Variables: vars(tt.vars)}
			if diff := cmp.Diff(tt.want, describeSelectors(Analyze(e, sentei.AllLabelsBut()))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", expr, diff)
			}
		})
	}
}

func TestTemplatesThatMayHoldAnything(t *testing.T) {
	for _, expr := range []string{
		`$q`, `${q:raw}`, `($q)`, `$q > 5`, `x > $threshold`, `x $op y`, `sum(x) $by`, `x + $q`,
		`sum $by (x)`, `sum by (job`, `x{a="$v`, `x[$v`, strings.Repeat("$f(", 30) + "x" + strings.Repeat(")", 30),
	} {
		t.Run(expr, func(t *testing.T) {
			a := Analyze(sentei.Expression{Text: expr, Template: true}, sentei.AllLabelsBut())
			if a.Opaque == "" {
				t.Errorf("not opaque: %s", describeSelectors(a))
			}
		})
	}
}

// MetricsQL lets a variable add an alternative, which the other matchers do
// not restrict.
func TestTemplatesInMetricsQL(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`sum(rate(x{a="$v"}[$__interval])) by (n)`, `x{a=~"(?:.*)"}: a, n; erased NAME`},
		{`sum(x{a="1", $v}) by (n)`, `x: all`},
		{`sum($v{a="1", $v}) by (n)`, `{__name__=~"(?:.*)"}: all`},
		{`$f(x) by (n)`, `x: all; order`},
		{`sum(a.${v}.b) by (n)`, `{__name__=~"a\\.(?:.*)\\.b"}: n`},
		{`WITH (f = {a="$v"}) sum(x{f}) by (n)`, `x{a=~"(?:.*)"}: a, n`},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			e := sentei.Expression{Text: tt.expr, Lang: sentei.MetricsQL, Template: true}
			if diff := cmp.Diff(tt.want, describeSelectors(Analyze(e, sentei.AllLabelsBut()))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
