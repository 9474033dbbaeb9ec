package relabel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
)

// streamAggregation returns the proposal as an item of the configuration of
// VictoriaMetrics' stream aggregation, or why it cannot.
func streamAggregation(_ *sentei.Report, _ *sentei.Backend, p *sentei.Proposal) (item, reason string) {
	a := &p.Action
	var output string
	dedup := false
	switch {
	case a.Function == "sum" && a.Series == sentei.CounterSeries:
		output = "total"
	case a.Function == "sum" && a.Series == sentei.GaugeSeries:
		output, dedup = "sum_samples", true // the last sample of each series, once an interval
	case a.Function == "sum":
		return "", "whether to add up counters or gauges is not known"
	case a.Function == "min" || a.Function == "max":
		output, dedup = a.Function, true
	case a.Function == "count":
		output = "count_series"
	default:
		return "", "no stream aggregation for " + a.Function
	}
	filters := []metricsql.LabelFilter{{Label: model.MetricNameLabel, Value: a.Metric}}
	if p.Place.Job != "" {
		filters = append(filters, metricsql.LabelFilter{Label: model.JobLabel, Value: p.Place.Job})
	}
	lines := []string{
		"match: " + quote(selector(filters)),
		"interval: " + model.Duration(a.Interval).String(),
		"without: [" + strings.Join(quoteAll(a.Labels), ", ") + "]",
		"outputs: [" + output + "]",
		"keep_metric_names: true",
	}
	if dedup {
		lines = slices.Insert(lines, 2, "dedup_interval: "+model.Duration(a.Interval).String())
	}
	item = "- " + strings.Join(lines, "\n  ") + "\n"
	var back []struct {
		Match   string         `yaml:"match"`
		Without []string       `yaml:"without"`
		Rest    map[string]any `yaml:",inline"`
	}
	if err := yaml.Unmarshal([]byte(item), &back); err != nil || len(back) != 1 || !slices.Equal(back[0].Without, a.Labels) {
		return "", "no YAML for the names of its labels"
	}
	if m, err := matchersOf(back[0].Match); err != nil || m[0].Value != a.Metric {
		return "", "no selector for its name"
	}
	return item, ""
}

// aggregates returns the items of all proposals of the backend to aggregate,
// with comments.
func (p *page) aggregates(r *sentei.Report, b *sentei.Backend, left *leftOut) string {
	var out strings.Builder
	type output struct{ metric, job string }
	taken := map[output]bool{}
	for i := range r.Proposals {
		proposal := &r.Proposals[i]
		if proposal.Place.Backend != b.Name || proposal.Action.Kind != sentei.Aggregate {
			continue
		}
		item, reason := p.aggregate(r, b, proposal)
		name := output{proposal.Action.Metric, proposal.Place.Job}
		if reason == "" && taken[name] {
			reason = "another aggregation keeps the name of the metric"
		}
		taken[name] = taken[name] || reason == ""
		if reason != "" {
			left.add(reason, proposal.ID)
			continue
		}
		for _, line := range aggregateComments(r, proposal) {
			fmt.Fprintf(&out, "# %s\n", line)
		}
		out.WriteString(item)
	}
	if out.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("---\n# Stream aggregation, backend %s.\n", printable(b.Name)) + out.String()
}

// aggregateComments says what the aggregation does, saves and costs.
func aggregateComments(r *sentei.Report, p *sentei.Proposal) []string {
	return []string{
		fmt.Sprintf("sentei %s: stores the %s of %s without %s, %s.", r.At.UTC().Format("2006-01-02"), p.Action.Function,
			printable(p.Action.Metric), printable(strings.Join(p.Action.Labels, ", ")), saving(r, []sentei.Proposal{*p})),
		fmt.Sprintf("%s (grade %s). Proposal:", printable(strings.TrimSuffix(p.Risk, ".")), p.Grade),
		p.ID,
	}
}
