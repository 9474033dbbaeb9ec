package analyzer

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

func TestLabelVerdicts(t *testing.T) {
	values := func(v ...string) []sentei.LabelValue {
		var out []sentei.LabelValue
		for _, s := range v {
			out = append(out, sentei.LabelValue{Value: s, Series: 5})
		}
		return out
	}
	busy := alert(`sum by (cpu) (rate(a{mode!="idle"}[5m])) > 1`)
	steal := dashboard(`max(a{mode=~"steal|user"})`)
	tests := map[string]struct {
		change func(*world)
		want   []sentei.LabelUsage
	}{
		"nobody reads the metric": {func(*world) {}, nil},
		"labels and values that no reader wants": {
			func(w *world) { w.rules.data.Consumers = []sentei.Consumer{busy, steal} },
			[]sentei.LabelUsage{
				{Name: "cpu", Verdict: sentei.Used, Readers: []string{busy.ID}},
				{Name: "mode", Verdict: sentei.Used, Readers: ids(busy, steal), UnusedValues: []string{"idle"}, UnusedValueSeries: 5},
				{Name: "node", Verdict: sentei.Unused},
			},
		},
		"a matcher on an external label refuses nothing": {
			func(w *world) {
				w.rules.data.Consumers = []sentei.Consumer{busy, steal}
				w.inventory.inventory.ExternalLabels = []string{"mode"}
			},
			[]sentei.LabelUsage{
				{Name: "cpu", Verdict: sentei.Used, Readers: []string{busy.ID}},
				{Name: "mode", Verdict: sentei.Used, Readers: ids(busy, steal)},
				{Name: "node", Verdict: sentei.Unused},
			},
		},
		"a value that only one reader refuses is used": {
			func(w *world) { w.rules.data.Consumers = []sentei.Consumer{busy, alert("sum(a) > 0")} },
			[]sentei.LabelUsage{
				{Name: "cpu", Verdict: sentei.Used, Readers: []string{busy.ID}},
				{Name: "mode", Verdict: sentei.Used, Readers: []string{busy.ID}},
				{Name: "node", Verdict: sentei.Unused},
			},
		},
		"what is not known to be used may be": {
			func(w *world) {
				w.rules.data.Consumers = []sentei.Consumer{busy}
				w.dashboards.err = errors.New("connection refused")
			},
			[]sentei.LabelUsage{
				{Name: "cpu", Verdict: sentei.Used, Readers: []string{busy.ID}},
				{Name: "mode", Verdict: sentei.Used, Readers: []string{busy.ID}},
				{Name: "node", Verdict: sentei.Unknown},
			},
		},
		"a bare selector needs every label": {
			func(w *world) { w.rules.data.Consumers = []sentei.Consumer{steal, alert("a > 0")} },
			[]sentei.LabelUsage{
				{Name: "cpu", Verdict: sentei.Used, Readers: []string{alert("a > 0").ID}},
				{Name: "mode", Verdict: sentei.Used, Readers: ids(steal, alert("a > 0"))},
				{Name: "node", Verdict: sentei.Used, Readers: []string{alert("a > 0").ID}},
			},
		},
		"a dead recording rule needs nothing": {
			func(w *world) { w.rules.data.Consumers = []sentei.Consumer{record("x", "sum by (node) (a)"), steal} },
			[]sentei.LabelUsage{
				{Name: "cpu", Verdict: sentei.Unused},
				{Name: "mode", Verdict: sentei.Used, Readers: []string{steal.ID}, UnusedValues: []string{"idle", "nice"}, UnusedValueSeries: 10},
				{Name: "node", Verdict: sentei.Unused},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.inventory.inventory.Metrics[0].Jobs[0].Labels = []sentei.LabelStats{
				{Name: "cpu", Values: values("0", "1"), Complete: true},
				{Name: "mode", Values: values("idle", "nice", "steal"), Complete: true},
				{Name: "node", Values: values("n1"), Complete: true},
			}
			tt.change(w)
			r, err := w.scan(t)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, r.Metric("main", "a").JobUsage[0].Labels); d != "" {
				t.Error(d)
			}
		})
	}
}

func ids(consumers ...sentei.Consumer) []string {
	var s []string
	for _, c := range consumers {
		s = append(s, c.ID)
	}
	return distinct(s)
}

// TestAccepts wants numbers that are stored otherwise than asked for to count
// as asked for.
func TestAccepts(t *testing.T) {
	for _, tt := range []struct {
		matcher, label, value string
		want                  bool
	}{
		{`quantile="1"`, "quantile", "1.0", true},
		{`quantile="1.0"`, "quantile", "1", true},
		{`le=~"0.5|1"`, "le", "1.0", true},
		{`le!="1"`, "le", "1.0", true}, // for one of its forms
		{`le="2"`, "le", "1.0", false},
		{`version="1"`, "version", "1.0", false},
		{`le="0.5"`, "le", "0.50", false},
	} {
		matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector("{" + tt.matcher + "}")
		if err != nil {
			t.Fatal(err)
		}
		if got := accepts(&sentei.Selector{Matchers: matchers}, tt.label, tt.value); got != tt.want {
			t.Errorf("%s accepts %s=%q: %v", tt.matcher, tt.label, tt.value, got)
		}
	}
}
