package analyzer

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// TestChainsAcrossBackends has a rule in one backend whose output is read in
// another one, which gets it but not what the rule reads.
func TestChainsAcrossBackends(t *testing.T) {
	one := func(metric string, labels ...string) sentei.Metric {
		job := sentei.JobMetric{Job: "api", Cost: sentei.Cost{Series: 10, SeriesInSpan: 10}, Labels: []sentei.LabelStats{}}
		for _, l := range labels {
			job.Labels = append(job.Labels, sentei.LabelStats{Name: l})
		}
		return sentei.Metric{Name: metric, Jobs: []sentei.JobMetric{job}}
	}
	local := dashboard("sum by (zone) (a:sum)")
	deep := record("a:sum:max", "max by (pod) (a:sum)")
	const raw, recorded = "a", "a:sum"
	tests := map[string]struct {
		isolated bool
		edge     []sentei.Consumer
		stored   []sentei.Metric
		readers  fakeUsage // of the other backend
		want     string    // the verdicts of a and of its label pod
	}{
		"read elsewhere":                                  {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (pod) (a:sum)")}}}, want: "used used"},
		"read elsewhere by another label":                 {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (zone) (a:sum)")}}}, want: "used unused"},
		"read elsewhere by the name of a federated label": {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (exported_pod) (a:sum)")}}}, want: "used used"},
		"read elsewhere without one name of a label":      {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("sum without (pod) (a:sum)")}}}, want: "used used"},
		"read elsewhere without both":                     {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("sum without (pod, exported_pod) (a:sum)")}}}, want: "used unused"},
		"a label that only others read":                   {edge: []sentei.Consumer{local}, readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (pod) (a:sum)")}}}, want: "used used"},
		"no other backend gets it":                        {isolated: true, readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (pod) (a:sum)")}}}, want: "unused unused"},
		"read by nobody":                                  {want: "unused unused"},
		"not stored elsewhere":                            {stored: []sentei.Metric{one("up")}, readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("a:sum")}}}, want: "unused unused"},
		"readers elsewhere are not known":                 {readers: fakeUsage{err: errors.New("connection refused")}, want: "used used"},
		"a rule elsewhere that is dead":                   {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{deep}}}, want: "unused unused"},
		"a chain over both": {
			stored:  []sentei.Metric{one(recorded), one("a:sum:max")},
			readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{deep, dashboard("a:sum:max")}}}, want: "used used",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stored := tt.stored
			if stored == nil {
				stored = []sentei.Metric{one(recorded)}
			}
			backends := []Backend{
				{
					Name: "edge", Isolated: tt.isolated,
					Inventory: []InventorySource{{"block", "block", fakeInventory{inventory: sentei.Inventory{To: now, Metrics: []sentei.Metric{one(raw, "pod", "zone"), one(recorded)}}}}},
					Usage: []UsageSource{{"rules", "rules", sentei.ClassRules, fakeUsage{data: sentei.UsageData{
						Consumers: append([]sentei.Consumer{record(recorded, "last_over_time(a[5m])")}, tt.edge...),
					}}}},
				},
				{
					Name:      "hub",
					Inventory: []InventorySource{{"block", "block", fakeInventory{inventory: sentei.Inventory{To: now, Metrics: stored}}}},
					Usage:     []UsageSource{{"dashboards", "dashboards", sentei.ClassDashboards, tt.readers}},
				},
			}
			result, err := Scan(t.Context(), backends, Options{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			m := result.Report.Metric("edge", raw)
			label, _ := m.JobUsage[0].LabelVerdict("pod")
			if d := cmp.Diff(tt.want, string(m.Verdict)+" "+string(label)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestChainsWithExternalLabels has a rule that sets an external label. Who reads
// through Thanos sees the external one, who reads here that of the rule.
func TestChainsWithExternalLabels(t *testing.T) {
	rule := record("a:sum", "sum(a)")
	rule.RecordLabels = map[string]string{"cluster": "of the rule", "team": "x"}
	for name, tt := range map[string]struct {
		external []string
		reader   string
		want     sentei.Verdict
	}{
		"the rule's value":                   {nil, `a:sum{cluster="of the rule"}`, sentei.Used},
		"another value":                      {nil, `a:sum{cluster="eu"}`, sentei.Unused},
		"another value of an external label": {[]string{"cluster"}, `a:sum{cluster="eu"}`, sentei.Used},
		"another value of another label":     {[]string{"cluster"}, `a:sum{cluster="eu", team="y"}`, sentei.Unused},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Scan(t.Context(), []Backend{{
				Name: "b",
				Inventory: []InventorySource{{"block", "block", fakeInventory{inventory: sentei.Inventory{
					To: now, ExternalLabels: tt.external, Metrics: []sentei.Metric{{Name: "a", Jobs: []sentei.JobMetric{{Job: "api", Cost: sentei.Cost{Series: 1}}}}},
				}}}},
				Usage: []UsageSource{{"rules", "rules", sentei.ClassRules, fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{rule, dashboard(tt.reader)}}}}},
			}}, Options{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Report.Metric("b", "a").Verdict; got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
