package relabel

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

var adaptiveMetricsDialect = Dialect{
	Name: "adaptive_metrics", Extension: "json",
	Doc: sentei.Doc{
		Title: "aggregation rules of Grafana Cloud Adaptive Metrics, as JSON for its API",
		Text: `A list of rules for ` + "`POST /aggregations/rules`" + `, to add to those that you have: what is sent there replaces them. A metric
that nobody needs gets ` + "`drop: true`" + `; a proposal to aggregate becomes ` + "`drop_labels`" + ` with its aggregation.

A rule holds for the whole stack and knows no jobs. So a metric gets one only where the same is proposed for all of its jobs,
in every backend of the report that has it, and none is dropped that somebody asks for in a job that does not have it now.

JSON has no comments: what each rule saves, its proposals and what is not here are printed on standard error by
` + "`sentei propose`" + `, and go to the log of the daemon.

Not here: series by label value and buckets, which Adaptive Metrics cannot choose; and labels to take off, because it
aggregates what is left into new series once a minute, which is more than taking off a label.`,
		Example: `  {
    "metric": "cart_items_bucket",
    "drop": true
  }`,
	},
	Write: writeAdaptiveMetrics,
}

// adaptiveRule is a rule of Adaptive Metrics for a metric of exactly this name.
type adaptiveRule struct {
	Metric       string   `json:"metric"`
	Drop         bool     `json:"drop,omitempty"`
	DropLabels   []string `json:"drop_labels,omitempty"`
	Aggregations []string `json:"aggregations,omitempty"`
}

func writeAdaptiveMetrics(w io.Writer, r *sentei.Report, o Options) error {
	if err := checkProposals(r); err != nil {
		return err
	}
	var left leftOut
	proposals := map[string][]*sentei.Proposal{} // by metric
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if reason := notAdaptive(p); reason != "" {
			left.add(reason, p.ID)
			continue
		}
		proposals[p.Action.Metric] = append(proposals[p.Action.Metric], p)
	}
	jobs := map[string]int{} // of each metric, in all backends
	for i := range r.Metrics {
		jobs[r.Metrics[i].Name] += len(r.Metrics[i].Jobs)
	}
	rules := []adaptiveRule{}
	notes := []string{fmt.Sprintf("Rules for Grafana Cloud Adaptive Metrics, made by sentei from its report of %s.", r.At.UTC().Format(time.RFC3339))}
	if o.Remark != "" {
		notes = append(notes, o.Remark)
	}
	for metric, about := range proposals {
		rule, reason := adaptiveRuleOf(r, about, jobs[metric])
		for _, p := range about {
			if reason != "" {
				left.add(reason, p.ID)
			}
		}
		if reason == "" {
			rules = append(rules, rule)
		}
	}
	slices.SortFunc(rules, func(a, b adaptiveRule) int { return cmp.Compare(a.Metric, b.Metric) })
	for _, rule := range rules {
		notes = append(notes, adaptiveNotes(r, proposals[rule.Metric])...)
	}
	text, err := json.MarshalIndent(rules, "", "  ")
	if err != nil {
		return fmt.Errorf("write the rules: %w", err)
	}
	if err := checkAdaptive(r, text); err != nil {
		return err
	}
	if o.Notes != nil {
		if _, err := fmt.Fprintln(o.Notes, strings.Join(append(notes, left.lines()...), "\n")); err != nil {
			return err
		}
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// notAdaptive says why no rule of Adaptive Metrics can carry out the proposal.
func notAdaptive(p *sentei.Proposal) string {
	switch p.Action.Kind {
	case sentei.DropMetric:
		return noRelabelRule(p)
	case sentei.Aggregate:
		return ""
	case sentei.DropValues:
		return "Adaptive Metrics cannot choose series by a label's value"
	case sentei.StripLabel:
		return "Adaptive Metrics aggregates what a label is taken off, and stores something else"
	}
	return noRelabelRule(p)
}

// adaptiveRuleOf returns the rule that carries out all proposals for a metric
// of so many jobs, or why there is none.
func adaptiveRuleOf(r *sentei.Report, about []*sentei.Proposal, jobs int) (adaptiveRule, string) {
	first := &about[0].Action
	type job struct{ backend, job string }
	covered := map[job]bool{}
	for _, p := range about {
		covered[job{p.Place.Backend, p.Place.Job}] = true
		if p.Action.Kind != first.Kind || p.Action.Function != first.Function || p.Action.Series != first.Series || !slices.Equal(p.Action.Labels, first.Labels) {
			return adaptiveRule{}, "a rule holds for all jobs of a metric, and something else is proposed for another job"
		}
	}
	if len(covered) != jobs {
		return adaptiveRule{}, "a rule holds for all jobs of a metric in all backends, and for some nothing is proposed"
	}
	rule := adaptiveRule{Metric: first.Metric, Drop: first.Kind == sentei.DropMetric}
	if rule.Drop {
		if readInSomeJob(r, first.Metric) {
			return adaptiveRule{}, "a rule holds for all jobs of a metric, and somebody asks for it in a job that does not have it now"
		}
		return rule, ""
	}
	rule.DropLabels = first.Labels
	switch {
	case first.Function == "sum" && first.Series == sentei.CounterSeries:
		rule.Aggregations = []string{"sum:counter"}
	case first.Function == "sum" && first.Series != sentei.GaugeSeries:
		return adaptiveRule{}, "whether to add up counters or gauges is not known"
	case slices.Contains([]string{"sum", "min", "max", "count"}, first.Function):
		rule.Aggregations = []string{first.Function}
	default:
		return adaptiveRule{}, "no aggregation of Adaptive Metrics for " + first.Function
	}
	return rule, ""
}

// readInSomeJob reports whether a living consumer of any backend could select
// series of the metric if they had another job label than those stored now.
func readInSomeJob(r *sentei.Report, metric string) bool {
	var jobs []sentei.JobMetric
	for i := range r.Metrics {
		if r.Metrics[i].Name == metric {
			jobs = append(jobs, r.Metrics[i].Jobs...)
		}
	}
	since := r.At.Add(-r.Settings.Window)
	for i := range r.Consumers {
		c := &r.Consumers[i]
		if c.Dead || c.Kind == sentei.Query && !c.LastSeen.IsZero() && c.LastSeen.Before(since) {
			continue
		}
		for k := range c.Selectors {
			anyJob := slices.DeleteFunc(slices.Clone(c.Selectors[k].Matchers), func(m *labels.Matcher) bool { return m.Name == model.JobLabel })
			if slices.ContainsFunc(jobs, func(j sentei.JobMetric) bool { return j.MayMatch(metric, anyJob, nil) }) {
				return true
			}
		}
	}
	return false
}

// adaptiveNotes says what the rule of the proposals saves.
func adaptiveNotes(r *sentei.Report, about []*sentei.Proposal) []string {
	var proposals []sentei.Proposal
	var ids []string
	for _, p := range about {
		proposals = append(proposals, *p)
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	lines := []string{fmt.Sprintf("sentei %s: %s, %s (grade %s). Proposals:", r.At.UTC().Format("2006-01-02"),
		printable(relabeling.Change(&about[0].Action)), saving(r, proposals), about[0].Grade)}
	for ids := range slices.Chunk(ids, idsPerLine) {
		lines = append(lines, "  "+strings.Join(ids, " "))
	}
	return lines
}

// checkAdaptive reads the rules back. What is dropped must be unused in every
// job of every backend.
func checkAdaptive(r *sentei.Report, text []byte) error {
	var rules []adaptiveRule
	if err := json.Unmarshal(text, &rules); err != nil {
		return fmt.Errorf("read back the rules: %w", err)
	}
	dropped := map[string]bool{}
	for _, rule := range rules {
		dropped[rule.Metric] = rule.Drop
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		for k := range m.Jobs {
			if dropped[m.Name] && (k >= len(m.JobUsage) || m.JobUsage[k].Verdict != sentei.Unused) {
				return fmt.Errorf("check the rules: metric %q of job %q is not unused and would be dropped", m.Name, m.Jobs[k].Job)
			}
		}
	}
	return nil
}
