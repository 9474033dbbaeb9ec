package promql

import (
	"encoding/json"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// Explanation says what an expression asks a set of series for, in the form of
// sentei explain query -o json.
type Explanation struct {
	Selectors []ExplainedSelector `json:"selectors"`
	Opaque    bool                `json:"opaque"`
	Problems  []string            `json:"problems"` // the reason for Opaque first
}

// ExplainedSelector is one selector as the expression writes it.
type ExplainedSelector struct {
	Selector string     `json:"selector"`
	Hidden   bool       `json:"hidden,omitempty"` // not in the text, as target_info under info()
	Metrics  []string   `json:"metrics"`          // the names it matches, sorted
	Live     LiveLabels `json:"live_labels"`
}

// LiveLabels is a set of labels. The metric name is always live and not listed.
type LiveLabels struct{ sentei.LabelSet }

// MarshalJSON writes {"mode":"all"}, {"mode":"only","labels":[…]} or
// {"mode":"all_but","labels":[…]}.
func (l LiveLabels) MarshalJSON() ([]byte, error) {
	mode := "only"
	names := slices.Clone(l.Names)
	switch {
	case l.IsAll():
		mode = "all"
	case l.AllBut:
		mode = "all_but"
	case names == nil:
		names = []string{}
	}
	return json.Marshal(struct {
		Mode   string   `json:"mode"`
		Labels []string `json:"labels,omitzero"`
	}{mode, names})
}

// Explain resolves the selectors of an analysis against the series. Selectors
// that are alternatives of one written selector are shown as one.
func Explain(a Analysis, series []labels.Labels) Explanation {
	x := Explanation{Selectors: []ExplainedSelector{}, Opaque: a.Opaque != "", Problems: []string{}}
	if a.Opaque != "" {
		x.Problems = append(x.Problems, a.Opaque)
	}
	x.Problems = append(x.Problems, a.Problems...)
	from := 0
	for _, w := range a.written {
		x.Selectors = append(x.Selectors, w.explain(a.Selectors[from:from+w.parts], series))
		from += w.parts
	}
	return x
}

func (w written) explain(parts []sentei.Selector, series []labels.Labels) ExplainedSelector {
	e := ExplainedSelector{Selector: w.text, Hidden: w.hidden, Metrics: []string{}}
	for i := range parts {
		found := names(&parts[i], series)
		e.Metrics = append(e.Metrics, found...)
		if i < w.parts-w.optional || len(found) > 0 {
			e.Live.LabelSet = e.Live.Union(parts[i].Live)
		}
	}
	slices.Sort(e.Metrics)
	e.Metrics = slices.Compact(e.Metrics)
	return e
}

// names returns the metric names of the series that the selector matches.
func names(s *sentei.Selector, series []labels.Labels) []string {
	var found []string
	for _, l := range series {
		if s.Matches(l) {
			found = append(found, l.Get(model.MetricNameLabel))
		}
	}
	return found
}
