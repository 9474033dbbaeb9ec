package promql_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// expressions makes random PromQL.
type expressions struct {
	r   *rand.Rand
	use []string // labels
}

func (e expressions) one(of ...string) string { return of[e.r.IntN(len(of))] }

func (e expressions) label() string { return e.use[e.r.IntN(len(e.use))] }

func (e expressions) name() string {
	return e.one("g0", "g1", "g2", "c0_total", "c1_total", "h_bucket", "nh", "target_info")
}

// labels returns a list of up to three labels.
func (e expressions) labels() string {
	var ls []string
	for range e.r.IntN(4) {
		ls = append(ls, e.label())
	}
	if e.r.IntN(12) == 0 {
		ls = append(ls, "__name__")
	}
	return strings.Join(ls, ", ")
}

func (e expressions) value(label string) string {
	if label == "le" {
		return e.one("0.5", "1.0", "+Inf", "")
	}
	return e.one("", label[:1]+"0", label[:1]+"1", "u3")
}

func (e expressions) matchers() string {
	var ms []string
	for range e.r.IntN(3) * e.r.IntN(2) {
		l := e.label()
		switch e.r.IntN(6) {
		case 0:
			ms = append(ms, l+`=~".*"`)
		case 1:
			ms = append(ms, l+`=~".+"`)
		case 2:
			ms = append(ms, fmt.Sprintf("%s!=%q", l, e.value(l)))
		case 3:
			ms = append(ms, fmt.Sprintf("%s!~%q", l, e.value(l)))
		default:
			ms = append(ms, fmt.Sprintf("%s=%q", l, e.value(l)))
		}
	}
	return strings.Join(ms, ", ")
}

// selector is a vector selector without modifiers.
func (e expressions) selector() string {
	ms := e.matchers()
	switch e.r.IntN(8) {
	case 0:
		return strings.ReplaceAll("{"+e.one(`__name__=~"g."`, `__name__=~"c.+"`, `__name__=~"g0|c0_total"`, `__name__=~".+"`, `job="j0"`)+", "+ms+"}", ", }", "}")
	default:
		if ms == "" {
			return e.name()
		}
		return e.name() + "{" + ms + "}"
	}
}

func (e expressions) modifiers() string {
	if e.r.IntN(6) > 0 {
		return ""
	}
	return e.one(" offset 2m", " offset -1m", " @ 900", " @ start()", " @ end()", " @ 600 offset 1m")
}

func (e expressions) window() string { return e.one("1m", "3m", "5m", "10m", "step()*2") }

// matrix is a range vector.
func (e expressions) matrix(depth int) string {
	if depth > 0 && e.r.IntN(3) == 0 {
		step := e.one("", "30s", "1m", "2m")
		return "(" + e.vector(depth-1) + ")[" + e.one("3m", "5m", "10m") + ":" + step + "]" + e.modifiers()
	}
	return e.selector() + "[" + e.window() + "]" + e.modifiers()
}

func (e expressions) scalar(depth int) string {
	if depth > 0 && e.r.IntN(5) == 0 {
		return e.one("scalar("+e.vector(depth-1)+")", "time()", "pi()", "(1 + "+e.scalar(depth-1)+")", "step()", "max_of(1, 2)")
	}
	return e.one("0", "1", "2", "0.5", "3", "10", "-1", "100")
}

// vector is an instant vector of at most the given depth.
func (e expressions) vector(depth int) string {
	if depth <= 0 {
		return e.selector() + e.modifiers()
	}
	switch e.r.IntN(20) {
	case 0, 1:
		return e.selector() + e.modifiers()
	case 2, 3, 4, 5:
		return e.aggregation(depth)
	case 6, 7:
		return e.overRange(depth)
	case 8, 9, 10:
		return e.function(depth)
	case 11, 12:
		return e.relabel(depth)
	case 13:
		return e.infoCall(depth)
	case 14:
		return e.one("-", "+") + "(" + e.vector(depth-1) + ")"
	case 15:
		op := e.one("+", "*", "/", ">", "<", "> bool", "== bool", "%", "^", "atan2", "</", ">/")
		if e.r.IntN(2) == 0 && !strings.HasSuffix(op, "/") || op == "/" {
			return "(" + e.scalar(depth-1) + " " + op + " " + e.vector(depth-1) + ")"
		}
		return "(" + e.vector(depth-1) + " " + op + " " + e.scalar(depth-1) + ")"
	default:
		return e.binary(depth)
	}
}

// root is a whole query: an aggregation more often than not, as only these
// make labels dead.
func (e expressions) root(depth int) string {
	v := e.vector(depth)
	if e.r.IntN(3) == 0 {
		v = e.layers(depth)
	}
	switch e.r.IntN(5) {
	case 0, 1:
		return v
	case 2:
		return e.one("sum", "max", "count") + " without (" + e.labels() + ") (" + v + ")"
	default:
		return e.one("sum", "max", "count", "avg") + " by (" + e.labels() + ") (" + v + ")"
	}
}

// layers is a join below operators that erase labels or look back in time:
// what is rare in a random tree, and hard to get right.
func (e expressions) layers(depth int) string {
	l, r := e.nameless(depth-1), e.nameless(depth-2)
	on := e.one(" on (", " on (", " ignoring (") + e.labels() + ") "
	v := e.one(
		l+" or"+on+r,
		l+" unless"+on+r,
		l+" + "+on+"group_left ("+e.labels()+") fill_left (1) "+r,
		l+" + "+on+"group_right fill_right (1) "+r,
		l+" * "+on+"group_left ("+e.labels()+") "+r,
		l+" + "+on+"fill (1) "+r,
		"info("+l+")",
		`info(`+l+`, {__name__=~".+_info"})`,
		`info(`+l+`, {`+e.label()+`=~".*"})`,
	)
	for range 1 + e.r.IntN(3) {
		switch e.r.IntN(4) {
		case 0:
			v = e.one("max", "sum", "last", "count") + "_over_time((" + v + ")[" + e.one("3m", "10m") + ":1m])"
		case 1, 2:
			v = fmt.Sprintf("label_replace(%s, %q, %q, %q, \".*\")", v, e.label(), e.one("", "x"), e.label())
		default:
			v = "-(" + v + ")"
		}
	}
	return v
}

func (e expressions) nameless(depth int) string {
	v := e.vector(min(depth, e.r.IntN(2)))
	return e.one("("+v+" + 0)", "("+v+" + 0)", v)
}

func (e expressions) grouping() string {
	return e.one("", " by ("+e.labels()+") ", " by ("+e.labels()+") ", " without ("+e.labels()+") ")
}

func (e expressions) aggregation(depth int) string {
	v := e.vector(depth - 1)
	g := e.grouping()
	switch e.r.IntN(12) {
	case 0:
		return fmt.Sprintf("%s%s(%s, %s)", e.one("topk", "bottomk"), g, e.one("1", "2", "3"), v)
	case 1:
		return fmt.Sprintf("%s%s(%s, %s)", e.one("limitk", "limit_ratio"), g, e.one("1", "0.5", "2", "-0.3"), v)
	case 2:
		return fmt.Sprintf("quantile%s(%s, %s)", g, e.scalar(depth-1), v)
	case 3:
		return fmt.Sprintf("count_values%s(%q, %s)", g, e.label(), v)
	default:
		return e.one("sum", "sum", "sum", "min", "max", "avg", "count", "group", "stddev", "stdvar") + g + "(" + v + ")"
	}
}

func (e expressions) overRange(depth int) string {
	m := e.matrix(depth - 1)
	if e.r.IntN(10) == 0 && !strings.Contains(m, ":") {
		return e.one("rate", "increase", "delta") + "(" + strings.Replace(m, "]", "] "+e.one("anchored", "smoothed"), 1) + ")"
	}
	switch e.r.IntN(8) {
	case 0:
		return fmt.Sprintf("quantile_over_time(%s, %s)", e.scalar(depth-1), m)
	case 1:
		return fmt.Sprintf("predict_linear(%s, %s)", m, e.scalar(depth-1))
	case 2:
		return fmt.Sprintf("double_exponential_smoothing(%s, 0.5, 0.5)", m)
	default:
		return e.one("rate", "rate", "increase", "irate", "delta", "idelta", "deriv", "resets", "changes",
			"sum_over_time", "avg_over_time", "max_over_time", "max_over_time", "min_over_time", "count_over_time", "last_over_time",
			"first_over_time", "present_over_time", "stddev_over_time", "mad_over_time", "absent_over_time",
			"ts_of_max_over_time", "ts_of_last_over_time") + "(" + m + ")"
	}
}

func (e expressions) function(depth int) string {
	v := e.vector(depth - 1)
	switch e.r.IntN(9) {
	case 0:
		return "absent(" + v + ")"
	case 1:
		return e.one("sort", "sort_desc") + "(" + v + ")"
	case 2:
		return fmt.Sprintf("%s(%s, %q)", e.one("sort_by_label", "sort_by_label_desc"), v, e.label())
	case 3:
		return fmt.Sprintf("histogram_quantile(%s, %s)", e.one("0.5", "0.9"), v)
	case 4:
		return e.one(
			fmt.Sprintf("histogram_fraction(0, 1, %s)", v),
			fmt.Sprintf("histogram_quantiles(%s, %q, 0.5, 0.9)", v, e.label()),
			fmt.Sprintf("clamp(%s, %s, %s)", v, e.scalar(depth-1), e.scalar(depth-1)),
			fmt.Sprintf("vector(%s)", e.scalar(depth)),
		)
	default:
		return e.one("abs", "ceil", "exp", "sgn", "timestamp", "day_of_week", "histogram_count", "histogram_sum",
			"histogram_avg", "histogram_stddev", "round") + "(" + v + ")"
	}
}

func (e expressions) relabel(depth int) string {
	v := e.vector(depth - 1)
	dst, src := e.label(), e.label()
	if e.r.IntN(10) == 0 {
		dst = "__name__"
	}
	if e.r.IntN(10) == 0 {
		src = "__name__"
	}
	if e.r.IntN(3) == 0 {
		return fmt.Sprintf("label_join(%s, %q, \"-\", %q, %q)", v, dst, src, e.label())
	}
	return fmt.Sprintf("label_replace(%s, %q, %q, %q, %q)", v, dst, e.one("$1", "x", ""), src, e.one("(.*)", "(.+)", ".(0)", "", "nothing"))
}

func (e expressions) infoCall(depth int) string {
	v := e.vector(depth - 1)
	switch e.r.IntN(5) {
	case 0, 1:
		return "info(" + v + ")"
	case 2:
		return "info(" + v + `, {` + e.one(`version=~".+"`, `a=~".*"`, `version="v0"`, `b!=""`, `uid=~"u.*"`) + `})`
	default:
		return "info(" + v + `, {__name__` + e.one(`="build_info"`, `=~".+_info"`, `!="target_info"`, `="g0"`) + e.one("", `, a=~".*"`) + `})`
	}
}

func (e expressions) binary(depth int) string {
	l, r := e.vector(depth-1), e.vector(e.r.IntN(depth))
	if e.r.IntN(3) == 0 { // more likely to match
		r = e.one("sum", "max", "count") + e.grouping() + "(" + r + ")"
	}
	match := e.one("", " on ("+e.labels()+")", " on ("+e.labels()+")", " ignoring ("+e.labels()+")")
	if e.r.IntN(2) == 0 {
		return "(" + l + " " + e.one("and", "or", "or", "or", "unless") + match + " " + r + ")"
	}
	op := e.one("+", "*", "-", "/", ">", "<=", "!=", "> bool", "==")
	if match != "" && e.r.IntN(2) == 0 {
		match += e.one(" group_left", " group_right") + " (" + e.labels() + ")"
	}
	if e.r.IntN(5) == 0 {
		match += e.one(" fill (0)", " fill_left (1)", " fill_right (2)")
	}
	return "(" + l + " " + op + match + " " + r + ")"
}
