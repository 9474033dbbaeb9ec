package tsdbscan

import (
	"fmt"
	"slices"
	"strings"
)

// symbols are the strings of all blocks, sorted: the number of a symbol is its
// rank, so numbers compare as the strings do.
type symbols struct {
	text []string
	// rank holds for every block the number of each of its own symbols, or is
	// nil for a block whose symbols these are.
	rank [][]uint32
}

// readSymbols reads the symbol tables of all blocks. It returns the number of
// the block that cannot be read.
func readSymbols(indexes []*indexFile) (*symbols, int, error) {
	s := &symbols{rank: make([][]uint32, len(indexes))}
	for i, x := range indexes {
		if err := s.union(x, i == 0); err != nil {
			return nil, i, fmt.Errorf("read symbols: %w", err)
		}
	}
	if len(indexes) == 1 {
		return s, 0, nil
	}
	for i, x := range indexes {
		next := 0
		err := x.eachSymbol(func(t string) {
			for next < len(s.text)-1 && s.text[next] < t {
				next++
			}
			s.rank[i] = append(s.rank[i], uint32(next))
		})
		if err != nil {
			return nil, i, fmt.Errorf("read symbols: %w", err)
		}
	}
	return s, 0, nil
}

// union adds the symbols of a block.
func (s *symbols) union(x *indexFile, first bool) error {
	if first {
		return x.eachSymbol(func(t string) { s.text = append(s.text, t) })
	}
	merged, old := make([]string, 0, len(s.text)+len(s.text)/8), s.text
	err := x.eachSymbol(func(t string) {
		for len(old) > 0 && old[0] < t {
			merged, old = append(merged, old[0]), old[1:]
		}
		if len(old) > 0 && old[0] == t {
			t, old = old[0], old[1:]
		} else {
			t = strings.Clone(t)
		}
		merged = append(merged, t)
	})
	s.text = append(merged, old...)
	return err
}

// find returns the number of a string, or false when no block has it.
func (s *symbols) find(t string) (uint32, bool) {
	i, ok := slices.BinarySearch(s.text, t)
	return uint32(i), ok
}

// count returns how many symbols the block has.
func (s *symbols) count(block int) int {
	if s.rank[block] == nil {
		return len(s.text)
	}
	return len(s.rank[block])
}

// eachSymbol calls f with every symbol in order.
func (x *indexFile) eachSymbol(f func(string)) error {
	var sec section
	if err := sec.open(x, x.symbols); err != nil {
		return err
	}
	n, err := sec.uint32()
	if err != nil {
		return err
	}
	var last string
	for i := range n {
		b, err := sec.text()
		if err != nil {
			return err
		}
		t := string(b)
		if i > 0 && t <= last {
			return fmt.Errorf("the table is not sorted at %q", t)
		}
		f(t)
		last = t
	}
	return sec.check()
}
