package relabel

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
)

// minAggregation is the shortest interval of an aggregation: that of Grafana
// Cloud, and often enough for a dashboard.
const minAggregation = time.Minute

// streamAggregation returns the proposal as an item of the configuration of
// VictoriaMetrics' stream aggregation, or why it cannot.
func streamAggregation(r *sentei.Report, b *sentei.Backend, p *sentei.Proposal) (item, reason string) {
	a := &p.Action
	counter, gauge := sorts(r, p)
	var output string
	dedup := false
	switch {
	case a.Function == "sum" && counter:
		output = "total"
	case a.Function == "sum" && gauge:
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
	interval := minAggregation
	for i := range b.ScrapeJobs {
		if s := &b.ScrapeJobs[i]; slices.Contains(s.JobLabels, p.Place.Job) || s.Name == p.Place.ScrapeJob {
			interval = max(interval, 2*s.Interval)
		}
	}
	filters := []metricsql.LabelFilter{{Label: model.MetricNameLabel, Value: a.Metric}}
	if p.Place.Job != "" {
		filters = append(filters, metricsql.LabelFilter{Label: model.JobLabel, Value: p.Place.Job})
	}
	lines := []string{
		"match: " + quote(selector(filters)),
		"interval: " + model.Duration(interval).String(),
		"without: [" + strings.Join(quoteAll(a.Labels), ", ") + "]",
		"outputs: [" + output + "]",
		"keep_metric_names: true",
	}
	if dedup {
		lines = slices.Insert(lines, 2, "dedup_interval: "+model.Duration(interval).String())
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

// sorts reports whether the metric of the proposal is known as one that counts
// up, or as one that goes up and down.
func sorts(r *sentei.Report, p *sentei.Proposal) (counter, gauge bool) {
	m := r.Metric(p.Place.Backend, p.Action.Metric)
	if m == nil {
		return false, false
	}
	switch m.Type {
	case "counter", "histogram":
		return true, false
	case "gauge":
		return false, true
	}
	return false, false
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
