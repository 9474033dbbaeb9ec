package relabeling

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
)

// Present reports whether rules carry out the proposal already. Only those
// count that look at nothing but the name, the job and the label of the
// proposal.
func Present(rules []*relabel.Config, p *sentei.Proposal) bool {
	switch p.Action.Kind {
	case sentei.DropMetric, sentei.DropValues, sentei.StripLabel:
	default:
		return false
	}
	known := []model.LabelName{model.MetricNameLabel, model.JobLabel, model.LabelName(p.Action.Label)}
	rules = slices.DeleteFunc(slices.Clone(rules), func(rule *relabel.Config) bool {
		drop := rule.Action == relabel.Drop
		strip := rule.Action == relabel.LabelDrop || rule.Action == relabel.Replace && rule.Replacement == ""
		return !drop && !strip || slices.ContainsFunc(rule.SourceLabels, func(l model.LabelName) bool { return !slices.Contains(known, l) })
	})
	values := []string{"x"}
	if p.Action.Kind == sentei.DropValues {
		values = p.Action.Values
	}
	for _, v := range values {
		b := labels.NewBuilder(labels.EmptyLabels()).Set(model.MetricNameLabel, p.Action.Metric).Set(model.JobLabel, p.Place.Job)
		if p.Action.Label != "" {
			b.Set(p.Action.Label, v)
		}
		want, keep := Planned(p, b.Labels())
		kept := relabel.ProcessBuilder(b, rules...)
		if kept != keep || kept && !labels.Equal(b.Labels(), want) {
			return false
		}
	}
	return len(values) > 0
}
