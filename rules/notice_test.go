package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
)

// noticeReport has two backends: near scrapes the job j by the scrape job s
// and sends to far. far has m as well; nothing is stored of gone.
func noticeReport() *sentei.Report {
	metric := func(backend, name string, labels ...sentei.LabelStats) sentei.MetricReport {
		return sentei.MetricReport{Backend: backend, Metric: sentei.Metric{Name: name, Jobs: []sentei.JobMetric{{Job: "j", Labels: labels}, {Job: "other", Labels: labels}}}}
	}
	code := sentei.LabelStats{Name: "code", Complete: true}
	return &sentei.Report{
		At: time.Date(2026, 11, 16, 6, 0, 0, 0, time.UTC), Settings: sentei.Settings{Window: 30 * 24 * time.Hour},
		Backends: []sentei.Backend{{Name: "far"}, {Name: "near", ScrapeJobs: []sentei.ScrapeJob{{Name: "s", JobLabels: []string{"j"}}}}},
		Metrics: []sentei.MetricReport{metric("far", "m", code), metric("near", "m", code), metric("near", "n_total"),
			{Backend: "near", Metric: sentei.Metric{Name: "job:n:rate5m", Jobs: []sentei.JobMetric{{Job: "j", Cost: sentei.Cost{Series: 1}}}}}},
	}
}

func TestNoticing(t *testing.T) {
	place := sentei.Place{Backend: "near", ScrapeJob: "s", Job: "j"}
	job := sentei.Place{Backend: "near", ScrapeJob: "s"}
	cut := sentei.Place{Backend: "near", RemoteWrite: "w", Receiver: "far"}
	drop := sentei.Action{Kind: sentei.DropMetric, Metric: "m"}
	dropGone := sentei.Action{Kind: sentei.DropMetric, Metric: "gone"}
	values := sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: "code", Values: []string{"500"}}
	strip := sentei.Action{Kind: sentei.StripLabel, Metric: "m", Label: "code"}
	merge := sentei.Action{Kind: sentei.StripLabel, Metric: "m", Label: "code", Merges: true}
	rule := sentei.Action{Kind: sentei.DeleteRules, Metric: "gone", RecordLabels: map[string]string{"env": "test"}}
	interval := sentei.Action{Kind: sentei.SetInterval, Interval: time.Minute}
	convert := sentei.Action{Kind: sentei.ConvertHistograms, Histograms: []string{"h"}}
	total := sentei.Action{Kind: sentei.Aggregate, Metric: "n_total", Labels: []string{"path"}, Function: "sum", Series: sentei.CounterSeries, Interval: time.Minute}
	rewritten := total
	rewritten.Recordings = []sentei.Recording{{Record: "job:n:rate5m"}}

	rated := func(s *sentei.Selector) { s.Window, s.Path = 5*time.Minute, []string{"rate", "sum"} }
	live := func(s *sentei.Selector) { s.Live = sentei.Labels("code") }
	merges := func(s *sentei.Selector) { s.MergesEqual = true }
	ranged := func(window time.Duration, path ...string) func(*sentei.Selector) {
		return func(s *sentei.Selector) { s.Window, s.Path = window, path }
	}
	as := func(kind sentei.ConsumerKind, backend string) sentei.Consumer {
		return sentei.Consumer{Kind: kind, Backend: backend}
	}
	alert := as(sentei.AlertingRule, "near")
	since := noticeReport().At.Add(-48 * time.Hour)
	before, later, deadRule := as(sentei.Query, "near"), as(sentei.Query, "near"), as(sentei.RecordingRule, "near")
	before.LastSeen, later.LastSeen, deadRule.Dead = since, since.Add(time.Second), true
	tests := map[string]struct {
		place    sentei.Place
		action   sentei.Action
		consumer sentei.Consumer
		selector string
		shape    func(*sentei.Selector)
		want     bool
	}{
		"drop":                                     {place, drop, alert, `m`, nil, true},
		"drop, a value that never was":             {place, drop, alert, `m{code="7"}`, nil, true},
		"drop, another job":                        {place, drop, alert, `m{job="other"}`, nil, false},
		"drop, a regular expression":               {place, drop, alert, `{__name__=~"m|n"}`, nil, true},
		"drop, all of the job":                     {place, drop, alert, `{job="j"}`, nil, true},
		"drop, another metric":                     {place, drop, alert, `x`, nil, false},
		"drop, queried before":                     {place, drop, before, `m`, nil, false},
		"drop, queried later":                      {place, drop, later, `m`, nil, true},
		"drop, dead rule":                          {place, drop, deadRule, `m`, nil, false},
		"drop, another backend":                    {place, drop, as(sentei.AlertingRule, "far"), `m`, nil, false},
		"drop of what is not stored":               {place, dropGone, alert, `gone`, nil, true},
		"drop of what is not stored, no name":      {place, dropGone, alert, `{code="500"}`, nil, false}, // which metrics had it is not known any more
		"values":                                   {place, values, alert, `m`, nil, true},
		"values, another one":                      {place, values, alert, `m{code="200"}`, nil, false},
		"values, by regular expression":            {place, values, alert, `m{code=~"5.."}`, nil, true},
		"values, without the name":                 {place, values, alert, `{code=~"5.."}`, nil, true},
		"label, not needed":                        {place, strip, alert, `m`, nil, false},
		"label, live":                              {place, strip, alert, `m`, live, true},
		"label, asked for":                         {place, strip, alert, `m{code="200"}`, nil, true},
		"label, asked for in another job":          {place, strip, alert, `m{code="200",job="other"}`, nil, false},
		"merge, not counted":                       {place, merge, alert, `m`, merges, false},
		"merge, counted":                           {place, merge, alert, `m`, nil, true},
		"cut, read at the receiver":                {cut, drop, as(sentei.Dashboard, "far"), `m{job="other"}`, nil, true},
		"cut, read at the sender":                  {cut, drop, alert, `m`, nil, false},
		"cut of what is not stored, any job":       {cut, dropGone, as(sentei.Dashboard, "far"), `gone{job="x"}`, nil, true},
		"rule":                                     {sentei.Place{Backend: "near"}, rule, alert, `gone`, nil, true},
		"rule, other recorded labels":              {sentei.Place{Backend: "near"}, rule, alert, `gone{env="prod"}`, nil, false},
		"interval, range is long":                  {job, interval, alert, `m`, ranged(4*time.Minute, "rate"), false},
		"interval, range is too short":             {job, interval, alert, `m`, ranged(3*time.Minute, "rate"), true},
		"interval, too short in another job":       {job, interval, alert, `m{job="other"}`, ranged(3*time.Minute, "rate"), false},
		"interval, single samples":                 {job, interval, alert, `n_total`, ranged(time.Hour, "changes"), true},
		"interval, last sample":                    {job, interval, alert, `m`, nil, false},
		"histograms, buckets":                      {job, convert, alert, `h_bucket`, rated, true},
		"histograms, count":                        {job, convert, alert, `h_count{job=~"j.*"}`, rated, true},
		"histograms, another job":                  {job, convert, alert, `h_count{job="other"}`, rated, false},
		"histograms, native":                       {job, convert, alert, `h`, rated, false},
		"aggregate, served":                        {place, total, alert, `n_total`, rated, false},
		"aggregate, label is needed":               {place, total, alert, `n_total{path="/"}`, func(s *sentei.Selector) { rated(s); s.Live = sentei.Labels("path") }, true},
		"aggregate, another function":              {place, total, alert, `n_total`, ranged(5*time.Minute, "rate", "max"), true},
		"aggregate, range is too short":            {place, total, alert, `n_total`, ranged(2*time.Minute, "rate", "sum"), true},
		"aggregate under another name, served":     {place, rewritten, alert, `n_total`, rated, true},
		"aggregate under another name, its reader": {place, rewritten, alert, `job:n:rate5m`, nil, false},
		"aggregate, another job":                   {place, total, alert, `n_total{job="other"}`, ranged(5*time.Minute, "rate", "max"), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(tt.selector)
			if err != nil {
				t.Fatal(err)
			}
			s := sentei.Selector{Matchers: matchers}
			if tt.shape != nil {
				tt.shape(&s)
			}
			r, c := noticeReport(), tt.consumer
			c.ID, c.Selectors = "c", []sentei.Selector{s, s}
			r.Consumers = []sentei.Consumer{c}
			var want []sentei.Regret
			if tt.want {
				want = []sentei.Regret{{Consumer: "c", Selector: s.String(), Since: r.At}}
			}
			got := Noticing(&Input{Report: r}, &sentei.Proposal{Place: tt.place, Action: tt.action}, since)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
