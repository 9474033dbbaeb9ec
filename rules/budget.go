package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// Target is how much proposals are to save.
type Target struct {
	// Money says that Amount is in Prices.Currency a month; else it is in
	// active series.
	Money  bool
	Amount float64
}

// TargetSeries is the target that no more than n active series remain.
func TargetSeries(r *sentei.Report, n int64) Target {
	_, cost, _ := r.Total("")
	return Target{Amount: float64(cost.Series - n)}
}

// TargetShare is the target to save a share, of 0 to 1, of what all metrics
// cost a month, or of the active series when nothing has a price.
func TargetShare(r *sentei.Report, share float64) Target {
	_, cost, perMonth := r.Total("")
	if perMonth > 0 {
		return Target{Money: true, Amount: share * perMonth}
	}
	return Target{Amount: share * float64(cost.Series)}
}

// Of returns what a saving is in the unit of the target.
func (t Target) Of(saving sentei.Cost, perMonth float64) float64 {
	if t.Money {
		return perMonth
	}
	return float64(saving.Series)
}

// Reached reports whether as much is saved, but for rounding.
func (t Target) Reached(saved float64) bool {
	return saved >= t.Amount-1e-9*math.Abs(t.Amount)
}

// unit is proposals that are of use only together. They have the places that
// members tells in the list of proposals.
type unit struct {
	members []int
	id      string // the smallest of theirs
	grade   int    // of the least safe member
	refused bool   // somebody has rejected or put off a member
	saving  float64
}

// Budget returns proposals of the report that reach the target, in the order
// of the report, and how much they save. Safe grades come first: one of a lower
// grade is taken only when all of the higher ones do not suffice. Within a
// grade the biggest come first, and what turns out not to be needed is left
// out. Proposals that stand and fall together are taken together, and none that
// somebody has rejected or snoozed is taken. When the target cannot be reached
// it returns all others that save anything.
func Budget(r *sentei.Report, t Target) (chosen []sentei.Proposal, saved float64) {
	units := unitsOf(r.Proposals, t)
	slices.SortStableFunc(units, func(a, b unit) int {
		return cmp.Or(
			cmp.Compare(a.grade, b.grade),
			cmp.Compare(b.saving, a.saving),
			cmp.Compare(len(a.members), len(b.members)),
			cmp.Compare(a.id, b.id),
		)
	})
	var taken []unit
	for _, u := range units {
		if u.saving > 0 && !u.refused && !t.Reached(saved) {
			taken = append(taken, u)
			saved += u.saving
		}
	}
	if t.Reached(saved) {
		for i, u := range slices.Backward(taken) {
			if t.Reached(saved - u.saving) {
				taken = slices.Delete(taken, i, i+1)
				saved -= u.saving
			}
		}
	}
	var members []int
	saved = 0
	for _, u := range taken {
		members = append(members, u.members...)
		saved += u.saving
	}
	slices.Sort(members)
	for _, i := range members {
		chosen = append(chosen, r.Proposals[i])
	}
	return chosen, saved
}

// unitsOf puts together the proposals of a group, and those that make the same
// change at several scrape jobs which may bring the same series: the saving is
// counted at one of them and comes true when all are carried out.
func unitsOf(proposals []sentei.Proposal, t Target) []unit {
	leader := make([]int, len(proposals)) // a proposal that it belongs with, in the end itself
	find := func(i int) int {
		for leader[i] != i {
			leader[i] = leader[leader[i]]
			i = leader[i]
		}
		return i
	}
	first := map[string]int{} // the first proposal with a key
	for i := range proposals {
		leader[i] = i
		for _, key := range togetherKeys(&proposals[i]) {
			if k, ok := first[key]; ok {
				leader[find(i)] = find(k)
			} else {
				first[key] = i
			}
		}
	}
	var units []unit
	at := map[int]int{} // the unit of each leader
	for i := range proposals {
		k, ok := at[find(i)]
		if !ok {
			k = len(units)
			at[find(i)] = k
			units = append(units, unit{})
		}
		units[k].members = append(units[k].members, i)
	}
	for i := range units {
		u := &units[i]
		for _, k := range u.members {
			if id := proposals[k].ID; u.id == "" || id < u.id {
				u.id = id
			}
			u.refused = u.refused || proposals[k].State == sentei.Rejected || proposals[k].State == sentei.Snoozed
			u.grade = max(u.grade, rank(proposals[k].Grade))
			u.saving += t.Of(proposals[k].Saving, proposals[k].SavingPerMonth)
		}
	}
	return units
}

// togetherKeys returns texts; proposals that have one in common belong
// together.
func togetherKeys(p *sentei.Proposal) []string {
	a := &p.Action
	keys := []string{"change\x00" + strings.Join(slices.Concat(
		[]string{p.Place.Backend, p.Place.RemoteWrite, p.Place.Job, p.Rule, string(a.Kind), a.Metric, a.Label, a.Function, a.Interval.String()},
		a.Labels, []string{""}, a.Values, []string{""}, a.Rules), "\x00")}
	if p.Group != "" {
		keys = append(keys, "group\x00"+p.Group)
	}
	return keys
}

// rank orders grades, the safest first.
func rank(g sentei.Grade) int {
	order := []sentei.Grade{sentei.GradeA, sentei.GradeASteady, sentei.GradeB, sentei.GradeC}
	if i := slices.Index(order, g); i >= 0 {
		return i
	}
	return len(order)
}
