package promql

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// What the variables of a template are replaced by. Where a number or a piece
// of a metric name must stand, variables are trusted to hold one.
var (
	numberValues = []string{"1", "30", "0.5"}
	nameValues   = []string{"x", "y", "a", "b", "k", "sum", "rate", "max_over_time", "5m", "1h", "30", "1"}
	queryValues  = []string{`x{b="1"}`, `sum by (k) (y)`, `a="1"`, `b="2",k!="1"`, `x, y`, "", `and on (k)`, `topk(1, x)`, `-`}
	regexpValues = []string{`1`, `.*`, `(1|2)`, `1.`, `[12]`, `2|1`}
)

var pieceOfName = regexp.MustCompile(`\w(?:\$\{|\$)\w|\w\}\w|\w\}?\{`)

// Whatever the variables of a template hold, the template must be understood
// to need all that the resulting text needs.
func TestTemplatesCoverWhatTheyBecome(t *testing.T) {
	for _, lang := range []sentei.Lang{sentei.PromQL, sentei.MetricsQL} {
		t.Run(string(lang), func(t *testing.T) {
			checked := 0
			for i, tt := range templates {
				expr := strings.TrimPrefix(tt.expr, "=")
				if expr == tt.expr {
					expr = "sum by (n) (" + expr + "\n)"
				}
				checked += coverTemplate(t, lang, expr, rand.New(rand.NewPCG(1, uint64(i))))
			}
			t.Logf("%d texts checked", checked)
			if checked < 1000 {
				t.Errorf("only %d texts checked", checked)
			}
		})
	}
}

// coverTemplate replaces the variables of a template again and again, and
// returns how many of the texts could be understood.
func coverTemplate(t *testing.T, lang sentei.Lang, expr string, r *rand.Rand) (checked int) {
	series := coverUniverse()
	analyze := func(e sentei.Expression) Analysis {
		e.Lang = lang
		return Analyze(e, sentei.AllLabelsBut())
	}
	unknown := analyze(sentei.Expression{Text: expr, Template: true})
	for range 300 {
		chosen := map[string]string{}
		text := become(r, expr, chosen)
		became := analyze(sentei.Expression{Text: text})
		if became.Opaque != "" {
			continue
		}
		checked++
		if why := uncovered(unknown, became, series); why != "" {
			t.Errorf("%s becomes %s, but %s", expr, text, why)
			return checked
		}
		known := analyze(sentei.Expression{Text: expr, Template: true, Variables: among(r, chosen)})
		if why := uncovered(known, became, series); why != "" {
			t.Errorf("%s with %v becomes %s, but %s", expr, chosen, text, why)
			return checked
		}
	}
	return checked
}

// become replaces the variables as Grafana does with plain values.
func become(r *rand.Rand, expr string, chosen map[string]string) string {
	return variableSyntax.ReplaceAllStringFunc(expr, func(ref string) string {
		units := variables{}.split(ref)
		if len(units) != 1 || units[0].ref == nil { // a capture group
			return ref
		}
		name := units[0].ref.name
		if b := builtin(units[0].ref); b != "" {
			return b
		}
		if _, ok := chosen[name]; !ok {
			values := [][]string{nameValues, nameValues, queryValues, regexpValues}[r.IntN(4)]
			switch {
			case name == "k":
				values = numberValues
			case !strings.Contains(expr, `"`) && pieceOfName.MatchString(expr), strings.Contains(expr, ref+"{"):
				values = nameValues
			}
			chosen[name] = values[r.IntN(len(values))]
		}
		return chosen[name]
	})
}

// among returns the chosen values among others.
func among(r *rand.Rand, chosen map[string]string) []sentei.Variable {
	var vs []sentei.Variable
	for name, v := range chosen {
		values := []string{v}
		if r.IntN(2) == 0 {
			values = append(values, "other", "9")
		}
		vs = append(vs, sentei.Variable{Name: name, Values: values})
	}
	slices.SortFunc(vs, func(a, b sentei.Variable) int { return strings.Compare(a.Name, b.Name) })
	return vs
}

func coverUniverse() []labels.Labels {
	var all []labels.Labels
	for _, name := range []string{"x", "y", "a", "b", "a_total", "a_x_total", "a_1_total", "a.b", "target_info", "a_b"} {
		for i := range 9 {
			b := labels.NewBuilder(labels.FromStrings("__name__", name))
			for j, l := range []string{"a", "b"} {
				if v := i / (1 + 2*j) % 3; v > 0 {
					b.Set(l, fmt.Sprint(v))
				}
			}
			all = append(all, b.Labels())
		}
	}
	return all
}

// uncovered says what the second analysis needs beyond the first, or "".
func uncovered(have, need Analysis, series []labels.Labels) string {
	if have.Opaque != "" {
		return ""
	}
	for i := range need.Selectors {
		n := &need.Selectors[i]
		for _, l := range series {
			if !n.Matches(l) {
				continue
			}
			var live, erased sentei.LabelSet
			matched, order := false, false
			for j := range have.Selectors {
				if h := &have.Selectors[j]; h.Matches(l) {
					matched = true
					live, erased = live.Union(h.Live), erased.Union(h.Erased)
					order = order || h.OrderSensitive
				}
			}
			dead := everything().Minus(live)
			switch {
			case !matched:
				return fmt.Sprintf("%s is not read", l)
			case !n.Live.Minus(live).IsEmpty():
				return fmt.Sprintf("of %s it needs %s, and not only %s", l, n.Live, live)
			case !dead.IsEmpty() && !n.Erased.Minus(erased).IsEmpty():
				return fmt.Sprintf("of %s it erases %s, and not only %s", l, n.Erased, erased)
			case !dead.IsEmpty() && n.OrderSensitive && !order:
				return fmt.Sprintf("the order of %s matters", l)
			}
		}
	}
	return ""
}
