package report

import (
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// grades lists the grades that a report can hold, the safest first.
func grades() []sentei.Grade {
	return []sentei.Grade{sentei.GradeA, sentei.GradeASteady, sentei.GradeB, sentei.GradeC}
}

// GradeName writes A′ with a prime.
func GradeName(g sentei.Grade) string { return strings.ReplaceAll(string(g), "'", "′") }

// byGrade splits the proposals, since grades are never mixed in one list.
// Grades that are not known come last. Each group lists at most top proposals,
// unless top is 0.
func (v *view) byGrade(top int) []gradeGroup {
	var groups []gradeGroup
	for _, g := range grades() {
		groups = append(groups, gradeGroup{grade: g})
	}
	for i := range v.Proposals {
		p := &v.Proposals[i]
		k := slices.IndexFunc(groups, func(g gradeGroup) bool { return g.grade == p.Grade })
		if k < 0 {
			groups = append(groups, gradeGroup{grade: p.Grade})
			k = len(groups) - 1
		}
		group := &groups[k]
		group.count++
		if v.isOpen[p.ID] {
			group.open.metrics++
			group.open.cost = group.open.cost.Plus(p.Saving)
			group.open.perMonth += p.SavingPerMonth
		}
		if top <= 0 || len(group.proposals) < top {
			group.proposals = append(group.proposals, p)
		}
	}
	return slices.DeleteFunc(groups, func(g gradeGroup) bool { return len(g.proposals) == 0 })
}

type gradeGroup struct {
	grade     sentei.Grade
	proposals []*sentei.Proposal // those to list
	count     int                // of all in the grade
	open      total              // of those that are open; metrics is their number
}

// rest counts the proposals that are not listed, or is empty.
func (g gradeGroup) rest() string {
	if more := g.count - len(g.proposals); more > 0 {
		return "and " + number.Plural(more, "more proposal")
	}
	return ""
}

// others counts the proposals that the sum leaves out, or is empty.
func (g gradeGroup) others() string {
	if n := g.count - g.open.metrics; n > 0 {
		return number.Plural(n, "proposal") + " decided against or put off are not counted"
	}
	return ""
}
