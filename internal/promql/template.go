package promql

import (
	"fmt"
	"slices"

	"github.com/sentei/sentei"
)

// maxCombinations is how many combinations of variable values are tried one by
// one. With more of them, variables count as unknown.
const maxCombinations = 64

// template analyzes an expression with Grafana variables. Variables of known
// values are put in; the places of all others are understood by where they
// stand, so that whatever the variable holds, nothing it may read is missed.
func (c *collector) template(e sentei.Expression, s scope) {
	units := variablesOf(e.Variables).split(e.Text)
	for _, combination := range combinations(units) {
		one := &collector{}
		one.units(e.Lang, combination, s)
		c.merge(one)
		if c.opaque != "" {
			return
		}
	}
}

// units analyzes one combination. Text that is not PromQL may be MetricsQL, as
// Grafana speaks to VictoriaMetrics through the same plugin.
func (c *collector) units(lang sentei.Lang, units []unit, s scope) {
	langs := []sentei.Lang{lang}
	if lang != sentei.MetricsQL {
		langs = []sentei.Lang{sentei.PromQL, sentei.MetricsQL}
	}
	var first error
	for _, l := range langs {
		one := &collector{}
		err := one.rewritten(l, units, s)
		if err == nil {
			if first != nil {
				one.problems = append(one.problems, fmt.Sprintf("read as MetricsQL: %v", first))
			}
			c.merge(one)
			return
		}
		if first == nil {
			first = err
		}
	}
	c.block(first.Error())
}

// rewritten analyzes the units with every reference replaced by something that
// parses in the language.
func (c *collector) rewritten(lang sentei.Lang, units []unit, s scope) error {
	parse := c.promql
	if lang == sentei.MetricsQL {
		parse = c.metricsql
	}
	h := &holes{calls: map[string][]string{}}
	r := &rewriter{lang: lang, holes: h}
	if n := len(s.path); n > 0 && (s.path[n-1] == "label_values" || s.path[n-1] == "series") {
		r.stack = []frame{{function: s.path[n-1]}} // a selector is expected
	}
	text := r.rewrite(lex(units))
	if r.opaque != "" {
		c.block(r.opaque)
		return nil
	}
	h.analyze = func(arg string, s scope) {
		if err := parse(arg, s, h); err != nil {
			c.block(err.Error())
		}
	}
	return parse(text, s, h)
}

// merge adds what another collector found. Selectors that are there already
// take in what is new about them.
func (c *collector) merge(o *collector) {
	if o.opaque != "" {
		c.block(o.opaque)
	}
	for _, p := range o.problems {
		if !slices.Contains(c.problems, p) {
			c.problems = append(c.problems, p)
		}
	}
	if len(c.written) == 0 {
		c.selectors, c.written = o.selectors, o.written
		return
	}
	from := 0
	for _, w := range o.written {
		parts := o.selectors[from : from+w.parts]
		from += w.parts
		if at := c.find(w); at >= 0 {
			for i := range parts {
				c.selectors[at+i] = joined(c.selectors[at+i], parts[i])
			}
			continue
		}
		c.selectors = append(c.selectors, parts...)
		c.written = append(c.written, w)
	}
}

// find returns the index of the first part of an equal written selector, or -1.
func (c *collector) find(w written) int {
	from := 0
	for _, have := range c.written {
		if have == w {
			return from
		}
		from += have.parts
	}
	return -1
}

// joined is a selector that is used in two ways.
func joined(a, b sentei.Selector) sentei.Selector {
	a.Live = a.Live.Union(b.Live)
	a.Erased = a.Erased.Union(b.Erased)
	a.OrderSensitive = a.OrderSensitive || b.OrderSensitive
	a.Range = max(a.Range, b.Range)
	return a
}

// combinations puts in the known values of variables wherever they stand for
// text: one combination after the other. Inside matcher values, durations and
// timestamps all values are handled at once, so these stay as they are unless
// the variable is needed elsewhere, too.
func combinations(units []unit) [][]unit {
	names, values := textual(lex(units))
	count := 1
	for _, name := range names {
		count *= len(values[name])
		if count > maxCombinations {
			return [][]unit{units}
		}
	}
	if longest(units) > maxText {
		return [][]unit{units}
	}
	var all [][]unit
	for i := range count {
		chosen := map[string]int{}
		rest := i
		for _, name := range names {
			chosen[name] = rest % len(values[name])
			rest /= len(values[name])
		}
		all = append(all, choose(units, chosen))
	}
	return all
}

// longest returns how long the text can become with values put in.
func longest(units []unit) int {
	n := len(units)
	for _, u := range units {
		if u.ref == nil {
			continue
		}
		most := 0
		for _, value := range u.ref.values {
			most = max(most, len(value))
		}
		n += most
	}
	return n
}

// choose puts the chosen value in place of every reference to the variable.
// Inside strings the value stays a reference, to be escaped where it stands.
func choose(units []unit, chosen map[string]int) []unit {
	inString := map[*reference]bool{}
	for _, t := range lex(units) {
		for _, u := range t.units {
			inString[u.ref] = t.kind == quoted
		}
	}
	out := make([]unit, 0, len(units))
	for _, u := range units {
		if u.ref == nil {
			out = append(out, u)
			continue
		}
		i, ok := chosen[u.ref.name]
		switch {
		case !ok || i >= len(u.ref.values):
			out = append(out, u)
		case inString[u.ref]:
			one := *u.ref
			one.values = u.ref.values[i : i+1]
			out = append(out, unit{ref: &one})
		default:
			for j := range len(u.ref.values[i]) {
				out = append(out, unit{b: u.ref.values[i][j]})
			}
		}
	}
	return out
}

// textual returns the variables of known values that stand for text, sorted.
func textual(tokens []token) (names []string, values map[string][]string) {
	values = map[string][]string{}
	braces, brackets := 0, 0
	for i, t := range tokens {
		switch {
		case t.is("{"):
			braces++
		case t.is("}"):
			braces--
		case t.is("["):
			brackets++
		case t.is("]"):
			brackets--
		}
		if t.kind == quoted && braces > 0 || t.kind == word && (brackets > 0 || timeFollows(tokens[:i])) {
			continue
		}
		for _, u := range t.units {
			if u.ref != nil && u.ref.values != nil && values[u.ref.name] == nil {
				values[u.ref.name] = u.ref.values
				names = append(names, u.ref.name)
			}
		}
	}
	slices.Sort(names)
	return names, values
}

// timeFollows reports whether a duration or a timestamp must follow.
func timeFollows(before []token) bool {
	n := len(before)
	if n > 0 && before[n-1].is("-", "+") {
		n--
	}
	return n > 0 && before[n-1].is("offset", "@")
}
