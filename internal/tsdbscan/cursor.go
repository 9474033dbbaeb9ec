package tsdbscan

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
)

// row is one series, in one block or in all of them.
type row struct {
	layout *layout
	values []uint32 // numbers of the symbols, for each name of the layout
	// changed are the places of the labels that are not as in the row before
	// it, which has the same layout. It is empty when nobody knows.
	changed []int32

	rowFacts
}

// rowFacts is what is counted of a series.
type rowFacts struct {
	mint, maxt int64 // first and last sample, noTime and -noTime without
	born, dies int64 // the same, moved by its patience
	samples    int64 // of the tail
	recent     int64 // samples of the head's last minutes
	chunkBytes int64 // of the tail
	indexBytes int64
	native     bool // some chunk of the tail, or the head, holds native histograms
}

// cursor reads the series of one postings list of one block, or of the head, in
// order.
//
// Neighbours share most of their labels, so it compares the bytes of an entry
// with those of the one before it and decodes only the labels that differ.
type cursor struct {
	row
	block  int
	index  *indexFile
	head   *head        // instead of index
	cached *cachedRows  // instead of index
	rank   []uint32     // of the block's symbols, see symbols.rank
	count  uint32       // of the block's symbols
	chunks *chunkReader // nil outside of the tail
	tail   int64        // where the tail begins

	list    postings
	ref     uint32 // of the series
	step    int    // see merger.compare
	win     window
	layouts *layouts

	// The entry before: its labels in the block's own numbers, their bytes
	// (followed by slack), and where each label begins in them.
	names, own []uint32
	prev       []byte  // of the window, or spare
	prevAt     int     // where the labels begin in prev
	pos        []int32 // one more than labels: the last is the end
	nameLen    []int32 // length of each name's number
	times      [4]chunkTimes

	// Memory to use again.
	spare                []byte
	spareNames, spareOwn []uint32
	shared               []uint32 // values when they differ from own
}

// maxEntry is the size of an entry that nobody ever needs.
const maxEntry = 256 << 20

var (
	errEntry = errors.New("the entry is malformed")
	errOrder = errors.New("the series are not sorted")
)

func newCursor(block int, x *indexFile, s *symbols, chunks *segments, tail int64) *cursor {
	c := &cursor{block: block, index: x, rank: s.rank[block], count: uint32(s.count(block)), tail: tail}
	if chunks != nil {
		c.chunks = newChunkReader(chunks)
	}
	c.win.reset(x.file, x.size)
	return c
}

// start begins with a list. The layouts of its series are taken from l.
func (c *cursor) start(from list, l *layouts) error {
	c.layouts, c.layout = l, nil
	if c.cached != nil {
		c.cached.start(from)
		return nil
	}
	c.names, c.own, c.pos, c.prev, c.prevAt = c.names[:0], c.own[:0], append(c.pos[:0], 0), nil, 0
	if from.refs != nil {
		c.list.openRefs(from.refs)
		return nil
	}
	return c.list.open(c.index, from.off)
}

// next reads the next series, or returns false after the last one.
func (c *cursor) next() (bool, error) {
	if c.cached != nil {
		return c.nextCached()
	}
	if c.list.at < len(c.list.batch) { // not to call next for each
		c.ref = c.list.batch[c.list.at]
		c.list.at++
	} else {
		ref, ok, err := c.list.next()
		if !ok || err != nil {
			return false, err
		}
		c.ref = ref
	}
	if c.head != nil {
		c.readHead(c.ref)
		return true, nil
	}
	if err := c.read(int64(c.ref) * c.index.align()); err != nil {
		return false, fmt.Errorf("read series %d: %w", c.ref, err)
	}
	return true, nil
}

func (c *cursor) read(off int64) error {
	i, end, err := c.entry(off)
	if err != nil {
		return err
	}
	b := c.win.buf
	if i, err = c.labels(b, i, end); err != nil {
		return err
	}
	c.indexBytes += c.references()
	return c.metas(b, i, end)
}

// references is the size of the references to the series in all postings lists.
func (c *cursor) references() int64 { return 4 * int64(len(c.own)+1) }

// entry makes the window show the entry at the offset, checks it, and returns
// where in the window it begins and ends, without its length and checksum.
func (c *cursor) entry(off int64) (i, end int, err error) {
	if off < c.index.series {
		return 0, 0, errEntry
	}
	if !c.win.has(off, binary.MaxVarintLen64) {
		if err := c.move(off, binary.MaxVarintLen64); err != nil {
			return 0, 0, err
		}
	}
	b, start := c.win.buf, int(off-c.win.off)
	length, i := uint64(b[start]), start+1
	if length >= 0x80 { // one or two bytes are enough for most
		if last := uint64(b[start+1]); last < 0x80 {
			length, i = length&0x7f|last<<7, start+2
		} else {
			length, i = uvarint(b, start)
		}
	}
	if i > start+binary.MaxVarintLen64 || length > maxEntry || int64(length) > c.index.seriesEnd-off {
		return 0, 0, errEntry
	}
	size := i - start + int(length) + crcLength
	if !c.win.has(off, size) {
		if err := c.move(off, size); err != nil {
			return 0, 0, err
		}
		i -= start
		b, start = c.win.buf, int(off-c.win.off)
		i += start
	}
	end = i + int(length)
	if crc32.Checksum(b[i:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return 0, 0, errChecksum
	}
	c.indexBytes = int64(size+seriesAlign-1) / seriesAlign * seriesAlign
	return i, end, nil
}

// move moves the window, so that it shows n bytes from off on. The labels
// before are kept.
func (c *cursor) move(off int64, n int) error {
	size := int(c.pos[len(c.pos)-1])
	if size > 0 {
		c.spare = append(c.spare[:0], c.prev[c.prevAt:][:size]...)
	}
	c.spare = slices.Grow(c.spare[:size], slack)
	c.prev, c.prevAt = c.spare[:size+slack], 0
	_, err := c.win.at(off, n)
	return err
}

// labels decodes the labels at b[i:] and returns the position after them.
func (c *cursor) labels(b []byte, i, end int) (int, error) {
	n := uint64(b[i])
	if i++; n >= 0x80 {
		n, i = uvarint(b, i-1)
	}
	if i > end || n > uint64(end-i)/2 {
		return 0, errEntry
	}
	last := len(c.own)
	if int(n) != last || n == 0 {
		return c.allLabels(b, i, end, int(n), false)
	}
	prev, pos, own := c.prev[c.prevAt:], c.pos[:last+1], c.own[:last]
	size := int(pos[last])
	same := mismatch(b[i:], prev, min(size, end-i))
	if same == size {
		return 0, errOrder // the same labels again
	}
	j := last - 1
	for int(pos[j]) > same {
		j--
	}
	changed := c.changed[:0]
	at := i + int(pos[j])
	same -= int(pos[j])
	for { // the first `same` bytes of label j, at b[at:], are as before
		first := len(changed) == 0
		if same < int(c.nameLen[j]) {
			name, p := uvarint(b, at)
			if p > end || first && name < uint64(c.names[j]) {
				return 0, errOrder
			}
			return c.allLabels(b, i, end, last, true)
		}
		at += int(c.nameLen[j])
		value, p := shortUvarint(b, at)
		if p > at+4 {
			value, p = uvarint(b, at)
		}
		if p > end || value >= uint64(c.count) {
			return 0, errEntry
		}
		if first && uint32(value) <= own[j] {
			return 0, errOrder
		}
		changed = append(changed, int32(j))
		own[j] = uint32(value)
		at = p

		// Compare what follows with what followed before.
		j++
		old := int(pos[j])
		shift := int32(at - i - old)
		rest := size - old
		same = mismatch(b[at:], prev[old:], min(rest, end-at))
		if same == rest {
			if shift != 0 {
				for k := j; k <= last; k++ {
					pos[k] += shift
				}
			}
			at += rest
			break
		}
		for int(pos[j+1])-old <= same {
			pos[j] += shift
			j++
		}
		same -= int(pos[j]) - old
		at += int(pos[j]) - old
		pos[j] += shift
	}
	if c.rank != nil {
		for _, j := range changed {
			if c.values[j] = c.rank[own[j]]; c.values[j] == noSymbol {
				return 0, errEntry
			}
		}
	}
	c.keep(b, i)
	c.changed = changed
	return at, nil
}

// allLabels decodes n labels without looking at those before, but for the
// order. Sorted says that the order is known to be right.
func (c *cursor) allLabels(b []byte, i, end, n int, sorted bool) (int, error) {
	c.changed = c.changed[:0]
	names, own := c.spareNames[:0], c.spareOwn[:0]
	pos, nameLen := c.pos[:0], c.nameLen[:0]
	at := i
	for range n {
		pos = append(pos, int32(at-i))
		name, p := uvarint(b, at)
		if p > end || name >= uint64(c.count) || len(names) > 0 && uint32(name) <= names[len(names)-1] {
			return 0, errEntry
		}
		nameLen = append(nameLen, int32(p-at))
		value, p := uvarint(b, p)
		if p > end || value >= uint64(c.count) {
			return 0, errEntry
		}
		names, own = append(names, uint32(name)), append(own, uint32(value))
		at = p
	}
	if !sorted && c.layout != nil && compareLabels(c.names, c.own, names, own) >= 0 {
		return 0, errOrder
	}
	c.pos, c.nameLen = append(pos, int32(at-i)), nameLen
	c.keep(b, i)
	c.names, c.spareNames = names, c.names
	c.own, c.spareOwn = own, c.own
	c.values = own
	if c.rank != nil {
		names = c.spareNames[:0]
		c.values = c.shared[:0]
		for j := range own {
			name, value := c.rank[c.names[j]], c.rank[own[j]]
			if name == noSymbol || value == noSymbol {
				return 0, errEntry
			}
			names, c.values = append(names, name), append(c.values, value)
		}
		c.spareNames, c.shared = names, c.values
	}
	c.layout = c.layouts.of(names)
	return at, nil
}

// keep remembers where the labels are, for the next series. It spares the
// garbage collector's write barrier where the window is the same.
func (c *cursor) keep(b []byte, i int) {
	if len(c.prev) != len(b) || &c.prev[0] != &b[0] {
		c.prev = b
	}
	c.prevAt = i
}

// mismatch returns how many of the first n bytes are equal. Both slices have
// at least seven bytes more than n.
func mismatch(a, b []byte, n int) int {
	a, b = a[:n+7], b[:n+7] // spares checks of bounds
	for i := 0; i+8 <= len(a) && i+8 <= len(b); i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return min(n, i+bits.TrailingZeros64(x)/8)
		}
	}
	return n
}

// compareLabels orders label sets as an index does: by the first name or value
// that differs, then by length.
func compareLabels(aNames, aValues, bNames, bValues []uint32) int {
	for i := range min(len(aNames), len(bNames)) {
		if aNames[i] != bNames[i] {
			return cmp.Compare(aNames[i], bNames[i])
		}
		if aValues[i] != bValues[i] {
			return cmp.Compare(aValues[i], bValues[i])
		}
	}
	return cmp.Compare(len(aNames), len(bNames))
}
