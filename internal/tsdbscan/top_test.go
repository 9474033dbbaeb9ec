package tsdbscan

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestTopValues counts numbers as a map does.
func TestTopValues(t *testing.T) {
	var top topValues
	s := newSums(20_000, &lender[uint64]{})
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.IntRange(1, len(s.of)).Draw(t, "numbers")
		adds := rapid.IntRange(0, 30_000).Draw(t, "adds")
		skew := rapid.IntRange(1, 50).Draw(t, "skew") // some are there often
		n := rapid.SampledFrom([]int{1, 10, 1000}).Draw(t, "n")
		c := counter{}
		want := map[uint32]uint32{}
		for i := range uint32(adds) {
			v, k := i*2654435761%uint32(numbers), 1+i%uint32(skew)
			c.add(v, k, &s)
			want[v] += k
		}
		s.sumUp(&c)
		if len(c.entries) != len(want) {
			t.Fatalf("%d numbers, want %d", len(c.entries), len(want))
		}
		keys := slices.SortedFunc(maps.Keys(want), func(a, b uint32) int {
			return cmp.Or(cmp.Compare(want[b], want[a]), cmp.Compare(a, b))
		})
		var wantTop []uint64
		for _, v := range keys[:min(n, len(keys))] {
			wantTop = append(wantTop, topKey(uint64(v)<<32|uint64(want[v])))
		}
		if diff := gocmp.Diff(wantTop, top.of(&c, n), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
	if slices.Max(s.of) != 0 || slices.Max(s.seen) != 0 {
		t.Error("the sums are not zero again")
	}
}
