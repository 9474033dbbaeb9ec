package rules

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// TestProve gives verdicts that the consumers contradict.
func TestProve(t *testing.T) {
	name := eq("__name__", "m")
	opaque := sentei.Consumer{Kind: sentei.Dashboard, Name: "O", Opaque: "no parse"}
	deadRule := reader(sentei.RecordingRule, "r", name)
	deadRule.Records, deadRule.Dead, deadRule.RecordLabels = "r", true, map[string]string{"team": "a"}
	liveRule := deadRule
	liveRule.Dead = false
	opaqueRule := sentei.Consumer{Kind: sentei.RecordingRule, Name: "P", Records: "p", Opaque: "no parse", Dead: true}
	query := reader(sentei.Query, "q", name)
	old, recent := query, query
	old.LastSeen, recent.LastSeen = at.AddDate(0, 0, -2), at.AddDate(0, 0, -1)
	elsewhere := reader(sentei.Dashboard, "d", name)

	tests := map[string]struct {
		consumers []sentei.Consumer
		reason    string // "" when the proposal stands
	}{
		"nobody":               {nil, ""},
		"another metric":       {[]sentei.Consumer{reader(sentei.Dashboard, "d", eq("__name__", "n"))}, ""},
		"another job":          {[]sentei.Consumer{reader(sentei.Dashboard, "d", name, eq("job", "b"))}, ""},
		"a dashboard":          {[]sentei.Consumer{reader(sentei.Dashboard, "d", name)}, `dashboard "d" may read it`},
		"by regex":             {[]sentei.Consumer{reader(sentei.Declared, "d", labels.MustNewMatcher(labels.MatchRegexp, "__name__", "m|n"))}, `declared "d" may read it`},
		"by job alone":         {[]sentei.Consumer{reader(sentei.AlertingRule, "d", eq("job", "a"))}, `alerting rule "d" may read it`},
		"an old query":         {[]sentei.Consumer{old}, ""},
		"a recent query":       {[]sentei.Consumer{recent}, `query "q" may read it`},
		"a query without time": {[]sentei.Consumer{query}, `query "q" may read it`},
		"opaque":               {[]sentei.Consumer{opaque}, `it is not known what dashboard "O" reads`},
		"a dead opaque rule":   {[]sentei.Consumer{opaqueRule}, ""},
		"a living rule":        {[]sentei.Consumer{liveRule}, `recording rule "r" may read it`},
		"a dead rule":          {[]sentei.Consumer{deadRule}, ""},
		"a dead rule with a reader": {[]sentei.Consumer{deadRule, reader(sentei.Dashboard, "d", eq("__name__", "r"))},
			`recording rule "r" may read it, and dashboard "d" reads what that records`},
		"a dead rule with a reader by regex": {[]sentei.Consumer{deadRule, reader(sentei.Dashboard, "d", labels.MustNewMatcher(labels.MatchRegexp, "__name__", "r.*"))},
			`reads what that records`},
		"a dead rule with a reader of other labels": {[]sentei.Consumer{deadRule, reader(sentei.Dashboard, "d", eq("__name__", "r"), eq("team", "b"))}, ""},
		"a dashboard of another backend":            {[]sentei.Consumer{elsewhere}, ""},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{metric("m", []string{"a"}, sentei.Unused)}, tt.consumers...)
			if title == "a dashboard of another backend" {
				r.Consumers[0].Backend = "c"
			}
			proposals, problems := propose(t, r, allRules(t)[:1])
			if tt.reason == "" {
				if len(proposals) != 1 || len(problems) != 0 {
					t.Errorf("%d proposals, problems %+v", len(proposals), problems)
				}
				return
			}
			if len(proposals) != 0 || len(problems) != 1 || !problems[0].Blocking || !strings.Contains(problems[0].Message, tt.reason) {
				t.Errorf("%d proposals, problems %+v", len(proposals), problems)
			}
		})
	}
}

func TestProveAcceptedOpaque(t *testing.T) {
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{metric("m", []string{"a"}, sentei.Unused)},
		sentei.Consumer{ID: "1", Kind: sentei.Dashboard, Name: "O", Opaque: "no parse"})
	r.Problems = []sentei.Problem{{ID: sentei.HashID("opaque", "b", "1"), Blocking: true}}
	if proposals, _ := propose(t, r, allRules(t)); len(proposals) != 0 {
		t.Error("proposed while nobody has accepted the problem")
	}
	r.Problems[0].Accepted = "a playground"
	if proposals, problems := propose(t, r, allRules(t)); len(proposals) != 1 || len(problems) != 0 {
		t.Errorf("%d proposals, problems %+v", len(proposals), problems)
	}
}

func TestProveStrangeProposals(t *testing.T) {
	r := build(nil, []sentei.MetricReport{metric("m", []string{"a", "b"}, sentei.Unused)}, reader(sentei.Dashboard, "d", eq("__name__", "m"), eq("job", "b")))
	good := sentei.Proposal{Grade: sentei.GradeA, Place: sentei.Place{Backend: "b", Job: "a", Shared: true}, Action: sentei.Action{Kind: sentei.DropMetric, Metric: "m"}}
	tests := map[string]struct {
		change func(*sentei.Proposal)
		reason string
	}{
		"as it should be": {func(*sentei.Proposal) {}, ""},
		"by name alone":   {func(p *sentei.Proposal) { p.Place.Shared = false }, `dashboard "d" may read it`},
		"another action":  {func(p *sentei.Proposal) { p.Action.Kind = "strip_label" }, "there is no proof for strip_label of grade A"},
		"another grade":   {func(p *sentei.Proposal) { p.Grade = sentei.GradeB }, "there is no proof for drop_metric of grade B"},
		"another metric":  {func(p *sentei.Proposal) { p.Action.Metric = "n" }, "the metric is not in the report"},
		"another job":     {func(p *sentei.Proposal) { p.Place.Job = "c" }, "the metric has no series with the job"},
	}
	for title, tt := range tests {
		p := good
		tt.change(&p)
		proven, refuted := prove(&Input{Report: r}, []sentei.Proposal{p})
		if len(proven)+len(refuted) != 1 || (len(proven) == 1) != (tt.reason == "") || len(refuted) == 1 && !strings.Contains(refuted[0].Message, tt.reason) {
			t.Errorf("%s: proven %d, refuted %+v", title, len(proven), refuted)
		}
	}
}

// TestProveExternalLabel has readers that ask for the value that series get
// elsewhere, and would drop what is stored with another one.
func TestProveExternalLabel(t *testing.T) {
	r := build(nil, []sentei.MetricReport{metric("m", []string{"a"}, sentei.Used)}, reader(sentei.Dashboard, "d", eq("__name__", "m"), eq("cluster", "eu")))
	p := sentei.Proposal{
		Grade: sentei.GradeA, Place: sentei.Place{Backend: "b", Job: "a", Shared: true},
		Action: sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: "cluster", Values: []string{"us"}},
	}
	if proven, refuted := prove(&Input{Report: r}, []sentei.Proposal{p}); len(proven) != 1 {
		t.Errorf("refuted %+v", refuted)
	}
	r.Backends[0].ExternalLabels = []string{"cluster"}
	if proven, _ := prove(&Input{Report: r}, []sentei.Proposal{p}); len(proven) != 0 {
		t.Error("proven")
	}
}

// TestNoSelectorLosesSeries calls everything unused, whatever is read. What is
// proposed all the same must not take a series away that a selector matches.
func TestNoSelectorLosesSeries(t *testing.T) {
	values := map[string][]string{
		"__name__": {"m", "n", "o_total"},
		"job":      {"a", "b", "c"},
		"mode":     {"", "idle", "user"},
	}
	matcher := rapid.Custom(func(t *rapid.T) *labels.Matcher {
		name := rapid.SampledFrom([]string{"__name__", "__name__", "job", "mode"}).Draw(t, "label")
		value := rapid.SampledFrom(append(values[name], ".*", ".+", "[mnai].*", "z")).Draw(t, "value")
		kind := rapid.SampledFrom([]labels.MatchType{labels.MatchEqual, labels.MatchNotEqual, labels.MatchRegexp, labels.MatchNotRegexp}).Draw(t, "type")
		return labels.MustNewMatcher(kind, name, value)
	})
	rapid.Check(t, func(t *rapid.T) {
		var stored []labels.Labels
		r := build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("bc", "b", "c"), scrapeJob("c", "c")}, nil)
		for _, name := range values["__name__"] {
			m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: name}}
			for _, job := range values["job"] {
				j := sentei.JobMetric{Job: job, Labels: []sentei.LabelStats{}}
				mode := sentei.LabelStats{Name: "mode"}
				for _, v := range rapid.SliceOfDistinct(rapid.SampledFrom(values["mode"]), rapid.ID).Draw(t, "modes") {
					stored = append(stored, labels.NewBuilder(labels.FromStrings("__name__", name, "job", job)).Set("mode", v).Labels())
					j.Cost.Series++
					j.Cost.SeriesInSpan++
					if v != "" {
						mode.Values = append(mode.Values, sentei.LabelValue{Value: v, Series: 1})
					}
				}
				u := sentei.JobUsage{Usage: sentei.Usage{Verdict: sentei.Unused}}
				if len(mode.Values) > 0 {
					j.Labels = []sentei.LabelStats{mode}
					if rapid.Bool().Draw(t, "used") { // but no value of mode is
						u.Verdict = sentei.Used
						l := sentei.LabelUsage{Name: "mode", UnusedValueSeries: int64(len(mode.Values))}
						for _, v := range mode.Values {
							l.UnusedValues = append(l.UnusedValues, v.Value)
						}
						u.Labels = []sentei.LabelUsage{l}
					}
				}
				m.Jobs, m.JobUsage = append(m.Jobs, j), append(m.JobUsage, u)
			}
			r.Metrics = append(r.Metrics, m)
		}
		var selectors []sentei.Selector
		for range rapid.IntRange(0, 3).Draw(t, "selectors") {
			s := sentei.Selector{Matchers: rapid.SliceOfN(matcher, 1, 3).Draw(t, "matchers")}
			selectors = append(selectors, s)
			r.Consumers = append(r.Consumers, sentei.Consumer{Backend: "b", Kind: sentei.Dashboard, Selectors: []sentei.Selector{s}})
		}
		made, err := Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": list(stored)}}, eagerRules())
		if err != nil {
			t.Fatal(err)
		}
		r.Proposals = made.Proposals
		gone := 0
		for _, series := range stored {
			dropped := false
			for k := range r.Proposals {
				p := &r.Proposals[k]
				scope, err := relabeling.ScopeOfProposal(&r.Backends[0], p)
				if err != nil {
					t.Fatal(err)
				}
				if _, keep := relabeling.Planned(p, series); keep || !scope.Has(series) {
					continue
				}
				dropped = true
				for i := range selectors {
					if selectors[i].Matches(series) {
						t.Errorf("%s drops %s, which %s matches", relabeling.Title(p), series, selectors[i].String())
					}
				}
				if p.Proof == nil || p.Proof.Executed == nil || p.Proof.Executed.Changed == 0 {
					t.Errorf("%s: proof %+v", relabeling.Title(p), p.Proof)
				}
			}
			if dropped {
				gone++
			}
		}
		if saved, _ := r.Savings(); saved.Series != int64(gone) {
			t.Errorf("saves %d series, %d are dropped", saved.Series, gone)
		}
	})
}

// eagerRules are those that drop series, however few.
func eagerRules() []Rule {
	return []Rule{dropUnusedMetricOptions{MinSeries: 1}, dropUnusedBucketsOptions{MinSeries: 1}, dropUnusedValuesOptions{MinSeries: 1, MaxValues: 9}}
}

// list is an inventory's list of series, all of them live.
type list []labels.Labels

func (l list) ReadSeries(_ context.Context, metrics []string, f func(sentei.Series) error) error {
	for _, m := range metrics {
		for _, s := range l {
			if s.Get(model.MetricNameLabel) == m {
				if err := f(sentei.Series{Labels: s, Live: true}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
