package rules

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
)

func saves(id string, grade sentei.Grade, series int64) sentei.Proposal {
	return sentei.Proposal{
		ID: id, Grade: grade, Saving: sentei.Cost{Series: series}, SavingPerMonth: float64(series) / 3,
		Place:  sentei.Place{Backend: "b", ScrapeJob: "s", Job: "j"},
		Action: sentei.Action{Kind: sentei.DropMetric, Metric: id},
	}
}

func ids(proposals []sentei.Proposal) []string {
	out := []string{}
	for i := range proposals {
		out = append(out, proposals[i].ID)
	}
	return out
}

func TestBudget(t *testing.T) {
	grouped := func(group string, p sentei.Proposal) sentei.Proposal { p.Group = group; return p }
	again := func(id string, p sentei.Proposal) sentei.Proposal { // the same at another scrape job
		p.ID, p.Place.ScrapeJob, p.Saving, p.SavingPerMonth = id, "other", sentei.Cost{}, 0
		return p
	}
	decided := func(s sentei.State, p sentei.Proposal) sentei.Proposal { p.State = s; return p }
	tests := map[string]struct {
		proposals []sentei.Proposal
		amount    float64
		want      []string
		saved     float64
	}{
		"the biggest first":             {[]sentei.Proposal{saves("a", "A", 10), saves("b", "A", 30)}, 25, []string{"b"}, 30},
		"a safe grade first":            {[]sentei.Proposal{saves("c", "C", 99), saves("b", "B", 50), saves("a", "A", 10), saves("a'", "A'", 10)}, 20, []string{"a", "a'"}, 20},
		"small ones that are of no use": {[]sentei.Proposal{saves("a", "A", 3), saves("b", "A'", 30)}, 20, []string{"b"}, 30},
		"out of reach: all that saves":  {[]sentei.Proposal{saves("c", "C", 5), saves("a", "A", 1), saves("n", "A", 0)}, 7, []string{"c", "a"}, 6},
		"reached before":                {[]sentei.Proposal{saves("a", "A", 1)}, 0, []string{}, 0},
		"a group is as safe as its worst": {
			[]sentei.Proposal{grouped("g", saves("a", "A", 90)), grouped("g", saves("b", "C", 1)), saves("c", "B", 50)}, 40, []string{"c"}, 50,
		},
		"what was rejected or snoozed": {
			[]sentei.Proposal{decided(sentei.Rejected, grouped("g", saves("a", "A", 90))), grouped("g", saves("b", "A", 80)), decided(sentei.Snoozed, saves("c", "A", 70)), decided(sentei.Accepted, saves("d", "B", 60))},
			10, []string{"d"}, 60,
		},
		"a group as a whole": {
			[]sentei.Proposal{saves("a", "A", 5), grouped("g", saves("b", "A", 3)), saves("c", "A", 4), grouped("g", saves("d", "A", 3))}, 6, []string{"b", "d"}, 6,
		},
		"the same change at all its scrape jobs": {[]sentei.Proposal{saves("a", "A", 9), again("b", saves("a", "A", 9))}, 5, []string{"a", "b"}, 9},
		"groups that share a change": {
			[]sentei.Proposal{grouped("g", saves("a", "A", 1)), grouped("h", saves("b", "A", 1)), grouped("h", again("c", saves("a", "A", 1)))}, 1, []string{"a", "b", "c"}, 2,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			chosen, saved := Budget(&sentei.Report{Proposals: tt.proposals}, Target{Amount: tt.amount})
			if diff := cmp.Diff(tt.want, ids(chosen)); diff != "" || saved != tt.saved {
				t.Errorf("saves %v, want %v\n%s", saved, tt.saved, diff)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	r := build(nil, []sentei.MetricReport{metric("m", []string{"a"}, sentei.Unused), metric("n", []string{"a", "b"}, sentei.Used)})
	if got, want := TargetSeries(r, 35), (Target{Amount: 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := TargetShare(r, 0.5), (Target{Amount: 20}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	r.Metrics[0].PerMonth = 8
	if got, want := TargetShare(r, 0.5), (Target{Money: true, Amount: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestBudgetProperties draws proposals with groups, and a target.
func TestBudgetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 9).Draw(t, "n")
		onlyA := rapid.Bool().Draw(t, "only A")
		var proposals []sentei.Proposal
		for i := range n {
			grade := sentei.GradeA
			if !onlyA {
				grade = rapid.SampledFrom([]sentei.Grade{"A", "A'", "B", "C"}).Draw(t, "grade")
			}
			p := saves(fmt.Sprintf("p%d", i), grade, rapid.Int64Range(0, 20).Draw(t, "series"))
			p.Group = rapid.SampledFrom([]string{"", "", "g", "h"}).Draw(t, "group")
			proposals = append(proposals, p)
		}
		target := Target{Amount: float64(rapid.IntRange(0, 120).Draw(t, "amount")), Money: rapid.Bool().Draw(t, "money")}
		chosen, saved := Budget(&sentei.Report{Proposals: proposals}, target)

		// What belongs together, found in another way.
		together := map[string][]sentei.Proposal{}
		worst := map[string]int{}
		key := func(p *sentei.Proposal) string { return groupOr(p.Group, p.ID) }
		for _, p := range proposals {
			together[key(&p)] = append(together[key(&p)], p)
			worst[key(&p)] = max(worst[key(&p)], rank(p.Grade))
		}
		of := func(ps []sentei.Proposal) (sum float64) {
			for _, p := range ps {
				sum += target.Of(p.Saving, p.SavingPerMonth)
			}
			return sum
		}
		if math.Abs(of(chosen)-saved) > 1e-6 {
			t.Fatalf("says it saves %v, and saves %v", saved, of(chosen))
		}
		has := map[string]int{}
		for _, p := range chosen {
			has[key(&p)]++
		}
		worstTaken, safer := 0, 0.0
		for k, count := range has {
			if count != len(together[k]) {
				t.Fatalf("%d of %d of group %s", count, len(together[k]), k)
			}
			worstTaken = max(worstTaken, worst[k])
			if target.Reached(of(proposals)) && target.Reached(saved-of(together[k])) {
				t.Fatalf("%s is not needed", k)
			}
		}
		for k, ps := range together {
			if worst[k] < worstTaken {
				safer += of(ps)
			}
		}
		if len(chosen) > 0 && worstTaken > 0 && target.Reached(safer) {
			t.Fatalf("grade %d is taken, and safer ones save %v", worstTaken, safer)
		}
		if target.Reached(of(proposals)) != target.Reached(saved) {
			t.Fatalf("saves %v of %v, wanted %v", saved, of(proposals), target.Amount)
		}
		if !target.Reached(saved) && math.Abs(saved-of(proposals)) > 1e-6 {
			t.Fatalf("out of reach, and still %v of %v", saved, of(proposals))
		}
		if onlyA && target.Reached(saved) {
			if fewest := fewestUnits(together, of, target); len(has) != fewest {
				t.Fatalf("%d, where %d do", len(has), fewest)
			}
		}
		shuffled := rapid.Permutation(proposals).Draw(t, "order")
		other, again := Budget(&sentei.Report{Proposals: shuffled}, target)
		a, b := ids(chosen), ids(other)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) || math.Abs(again-saved) > 1e-6 {
			t.Fatalf("%v depends on the order: %v", a, b)
		}
	})
}

// fewestUnits tries all sets.
func fewestUnits(together map[string][]sentei.Proposal, of func([]sentei.Proposal) float64, target Target) int {
	var savings []float64
	for _, ps := range together {
		savings = append(savings, of(ps))
	}
	fewest := len(savings)
	for set := range 1 << len(savings) {
		sum, size := 0.0, 0
		for i, s := range savings {
			if set>>i&1 == 1 {
				sum += s
				size++
			}
		}
		if size < fewest && target.Reached(sum) {
			fewest = size
		}
	}
	return fewest
}

func groupOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
