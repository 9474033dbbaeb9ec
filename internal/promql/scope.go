package promql

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// scope is what a node knows about its readers.
type scope struct {
	// need is the set of labels of the node's output that its readers look at.
	need sentei.LabelSet
	// erased are the labels that operators between the node and the next
	// grouping operator above remove or overwrite, one series at a time. The
	// output must stay free of duplicates without them.
	erased sentei.LabelSet
	// overTime says that, up to the next grouping operator, a reader treats
	// equal label sets at different times as one series (a subquery, a
	// recorded series).
	overTime bool
	// order says that a reader picks or sorts by the order of series.
	order bool
	// back is how far readers go back in time.
	back time.Duration
	// ifAbsent are labels that are needed only of series that lack others, as
	// some rules of MetricsQL want it.
	ifAbsent []absentNeed
	// repeats is what readers make of series that are alike.
	repeats repeats
	// window is the range of the range selector above.
	window time.Duration
	// path names the operators above, outermost first.
	path []string
}

type absentNeed struct {
	absent []string
	need   sentei.LabelSet
}

func everything() sentei.LabelSet { return sentei.AllLabelsBut() }

// rootScope is the scope of a whole expression. A consumer that needs less
// than all labels reads recorded series: what it does with them is not known
// here, except that it sees them over time and may remove any label.
func rootScope(need sentei.LabelSet) scope {
	if need.IsAll() {
		return scope{need: need}
	}
	return scope{need: need, erased: everything(), overTime: true}
}

// under returns the scope with the operator added to the path.
// What operators make of repeats must be said for each of them.
func (s scope) under(operator string) scope {
	s.path = append(slices.Clip(s.path), operator)
	s.repeats, s.window = repeats{}, 0
	return s
}

// grouped is the scope below an operator whose output labels are determined
// by the need alone: what happens to the output further up does not matter.
func (s scope) grouped(need sentei.LabelSet) scope {
	s.need, s.erased, s.overTime, s.ifAbsent = need, sentei.LabelSet{}, false, nil
	s.repeats = repeats{}
	return s
}

func (s scope) needing(need sentei.LabelSet) scope {
	s.need = need
	return s
}

func (s scope) erasing(names ...string) scope {
	s.erased = s.erased.Plus(names...)
	return s
}

// erasingName is the scope below an operator that drops the metric name, and
// with it the type and the unit. The name itself is always live.
func (s scope) erasingName() scope {
	return s.erasing(model.MetricNameLabel, metricType, metricUnit)
}

func (s scope) ordered() scope {
	s.order = true
	return s
}

// unknown is the scope below something that is not understood.
func (s scope) unknown() scope {
	s.need, s.erased, s.overTime, s.order, s.ifAbsent = everything(), everything(), true, true, nil
	s.repeats = repeats{}
	return s
}

// The labels that Prometheus treats like the metric name.
const (
	metricType = "__type__"
	metricUnit = "__unit__"
)

// settled turns needs that hold for some series only into plain ones.
func (s scope) settled() scope {
	for _, a := range s.ifAbsent {
		s.need = s.need.Union(a.need)
	}
	s.ifAbsent = nil
	return s
}

func intersect(a, b sentei.LabelSet) sentei.LabelSet {
	return a.Minus(sentei.LabelSet{AllBut: !b.AllBut, Names: b.Names})
}

func overlap(a, b sentei.LabelSet) bool { return !intersect(a, b).IsEmpty() }
