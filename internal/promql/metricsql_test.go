package promql

import (
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// Expressions stand in sum(…) by (n) unless they begin with a "=".
var metricsQL = []struct {
	name, expr, want string
}{
	{"selector", `x{a="1", b!~"2"}`, "x{a=\"1\",b!~\"2\"}: a, b, n"},
	{"everything", `{}`, "{}: n"},
	{"or", `{a="1" or b="2"}`, "{a=\"1\" or b=\"2\"}: a, b, n\n{a=\"1\" or b=\"2\"}: a, b, n"},
	{"or of names below rate", `rate({__name__="x" or __name__="y"})`, "{__name__=\"x\" or __name__=\"y\"}: all\n{__name__=\"x\" or __name__=\"y\"}: all"},
	{"or of one name below rate", `rate(x{a="1" or b="2"})`, "x{a=\"1\" or b=\"2\"}: a, b, n; erased NAME\nx{a=\"1\" or b=\"2\"}: a, b, n; erased NAME"},
	{"WITH", `WITH (f = {a="1"}, r(q) = rate(q{f}[5m])) r(x) + on (n) r(y)`, "x{a=\"1\"}: a, n; erased NAME\ny{a=\"1\"}: a, n; erased NAME"},
	{"rollup", `rate(x)`, "x: n; erased NAME"},
	{"rollup that keeps names", `rate(x) keep_metric_names`, "x: n; erased NAME"},
	{"rollup with parameters", `quantile_over_time(0.9, x[5m])`, "x: n; erased NAME"},
	{"rollup that writes a label", `count_values_over_time("v", x[5m])`, "x: n; erased NAME, v"},
	{"rollup of several", `rollup(x)`, "x: n; erased NAME, rollup"},
	{"upper case", `RATE(x[5m])`, "x: n; erased NAME"},
	{"transform", `clamp_min(x, 0)`, "x: n; erased NAME"},
	{"by", `=max(x) by (a, b)`, "x: a, b"},
	{"without", `=max(x) without (a)`, "x: all but a"},
	{"several arguments", `=max(x, y) by (a)`, "x: a\ny: a"},
	{"limit", `=max(x) by (a) limit 5`, "x: all; order"},
	{"quantile", `=quantile(0.5, x) by (a)`, "x: a"},
	{"quantiles", `=quantiles("q", 0.5, 0.9, x) by (a, q)`, "x: a"},
	{"count_values", `=count_values("v", x) by (a, v)`, "x: a"},
	{"any", `any(x) by (a)`, "x: all; order"},
	{"topk", `topk_max(3, x)`, "x: all; order"},
	{"outliers", `outliersk(3, x)`, "x: all; order"},
	{"union", `union(x, y)`, "x: all; order\ny: all; order"},
	{"union in parentheses", `(x, y)`, "x: all; order\ny: all; order"},
	{"range function", `range_avg(x)`, "x: all; order"},
	{"exists", `absent(x{a="1"})`, "x{a=\"1\"}: a"},
	{"scalar", `scalar(x)`, "x: none"},
	{"sort", `sort(x)`, "x: n; order"},
	{"sort by label", `sort_by_label_numeric(x, "a")`, "x: a, n; erased NAME; order"},
	{"histogram_quantile", `histogram_quantile(0.9, x)`, "x: all"},
	{"label_set", `label_set(x, "n", "1", "a", "2")`, "x: none; erased a, n"},
	{"label_del", `label_del(x, "a", "n")`, "x: none; erased a, n"},
	{"label_keep", `label_keep(x, "a", "n")`, "x: n; erased all but a, n"},
	{"label_copy", `label_copy(x, "a", "n")`, "x: a; erased a, n\nx: a, n; erased a, n"},
	{"label_copy to a label that is not needed", `label_copy(x, "a", "b")`, "x: n; erased a, b"},
	{"label_move", `label_move(rate(x), "a", "n")`, "x: a; erased NAME, a, n\nx: a, n; erased NAME, a, n"},
	{"label_move twice", `label_move(x, "a", "b", "a", "n")`, "x: a, n; erased a, b, n"},
	{"label_copy of a join", `label_copy(x * on (k) group_left (a) y, "a", "n")`, "x: k, n; erased NAME, a, n\ny: a, k"},
	{"label_replace", `label_replace(x, "n", "$1", "a", "(.*)")`, "x: a, n; erased n"},
	{"label_join", `label_join(x, "n", "-", "a", "b")`, "x: a, b; erased n"},
	{"label_match", `label_match(x, "a", "1.*")`, "x: a, n; erased NAME"},
	{"label_map", `label_map(x, "a", "1", "2")`, "x: all; order"},
	{"label that is not a string", `label_set(x, a, "1")`, "x: all; order\na: all; order"},
	{"arithmetic with a number", `2 * x`, "x: n; erased NAME"},
	{"arithmetic with a number, matching", `2 * on (k) x`, "x: k, n; erased NAME"},
	{"arithmetic", `x / y`, "x: all\ny: all"},
	{"on", `x / on (k) y`, "x: k\ny: k"},
	{"ignoring", `x / ignoring (k) y`, "x: all but k\ny: all but k"},
	{"group_left", `x * on (k) group_left (i) y`, "x: k, n; erased NAME, i\ny: i, k"},
	{"group_left with all labels", `x * on (k) group_left (*) y`, "x: k, n; erased all\ny: all"},
	{"group_left with a prefix", `x * on (k) group_left (i) prefix "p_" y`, "x: k, n; erased all\ny: i, k"},
	{"group_right", `x * on (k) group_right (n) y`, "x: k, n\ny: k; erased NAME, n"},
	{"if", `x if on (k) y`, "x: k, n\ny: k\ny: all"},
	{"if, grouped", `x if on (k) sum(y) by (k)`, "x: k, n\ny: k"},
	{"if, ignoring", `x if ignoring (k) y`, "x: all but k\ny: all"},
	{"ifnot", `x ifnot on (k) y`, "x: k, n\ny: k\ny: all"},
	{"default", `x default on (k) y`, "x: k, n\ny: k, n; order\ny: all; order"},
	{"default with a number", `x default 0`, "x: n"},
	{"if with a number", `x if 1`, "x: n"},
	{"number with if", `0 if on (k) x`, "x: k, n; erased NAME"},
	{"or with a number", `x or 0`, "x: all"},
	{"and", `x and on (k) y`, "x: k, n\ny: k"},
	{"equal to one of several", `x == on (k) (1, y)`, "x: all; order\ny: all; order"},
	{"or of two", `x or on (k) y`, "x: k, n\ny: k, n; order"},
	{"subquery", `max_over_time((x or on (k) y)[1h:1m])`, "x: all\ny: all; order"},
	{"subquery that is implied", `max_over_time(x or on (k) y)`, "x: all\ny: all; order"},
	{"predefined template", `ru(x, y)`, "y: all\nx: all\ny: all"},
}

func TestMetricsQL(t *testing.T) {
	for _, tt := range metricsQL {
		t.Run(tt.name, func(t *testing.T) {
			expr, root := strings.CutPrefix(tt.expr, "=")
			if !root {
				if with, body, ok := strings.Cut(expr, ")) "); ok && strings.HasPrefix(expr, "WITH") {
					expr = with + ")) sum(" + body + ") by (n)"
				} else {
					expr = "sum(" + expr + ") by (n)"
				}
			}
			e := sentei.Expression{Text: expr, Lang: sentei.MetricsQL}
			got := describeSelectors(Analyze(e, sentei.AllLabelsBut()))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", expr, diff)
			}
		})
	}
}

// A name in the table that the parser does not know is a typo.
func TestMetricsQLFunctionsExist(t *testing.T) {
	for _, name := range []string{
		"time", "now", "abs", "absent", "absent_over_time", "scalar", "sort_by_label_numeric_desc",
		"histogram_share", "prometheus_buckets", "label_mismatch", "label_keep", "bitmap_xor", "rate",
	} {
		if vmFunctionRule(name) == vmUnknown || !metricsql.IsSupportedFunction(name) {
			t.Errorf("%s: rule %d, supported %v", name, vmFunctionRule(name), metricsql.IsSupportedFunction(name))
		}
	}
}
