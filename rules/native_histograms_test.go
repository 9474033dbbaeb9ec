package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// classicHistogram returns the parts of a histogram with three buckets and ten
// series of each, in the job a.
func classicHistogram(name string) []sentei.MetricReport {
	var out []sentei.MetricReport
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		m := metric(name+suffix, []string{"a"}, sentei.Used)
		m.Jobs[0].Cost = sentei.Cost{Series: 10, SeriesInSpan: 20, SamplesPerSecond: 1}
		if suffix == "_bucket" {
			m.Jobs[0].Cost = sentei.Cost{Series: 30, SeriesInSpan: 60, SamplesPerSecond: 3}
			m.Jobs[0].Histogram = &sentei.Histogram{Bounds: []string{"0.1", "0.5", "+Inf"}}
			m.Jobs[0].Labels = []sentei.LabelStats{{Name: "le", Series: 60}}
			m.JobUsage[0].Labels = []sentei.LabelUsage{{Name: "le", Verdict: sentei.Used}}
		}
		out = append(out, m)
	}
	return out
}

func TestNativeHistograms(t *testing.T) {
	const p90 = `histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m]))) > 1`
	tests := map[string]struct {
		reads   string
		change  func(*sentei.Report)
		want    []string // rewritten
		saved   int64
		problem string
	}{
		"a quantile": {reads: p90, want: []string{"histogram_quantile(0.9, sum(rate(h[5m]))) > 1"}, saved: 40},
		"two readers": {reads: p90, change: func(r *sentei.Report) {
			c := understood(sentei.RecordingRule, "s", "sum(rate(h_count[5m]))")
			c.ID, c.Backend = "s", "b"
			r.Consumers = append(r.Consumers, c)
		}, want: []string{"histogram_quantile(0.9, sum(rate(h[5m]))) > 1", "sum(histogram_count(rate(h[5m])))"}, saved: 40},
		"no counterpart":    {reads: `sum by (le) (rate(h_bucket[5m]))`, problem: `"r" cannot be rewritten: h_bucket has no counterpart`},
		"by a regex":        {reads: `sum(rate({__name__=~"h_(sum|count)"}[5m]))`, problem: "has no counterpart"},
		"different buckets": {reads: p90, change: func(r *sentei.Report) { r.Metrics[0].Jobs[0].Cost.Series = 29 }, problem: "may have different buckets"},
		"the name is taken": {reads: p90, change: func(r *sentei.Report) { r.Metrics = append(r.Metrics, metric("h", []string{"b"}, sentei.Unused)) }, problem: "there is a metric h already"},
		"of two scrape jobs": {reads: p90, change: func(r *sentei.Report) {
			m := &r.Metrics[0]
			other := m.Jobs[0]
			other.Job = "z"
			m.Jobs = append(m.Jobs, other)
			m.JobUsage = append(m.JobUsage, m.JobUsage[0])
		}, problem: `h_bucket comes from job "z" as well`},
		"unknown usage": {reads: p90, change: func(r *sentei.Report) { r.Metrics[2].JobUsage[0].Verdict = sentei.Unknown }, problem: "it is unknown who reads h_sum"},
		"a part that is unused": {reads: p90, change: func(r *sentei.Report) { r.Metrics[2].JobUsage[0].Verdict = sentei.Unused },
			want: []string{"histogram_quantile(0.9, sum(rate(h[5m]))) > 1"}, saved: 30},
		"buckets that are unused": {reads: p90, change: func(r *sentei.Report) { r.Metrics[0].JobUsage[0].Labels[0].UnusedValues = []string{"0.1"} }},
		"labels are honored":      {reads: p90, change: func(r *sentei.Report) { r.Backends[0].ScrapeJobs[0].HonorLabels = true }},
		"no histogram":            {reads: p90, change: func(r *sentei.Report) { r.Metrics[0].Jobs[0].Histogram = nil }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, classicHistogram("h"), understood(sentei.AlertingRule, "r", tt.reads))
			if tt.change != nil {
				tt.change(r)
			}
			o := nativeHistogramsOptions{Enabled: true, MinSeries: 1}
			proposals, problems := propose(t, r, []Rule{o})
			var got []string
			for _, p := range proposals {
				for _, w := range p.Action.Rewrites {
					got = append(got, w.To)
				}
				if p.Grade != sentei.GradeC || p.Saving.Series != tt.saved || p.Transient != 10*time.Minute || len(p.Proof.Readers) != len(got) {
					t.Errorf("%+v", p)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			said := ""
			for _, p := range problems {
				said += p.Message + "\n"
			}
			if tt.problem == "" && said != "" || !strings.Contains(said, tt.problem) {
				t.Errorf("problems %q, want %q", said, tt.problem)
			}
			o.Enabled = false
			if off, said := propose(t, r, []Rule{o}); len(off) > 0 || len(said) > 0 {
				t.Error("it proposes something without being enabled")
			}
		})
	}
}

// TestNativeHistogramsProof wants a rewrite that is not the consumer's refused.
func TestNativeHistogramsProof(t *testing.T) {
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, classicHistogram("h"), understood(sentei.AlertingRule, "r", `sum(rate(h_count[5m]))`))
	p := sentei.Proposal{
		Grade: sentei.GradeC, Place: sentei.Place{Backend: "b", ScrapeJob: "a"},
		Action: sentei.Action{Kind: sentei.ConvertHistograms, Rewrites: []sentei.Rewrite{{Consumer: "r", From: `sum(rate(h_count[5m]))`, To: `sum(rate(h[5m]))`}}},
	}
	if _, reason := newIndex(r).prove(&p, nil); !strings.Contains(reason, "not those of the consumers") {
		t.Errorf("reason %q", reason)
	}
	r.Consumers[0].Selectors = []sentei.Selector{{Matchers: []*labels.Matcher{eq("__name__", "other")}}}
	p.Action.Rewrites = nil
	if _, reason := newIndex(r).prove(&p, nil); reason != "" {
		t.Errorf("reason %q", reason)
	}
}
