package tsdbscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
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
	step    int    // of the merger when it returned the series
	differs int    // for the merger: the first label that is not as in the series returned last, -1 when not known
	win     window
	layouts *layouts

	// The entry before: its labels in the block's own numbers, their bytes
	// (followed by slack), and where each label begins in them.
	names, own []uint32
	prev       []byte // of the window, or spare
	prevAt     int    // where the labels begin in prev
	places     []place

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
	c.names, c.own, c.places, c.prev, c.prevAt = c.names[:0], c.own[:0], append(c.places[:0], place{}), nil, 0
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
	c.indexBytes += references(len(c.own))
	return c.metas(b, i, end)
}

// references is the size of the references to a series with n labels in all
// postings lists.
func references(n int) int64 { return 4 * int64(n+1) }

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
	size := c.places[len(c.own)].name
	if size > 0 {
		c.spare = append(c.spare[:0], c.prev[c.prevAt:][:size]...)
	}
	c.spare = slices.Grow(c.spare[:size], slack)
	c.prev, c.prevAt = c.spare[:size+slack], 0
	_, err := c.win.at(off, n)
	return err
}
