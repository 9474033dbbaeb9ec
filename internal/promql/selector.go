package promql

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// collector gathers the selectors of one expression.
type collector struct {
	selectors []sentei.Selector
	written   []written
	opaque    string
	problems  []string
}

// written is a selector as the expression writes it. One may stand for
// several sentei.Selectors, which then follow one another.
type written struct {
	text   string
	parts  int
	hidden bool
	// optional is how many of the last parts speak of series that the first
	// parts select as well, and matter only where such series exist.
	optional int
}

// block says that the expression cannot be understood; the first reason stays.
func (c *collector) block(reason string) {
	if c.opaque == "" {
		c.opaque = reason
	}
}

// add notes one written selector. Groups are alternatives: a series is
// selected when it satisfies all matchers of one of them.
func (c *collector) add(s scope, text, hidden string, groups ...[]*labels.Matcher) {
	live := s.need
	for _, g := range groups {
		for _, m := range g {
			if !neutral(m) {
				live = live.Plus(m.Name)
			}
			if m.Name == graphite {
				c.block("selector " + text + " is resolved by VictoriaMetrics itself (" + graphite + ")")
			}
		}
	}
	if !alikeOn(s.erased, groups) {
		live = everything()
	}
	w := written{text: text, parts: len(groups), hidden: hidden != ""}
	for _, g := range groups {
		c.emit(s, g, live, hidden)
	}
	for _, a := range s.ifAbsent {
		if a.need.Minus(live).IsEmpty() {
			continue
		}
		for _, g := range groups {
			g = slices.Clip(g)
			for _, name := range a.absent {
				g = append(g, labels.MustNewMatcher(labels.MatchEqual, name, ""))
			}
			c.emit(s, g, live.Union(a.need), hidden)
			w.parts++
			w.optional++
		}
	}
	c.written = append(c.written, w)
}

func (c *collector) emit(s scope, matchers []*labels.Matcher, live sentei.LabelSet, hidden string) {
	live = withoutName(live)
	sel := sentei.Selector{
		Matchers:       withoutGraphite(matchers),
		Live:           live,
		OrderSensitive: s.order,
		Range:          max(s.back, 0),
		Hidden:         hidden,
		Window:         s.window,
		MergesEqual:    s.repeats.ignored && namesOne(matchers),
	}
	if !live.IsAll() { // when all labels are live, none can be stripped
		sel.Erased = s.erased
	}
	if len(s.path) > 0 {
		sel.Path = slices.Clone(s.path)
		slices.Reverse(sel.Path)
	}
	c.selectors = append(c.selectors, sel)
}

// graphite is a label that VictoriaMetrics understands as a Graphite query.
const graphite = "__graphite__"

// withoutGraphite leaves out what cannot be checked against label sets, so the
// selector matches more than VictoriaMetrics would select.
func withoutGraphite(matchers []*labels.Matcher) []*labels.Matcher {
	isGraphite := func(m *labels.Matcher) bool { return m.Name == graphite }
	if !slices.ContainsFunc(matchers, isGraphite) {
		return matchers
	}
	kept := slices.DeleteFunc(slices.Clone(matchers), isGraphite)
	return append(kept, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".+"))
}

// neutral reports whether the matcher accepts every value and absence. Other
// regular expressions may do so as well; taking their labels for live is safe.
func neutral(m *labels.Matcher) bool {
	return m.Type == labels.MatchRegexp && m.Value == ".*"
}

// withoutName makes the set follow the convention that the metric name is
// always live and not listed.
func withoutName(s sentei.LabelSet) sentei.LabelSet {
	if s.AllBut {
		return s.Plus(model.MetricNameLabel)
	}
	return s.Without(model.MetricNameLabel)
}

// alikeOn reports whether all groups have the same matchers on the labels. If
// not, two series of different groups may differ in these labels only.
func alikeOn(names sentei.LabelSet, groups [][]*labels.Matcher) bool {
	if len(groups) < 2 || names.IsEmpty() {
		return true
	}
	on := func(g []*labels.Matcher) []string {
		var texts []string
		for _, m := range g {
			if names.Has(m.Name) {
				texts = append(texts, m.String())
			}
		}
		slices.Sort(texts)
		return slices.Compact(texts)
	}
	first := on(groups[0])
	for _, g := range groups[1:] {
		if !slices.Equal(on(g), first) {
			return false
		}
	}
	return true
}
