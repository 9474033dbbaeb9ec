package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

func exemption(t interface {
	Helper()
	Fatal(...any)
}, selector string) sentei.Exemption {
	t.Helper()
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return sentei.Exemption{Selector: selector, Matchers: matchers, Reason: "because", Where: "line 1"}
}

func TestMayTouch(t *testing.T) {
	m := metric("m", []string{"a", "b"}, sentei.Unused)
	m.Jobs[0].Labels = []sentei.LabelStats{{Name: "zone", Series: 50}}
	m.Jobs[1].Labels = []sentei.LabelStats{}
	hidden := metric("hidden", []string{"a"}, sentei.Unused) // its labels were not read
	record := sentei.Consumer{ID: "r", Kind: sentei.RecordingRule, Records: "a:m:sum", RecordLabels: map[string]string{"team": "x"}}
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("b", "b")}, []sentei.MetricReport{m, hidden, metric("up", []string{"a"}, sentei.Used)}, record)
	x := newIndex(r)

	at := func(job string, a sentei.Action) sentei.Proposal {
		return sentei.Proposal{Place: sentei.Place{Backend: "b", ScrapeJob: job, Job: job}, Action: a}
	}
	drop := sentei.Action{Kind: sentei.DropMetric, Metric: "m"}
	values := sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: "zone", Values: []string{"x", "y"}}
	strip := sentei.Action{Kind: sentei.StripLabel, Metric: "m", Label: "zone"}
	whole := sentei.Action{Kind: sentei.StripLabel, Label: "zone"}
	write := sentei.Proposal{Place: sentei.Place{Backend: "b", RemoteWrite: "far"}, Action: whole}
	tests := []struct {
		proposal sentei.Proposal
		selector string
		want     bool
	}{
		{at("a", drop), "m", true},
		{at("a", drop), "mm", false},
		{at("a", drop), `{job="a"}`, true},
		{at("a", drop), `{job="b"}`, false},
		{at("b", drop), `{job="a"}`, false},
		{at("a", drop), `{zone="new"}`, true}, // a value that may come
		{at("b", drop), `{zone="new"}`, false},
		{at("b", drop), `m{zone="new"}`, true}, // named: the label may come, too
		{at("a", values), `m{zone="x"}`, true},
		{at("a", values), `m{zone="z"}`, false},
		{at("a", values), `m{zone=~"x|z"}`, true},
		{at("a", values), `m{job="b"}`, false},
		{at("a", strip), "m", true},
		{at("b", strip), `m{job="b"}`, false}, // it does not have the label
		{at("a", whole), "hidden", true},
		{at("a", whole), "m", true},
		{at("b", whole), "m", false},
		{at("b", whole), "hidden", false},
		{at("a", whole), "up", false}, // no relabel rule reaches it
		{at("a", sentei.Action{Kind: sentei.SetInterval, Interval: time.Minute}), "up", true},
		{write, "hidden", true},
		{at("a", sentei.Action{Kind: sentei.DropMetric, Metric: "gone"}), "gone", true},
		{at("a", sentei.Action{Kind: sentei.ConvertHistograms, Metric: "h"}), "h_bucket", true},
		{at("", sentei.Action{Kind: sentei.DeleteRules, Rules: []string{"r"}}), `{__name__=~"a:.*"}`, true},
		{at("", sentei.Action{Kind: sentei.DeleteRules, Rules: []string{"r"}}), `{team="y"}`, false},
		{at("", sentei.Action{Kind: sentei.DeleteRules, Rules: []string{"r"}}), "m", false},
		{at("", sentei.Action{Kind: sentei.DeleteRules, Rules: []string{"?"}}), "m", true},
	}
	for _, tt := range tests {
		e := exemption(t, tt.selector)
		if got := x.mayTouch(&tt.proposal, &e); got != tt.want {
			t.Errorf("%s at %s against %s: %v, want %v", tt.proposal.Action.Kind, tt.proposal.Place.ScrapeJob, tt.selector, got, tt.want)
		}
	}
}

func TestExempt(t *testing.T) {
	labelled := metric("labelled", []string{"a"}, sentei.Used)
	labelled.Jobs[0].Labels = []sentei.LabelStats{{Name: "env", Series: 50, Complete: true, Values: []sentei.LabelValue{{Value: "prod", Series: 50}}}}
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{
		metric("m", []string{"a"}, sentei.Unused), metric("n", []string{"a"}, sentei.Unused), labelled,
	})
	until := func(e sentei.Exemption, day time.Time) sentei.Exemption {
		e.Expires = day
		e.Owner = "finance"
		return e
	}
	in := &Input{Report: r, Exemptions: []sentei.Exemption{
		until(exemption(t, "m"), at.Add(time.Hour)),
		exemption(t, `{__name__="m",job="a"}`), // the first one holds it already
		until(exemption(t, "n"), at),
		exemption(t, `labelled{env="prod"}`),
		exemption(t, `labelled{env="prodd"}`),
		exemption(t, `labelled{zone!=""}`),
		exemption(t, "gone"),
	}}
	made, err := Propose(t.Context(), in, allRules(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/a n"}, places(made.Proposals)); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, f := range made.Findings {
		got = append(got, f.Backend+"|"+f.Message)
	}
	want := []string{
		"|the exemption of gone selects nothing that is stored: because",
		"|the exemption of labelled{env=\"prodd\"} selects nothing that is stored: because",
		"|the exemption of labelled{zone!=\"\"} selects nothing that is stored: because",
		"|the exemption of n has expired and holds nothing back any more: because, owner finance, until 2026-11-19",
		"b|the exemption of m holds back 1 proposal (drop m at a): because, owner finance, until 2026-11-19",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f := made.Findings[4]; f.Cost.Series != 10 || f.PerMonth != 10 || f.ID == "" || f.Rule != "exemptions" {
		t.Errorf("%+v", f)
	}
	r.Sources = []sentei.SourceStatus{{Backend: "b", Name: "block", Up: true}}
	r.Problems = []sentei.Problem{{Backend: "b", Source: "block", Blocking: true}}
	made, err = Propose(t.Context(), &Input{Report: r, Exemptions: in.Exemptions}, allRules(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range made.Findings {
		if strings.Contains(f.Message, "selects nothing") {
			t.Errorf("the inventory is incomplete: %s", f.Message)
		}
	}
}

// TestExemptGroup wants what stands and falls together to be held together.
func TestExemptGroup(t *testing.T) {
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{metric("m", []string{"a"}, sentei.Unused), metric("n", []string{"a"}, sentei.Unused)})
	all, _ := propose(t, r, allRules(t))
	for i := range all {
		all[i].Group = all[0].ID
	}
	free, findings := exempt(&Input{Report: r, Exemptions: []sentei.Exemption{exemption(t, "n")}}, all)
	if len(free) != 0 || len(findings) != 1 || findings[0].Cost.Series != 20 {
		t.Errorf("%v, %+v", places(free), findings)
	}
}

// TestExemptHoldsAllThatMatches draws stored series and an exemption, and wants
// no proposal left that would change or drop a series that it selects.
func TestExemptHoldsAllThatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names, jobs, zones := []string{"m", "n"}, []string{"a", "b"}, []string{"", "x", "y"}
		var metrics []sentei.MetricReport
		var series []labels.Labels
		for _, name := range names {
			m := metric(name, jobs, sentei.Used)
			for k := range m.Jobs {
				for _, zone := range rapid.SliceOfNDistinct(rapid.SampledFrom(zones), 1, 3, rapid.ID[string]).Draw(t, "zones") {
					b := labels.NewBuilder(labels.FromStrings("__name__", name, "job", jobs[k]))
					series = append(series, b.Set("zone", zone).Labels())
					if zone != "" {
						m.Jobs[k].Labels = []sentei.LabelStats{{Name: "zone", Series: 1}}
					}
				}
				if m.Jobs[k].Labels == nil {
					m.Jobs[k].Labels = []sentei.LabelStats{}
				}
			}
			metrics = append(metrics, m)
		}
		x := newIndex(build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("b", "b")}, metrics))
		job := rapid.SampledFrom(jobs).Draw(t, "job")
		p := sentei.Proposal{Place: sentei.Place{Backend: "b", ScrapeJob: job, Job: job, Shared: rapid.Bool().Draw(t, "shared")}}
		p.Action.Kind = rapid.SampledFrom([]sentei.ActionKind{sentei.DropMetric, sentei.DropValues, sentei.StripLabel}).Draw(t, "kind")
		p.Action.Metric = rapid.SampledFrom(names).Draw(t, "metric")
		switch p.Action.Kind {
		case sentei.DropValues:
			p.Action.Label, p.Action.Values = "zone", []string{"x"}
		case sentei.StripLabel:
			p.Action.Label = "zone"
		}
		if p.Action.Kind == sentei.StripLabel && !p.Place.Shared && rapid.Bool().Draw(t, "whole") {
			p.Action.Metric = ""
		}
		var matchers []*labels.Matcher
		for _, name := range []string{"__name__", "job", "zone"} {
			if rapid.Bool().Draw(t, name) {
				kind := rapid.SampledFrom([]labels.MatchType{labels.MatchEqual, labels.MatchNotEqual, labels.MatchRegexp, labels.MatchNotRegexp}).Draw(t, "type")
				matchers = append(matchers, labels.MustNewMatcher(kind, name, rapid.SampledFrom([]string{"m", "n", "a", "b", "x", "y"}).Draw(t, "value")))
			}
		}
		e := sentei.Exemption{Matchers: matchers}
		covers := sentei.Selector{Matchers: matchers}
		c, err := x.candidate(&p)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range series {
			if !c.scope.Has(s) || !covers.Matches(s) {
				continue
			}
			after, kept := relabeling.Planned(&p, s)
			if (!kept || !labels.Equal(after, s)) && !x.mayTouch(&p, &e) {
				t.Fatalf("%+v changes %s, which %s selects", p.Action, s, covers.String())
			}
		}
	})
}
