package sentei

import (
	"slices"
	"strings"
)

// LabelSet is a set of label names, either finite (AllBut false: exactly
// Names) or co-finite (AllBut true: every label there is except Names). The
// zero value is the empty set. Names is sorted and free of duplicates; treat
// it as read-only.
type LabelSet struct {
	AllBut bool     `json:"all_but,omitempty"`
	Names  []string `json:"names,omitempty"`
}

// Labels returns the finite set of the given names.
func Labels(names ...string) LabelSet {
	return LabelSet{Names: normalize(names)}
}

// AllLabelsBut returns the set of every label except the given names.
func AllLabelsBut(names ...string) LabelSet {
	return LabelSet{AllBut: true, Names: normalize(names)}
}

func normalize(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	s := slices.Clone(names)
	slices.Sort(s)
	return slices.Compact(s)
}

// Has reports whether the label is in the set.
func (s LabelSet) Has(label string) bool {
	_, found := slices.BinarySearch(s.Names, label)
	return found != s.AllBut
}

// IsAll reports whether the set holds every label.
func (s LabelSet) IsAll() bool { return s.AllBut && len(s.Names) == 0 }

// IsEmpty reports whether the set holds no label.
func (s LabelSet) IsEmpty() bool { return !s.AllBut && len(s.Names) == 0 }

// Union returns the labels that are in s, in o or in both.
func (s LabelSet) Union(o LabelSet) LabelSet {
	switch {
	case !s.AllBut && !o.AllBut:
		return Labels(slices.Concat(s.Names, o.Names)...)
	case s.AllBut: // what both leave out
		return AllLabelsBut(keep(s.Names, o.Has, false)...)
	default:
		return AllLabelsBut(keep(o.Names, s.Has, false)...)
	}
}

// Minus returns the labels of s that are not in o.
func (s LabelSet) Minus(o LabelSet) LabelSet {
	switch {
	case !s.AllBut:
		return Labels(keep(s.Names, o.Has, false)...)
	case !o.AllBut:
		return AllLabelsBut(slices.Concat(s.Names, o.Names)...)
	default: // (all but s) minus (all but o) = o's exceptions that s has
		return Labels(keep(o.Names, s.Has, true)...)
	}
}

// Plus returns s with the given labels added.
func (s LabelSet) Plus(names ...string) LabelSet { return s.Union(Labels(names...)) }

// Without returns s with the given labels taken out.
func (s LabelSet) Without(names ...string) LabelSet { return s.Minus(Labels(names...)) }

// Equal reports whether both sets hold the same labels.
func (s LabelSet) Equal(o LabelSet) bool {
	return s.AllBut == o.AllBut && slices.Equal(s.Names, o.Names)
}

// String returns "all", "none", "a, b" or "all but a, b".
func (s LabelSet) String() string {
	switch {
	case s.IsAll():
		return "all"
	case s.IsEmpty():
		return "none"
	case s.AllBut:
		return "all but " + strings.Join(s.Names, ", ")
	default:
		return strings.Join(s.Names, ", ")
	}
}

func keep(names []string, has func(string) bool, want bool) []string {
	var out []string
	for _, n := range names {
		if has(n) == want {
			out = append(out, n)
		}
	}
	return out
}
