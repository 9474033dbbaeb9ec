package tsdbscan

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// symbols are the strings of all blocks, sorted: the number of a symbol is its
// rank, so numbers compare as the strings do.
type symbols struct {
	texts
	// lengths are those of the texts in bytes, or longText. It is that small to
	// stay in the processor's cache.
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
	// maxTexts is how long all symbols may be together: what a block's own
	// table can hold.
	maxTexts = math.MaxUint32
)

// texts are strings that share one memory without pointers into it, which the
// garbage collector would follow each time.
type texts struct {
	all string
	end []uint32 // of each one in all
}

// text returns the text of a number.
func (t *texts) text(n uint32) string {
	if n == 0 {
		return t.all[:t.end[0]]
	}
	return t.all[t.end[n-1]:t.end[n]]
}

// symbolTable has the symbols of one block.
type symbolTable interface {
	// symbolCount returns how many symbols there are, and about how many bytes
	// they have together.
	symbolCount() (n, size int, err error)
	// eachSymbol calls f with every symbol in order, and with the block's own
	// number for it. The bytes are valid during the call.
	eachSymbol(f func(b []byte, own uint32)) error
}

// readSymbols reads the symbol tables of all blocks. It returns the number of
// the block that cannot be read.
func readSymbols(tables []symbolTable) (*symbols, int, error) {
	s := &symbols{rank: make([][]uint32, len(tables))}
	for i, x := range tables {
		if err := s.union(x); err != nil {
			return nil, i, fmt.Errorf("read symbols: %w", err)
		}
	}
	s.lengths = make([]uint8, len(s.end))
	last := uint32(0)
	for i, end := range s.end {
		s.lengths[i] = uint8(min(end-last, longText))
		last = end
	}
	if len(tables) == 1 && !s.sparse {
		return s, 0, nil
	}
	for i, x := range tables {
		next := uint32(0)
		err := x.eachSymbol(func(b []byte, own uint32) {
			for int(next) < len(s.end)-1 && s.text(next) < string(b) {
				next++
			}
			for uint32(len(s.rank[i])) < own {
				s.rank[i] = append(s.rank[i], noSymbol)
			}
			s.rank[i] = append(s.rank[i], next)
		})
		if err != nil {
			return nil, i, fmt.Errorf("read symbols: %w", err)
		}
	}
	return s, 0, nil
}

// union adds the symbols of a block.
func (s *symbols) union(x symbolTable) error {
	n, size, err := x.symbolCount()
	if err != nil {
		return err
	}
	old, next := s.texts, uint32(0)
	var all strings.Builder
	all.Grow(max(size, len(old.all)+len(old.all)/8))
	s.end = make([]uint32, 0, max(n, len(old.end)+len(old.end)/8))
	add := func() {
		all.WriteString(old.text(next))
		s.end = append(s.end, uint32(all.Len()))
		next++
	}
	count := uint32(len(old.end))
	read := uint32(0)
	err = x.eachSymbol(func(b []byte, own uint32) {
		s.sparse = s.sparse || own != read
		read++
		for next < count && old.text(next) < string(b) {
			add()
		}
		if next < count && old.text(next) == string(b) {
			add()
		} else {
			all.Write(b)
			s.end = append(s.end, uint32(all.Len()))
		}
	})
	if err != nil {
		return err
	}
	for next < count {
		add()
	}
	if s.all = all.String(); len(s.all) > maxTexts {
		return fmt.Errorf("all symbols together have %d bytes, which is more than %d", len(s.all), maxTexts)
	}
	return nil
}

// length returns how many bytes the text of a number has.
func (s *symbols) length(n uint32) uint32 {
	if l := s.lengths[n]; l < longText {
		return uint32(l)
	}
	return uint32(len(s.text(n)))
}

// find returns the number of a string, or false when no block has it.
func (s *symbols) find(t string) (uint32, bool) {
	i, ok := sort.Find(len(s.end), func(i int) int { return strings.Compare(t, s.text(uint32(i))) })
	return uint32(i), ok
}

// count returns a number that is higher than all symbols' own ones.
func (s *symbols) count(block int) int {
	if s.rank[block] == nil {
		return len(s.end)
	}
	return len(s.rank[block])
}

// openSymbols returns the table after the number of symbols in it.
func (x *indexFile) openSymbols() (*section, uint32, error) {
	var sec section
	if err := sec.open(x, x.symbols); err != nil {
		return nil, 0, err
	}
	n, err := sec.uint32()
	if err == nil && int64(n) > sec.end-sec.off {
		err = errShort
	}
	return &sec, n, err
}

func (x *indexFile) symbolCount() (n, size int, err error) {
	sec, count, err := x.openSymbols()
	if err != nil {
		return 0, 0, err
	}
	return int(count), int(sec.end - sec.off), nil
}

func (x *indexFile) eachSymbol(f func(b []byte, own uint32)) error {
	sec, n, err := x.openSymbols()
	if err != nil {
		return err
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
		f(b, own)
		last = b
	}
	return sec.check()
}
