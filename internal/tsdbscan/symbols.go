package tsdbscan

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// symbols are the strings of all blocks, sorted: the number of a symbol is its
// rank, so numbers compare as the strings do.
type symbols struct {
	text []string
	// lengths are those of text in bytes, or longText. It is that small to stay
	// in the processor's cache.
	lengths []uint8
	// rank holds for every block the number of each of its own symbols, or is
	// nil for a block whose symbols these are. A block that does not number its
	// symbols one after the other has noSymbol in between.
	rank   [][]uint32
	sparse bool // there is such a block
}

const (
	noSymbol = math.MaxUint32
	longText = math.MaxUint8
)

// symbolTable has the symbols of one block.
type symbolTable interface {
	// eachSymbol calls f with every symbol in order, with the block's own number
	// for it, and with how many there are. The bytes are valid during the call.
	eachSymbol(f func(b []byte, own uint32, n int)) error
}

// readSymbols reads the symbol tables of all blocks. It returns the number of
// the block that cannot be read.
func readSymbols(tables []symbolTable) (*symbols, int, error) {
	s := &symbols{rank: make([][]uint32, len(tables))}
	var texts arena
	for i, x := range tables {
		if err := s.union(x, &texts); err != nil {
			return nil, i, fmt.Errorf("read symbols: %w", err)
		}
	}
	s.lengths = make([]uint8, len(s.text))
	for i, t := range s.text {
		s.lengths[i] = uint8(min(len(t), longText))
	}
	if len(tables) == 1 && !s.sparse {
		return s, 0, nil
	}
	for i, x := range tables {
		next := 0
		err := x.eachSymbol(func(b []byte, own uint32, _ int) {
			for next < len(s.text)-1 && s.text[next] < string(b) {
				next++
			}
			for uint32(len(s.rank[i])) < own {
				s.rank[i] = append(s.rank[i], noSymbol)
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
func (s *symbols) union(x symbolTable, texts *arena) error {
	old := s.text
	s.text = nil
	read := uint32(0)
	err := x.eachSymbol(func(b []byte, own uint32, n int) {
		s.sparse = s.sparse || own != read
		read++
		if s.text == nil {
			s.text = make([]string, 0, max(n, len(old)+len(old)/8))
		}
		for len(old) > 0 && old[0] < string(b) {
			s.text, old = append(s.text, old[0]), old[1:]
		}
		if len(old) > 0 && old[0] == string(b) {
			s.text, old = append(s.text, old[0]), old[1:]
		} else {
			s.text = append(s.text, texts.add(b))
		}
	})
	s.text = append(s.text, old...)
	return err
}

// length returns how many bytes the text of a number has.
func (s *symbols) length(n uint32) uint32 {
	if l := s.lengths[n]; l < longText {
		return uint32(l)
	}
	return uint32(len(s.text[n]))
}

// arena makes strings that share memory.
type arena struct{ b strings.Builder }

func (a *arena) add(b []byte) string {
	if a.b.Cap()-a.b.Len() < len(b) {
		a.b = strings.Builder{}
		a.b.Grow(max(64<<10, len(b)))
	}
	n := a.b.Len()
	a.b.Write(b)
	return a.b.String()[n:]
}

// find returns the number of a string, or false when no block has it.
func (s *symbols) find(t string) (uint32, bool) {
	i, ok := slices.BinarySearch(s.text, t)
	return uint32(i), ok
}

// count returns a number that is higher than all symbols' own ones.
func (s *symbols) count(block int) int {
	if s.rank[block] == nil {
		return len(s.text)
	}
	return len(s.rank[block])
}

func (x *indexFile) eachSymbol(f func(b []byte, own uint32, n int)) error {
	var sec section
	if err := sec.open(x, x.symbols); err != nil {
		return err
	}
	n, err := sec.uint32()
	if err != nil {
		return err
	}
	if int64(n) > sec.end-sec.off {
		return errShort
	}
	var last []byte
	for i := range n {
		own := i
		if x.v1 {
			own = uint32(sec.off)
		}
		b, shown := sec.shownText()
		if !shown {
			last = slices.Clone(last) // reading on will overwrite it
			if b, err = sec.text(); err != nil {
				return err
			}
		}
		if i > 0 && bytes.Compare(b, last) <= 0 {
			return fmt.Errorf("the table is not sorted at %q", b)
		}
		f(b, own, int(n))
		last = b
	}
	return sec.check()
}
