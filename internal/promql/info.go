package promql

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

// identifying are the labels by which info() finds the info series.
func identifying() sentei.LabelSet { return sentei.Labels("instance", "job") }

// info handles info(v, selector), which adds the labels of info metrics to the
// series of v. The info metrics are read by a selector of their own.
func (w *promWalk) info(args parser.Expressions, s scope) {
	q := w.infoQuery(args)
	base := s.needing(s.need.Union(identifying()))
	switch {
	case q.wild:
		base = base.unknown()
	case s.overTime, q.severalMetrics:
		// A label that the base has is not taken from the info metrics.
		// Stripped, it would appear again with a value that changes over
		// time, or with two values that conflict.
		base.need = everything()
	}
	if q.data.IsEmpty() { // every label may be added
		base.erased = base.erased.Union(everything().Minus(identifying()))
	} else {
		base.erased = base.erased.Union(q.data)
	}
	w.walk(args[0], base)

	hidden := s.grouped(s.need.Union(identifying()))
	if !q.data.IsEmpty() {
		hidden.need = intersect(s.need, q.data).Union(identifying())
	}
	if q.wild || s.overTime || overlap(s.erased, identifying()) {
		// The added labels may be all that keeps results apart.
		hidden.need = everything()
	}
	w.add(hidden, q.text, "read by info()", q.matchers)
}

// infoQuery is what info() asks for beside its argument.
type infoQuery struct {
	matchers       []*labels.Matcher
	data           sentei.LabelSet // labels to add; empty means all
	severalMetrics bool            // more than one info metric may match
	wild           bool            // a Grafana variable may add matchers
	text           string
}

func (w *promWalk) infoQuery(args parser.Expressions) infoQuery {
	targetInfo := labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "target_info")
	q := infoQuery{}
	var name []*labels.Matcher
	var data []*labels.Matcher
	if len(args) > 1 {
		sel, ok := args[1].(*parser.VectorSelector)
		if !ok { // refused by the parser
			q.wild, q.text = true, args[1].String()
			return q
		}
		var matchers []*labels.Matcher
		matchers, q.wild = w.wildMatchers(sel.LabelMatchers)
		for _, m := range matchers {
			if m.Name == model.MetricNameLabel {
				name = append(name, m)
				continue
			}
			data = append(data, m)
			q.data = q.data.Plus(m.Name)
		}
	}
	positive := false
	for _, m := range name {
		positive = positive || m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp
	}
	switch {
	case q.wild && len(name) == 0:
	case len(name) == 0:
		name = []*labels.Matcher{targetInfo}
	case !positive:
		name = append(name, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".+_info"))
	}
	q.severalMetrics = len(name) != 1 || name[0].Type != labels.MatchEqual
	q.matchers = append(name, data...)
	if q.text == "" {
		q.text = selectorText(q.matchers)
	}
	return q
}

// selectorText writes matchers as a PromQL selector.
func selectorText(matchers []*labels.Matcher) string {
	if len(matchers) == 0 {
		return "{}"
	}
	vs := parser.VectorSelector{LabelMatchers: matchers}
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && legacyName(m.Value) {
			vs.Name = m.Value
		}
	}
	return vs.String()
}

// legacyName reports whether the name can be written without quotes.
func legacyName(name string) bool { return model.LegacyValidation.IsValidMetricName(name) }
