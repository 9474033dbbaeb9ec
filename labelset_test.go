package sentei

import (
	"testing"

	"pgregory.net/rapid"
)

// TestLabelSetAlgebra checks the operations against membership of single
// labels, for finite and co-finite sets alike.
func TestLabelSetAlgebra(t *testing.T) {
	universe := []string{"a", "b", "c", "d", "e"}
	set := rapid.Custom(func(t *rapid.T) LabelSet {
		names := rapid.SliceOf(rapid.SampledFrom(universe[:4])).Draw(t, "names")
		if rapid.Bool().Draw(t, "all but") {
			return AllLabelsBut(names...)
		}
		return Labels(names...)
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := set.Draw(t, "a"), set.Draw(t, "b")
		for _, l := range universe { // "e" stands for every label not named
			if got, want := a.Union(b).Has(l), a.Has(l) || b.Has(l); got != want {
				t.Errorf("(%v) union (%v) has %s: %v", a, b, l, got)
			}
			if got, want := a.Minus(b).Has(l), a.Has(l) && !b.Has(l); got != want {
				t.Errorf("(%v) minus (%v) has %s: %v", a, b, l, got)
			}
		}
		if !a.Union(b).Equal(b.Union(a)) {
			t.Errorf("(%v) union (%v) depends on the order", a, b)
		}
	})
}
