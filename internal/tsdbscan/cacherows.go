package tsdbscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// cachedRows reads the rows of one metric after the other from a cache file.
type cachedRows struct {
	file *cacheFile
	win  window
	off  int64 // of the next page
	left int   // rows not yet read

	page    []byte // what is left of it, followed by slack
	at, end int

	layouts []*layout  // the sets of names that the metric has had so far
	names   [][]uint32 // of each layout, in the file's own numbers
	current int        // layout of the row before, -1 before the first
}

var errRow = errors.New("a row is malformed")

func newCacheCursor(block int, f *cacheFile, s *symbols) *cursor {
	c := &cursor{block: block, rank: s.rank[block], count: uint32(s.count(block)), cached: &cachedRows{file: f}}
	c.cached.win.reset(f.x.file, f.x.size)
	return c
}

// lists returns where the rows of each metric are, and of those without a name.
func (f *cacheFile) lists(block int) (names map[string]list, nameless list) {
	names = map[string]list{}
	for _, m := range f.metrics {
		l := list{block: block, off: m.off, count: m.series, rows: m.rows}
		if m.nameless {
			nameless = l
		} else {
			names[m.name] = l
		}
	}
	return names, nameless
}

func (p *cachedRows) start(from list) {
	p.off, p.left, p.at, p.end = from.off, from.rows, 0, 0
	p.layouts, p.names, p.current = p.layouts[:0], p.names[:0], -1
}

// nextCached reads the next row, or returns false after the last one.
func (c *cursor) nextCached() (bool, error) {
	p := c.cached
	if p.left == 0 {
		if p.at != p.end {
			return false, fmt.Errorf("%w: %w", errCache, errRow)
		}
		return false, nil
	}
	if p.at == p.end {
		if err := p.nextPage(); err != nil {
			return false, fmt.Errorf("%w: %w", errCache, err)
		}
	}
	p.left--
	if err := c.readCached(p.page, p.at, p.end); err != nil {
		return false, fmt.Errorf("%w: %w", errCache, err)
	}
	return true, nil
}

func (p *cachedRows) nextPage() error {
	b, err := p.win.at(p.off, 8)
	if err != nil {
		return err
	}
	n, sum := int(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint32(b[4:])
	if n == 0 || n > maxEntry {
		return errRow
	}
	if p.page, err = p.win.at(p.off+8, n); err != nil {
		return err
	}
	if crc32.Checksum(p.page[:n], castagnoli) != sum {
		return errChecksum
	}
	p.off += 8 + int64(n)
	p.at, p.end = 0, n
	return nil
}

// readCached decodes the row at b[i:end].
func (c *cursor) readCached(b []byte, i, end int) (err error) {
	h, i := uvarint(b, i)
	first := c.cached.current < 0
	if i > end || h>>2 > uint64(end) || first && h&(otherLabels|sameFacts) != otherLabels {
		return errRow
	}
	if k := int(h >> 2); h&otherLabels != 0 {
		i, err = c.cachedLayout(b, i, end, k)
	} else {
		i, err = c.cachedChanges(b, i, end, k)
	}
	if err != nil {
		return err
	}
	if h&sameFacts == 0 {
		mint, p := uvarint(b, i)
		maxt, p := uvarint(b, p)
		size, p := uvarint(b, p)
		i = p
		c.indexBytes += unzigzag(size)
		if !c.setTimes(c.mint+unzigzag(mint), c.maxt+unzigzag(maxt)) || c.indexBytes < 0 {
			return errTime
		}
	}
	if i > end {
		return errRow
	}
	c.cached.at = i
	return nil
}

// setTimes sets what is known of a series without a look at its chunks. It
// returns false if that cannot be.
func (r *rowFacts) setTimes(mint, maxt int64) bool {
	r.mint, r.maxt, r.born, r.dies = mint, maxt, noTime, -noTime
	if mint == noTime {
		return maxt == -noTime
	}
	const limit = 1 << 61
	r.born, r.dies = mint-patience(mint, maxt, 0), maxt+patience(mint, maxt, 0)
	return -limit < mint && mint <= maxt && maxt < limit
}

// cachedChanges decodes a row with the labels of the one before, of which n
// have other values.
func (c *cursor) cachedChanges(b []byte, i, end, n int) (int, error) {
	if n == 0 {
		return 0, errRow
	}
	changed, own, place := c.changed[:0], c.own, -1
	for k := range n {
		gap, p := uvarint(b, i)
		value, p := uvarint(b, p)
		i = p
		if gap >= uint64(len(own)) || value >= uint64(c.count) || i > end {
			return 0, errRow
		}
		place += int(gap) + 1
		if place >= len(own) {
			return 0, errRow
		}
		if k == 0 { // the first one only rises: the rows are sorted
			value += uint64(own[place]) + 1
		}
		if value >= uint64(c.count) {
			return 0, errRow
		}
		own[place] = uint32(value)
		changed = append(changed, int32(place))
	}
	if c.rank != nil {
		for _, j := range changed {
			c.values[j] = c.rank[own[j]]
		}
	}
	c.changed = changed
	return i, nil
}

// cachedLayout decodes a row with the k-th set of labels.
func (c *cursor) cachedLayout(b []byte, i, end, k int) (int, error) {
	p := c.cached
	switch {
	case k > len(p.layouts):
		return 0, errRow
	case k == len(p.layouts):
		var err error
		if i, err = c.cachedNames(b, i, end); err != nil {
			return 0, err
		}
	}
	names, own := p.names[k], c.spareOwn[:0]
	for range names {
		value, next := uvarint(b, i)
		if i = next; i > end || value >= uint64(c.count) {
			return 0, errRow
		}
		own = append(own, uint32(value))
	}
	if p.current >= 0 && compareLabels(p.names[p.current], c.own, names, own) >= 0 {
		return 0, errOrder
	}
	if p.current < 0 {
		c.mint, c.maxt, c.indexBytes = 0, 0, 0
	}
	c.own, c.spareOwn = own, c.own
	c.values = own
	if c.rank != nil {
		c.values = c.shared[:0]
		for _, v := range own {
			c.values = append(c.values, c.rank[v])
		}
		c.shared = c.values
	}
	c.layout, p.current, c.changed = p.layouts[k], k, c.changed[:0]
	return i, nil
}

// cachedNames decodes a set of names.
func (c *cursor) cachedNames(b []byte, i, end int) (int, error) {
	n, i := uvarint(b, i)
	if i > end || n == 0 || n > uint64(end-i) {
		return 0, errRow
	}
	own, names := make([]uint32, 0, n), c.spareNames[:0]
	for range n {
		name, next := uvarint(b, i)
		if i = next; i > end || name >= uint64(c.count) || len(own) > 0 && uint32(name) <= own[len(own)-1] {
			return 0, errRow
		}
		own = append(own, uint32(name))
		if c.rank != nil {
			name = uint64(c.rank[name])
		}
		names = append(names, uint32(name))
	}
	c.spareNames = names
	c.cached.names = append(c.cached.names, own)
	c.cached.layouts = append(c.cached.layouts, c.layouts.of(names))
	return i, nil
}
