package rehearsal

import (
	"slices"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei/internal/relabeling"
)

// plan is a set of changes, ready to be applied to series.
type plan struct {
	changes  []Change
	general  []int            // changes that may touch any metric
	byMetric map[string][]int // the others, by their metric
	renames  bool             // a change may alter metric names
	recorded map[string]bool  // metrics that recording rules write

	mu    sync.Mutex
	cache map[uint64]outcome
}

// outcome is what the rules make of a series.
type outcome struct {
	before, after labels.Labels
	dropped       bool
	changed       bool // dropped, or after differs from before
}

// maxCached bounds the memory that remembered outcomes take. When there are
// more, all are forgotten: they are only there for speed.
const maxCached = 1 << 18

func newPlan(changes []Change, recorded map[string]bool) *plan {
	p := &plan{changes: changes, byMetric: map[string][]int{}, recorded: recorded, cache: map[uint64]outcome{}}
	for i := range changes {
		p.renames = p.renames || p.mayChange([]int{i}, model.MetricNameLabel)
		if m := changes[i].Metric; m != "" {
			p.byMetric[m] = append(p.byMetric[m], i)
		} else {
			p.general = append(p.general, i)
		}
	}
	return p
}

// apply returns what all changes, in their order, make of a stored series.
func (p *plan) apply(l labels.Labels) outcome {
	hash := l.Hash()
	p.mu.Lock()
	o, known := p.cache[hash]
	p.mu.Unlock()
	if known && labels.Equal(o.before, l) {
		return o
	}
	o = p.compute(l)
	p.mu.Lock()
	if len(p.cache) >= maxCached {
		clear(p.cache)
	}
	p.cache[hash] = o
	p.mu.Unlock()
	return o
}

func (p *plan) compute(l labels.Labels) outcome {
	o := outcome{before: l, after: l}
	name := l.Get(model.MetricNameLabel)
	indexes := p.general
	if own := p.byMetric[name]; len(own) > 0 {
		indexes = slices.Concat(indexes, own)
		slices.Sort(indexes)
	}
	builder := labels.NewBuilder(l)
	for _, i := range indexes {
		c := &p.changes[i]
		if p.recorded[name] && !c.Scope.Written {
			continue
		}
		if c.Scope.Has(l) && !relabel.ProcessBuilder(builder, c.Rules...) {
			o.after, o.dropped, o.changed = labels.EmptyLabels(), true, true
			return o
		}
	}
	o.after = builder.Labels()
	o.changed = !labels.Equal(o.after, l)
	return o
}

// relevant returns the changes that can alter what a selection returns.
func (p *plan) relevant(matchers []*labels.Matcher) []int {
	out := slices.Clone(p.general)
	for metric, own := range p.byMetric {
		if p.renames || acceptsName(matchers, metric) {
			out = append(out, own...)
		}
	}
	slices.Sort(out)
	return out
}

// acceptsName reports whether no matcher on the metric name refuses it.
func acceptsName(matchers []*labels.Matcher, name string) bool {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && !m.Matches(name) {
			return false
		}
	}
	return true
}

// mayChange reports whether one of these changes may change the label.
func (p *plan) mayChange(indexes []int, label string) bool {
	for _, i := range indexes {
		for _, r := range p.changes[i].Rules {
			if relabeling.MayChange(r, label) {
				return true
			}
		}
	}
	return false
}

// split says which matchers the storage may check itself, because no relevant
// rule can change their label, and which must wait for the new labels.
func (p *plan) split(relevant []int, matchers []*labels.Matcher) (push, wait []*labels.Matcher) {
	for _, m := range matchers {
		if p.mayChange(relevant, m.Name) {
			wait = append(wait, m)
		} else {
			push = append(push, m)
		}
	}
	if len(push) == 0 { // storage wants at least one
		push = append(push, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".*"))
	}
	return push, wait
}
