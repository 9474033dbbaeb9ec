package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

// requests returns a metric of 100 series, of which nobody needs instance and
// pod, and of which 10 remain without.
func requests(kind string) *sentei.Report {
	m := metric("m", []string{"a"}, sentei.Used)
	m.Type = kind
	m.Jobs[0].Cost = sentei.Cost{Series: 100, SeriesInSpan: 200, SamplesPerSecond: 10}
	m.Jobs[0].Reductions = []sentei.Reduction{{Labels: []string{"instance", "pod"}, SeriesWithout: 10, SeriesWithoutLive: 10}, {Labels: []string{"code"}, SeriesWithout: 1, SeriesWithoutLive: 1}}
	for _, l := range []string{"code", "instance", "pod"} {
		m.Jobs[0].Labels = append(m.Jobs[0].Labels, sentei.LabelStats{Name: l, Series: 200, SeriesWithout: 200, SeriesWithoutLive: 100})
		verdict := sentei.Unused
		if l == "code" {
			verdict = sentei.Used
		}
		m.JobUsage[0].Labels = append(m.JobUsage[0].Labels, sentei.LabelUsage{Name: l, Verdict: verdict})
	}
	job := scrapeJob("a", "a")
	job.Interval = 15 * time.Second
	return build([]sentei.ScrapeJob{job}, []sentei.MetricReport{m})
}

func TestPreAggregate(t *testing.T) {
	read := func(texts ...string) []string { return texts }
	tests := map[string]struct {
		kind   string
		reads  []string
		change func(*sentei.Report)
		want   string
	}{
		"a rate":                  {"counter", read(`sum by (code) (rate(m[5m]))`), nil, "sum instance,pod 90"},
		"a name is no type":       {"", read(`sum by (code) (rate(m_total[5m]))`), func(r *sentei.Report) { r.Metrics[0].Name = "m_total" }, ""},
		"of what is not known":    {"", read(`sum by (code) (rate(m[5m]))`), nil, ""},
		"a rate of a gauge":       {"gauge", read(`sum by (code) (rate(m[5m]))`), nil, ""},
		"a sum":                   {"gauge", read(`sum by (code) (m)`), nil, "sum instance,pod 90"},
		"a sum of a counter":      {"counter", read(`sum by (code) (m)`), nil, ""},
		"a mean of a gauge":       {"gauge", read(`sum by (code) (avg_over_time(m[10m]))`), nil, ""},
		"two that agree":          {"counter", read(`sum by (code) (rate(m[5m]))`, `sum(increase(m[1h])) > 3`, `absent(m)`), nil, "sum instance,pod 70"}, // three metrics are recorded
		"two that do not":         {"gauge", read(`sum by (code) (m)`, `max by (code) (m)`), nil, ""},
		"the largest":             {"gauge", read(`max by (code) (max_over_time(m[10m]))`, `max(m)`), nil, "max instance,pod 90"},
		"the largest of smallest": {"gauge", read(`max by (code) (min_over_time(m[10m]))`), nil, ""},
		"the smallest":            {"gauge", read(`min(m)`), nil, "min instance,pod 90"},
		"whether there is one":    {"gauge", read(`absent(m)`, `group by (code) (m)`), nil, "max instance,pod 90"},
		"there, not of what type": {"", read(`absent(m)`), nil, "max instance,pod 90"},
		"a sum of what type":      {"", read(`sum(m)`), nil, ""},
		"of two ranges":           {"counter", read(`sum(rate(m[5m]))`, `sum(rate(m[10m]))`), nil, "sum instance,pod 80"},
		"of a chosen range":       {"counter", read(`sum(rate(m[$__rate_interval]))`), func(r *sentei.Report) { r.Consumers[0].Template = true }, ""},
		"of a chosen job": {"gauge", read(`sum(m{job="$job"})`, `sum by (code) (m)`), func(r *sentei.Report) {
			r.Consumers[0].Template = true
			r.Consumers[0].Selectors = promql.Analyze(r.Consumers[0].Expression, sentei.AllLabelsBut()).Selectors
		}, "sum instance,pod 90"},
		"the record is there": {"gauge", read(`max(m)`), func(r *sentei.Report) {
			r.Metrics = append(r.Metrics, metric("m:max_without_instance_pod", []string{"z"}, sentei.Used))
		}, ""},
		"the largest rate":       {"counter", read(`max by (code) (rate(m[5m]))`), nil, ""},
		"a mean":                 {"gauge", read(`avg by (code) (m)`), nil, ""},
		"how many":               {"gauge", read(`count by (code) (m)`), nil, ""},
		"of a change":            {"gauge", read(`sum by (code) (m * 2)`), nil, ""},
		"a join":                 {"gauge", read(`sum by (code) (m * on (code) group_left other)`), nil, ""},
		"over a subquery":        {"gauge", read(`max by (code) (max_over_time(m[10m:1m]))`), nil, ""},
		"a short range":          {"counter", read(`sum by (code) (rate(m[2m]))`), nil, ""},
		"the raw series":         {"gauge", read(`m > 1`), nil, ""},
		"the pod is read":        {"gauge", read(`max by (pod) (m)`), nil, ""},
		"by a regex":             {"gauge", read(`max by (code) ({__name__=~"m|n"})`), nil, ""},
		"not known to be unused": {"gauge", read(`max by (code) (m)`), func(r *sentei.Report) { r.Metrics[0].JobUsage[0].Labels[2].Verdict = sentei.Unknown }, ""},
		"one label alone": {"gauge", read(`max by (code) (m)`), func(r *sentei.Report) {
			r.Metrics[0].Jobs[0].Reductions = nil
			r.Metrics[0].Jobs[0].Labels[1].SeriesWithoutLive = 30
		}, "max instance 70"},
		"values go first": {"gauge", read(`max by (code) (m)`), func(r *sentei.Report) { r.Metrics[0].JobUsage[0].Labels[0].UnusedValues = []string{"1"} }, ""},
		"read in another job": {"gauge", read(`max by (code) (m)`), func(r *sentei.Report) {
			m := &r.Metrics[0]
			m.Jobs, m.JobUsage = append(m.Jobs, m.Jobs[0]), append(m.JobUsage, m.JobUsage[0])
			m.Jobs[1].Job = "z"
			m.JobUsage[1].Labels = nil
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := requests(tt.kind)
			for i, text := range tt.reads {
				c := understood(sentei.AlertingRule, string(rune('r'+i)), text)
				c.ID, c.Backend = c.Name, "b"
				r.Consumers = append(r.Consumers, c)
			}
			if tt.change != nil {
				tt.change(r)
			}
			o := preAggregateOptions{Enabled: true, MinSeries: 1, RateInterval: model.Duration(5 * time.Minute), MaxError: 0.05}
			proposals, problems := propose(t, r, []Rule{o})
			got := ""
			for _, p := range proposals {
				got += p.Action.Function + " " + strings.Join(p.Action.Labels, ",") + " " + count(p.Saving.Series, "")
				if p.Grade != sentei.GradeC || p.Action.Interval != time.Minute || len(p.Proof.Readers) != len(tt.reads) || p.Saving.SamplesPerSecond < 9 || p.Tolerance != 0.05 || len(p.Action.Rewrites) != len(tt.reads) || string(p.Action.Series) != tt.kind {
					t.Errorf("%+v", p)
				}
			}
			if diff := cmp.Diff(tt.want, strings.TrimRight(got, " s")); diff != "" || len(problems) > 0 {
				t.Errorf("problems %v, -want +got\n%s", problems, diff)
			}
			o.Enabled = false
			if off, _ := propose(t, r, []Rule{o}); len(off) > 0 {
				t.Error("it proposes something without being enabled")
			}
		})
	}
}

// TestPreAggregateProof wants another aggregate than the readers' refused.
func TestPreAggregateProof(t *testing.T) {
	r := requests("gauge")
	c := understood(sentei.AlertingRule, "r", `max by (code) (m)`)
	c.ID, c.Backend = "r", "b"
	r.Consumers = append(r.Consumers, c)
	p := sentei.Proposal{
		Grade: sentei.GradeC, Place: sentei.Place{Backend: "b", ScrapeJob: "a", Job: "a", Shared: true},
		Action: sentei.Action{Kind: sentei.Aggregate, Metric: "m", Labels: []string{"pod"}, Function: "sum", Interval: time.Minute},
	}
	if _, reason := newIndex(r).prove(&p, nil); !strings.Contains(reason, "want the max") {
		t.Errorf("reason %q", reason)
	}
	p.Action.Function, p.Action.Series = "max", sentei.GaugeSeries
	if _, reason := newIndex(r).prove(&p, nil); !strings.Contains(reason, "not those of the consumers") {
		t.Errorf("reason %q", reason)
	}
	p.Action.Function, p.Action.Labels = "max", []string{"code"}
	if _, reason := newIndex(r).prove(&p, nil); !strings.Contains(reason, `"code" must stay`) {
		t.Errorf("reason %q", reason)
	}
}
