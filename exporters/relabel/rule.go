package relabel

import (
	"cmp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// rule is one relabel rule. It carries out proposals that differ in nothing but
// the metric.
type rule struct {
	what
	separator string // between the parts of the expression
	proposals []sentei.Proposal
}

// what is all that the proposals of a rule have in common.
type what struct {
	grade sentei.Grade
	kind  sentei.ActionKind
	job   string // the stored job label that the rule asks for; empty: any
	// all says that the rule is about every metric that passes.
	all    bool
	label  string
	values string // of the label, each followed by a zero byte
}

func whatOf(p *sentei.Proposal) what {
	w := what{grade: p.Grade, kind: p.Action.Kind, all: p.Action.Metric == "", label: p.Action.Label}
	if p.Place.Shared {
		w.job = p.Place.Job
	}
	for _, v := range p.Action.Values {
		w.values += v + "\x00"
	}
	return w
}

func compareWhat(a, b what) int {
	return cmp.Or(
		cmp.Compare(a.job, b.job), cmp.Compare(a.grade, b.grade), cmp.Compare(a.kind, b.kind),
		cmp.Compare(a.label, b.label), cmp.Compare(a.values, b.values),
	)
}

// sources returns the labels that the expression is about, as Prometheus
// names them in source_labels; none for labeldrop.
func (w *what) sources() []string {
	var s []string
	if !w.all {
		s = append(s, model.MetricNameLabel)
	}
	if w.job != "" {
		s = append(s, model.JobLabel)
	}
	if w.kind == sentei.DropValues {
		s = append(s, w.label)
	}
	return s
}

// metrics returns the metrics of the rule, sorted.
func (r *rule) metrics() []string {
	var names []string
	for _, p := range r.proposals {
		names = append(names, p.Action.Metric)
	}
	return slices.Compact(names)
}

// regex returns the anchored expression of the rule.
func (r *rule) regex() string { return strings.Join(r.regexLines(), "") }

// regexLines returns the expression cut into pieces, one for each name and
// value.
func (r *rule) regexLines() []string {
	lines := r.alternatives()
	if len(lines) == 1 && (lines[0] == "~" || strings.EqualFold(lines[0], "null")) {
		// The YAML decoder of Prometheus takes it for no expression, even in quotes.
		lines[0] = "(" + lines[0] + ")"
	}
	return lines
}

func (r *rule) alternatives() []string {
	sources := r.sources()
	if len(sources) == 0 { // labeldrop
		return []string{relabeling.Literal(r.label)}
	}
	var lines []string
	group := func(alternatives []string) {
		for i := range alternatives[:len(alternatives)-1] {
			alternatives[i] += "|"
		}
		if len(sources) > 1 {
			alternatives = slices.Concat([]string{"("}, alternatives, []string{")"})
		}
		if n := len(lines); n > 0 { // the parenthesis stands behind what comes before
			lines[n-1] += alternatives[0]
			alternatives = alternatives[1:]
		}
		lines = append(lines, alternatives...)
	}
	if !r.all {
		var names []string
		for _, m := range r.metrics() {
			names = append(names, relabeling.Literal(m))
		}
		group(names)
	}
	between := ""
	if !r.all {
		between = relabeling.Literal(r.separator)
	}
	if r.job != "" {
		text := between + relabeling.Literal(r.job)
		if len(lines) == 0 {
			lines = []string{""}
		}
		lines[len(lines)-1] += text
		between = relabeling.Literal(r.separator)
	}
	if r.kind == sentei.DropValues {
		lines[len(lines)-1] += between
		group(relabeling.ValueRegexes(r.label, r.proposals[0].Action.Values))
	}
	return lines
}
