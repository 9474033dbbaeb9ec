package tsdbscan

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/prometheus/common/model"
)

// blockMetrics is where the series of each metric are in one block.
type blockMetrics struct {
	all   list // every series
	count int  // of all
	names map[string]list
}

// readMetrics reads the table of a block's postings lists.
func (x *indexFile) readMetrics(block int) (*blockMetrics, error) {
	m := &blockMetrics{names: map[string]list{}}
	found, twice := false, ""
	err := x.eachPostings(func(name, value []byte, off int64) bool {
		switch string(name) {
		case "":
			m.all, found = list{block: block, off: off}, true
		case model.MetricNameLabel:
			if _, ok := m.names[string(value)]; ok {
				twice = string(value)
			}
			m.names[string(value)] = list{block: block, off: off}
		}
		return string(name) <= model.MetricNameLabel
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read postings offset table: %w", err)
	case twice != "":
		return nil, fmt.Errorf("read postings offset table: metric %q is there twice", twice)
	case !found:
		return nil, errors.New("read postings offset table: the list of all series is missing")
	}
	if m.count, err = x.postingsCount(m.all.off); err != nil {
		return nil, fmt.Errorf("read postings: %w", err)
	}
	sum := 0
	for name, l := range m.names {
		if l.count, err = x.postingsCount(l.off); err != nil {
			return nil, fmt.Errorf("read postings of %q: %w", name, err)
		}
		m.names[name] = l
		sum += l.count
	}
	if sum > m.count {
		return nil, fmt.Errorf("the metrics have %d series, all together %d", sum, m.count)
	}
	m.all.count = m.count - sum // series without a name
	return m, nil
}

// nameless looks for the series without a name, which no list names.
func (c *cursor) nameless(ctx context.Context, m *blockMetrics, l *layouts) (list, error) {
	found := list{block: c.block, refs: []uint32{}}
	if err := c.start(m.all, l); err != nil {
		return found, err
	}
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return found, ctx.Err()
		}
		ok, err := c.next()
		if err != nil {
			return found, err
		}
		if !ok {
			break
		}
		if c.layout.name < 0 {
			found.refs = append(found.refs, c.ref)
		}
	}
	found.count = len(found.refs)
	if found.count != m.all.count {
		return found, fmt.Errorf("%d series are in no postings list of a metric", m.all.count-found.count)
	}
	return found, nil
}

// probes is how many series of a block are read to guess its span.
const probes = 256

// probe returns the first and last sample time of some series of the block.
func (c *cursor) probe(m *blockMetrics, l *layouts) (from, to int64, err error) {
	from, to = noTime, -noTime
	if err := c.start(list{refs: []uint32{}}, l); err != nil {
		return 0, 0, err
	}
	chunks := c.chunks
	c.chunks = nil
	defer func() { c.chunks = chunks }()
	n := min(probes, m.count)
	for i := range n {
		var b [4]byte
		if _, err := c.index.file.ReadAt(b[:], m.all.off+8+4*int64(i*(m.count-1)/max(1, n-1))); err != nil {
			return 0, 0, fmt.Errorf("read postings: %w", err)
		}
		ref := binary.BigEndian.Uint32(b[:])
		if err := c.read(int64(ref) * c.index.align()); err != nil {
			return 0, 0, fmt.Errorf("read series %d: %w", ref, err)
		}
		from, to = min(from, c.mint), max(to, c.maxt)
	}
	return from, to, nil
}
