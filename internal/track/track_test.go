package track

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/relabeling"
)

var at = time.Date(2026, 11, 16, 6, 0, 0, 0, time.UTC)

// seriesList is an inventory that lists series.
type seriesList []sentei.Series

func (l seriesList) ReadSeries(_ context.Context, metrics []string, f func(sentei.Series) error) error {
	for _, m := range metrics {
		for _, s := range l {
			if s.Labels.Get("__name__") == m {
				if err := f(s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

type broken struct{}

func (broken) ReadSeries(context.Context, []string, func(sentei.Series) error) error {
	return errors.New("the block is gone")
}

func live(pairs ...string) sentei.Series {
	return sentei.Series{Labels: labels.FromStrings(pairs...), Live: true}
}

// world is a report of one backend and job: the metric m with so many live
// series, of which some have code="500", and up.
func world(m int64, with500 int64, series ...sentei.Series) Input {
	job := func(n int64, l ...sentei.LabelStats) []sentei.JobMetric {
		return []sentei.JobMetric{{Job: "j", Cost: sentei.Cost{Series: n}, Labels: l}}
	}
	r := &sentei.Report{
		At: at, Backends: []sentei.Backend{{Name: "b", To: at}},
		Sources:  []sentei.SourceStatus{{Backend: "b", Name: "block", Up: true}},
		Settings: sentei.Settings{Prices: sentei.Prices{PerThousandSeries: 1000}},
		Metrics:  []sentei.MetricReport{{Backend: "b", Metric: sentei.Metric{Name: "up", Jobs: job(1, sentei.LabelStats{Name: "instance"})}}},
	}
	if m > 0 {
		code := sentei.LabelStats{Name: "code", Series: m, Complete: true, Values: []sentei.LabelValue{{Value: "200", Series: m}, {Value: "500", Series: with500}}}
		r.Metrics = append(r.Metrics, sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "m", Jobs: job(m, code)}})
	}
	in := Input{
		Report: r, Decisions: map[string]sentei.Decision{},
		Configs:  map[string]*promconfig.Effects{"b": {Jobs: map[string]promconfig.JobEffects{"s": {}}}},
		Noticing: func(*sentei.Proposal, time.Time) []sentei.Regret { return nil },
	}
	if series != nil {
		in.Series = map[string]sentei.SeriesReader{"b": seriesList(series)}
	}
	return in
}

func dropM() sentei.Proposal {
	return sentei.Proposal{
		ID: "drop", Place: sentei.Place{Backend: "b", ScrapeJob: "s", Job: "j"}, Saving: sentei.Cost{Series: 10, SamplesPerSecond: 2},
		Action: sentei.Action{Kind: sentei.DropMetric, Metric: "m"},
	}
}

func drop500() sentei.Proposal {
	p := dropM()
	p.ID, p.Action = "values", sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: "code", Values: []string{"500"}}
	return p
}

func stripCode() sentei.Proposal {
	p := dropM()
	p.ID, p.Action, p.Saving = "strip", sentei.Action{Kind: sentei.StripLabel, Metric: "m", Label: "code"}, sentei.Cost{MemoryBytes: 100}
	return p
}

func (in *Input) accept(p sentei.Proposal) {
	in.Decisions[p.ID] = sentei.Decision{Proposal: p.ID, State: sentei.Accepted, By: "kim", At: at.Add(-24 * time.Hour)}
	in.Earlier = append(in.Earlier, Earlier{p, at.Add(-time.Hour)})
}

func (in *Input) deploy(t *testing.T, p sentei.Proposal) {
	t.Helper()
	rules, err := relabeling.Configs(&p)
	if err != nil {
		t.Fatal(err)
	}
	job := in.Configs["b"].Jobs["s"]
	job.Rules = append(job.Rules, rules...)
	in.Configs["b"].Jobs["s"] = job
}

// came is what a test looks at: the state and the series that are gone.
type came struct {
	ID       string
	State    sentei.State
	Realised int64
}

func follow(t *testing.T, in Input) []came {
	t.Helper()
	if err := Follow(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	var out []came
	for _, tr := range in.Report.Tracked {
		out = append(out, came{tr.ID, tr.State, tr.Realised.Series})
	}
	return out
}

func TestWhatCounts(t *testing.T) {
	tests := map[string]struct {
		in   func() Input
		want []came
	}{
		"accepted, series gone": {func() Input {
			in := world(0, 0)
			in.accept(dropM())
			return in
		}, []came{{"drop", sentei.Applied, 10}}},
		"accepted, rule in force, half of the series left": {func() Input {
			in := world(5, 0)
			in.accept(dropM())
			in.deploy(t, dropM())
			return in
		}, []came{{"drop", sentei.Applied, 5}}},
		"accepted, no longer proposed for another reason": {func() Input {
			in := world(9, 0)
			in.accept(dropM())
			return in
		}, nil},
		"not accepted, metric gone by itself": {func() Input {
			in := world(0, 0)
			in.Earlier = []Earlier{{dropM(), at.Add(-time.Hour)}}
			return in
		}, nil},
		"rejected, metric gone by itself": {func() Input {
			in := world(0, 0)
			in.accept(dropM())
			in.Decisions["drop"] = sentei.Decision{State: sentei.Rejected}
			return in
		}, nil},
		"not accepted, but its rule is in force": {func() Input {
			in := world(0, 0)
			in.Earlier = []Earlier{{dropM(), at.Add(-time.Hour)}}
			in.deploy(t, dropM())
			return in
		}, []came{{"drop", sentei.Verified, 10}}},
		"an old one, whose rule is in force for another reason": {func() Input {
			in := world(0, 0)
			in.Earlier = []Earlier{{drop500(), at.Add(-30 * time.Hour)}, {dropM(), at.Add(-time.Hour)}}
			in.deploy(t, dropM())
			return in
		}, []came{{"drop", sentei.Verified, 10}}},
		"still proposed, since its series are in the span": {func() Input {
			in := world(0, 0)
			in.Report.Proposals = []sentei.Proposal{dropM()}
			in.deploy(t, dropM())
			return in
		}, []came{{"drop", sentei.Verified, 10}}},
		"still proposed, rule in the file but not deployed": {func() Input {
			in := world(10, 0)
			in.Report.Proposals = []sentei.Proposal{dropM()}
			in.deploy(t, dropM())
			return in
		}, nil},
		"a source failed": {func() Input {
			in := world(0, 0)
			in.accept(dropM())
			in.Report.Sources[0].Up = false
			return in
		}, nil},
		"the job is down": {func() Input {
			in := world(0, 0)
			in.accept(dropM())
			in.Report.Metrics[0].Jobs[0].Cost.Series = 0
			return in
		}, nil},
		"values, by the inventory": {func() Input {
			in := world(100, 1)
			in.accept(drop500())
			in.deploy(t, drop500())
			return in
		}, []came{{"values", sentei.Verified, 9}}},
		"values in the span, none alive": {func() Input {
			in := world(100, 10, live("__name__", "m", "job", "j", "code", "200"), sentei.Series{Labels: labels.FromStrings("__name__", "m", "job", "j", "code", "500")})
			in.accept(drop500())
			in.deploy(t, drop500())
			return in
		}, []came{{"values", sentei.Verified, 10}}},
		"label, on half of the series": {func() Input {
			in := world(2, 0, live("__name__", "m", "job", "j", "code", "200"), live("__name__", "m", "job", "j"), live("__name__", "m", "job", "other", "code", "1"))
			in.accept(stripCode())
			in.deploy(t, stripCode())
			return in
		}, []came{{"strip", sentei.Applied, 0}}},
		"rolled back": {func() Input {
			in := world(10, 0)
			in.Tracked = []sentei.Tracked{{Proposal: dropM(), AppliedAt: at.Add(-time.Hour)}}
			return in
		}, nil},
		"verified before, now the job is down": {func() Input {
			in := world(0, 0)
			p := dropM()
			p.State = sentei.Verified
			in.Tracked = []sentei.Tracked{{Proposal: p, AppliedAt: at.Add(-time.Hour), Realised: p.Saving}}
			in.Report.Metrics = nil
			return in
		}, []came{{"drop", sentei.Verified, 10}}},
		"replaced by one that does the same and more": {func() Input {
			in := world(1, 0)
			more := drop500()
			more.ID, more.Replaces, more.Action.Values = "more", "values", []string{"404", "500"}
			in.accept(drop500())
			in.accept(more)
			in.deploy(t, more)
			return in
		}, []came{{"more", sentei.Verified, 10}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, follow(t, tt.in())); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestCountedOverTheSpan says so where more may seem to be left than is.
func TestCountedOverTheSpan(t *testing.T) {
	in := world(20, 8)
	in.Report.Metrics[1].Jobs[0].Cost.SeriesInSpan = 30
	in.accept(drop500())
	in.deploy(t, drop500())
	follow(t, in)
	const want = "at most 8 of 10 series are still there: the inventory counts labels and values over its whole span"
	if got := in.Report.Tracked[0].Note; got != want {
		t.Errorf("the note is %q", got)
	}
}

// TestPromiseStays keeps what was promised before the change, of what is still
// proposed for what is stored of the time before.
func TestPromiseStays(t *testing.T) {
	for loaded, want := range map[bool][]came{false: nil, true: {{"values", sentei.Applied, 6}}} {
		in := world(14, 4)
		in.Earlier = []Earlier{{drop500(), at.Add(-time.Hour)}}
		now := drop500()
		now.Saving = sentei.Cost{}
		in.Report.Proposals = []sentei.Proposal{now}
		in.deploy(t, now)
		in.Configs["b"].Loaded = loaded // a file may not be
		if diff := cmp.Diff(want, follow(t, in)); diff != "" {
			t.Errorf("loaded %v: -want +got\n%s", loaded, diff)
		}
	}
}

func TestStates(t *testing.T) {
	in := world(10, 0)
	for _, id := range []string{"a", "b", "c", "d"} {
		p := dropM()
		p.ID = id
		in.Report.Proposals = append(in.Report.Proposals, p)
	}
	in.Decisions = map[string]sentei.Decision{
		"a": {State: sentei.Rejected}, "b": {State: sentei.Snoozed, Until: at}, "c": {State: sentei.Snoozed, Until: at.Add(time.Second)},
	}
	in.Replaces = map[string]string{"d": "before"}
	follow(t, in)
	want := []sentei.State{sentei.Rejected, sentei.Pending, sentei.Snoozed, sentei.Pending}
	for i, p := range in.Report.Proposals {
		if p.State != want[i] || p.Replaces != in.Replaces[p.ID] {
			t.Errorf("%s is %s and replaces %q", p.ID, p.State, p.Replaces)
		}
	}
}

func TestUnreadableSeries(t *testing.T) {
	in := world(100, 10)
	in.accept(drop500())
	in.Series = map[string]sentei.SeriesReader{"b": broken{}}
	if err := Follow(t.Context(), in); err == nil || err.Error() != "count what is left in backend b: the block is gone" {
		t.Error(err)
	}
}

// TestRegretsKeepTheirTime finds a regret again, keeps it while a source of
// consumers is down, and sees it end.
func TestRegretsKeepTheirTime(t *testing.T) {
	in := world(0, 0)
	in.deploy(t, dropM())
	applied := at.Add(-48 * time.Hour)
	known := []sentei.Regret{{Consumer: "c", Selector: "{m}", Since: at.Add(-time.Hour)}}
	in.Tracked = []sentei.Tracked{{Proposal: dropM(), AppliedAt: applied, Regrets: known}}
	in.Noticing = func(p *sentei.Proposal, since time.Time) []sentei.Regret {
		if p.ID != "drop" || !since.Equal(applied) {
			t.Errorf("asked for %s since %s", p.ID, since)
		}
		return []sentei.Regret{{Consumer: "c", Selector: "{m}", Since: at}, {Consumer: "d", Selector: "{m}", Since: at}}
	}
	follow(t, in)
	want := append(known, sentei.Regret{Consumer: "d", Selector: "{m}", Since: at})
	if diff := cmp.Diff(want, in.Report.Tracked[0].Regrets); diff != "" || in.Report.Tracked[0].State != sentei.Regretted {
		t.Error(diff)
	}
	in.Noticing = func(*sentei.Proposal, time.Time) []sentei.Regret { return nil }
	in.Report.Sources = append(in.Report.Sources, sentei.SourceStatus{Backend: "b", Name: "dashboard_files", Class: sentei.ClassDashboards})
	in.Tracked = in.Report.Tracked
	follow(t, in)
	if diff := cmp.Diff(want, in.Report.Tracked[0].Regrets); diff != "" {
		t.Error(diff)
	}
	in.Report.Sources[1].Up = true
	if diff := cmp.Diff([]came{{"drop", sentei.Verified, 10}}, follow(t, in)); diff != "" {
		t.Error(diff)
	}
	if money := in.Report.Tracked[0].RealisedPerMonth; money != 10 {
		t.Errorf("%v a month", money)
	}
}

// TestNewerOneCarriesOutAllBefore counts one change once, however often its
// proposal has changed.
func TestNewerOneCarriesOutAllBefore(t *testing.T) {
	in := world(1, 0)
	before := ""
	for _, id := range []string{"c", "a", "d", "b"} {
		p := drop500()
		p.ID, p.Replaces = id, before
		in.accept(p)
		before = id
	}
	in.deploy(t, drop500())
	if diff := cmp.Diff([]came{{"b", sentei.Verified, 10}}, follow(t, in)); diff != "" {
		t.Error(diff)
	}
}
