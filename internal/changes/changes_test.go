package changes

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

var at = time.Date(2026, 11, 16, 6, 0, 0, 0, time.UTC)

// metric has series with the label pod, one each, in the namespaces given.
func metric(name string, verdict sentei.Verdict, series int64, namespaces ...sentei.LabelValue) sentei.MetricReport {
	job := sentei.JobMetric{Job: "j", Cost: sentei.Cost{Series: series, SeriesInSpan: series}}
	if namespaces != nil {
		job.Labels = []sentei.LabelStats{
			{Name: "cluster", Distinct: 1, Complete: true, Values: []sentei.LabelValue{{Value: "eu", Series: series}}},
			{Name: "namespace", Distinct: int64(len(namespaces)), Complete: true, Values: namespaces},
			{Name: "pod", Distinct: series},
		}
	}
	return sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: name, Jobs: []sentei.JobMetric{job}}, Usage: sentei.Usage{Verdict: verdict}, Cost: job.Cost}
}

func report(after time.Duration, metrics ...sentei.MetricReport) *sentei.Report {
	return &sentei.Report{At: at.Add(after), Metrics: metrics, Settings: sentei.Settings{Prices: sentei.Prices{Currency: "EUR", PerThousandSeries: 1000}}}
}

func TestMetrics(t *testing.T) {
	before := report(0,
		metric("grew", sentei.Used, 10, sentei.LabelValue{Value: "shop", Series: 6}, sentei.LabelValue{Value: "mail", Series: 4}),
		metric("gone", sentei.Unused, 5), metric("same", sentei.Used, 7), metric("verdict", sentei.Unknown, 1),
		metric("shrank", sentei.Used, 90, sentei.LabelValue{Value: "shop", Series: 80}, sentei.LabelValue{Value: "mail", Series: 10}))
	before.Settings.Prices.PerThousandSeries = 1 // a new price is no change
	after := report(time.Hour,
		metric("grew", sentei.Used, 100, sentei.LabelValue{Value: "shop", Series: 7}, sentei.LabelValue{Value: "batch", Series: 89}, sentei.LabelValue{Value: "mail", Series: 4}),
		metric("same", sentei.Used, 7), metric("verdict", sentei.Unused, 1), metric("new", sentei.Unused, 3),
		metric("shrank", sentei.Used, 10, sentei.LabelValue{Value: "mail", Series: 10}))
	got := Between(before, after)
	one := func(series int64) Sum { return Sum{1, series, float64(series)} }
	want := []Metric{
		{"b", "grew", Grew, one(10), one(100), sentei.Used, sentei.Used, []Cause{
			{Job: "j", Label: "pod", DistinctBefore: 10, DistinctAfter: 100},
			{"j", "namespace", 2, 3, []Value{{"batch", 89, true}, {"shop", 1, false}}},
		}},
		{"b", "shrank", Shrank, one(90), one(10), sentei.Used, sentei.Used, []Cause{
			{Job: "j", Label: "pod", DistinctBefore: 90, DistinctAfter: 10},
			{"j", "namespace", 2, 1, []Value{{"shop", -80, false}}},
		}},
		{"b", "gone", Gone, one(5), Sum{}, sentei.Unused, "", nil},
		{"b", "new", New, Sum{}, one(3), "", sentei.Unused, nil},
		{"b", "verdict", Other, one(1), one(1), sentei.Unknown, sentei.Unused, nil},
	}
	if diff := cmp.Diff(want, got.Metrics); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if d := cmp.Diff(&Changes{
		From: at, To: at.Add(time.Hour), Currency: "EUR", Before: Sum{5, 113, 113}, After: Sum{5, 121, 121},
		Metrics: want, Proposals: []Proposal{}, Consumers: []Consumer{},
	}, got); d != "" {
		t.Error(d)
	}
	if same := Between(after, after); len(same.Metrics)+len(same.Proposals)+len(same.Consumers) != 0 {
		t.Errorf("%+v", same)
	}
}

// TestTopValues does not call a value new that may have been among those that
// an inventory left out.
func TestTopValues(t *testing.T) {
	before := &sentei.LabelStats{Values: []sentei.LabelValue{{Value: "a", Series: 5}}}
	after := &sentei.LabelStats{Values: []sentei.LabelValue{{Value: "b", Series: 9}, {Value: "a", Series: 6}}}
	if diff := cmp.Diff([]Value{{"a", 1, false}}, values(before, after, true)); diff != "" {
		t.Error(diff)
	}
}

func TestProposalsAndConsumers(t *testing.T) {
	proposal := func(id, label string) sentei.Proposal {
		return sentei.Proposal{ID: id, Action: sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: label}}
	}
	consumer := func(text, name string, line int) sentei.Consumer {
		return sentei.Consumer{ID: fmt.Sprint(text, line), Kind: sentei.AlertingRule, Name: name, Expression: sentei.Expression{Text: text}, Location: sentei.Location{File: "r.yml", Line: line}}
	}
	before, after := report(0), report(time.Hour)
	before.Proposals = []sentei.Proposal{proposal("a", "x"), proposal("b", "y"), proposal("c", "z"), proposal("d", "w")}
	after.Proposals = []sentei.Proposal{proposal("d", "w"), proposal("e", "x"), proposal("f", "v")}
	after.Tracked = []sentei.Tracked{{Proposal: proposal("b", "y")}}
	before.Consumers = []sentei.Consumer{consumer("1", "edited", 3), consumer("2", "gone", 9), consumer("3", "same", 20), consumer("6", "moved", 30), consumer("6", "moved", 32)}
	after.Consumers = []sentei.Consumer{consumer("4", "edited", 5), consumer("5", "new", 7), consumer("3", "same", 20), consumer("6", "moved", 31), consumer("6", "moved", 33)}
	got := Between(before, after)
	kinds := map[string]Kind{}
	for _, p := range got.Proposals {
		kinds[p.ID] = p.Kind
	}
	if diff := cmp.Diff(map[string]Kind{"a": Replaced, "b": CarriedOut, "c": Gone, "e": New, "f": New}, kinds); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, c := range got.Consumers {
		names = append(names, c.Name+" "+string(c.Kind)+" "+c.Location.String())
	}
	if diff := cmp.Diff([]string{"edited edited r.yml:5", "new new r.yml:7", "gone gone r.yml:9"}, names); diff != "" {
		t.Error(diff)
	}
}
