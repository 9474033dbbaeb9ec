package sentei

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOfBackends(t *testing.T) {
	r := Report{
		Backends:  []Backend{{Name: "a"}, {Name: "b"}},
		Metrics:   []MetricReport{{Backend: "a"}, {Backend: "b"}},
		Consumers: []Consumer{{Backend: "a"}, {Backend: "b"}},
		Proposals: []Proposal{{Place: Place{Backend: "a"}}, {Place: Place{Backend: "b"}}},
		Findings:  []Finding{{Backend: "a"}, {Backend: "b"}},
		Sources:   []SourceStatus{{Backend: "a"}, {Backend: "b"}},
		Problems:  []Problem{{}, {Backend: "a"}, {Backend: "b"}},
	}
	want := &Report{
		Backends:  []Backend{{Name: "b"}},
		Metrics:   []MetricReport{{Backend: "b"}},
		Consumers: []Consumer{{Backend: "b"}},
		Proposals: []Proposal{{Place: Place{Backend: "b"}}},
		Findings:  []Finding{{Backend: "b"}},
		Sources:   []SourceStatus{{Backend: "b"}},
		Problems:  []Problem{{}, {Backend: "b"}},
	}
	if diff := cmp.Diff(want, r.OfBackends("b")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(r.Metrics) != 2 || len(r.OfBackends("a", "b").Metrics) != 2 {
		t.Error("the report itself was changed, or two backends are not both there")
	}
}

func TestSetGrowth(t *testing.T) {
	metric := func(name string, series int64) MetricReport {
		return MetricReport{Backend: "b", Metric: Metric{Name: name}, Cost: Cost{Series: series}}
	}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	previous := &Report{At: at, Metrics: []MetricReport{metric("a", 10), metric("gone", 3)}}
	r := &Report{At: at.Add(time.Hour), Metrics: []MetricReport{metric("a", 7), metric("new", 5)}}
	r.SetGrowth(previous)
	if *r.Metrics[0].SeriesGrowth != -3 || *r.Metrics[1].SeriesGrowth != 5 || !r.Since.Equal(at) {
		t.Errorf("got %d, %d since %s", *r.Metrics[0].SeriesGrowth, *r.Metrics[1].SeriesGrowth, r.Since)
	}
	for i := range 2 { // what was not counted in one of them cannot be compared
		reports := []*Report{{At: at, Metrics: []MetricReport{metric("a", 10)}}, {At: at.Add(time.Hour), Metrics: []MetricReport{metric("a", 7)}}}
		reports[i].Metrics[0].Jobs = []JobMetric{{Uncounted: true}}
		if reports[1].SetGrowth(reports[0]); reports[1].Metrics[0].SeriesGrowth != nil {
			t.Errorf("growth although report %d did not count", i)
		}
	}
	for name, other := range map[string]*Report{"none": nil, "the same": {At: at}, "a later one": {At: at.Add(time.Hour)}} {
		r := &Report{At: at, Metrics: []MetricReport{metric("a", 7)}}
		if r.SetGrowth(other); r.Metrics[0].SeriesGrowth != nil || !r.Since.IsZero() {
			t.Errorf("growth against %s", name)
		}
	}
}

func TestInStates(t *testing.T) {
	r := &Report{Proposals: []Proposal{
		{ID: "a", State: Pending}, {ID: "b", State: Rejected}, {ID: "c", State: Accepted, Group: "c"},
		{ID: "d", State: Snoozed, Group: "c"}, {ID: "e", State: Accepted, Group: "e"},
	}}
	ids := func(r *Report) (out []string) {
		for _, p := range r.Proposals {
			out = append(out, p.ID)
		}
		return out
	}
	open, left := r.InStates(Open()...)
	if diff := cmp.Diff([]string{"a", "e"}, ids(open)); diff != "" || len(r.Proposals) != 5 {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[State]int{Rejected: 1, Snoozed: 1, Accepted: 1}, left); diff != "" {
		t.Error(diff)
	}
}

func TestTogether(t *testing.T) {
	r := &Report{Proposals: []Proposal{{ID: "a", Group: "a"}, {ID: "alone"}, {ID: "b", Group: "a"}, {ID: "c", Group: "c"}}}
	for i, want := range []string{"a b", "alone", "a b", "c"} {
		var got []string
		for _, p := range r.Together(&r.Proposals[i]) {
			got = append(got, p.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", r.Proposals[i].ID, got, want)
		}
	}
	if other := (&Proposal{ID: "other"}); len(r.Together(other)) != 1 || r.Together(other)[0] != other {
		t.Error("a proposal of another report")
	}
}

func TestChurnIsNotKnown(t *testing.T) {
	r := &Report{Backends: []Backend{{Name: "api", Estimated: []string{"churn_per_hour", "memory_bytes"}}, {Name: "blocks", Estimated: []string{"memory_bytes"}}}}
	for name, c := range map[string]struct {
		backend        string
		cost           Cost
		created, ended bool
	}{
		"0 of a source that does not tell":    {"api", Cost{}, false, true},
		"another source of the backend tells": {"api", Cost{ChurnPerHour: 2}, true, true},
		"0 of a source that counts":           {"blocks", Cost{}, true, true},
		"more than 0 of a source that counts": {"blocks", Cost{ChurnPerHour: 2, EndedPerHour: 1}, true, true},
	} {
		created, createdKnown := r.Created(c.backend, c.cost)
		ended, endedKnown := r.Ended(c.backend, c.cost)
		if created != c.cost.ChurnPerHour || createdKnown != c.created || ended != c.cost.EndedPerHour || endedKnown != c.ended {
			t.Errorf("%s: created %v %v, ended %v %v", name, created, createdKnown, ended, endedKnown)
		}
	}
}
