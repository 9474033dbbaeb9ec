package report

import "github.com/sentei/sentei"

// findingPlace says where a finding is, and which rule found it.
func findingPlace(f *sentei.Finding) string {
	s := f.Rule
	if f.Backend != "" {
		s = f.Backend + "/" + s
	}
	if f.Where != "" {
		s += ", " + f.Where
	}
	return s
}

// findingCost says what a finding costs, in parentheses behind its message, or
// "" when that is not known.
func (v *view) findingCost(f *sentei.Finding) string {
	if f.Cost == (sentei.Cost{}) {
		return ""
	}
	return " (" + v.amount(f.Cost, f.PerMonth) + ")"
}
