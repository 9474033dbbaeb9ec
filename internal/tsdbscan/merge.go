package tsdbscan

import (
	"cmp"
	"slices"
)

// merger reads the series of one metric from all blocks, each one once, in
// order.
type merger struct {
	single  *cursor   // when there is only one
	cursors []*cursor // else those that have a series
	used    []*cursor // of them those whose series has been returned
	union   row       // what has been returned
	count   int       // of what has been returned
}

// start begins with cursors that have been started. An error comes with its
// cursor.
func (m *merger) start(cursors []*cursor) (*cursor, error) {
	if len(cursors) == 1 {
		m.single = cursors[0]
		return nil, nil
	}
	for _, c := range cursors {
		c.step = 0
	}
	m.cursors, m.used = slices.Clone(cursors), slices.Clone(cursors)
	return m.advance()
}

// next returns the next series, valid until the next call, or nil after the
// last one. It comes with a cursor that has it, an error with its cursor.
func (m *merger) next() (*row, *cursor, error) {
	if c := m.single; c != nil {
		ok, err := c.next()
		if !ok || err != nil {
			return nil, c, err
		}
		return &c.row, c, nil
	}
	if c, err := m.advance(); err != nil {
		return nil, c, err
	}
	if len(m.cursors) == 0 {
		return nil, nil, nil
	}
	m.used = m.used[:0]
	for _, c := range m.cursors {
		order := -1
		if len(m.used) > 0 {
			order = m.compare(c, m.used[0])
		}
		if order < 0 {
			m.used = m.used[:0]
		}
		if order <= 0 {
			m.used = append(m.used, c)
		}
	}
	m.union = m.used[0].row
	if m.count == 0 || m.used[0].step != m.count {
		m.union.changed = nil
	}
	m.count++
	for i, c := range m.used {
		c.step = m.count
		if i > 0 {
			m.union.add(&c.row)
		}
	}
	return &m.union, m.used[0], nil
}

// advance moves the used cursors on and drops those that have ended.
func (m *merger) advance() (*cursor, error) {
	for _, c := range m.used {
		ok, err := c.next()
		if err != nil {
			return c, err
		}
		if !ok {
			m.cursors = slices.DeleteFunc(m.cursors, func(o *cursor) bool { return o == c })
		}
	}
	m.used = m.used[:0]
	return nil, nil
}

// add adds what another block knows of the same series.
func (r *row) add(o *row) {
	r.mint, r.maxt = min(r.mint, o.mint), max(r.maxt, o.maxt)
	r.born, r.dies = min(r.born, o.born), max(r.dies, o.dies)
	r.samples += o.samples
	r.recent += o.recent
	r.chunkBytes += o.chunkBytes
	r.indexBytes += o.indexBytes
	r.native = r.native || o.native
}

// compare orders the series of two cursors. Neighbouring blocks have most
// series in common: when both had the series that was returned last, it is
// enough to compare from where they differ from it.
func (m *merger) compare(a, b *cursor) int {
	if m.count == 0 || a.step != m.count || b.step != m.count || len(a.changed) == 0 || len(b.changed) == 0 {
		return compareRows(&a.row, &b.row)
	}
	first := a.changed[0] // the label has become greater
	if first != b.changed[0] {
		return cmp.Compare(b.changed[0], first)
	}
	return slices.Compare(a.values[first:], b.values[first:])
}

func compareRows(a, b *row) int {
	if a.layout == b.layout {
		return slices.Compare(a.values, b.values)
	}
	return compareLabels(a.layout.names, a.values, b.layout.names, b.values)
}
