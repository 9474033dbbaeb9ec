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

// understood returns a consumer of a PromQL text with its selectors.
func understood(kind sentei.ConsumerKind, name, text string) sentei.Consumer {
	e := sentei.Expression{Text: text, Template: kind == sentei.Dashboard}
	return sentei.Consumer{Kind: kind, Name: name, Expression: e, Selectors: promql.Analyze(e, sentei.AllLabelsBut()).Selectors}
}

func TestLongerScrapeInterval(t *testing.T) {
	tests := map[string]struct {
		reads   string
		kind    sentei.ConsumerKind
		change  func(*sentei.Report)
		most    time.Duration // 1m when zero
		want    string
		problem string
	}{
		"a range of five minutes":  {reads: `sum(rate(m[5m])) > 1`, want: "1m0s"},
		"two minutes by choice":    {reads: `sum(rate(m[15m]))`, most: 2 * time.Minute, want: "2m0s"},
		"two minutes":              {reads: `sum(rate(m[2m]))`, want: "30s"},
		"too little":               {reads: `sum(rate(m[30s]))`, want: ""},
		"instant":                  {reads: `m > 1`, most: time.Hour, want: "2m0s"},
		"an offset is no range":    {reads: `sum(rate(m[2m] offset 1h))`, want: "30s"},
		"a subquery is no range":   {reads: `max_over_time(sum(rate(m[2m]))[1h:])`, want: "30s"},
		"changes":                  {reads: `changes(m[1h])`, problem: `"r" takes changes of`},
		"counted samples":          {reads: `count_over_time(m[1h])`, problem: `"r" takes count_over_time of`},
		"the age of a sample":      {reads: `time() - timestamp(m)`, problem: `"r" takes timestamp of`},
		"a range that only starts": {reads: `rate(m[step()])`, problem: `over a range that is not known`},
		"MetricsQL":                {reads: `rate(m[5m])`, change: func(r *sentei.Report) { r.Consumers[0].Lang = sentei.MetricsQL }, problem: "is MetricsQL"},
		"a rate interval":          {reads: `rate(m[$__rate_interval])`, kind: sentei.Dashboard, want: "15s", most: 16 * time.Second},
		"an interval":              {reads: `rate(m[$__interval])`, kind: sentei.Dashboard, problem: "over a range that a variable says"},
		"half a range":             {reads: `rate(m[${n}m])`, kind: sentei.Dashboard, problem: "over a range that a variable says"},
		"up is read too":           {reads: `changes(up[1h])`, problem: `"r" takes changes of`},
		"another job":              {reads: `changes(up{job="b"}[1h])`, want: "1m0s"},
		"unknown usage":            {reads: `m`, change: func(r *sentei.Report) { r.Metrics[1].JobUsage[0].Verdict = sentei.Unknown }, problem: "it is unknown who reads up"},
		"an opaque reader":         {reads: `m`, change: func(r *sentei.Report) { r.Consumers[0].Opaque = "?" }, problem: "it is not known what"},
		"labels are honored":       {reads: `m`, change: func(r *sentei.Report) { r.Backends[0].ScrapeJobs[0].HonorLabels = true }},
		"two jobs bring it": {reads: `m`, change: func(r *sentei.Report) {
			r.Backends[0].ScrapeJobs = append(r.Backends[0].ScrapeJobs, scrapeJob("z", "a"))
		}},
		"too few samples": {reads: `m`, change: func(r *sentei.Report) { r.Metrics[0].Jobs[0].Cost.SamplesPerSecond = 0.1 }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.kind == "" {
				tt.kind = sentei.AlertingRule
			}
			job := scrapeJob("a", "a")
			job.Interval = 10 * time.Second
			r := build([]sentei.ScrapeJob{job}, []sentei.MetricReport{
				metric("m", []string{"a"}, sentei.Used), metric("up", []string{"a"}, sentei.Unused), metric("a:recorded", []string{"a"}, sentei.Used),
			}, understood(tt.kind, "r", tt.reads))
			r.Metrics[0].Jobs[0].Cost.SamplesPerSecond = 60
			r.Metrics[2].RecordedBy = "x"
			if tt.change != nil {
				tt.change(r)
			}
			o := longerScrapeIntervalOptions{Enabled: true, MaxInterval: model.Duration(time.Minute), RateInterval: model.Duration(time.Minute), MinSamples: 1}
			if tt.most > 0 {
				o.MaxInterval = model.Duration(tt.most)
			}
			proposals, problems := propose(t, r, []Rule{o})
			got := ""
			for _, p := range proposals {
				got += p.Action.Interval.String()
				if p.Grade != sentei.GradeB || p.Saving.Series != 0 || p.Saving.SamplesPerSecond != 60*(1-10/p.Action.Interval.Seconds()) || len(p.Proof.Readers) == 0 && strings.Contains(tt.reads, "m") && name != "another job" {
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
