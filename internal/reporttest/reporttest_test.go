package reporttest

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// Exporters are tested against figures that could have come from a scan.
func TestReportHangsTogether(t *testing.T) {
	for name, r := range map[string]*sentei.Report{"Report": Report(), "Unknown": Unknown(), "Empty": Empty(), "Large": Large(50)} {
		t.Run(name, func(t *testing.T) { check(t, r) })
	}
}

func check(t *testing.T, r *sentei.Report) {
	names := func(m sentei.MetricReport) string { return m.Backend + "\x00" + m.Name }
	for i, m := range r.Metrics {
		if i > 0 && names(r.Metrics[i-1]) >= names(m) {
			t.Errorf("metrics %s and %s are out of order or equal", r.Metrics[i-1].Name, m.Name)
		}
		if m.Cost != m.Metric.Cost() || len(m.JobUsage) != len(m.Jobs) {
			t.Errorf("%s: the jobs do not make up the metric", m.Name)
		}
		if want := r.Settings.Prices.PerMonth(m.Cost); m.PerMonth != want {
			t.Errorf("%s: costs %v a month, want %v", m.Name, m.PerMonth, want)
		}
		if m.Score < 0 || m.Score > 100 || math.IsNaN(m.Score) {
			t.Errorf("%s: score %v", m.Name, m.Score)
		}
		for _, id := range slices.Concat(m.Readers, m.DeadReaders) {
			if r.Consumer(id) == nil {
				t.Errorf("%s: no consumer %s", m.Name, id)
			}
		}
		if (m.Verdict == sentei.Unused || m.Verdict == sentei.Unknown) && m.Readers != nil {
			t.Errorf("%s is %s but has readers", m.Name, m.Verdict)
		}
	}
	for _, p := range r.Proposals {
		m := r.Metric(p.Place.Backend, p.Action.Metric)
		k := slices.IndexFunc(m.Jobs, func(j sentei.JobMetric) bool { return j.Job == p.Place.Job })
		if m.JobUsage[k].Verdict != sentei.Unused {
			t.Errorf("proposal %s drops what is %s", p.ID, m.JobUsage[k].Verdict)
		}
	}
}

func TestReportShowsEveryCase(t *testing.T) {
	r := Report()
	for _, v := range sentei.Verdicts() {
		if n, _, _ := r.Total(v); n == 0 {
			t.Errorf("no metric is %s", v)
		}
	}
	for _, k := range []sentei.ConsumerKind{sentei.AlertingRule, sentei.RecordingRule, sentei.Dashboard, sentei.Query, sentei.Declared} {
		if !slices.ContainsFunc(r.Consumers, func(c sentei.Consumer) bool { return c.Kind == k }) {
			t.Errorf("no consumer is a %s", k)
		}
	}
	if !r.Problems[0].Blocking || !slices.ContainsFunc(r.Problems, func(p sentei.Problem) bool { return p.Accepted != "" }) {
		t.Error("the problems show no blocking or no accepted one")
	}
}

func TestReportIsTheSameEachTime(t *testing.T) {
	var texts []string
	for range 2 {
		b, err := json.Marshal(Report())
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Error(diff)
	}
}
