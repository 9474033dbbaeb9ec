package track

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/relabeling"
)

// kind is one kind of proposal with the world that it changes.
type kind struct {
	proposal sentei.Proposal
	// deploy changes the configuration; nil where none shows it.
	deploy func(t *testing.T, in *Input)
	// store says what is stored when so many of the 10 things that the proposal
	// takes away are left: series, or tenths of the saved samples.
	store func(in *Input, left int64)
	// alone says that missing series show an accepted change, too.
	alone bool
}

func (in *Input) put(backend, name string, c sentei.Cost, labels ...sentei.LabelStats) {
	in.Report.Metrics = append(in.Report.Metrics, sentei.MetricReport{
		Backend: backend, Metric: sentei.Metric{Name: name, Jobs: []sentei.JobMetric{{Job: "j", Cost: c, Labels: append([]sentei.LabelStats{}, labels...)}}},
	})
}

func series(n int64) sentei.Cost { return sentei.Cost{Series: n} }

func withRules(t *testing.T, p *sentei.Proposal) []*relabel.Config {
	t.Helper()
	rules, err := relabeling.Configs(p)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func kinds() map[string]kind {
	place := sentei.Place{Backend: "b", ScrapeJob: "s", Job: "j"}
	promise := func(id string, at sentei.Place, a sentei.Action) sentei.Proposal {
		return sentei.Proposal{ID: id, Place: at, Action: a, Saving: series(10)}
	}
	drop := promise("drop", place, sentei.Action{Kind: sentei.DropMetric, Metric: "m"})
	values := promise("values", place, sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: "code", Values: []string{"500"}})
	strip := promise("strip", place, sentei.Action{Kind: sentei.StripLabel, Metric: "m", Label: "code"})
	cut := promise("cut", sentei.Place{Backend: "b", RemoteWrite: "w", Receiver: "far"}, sentei.Action{Kind: sentei.DropMetric, Metric: "m"})
	rule := promise("rule", sentei.Place{Backend: "b"}, sentei.Action{Kind: sentei.DeleteRules, Metric: "r", Rules: []string{"old"}, RecordLabels: map[string]string{"env": "test"}})
	interval := promise("interval", sentei.Place{Backend: "b", ScrapeJob: "s"}, sentei.Action{Kind: sentei.SetInterval, Interval: 30 * time.Second, Before: 10 * time.Second})
	convert := promise("convert", sentei.Place{Backend: "b", ScrapeJob: "s"}, sentei.Action{Kind: sentei.ConvertHistograms, Histograms: []string{"h"}})
	total := promise("total", place, sentei.Action{Kind: sentei.Aggregate, Metric: "m", Labels: []string{"path", "pod"}, Function: "sum"})
	atJob := func(p *sentei.Proposal) func(*testing.T, *Input) {
		return func(t *testing.T, in *Input) {
			in.Configs["b"].Jobs["s"] = promconfig.JobEffects{Rules: withRules(t, p), Interval: 10 * time.Second}
		}
	}
	return map[string]kind{
		"drop a metric": {drop, atJob(&drop), func(in *Input, left int64) { in.put("b", "m", series(left)) }, true},
		"drop values": {values, atJob(&values), func(in *Input, left int64) {
			in.put("b", "m", series(20), sentei.LabelStats{Name: "code", Series: 20, Complete: true, Values: []sentei.LabelValue{{Value: "500", Series: left}}})
		}, true},
		"strip a label": {strip, atJob(&strip), func(in *Input, left int64) {
			in.put("b", "m", series(10), sentei.LabelStats{Name: "code", Series: left})
		}, true},
		"cut at remote write": {cut, func(t *testing.T, in *Input) {
			in.Configs["b"].RemoteWrites = []promconfig.WriteEffects{{Name: "w", Rules: withRules(t, &cut)}}
		}, func(in *Input, left int64) {
			in.put("b", "m", series(15))
			in.put("far", "m", series(left))
		}, false},
		"delete rules": {rule, func(_ *testing.T, in *Input) {
			in.Report.Consumers = slices.DeleteFunc(in.Report.Consumers, func(c sentei.Consumer) bool { return c.ID == "old" })
		}, func(in *Input, left int64) { in.put("b", "r", series(left)) }, false},
		"scrape less often": {interval, func(_ *testing.T, in *Input) {
			in.Configs["b"].Jobs["s"] = promconfig.JobEffects{Interval: 30 * time.Second}
		}, func(in *Input, left int64) { // 30 series bring 3 samples a second, or 1
			in.Report.Metrics[0].Jobs[0].Cost.SamplesPerSecond = 0.1 - 2.0/30*float64(10-left)/10
			in.put("b", "m", sentei.Cost{Series: 29, SamplesPerSecond: 2.9 - 2*29.0/30*float64(10-left)/10})
		}, false},
		"convert histograms": {convert, func(_ *testing.T, in *Input) {
			in.Configs["b"].Jobs["s"] = promconfig.JobEffects{Converts: true}
		}, func(in *Input, left int64) { // of 12 classic series
			in.put("b", "h_bucket", series(max(0, left*12/10-2)))
			in.put("b", "h_count", series(min(left, 1)))
			in.put("b", "h_sum", series(min(left, 1)))
			in.put("b", "h", series(2))
		}, false},
		"aggregate": {total, nil, func(in *Input, left int64) {
			in.put("b", "m", series(min(2, 10-left)+left), sentei.LabelStats{Name: "pod", Series: left}) // into 2
		}, true},
	}
}

// scene is a report in which so much is left, and what was known before.
func (k *kind) scene(t *testing.T, left int64, deployed bool) Input {
	t.Helper()
	source := func(backend, name string, class sentei.UsageClass) sentei.SourceStatus {
		return sentei.SourceStatus{Backend: backend, Name: name, Class: class, Up: true}
	}
	in := Input{
		Report: &sentei.Report{
			At:       at,
			Backends: []sentei.Backend{{Name: "b", To: at, ScrapeJobs: []sentei.ScrapeJob{{Name: "s", JobLabels: []string{"j"}}}}, {Name: "far", To: at}},
			Sources:  []sentei.SourceStatus{source("b", "block", ""), source("b", "rule_files", sentei.ClassRules), source("far", "block", "")},
			Consumers: []sentei.Consumer{
				{ID: "old", Kind: sentei.RecordingRule, Backend: "b", Records: "r", RecordLabels: map[string]string{"env": "test"}},
				{ID: "other", Kind: sentei.RecordingRule, Backend: "b", Records: "r", RecordLabels: map[string]string{"env": "prod"}},
			},
		},
		Decisions: map[string]sentei.Decision{},
		Configs: map[string]*promconfig.Effects{"b": {
			Jobs: map[string]promconfig.JobEffects{"s": {Interval: 10 * time.Second}}, RemoteWrites: []promconfig.WriteEffects{{Name: "w"}},
		}},
		Noticing: func(*sentei.Proposal, time.Time) []sentei.Regret { return nil },
	}
	in.put("b", "up", sentei.Cost{Series: 1, SamplesPerSecond: 0.1})
	in.put("far", "up", series(1))
	k.store(&in, left)
	if deployed && k.deploy != nil {
		k.deploy(t, &in)
	}
	in.accept(k.proposal)
	return in
}

func TestEveryKind(t *testing.T) {
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			id := k.proposal.ID
			want := func(what string, in Input, states ...came) {
				t.Helper()
				got := follow(t, in)
				if !slices.Equal(got, states) {
					t.Errorf("%s: got %v, want %v", what, got, states)
				}
				for _, tr := range in.Report.Tracked {
					if missing := tr.Realised != tr.Saving || !k.deployed(in); missing != (tr.Note != "") {
						t.Errorf("%s: %d of %d series realised, the note is %q", what, tr.Realised.Series, tr.Saving.Series, tr.Note)
					}
				}
			}
			before := k.scene(t, 10, false)
			before.Earlier = nil
			before.Report.Proposals = []sentei.Proposal{k.proposal}
			want("not applied", before)
			if len(before.Report.Proposals) != 1 || before.Report.Proposals[0].State != sentei.Accepted {
				t.Errorf("not applied: %+v", before.Report.Proposals)
			}
			want("not proposed for another reason", k.scene(t, 10, false))
			if k.deploy != nil {
				want("applied", k.scene(t, 10, true), came{id, sentei.Applied, 0})
				want("partly applied", k.scene(t, 5, true), came{id, sentei.Applied, 5})
			}
			want("partly made elsewhere", k.scene(t, 5, false))
			want("verified", k.scene(t, 0, true), came{id, sentei.Verified, 10})
			want("gone, without a change of the configuration", k.scene(t, 0, false), k.byAlone(id, true)...)

			regretted := k.scene(t, 0, true)
			regretted.Noticing = func(*sentei.Proposal, time.Time) []sentei.Regret { return []sentei.Regret{{Consumer: "c"}} }
			want("regretted", regretted, came{id, sentei.Regretted, 10})
		})
	}
}

func (k *kind) deployed(in Input) bool {
	f := &follower{Input: in}
	yes, _ := f.inForce(&k.proposal)
	return yes
}

// byAlone is what is concluded from missing series alone, when it is known or
// not that the configuration does not take them away.
func (k *kind) byAlone(id string, known bool) []came {
	a := k.proposal.Action.Kind
	switch {
	case !k.alone:
		return nil
	case known && (a == sentei.DropMetric || a == sentei.DropValues):
		return []came{{id, sentei.Applied, 10}}
	}
	return []came{{id, sentei.Verified, 10}}
}

// TestRolledBack takes a change back: what is not there any more is not
// carried out.
func TestRolledBack(t *testing.T) {
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			in := k.scene(t, 10, false)
			in.Tracked = []sentei.Tracked{{Proposal: k.proposal, AppliedAt: at.Add(-time.Hour)}}
			if got := follow(t, in); got != nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestUnknownConfiguration keeps what was carried out while it is not known
// which configuration is in force, and concludes nothing new from it.
func TestUnknownConfiguration(t *testing.T) {
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			in := k.scene(t, 0, true)
			in.Configs = nil
			in.Report.Sources[1].Up = false // rules
			if diff := cmp.Diff(k.byAlone(k.proposal.ID, false), follow(t, in)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			in.Tracked = []sentei.Tracked{{Proposal: k.proposal, AppliedAt: at.Add(-time.Hour)}}
			if got := follow(t, in); len(got) != 1 || got[0].State != sentei.Verified || in.Report.Tracked[0].Note == "" {
				t.Errorf("got %v, %q", got, in.Report.Tracked[0].Note)
			}
		})
	}
}

// TestRulesThatVanish counts rules as deleted that nobody accepted to delete
// only when their output is gone too: their file may not be read any more.
func TestRulesThatVanish(t *testing.T) {
	k := kinds()["delete rules"]
	for left, want := range map[int64][]came{3: nil, 0: {{"rule", sentei.Verified, 10}}} {
		in := k.scene(t, left, true)
		in.Decisions = nil
		if diff := cmp.Diff(want, follow(t, in)); diff != "" {
			t.Errorf("%d are left: -want +got\n%s", left, diff)
		}
	}
	in := k.scene(t, 3, true) // of a rule that stays
	in.Earlier[0].Saving = sentei.Cost{}
	if got := follow(t, in); len(got) != 1 || got[0].State != sentei.Verified || !strings.Contains(in.Report.Tracked[0].Note, "other rules record r") {
		t.Errorf("without a promise: %v", got)
	}
}

// TestRuleOfAnOldProposal keeps a rule whose labels the proposal does not tell.
func TestRuleOfAnOldProposal(t *testing.T) {
	k := kinds()["delete rules"]
	in := k.scene(t, 3, false)
	in.Earlier[0].Action.RecordLabels = nil
	if got := follow(t, in); len(got) > 0 {
		t.Errorf("its rule is still there: %v", got)
	}
}

// TestAggregatedByRecordingRules takes what recording rules write as what is
// left of a metric that is gone.
func TestAggregatedByRecordingRules(t *testing.T) {
	k := kinds()["aggregate"]
	in := k.scene(t, 0, false)
	in.Earlier[0].Action.Recordings = []sentei.Recording{{Record: "job:m:sum"}}
	in.Report.Metrics = in.Report.Metrics[:2]
	in.put("b", "job:m:sum", series(2))
	if diff := cmp.Diff([]came{{"total", sentei.Verified, 10}}, follow(t, in)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	// That of another job says nothing.
	in = k.scene(t, 0, false)
	in.Earlier[0].Action.Recordings = []sentei.Recording{{Record: "job:m:sum"}}
	in.Report.Metrics = in.Report.Metrics[:2]
	in.put("b", "job:m:sum", series(2))
	in.Report.Metrics[2].Jobs[0].Job = "another"
	if got := follow(t, in); len(got) > 0 {
		t.Errorf("by the aggregate of another job: %v", got)
	}
}

// TestRateOfSamples says how often samples come that do not come as seldom as
// they should.
func TestRateOfSamples(t *testing.T) {
	k := kinds()["scrape less often"]
	in := k.scene(t, 5, true)
	follow(t, in)
	if note := in.Report.Tracked[0].Note; note != "samples came every 15s on average, not every 30s" {
		t.Errorf("the note is %q", note)
	}
}

// TestLiveSeries looks at the series themselves where the inventory counts
// those of the whole span.
func TestLiveSeries(t *testing.T) {
	tests := map[string]struct {
		stored seriesList
		want   []came
	}{
		"aggregate": {seriesList{live("__name__", "m", "job", "j", "code", "200"), live("__name__", "m", "job", "other", "pod", "a"),
			{Labels: labels.FromStrings("__name__", "m", "job", "j", "pod", "a")}}, []came{{"total", sentei.Verified, 10}}},
		"delete rules":       {seriesList{live("__name__", "r", "env", "test")}, []came{{"rule", sentei.Verified, 9}}},
		"convert histograms": {seriesList{live("__name__", "h_count", "job", "j"), live("__name__", "h_sum", "job", "other")}, []came{{"convert", sentei.Verified, 9}}},
	}
	for name, tt := range tests {
		k := kinds()[name]
		in := k.scene(t, 6, true)
		in.Series = map[string]sentei.SeriesReader{"b": tt.stored}
		if diff := cmp.Diff(tt.want, follow(t, in)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestAskedServer asks the server where the inventory counts over its span.
func TestAskedServer(t *testing.T) {
	for name, want := range map[string][]string{
		"drop values":   {`{__name__="m",job=~"j",code=~"500"}`},
		"strip a label": {`{__name__="m",job=~"j",code!=""}`},
		"aggregate":     {`{__name__="m",job=~"j",path!=""}`, `{__name__="m",job=~"j",pod!=""}`},
	} {
		k := kinds()[name]
		for _, known := range []bool{true, false} {
			in := k.scene(t, 8, true)
			in.Report.Metrics[2].Jobs[0].Cost.SeriesInSpan = 100
			in.Tracked = []sentei.Tracked{{Proposal: k.proposal, AppliedAt: at.Add(-time.Hour)}}
			var asked []string
			in.Counters = map[string]func(context.Context, []*labels.Matcher) (int64, bool){"b": func(_ context.Context, m []*labels.Matcher) (int64, bool) {
				asked = append(asked, (&sentei.Selector{Matchers: m}).String())
				return 0, known
			}}
			state := sentei.Applied
			if known {
				state = sentei.Verified
			}
			if got := follow(t, in); len(got) != 1 || got[0].State != state {
				t.Errorf("%s, known %v: %v", name, known, got)
			}
			if diff := cmp.Diff(want, asked); known && diff != "" {
				t.Errorf("%s: -want +got\n%s", name, diff)
			}
		}
	}
}

// TestMissingEvidence takes away what shows that a change has come true: then
// it is not verified, and the note says why; what was verified stays so.
func TestMissingEvidence(t *testing.T) {
	all := map[string]struct {
		harm func(*Input)
		note string
		only []string // kinds; nil for all
	}{
		"the inventory is down": {func(in *Input) { in.Report.Sources[0].Up = false }, "block of backend b could not be read", nil},
		"the inventory is not read in full": {func(in *Input) {
			in.Report.Problems = []sentei.Problem{{Backend: "b", Source: "block", Blocking: true}}
		}, "could not be read in full", nil},
		"the inventory is too old": {func(in *Input) { in.Report.Backends[0].To = at.Add(-2 * time.Hour) }, "before the change was seen", nil},
		"the backend is gone":      {func(in *Input) { in.Report.Backends = in.Report.Backends[1:] }, "backend b is not scanned", nil},
		"the job is down": {func(in *Input) { in.Report.Metrics = in.Report.Metrics[1:2] }, "no live series of other metrics",
			[]string{"drop a metric", "drop values", "strip a label", "delete rules", "scrape less often", "convert histograms", "aggregate"}},
		"the receiver's inventory is down":           {func(in *Input) { in.Report.Sources[2].Up = false }, "block of backend far could not be read", []string{"cut at remote write"}},
		"the receiver's inventory is too old":        {func(in *Input) { in.Report.Backends[1].To = at.Add(-2 * time.Hour) }, "backend far ends at", []string{"cut at remote write"}},
		"the receiver is not scanned":                {func(in *Input) { in.Report.Backends = in.Report.Backends[:1] }, "backend far is not scanned", []string{"cut at remote write"}},
		"the sender has none of it":                  {func(in *Input) { in.Report.Metrics[2].Jobs[0].Cost.Series = 0 }, "backend b stores none of it any more", []string{"cut at remote write"}},
		"nothing is sent":                            {func(in *Input) { in.Report.Metrics[1].Jobs[0].Cost.Series = 0 }, "arrives at backend far", []string{"cut at remote write"}},
		"samples are not counted":                    {func(in *Input) { in.Report.Backends[0].Estimated = []string{"samples_per_second"} }, "does not count them", []string{"scrape less often"}},
		"there is no native histogram":               {func(in *Input) { in.Report.Metrics = in.Report.Metrics[:5] }, "no native histogram", []string{"convert histograms"}},
		"there is no aggregate":                      {func(in *Input) { in.Report.Metrics = in.Report.Metrics[:2] }, "nothing is stored of m any more", []string{"aggregate"}},
		"an inventory that does not list all values": {func(in *Input) { in.Report.Metrics[2].Jobs[0].Labels[0].Complete = false }, "no inventory lists", []string{"drop values"}},
		"an inventory that has not read labels":      {func(in *Input) { in.Report.Metrics[2].Jobs[0].Labels = nil }, "no inventory lists", []string{"drop values", "strip a label", "aggregate"}},
	}
	for name, k := range kinds() {
		for harm, m := range all {
			if m.only != nil && !slices.Contains(m.only, name) {
				continue
			}
			t.Run(name+"/"+harm, func(t *testing.T) {
				for _, verified := range []bool{false, true} {
					in := k.scene(t, 0, true)
					p := k.proposal
					before := sentei.Tracked{Proposal: p, AppliedAt: at.Add(-time.Hour)}
					before.State = sentei.Applied
					if verified {
						before.State, before.Realised = sentei.Verified, p.Saving
					}
					in.Tracked = []sentei.Tracked{before}
					m.harm(&in)
					got := follow(t, in)
					if len(got) != 1 || got[0].State != before.State || got[0].Realised != before.Realised.Series {
						t.Errorf("got %v, before %s", got, before.State)
					}
					if note := in.Report.Tracked[0].Note; !strings.Contains(note, m.note) {
						t.Errorf("the note is %q", note)
					}
				}
			})
		}
	}
}
