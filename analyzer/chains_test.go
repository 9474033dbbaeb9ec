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
		"read elsewhere":                  {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (pod) (a:sum)")}}}, want: "used used"},
		"read elsewhere by another label": {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (zone) (a:sum)")}}}, want: "used unused"},
		"a label that only others read":   {edge: []sentei.Consumer{local}, readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (pod) (a:sum)")}}}, want: "used used"},
		"no other backend gets it":        {isolated: true, readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("max by (pod) (a:sum)")}}}, want: "unused unused"},
		"read by nobody":                  {want: "unused unused"},
		"not stored elsewhere":            {stored: []sentei.Metric{one("up")}, readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{dashboard("a:sum")}}}, want: "unused unused"},
		"readers elsewhere are not known": {readers: fakeUsage{err: errors.New("connection refused")}, want: "used used"},
		"a rule elsewhere that is dead":   {readers: fakeUsage{data: sentei.UsageData{Consumers: []sentei.Consumer{deep}}}, want: "unused unused"},
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
