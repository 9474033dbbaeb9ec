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
		c.differs = -1
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
	if len(m.used) < len(m.cursors) {
		m.follow(m.used[0])
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
		c.differs = -1
		if m.count > 0 && len(c.changed) > 0 {
			c.differs = int(c.changed[0])
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

// follow brings up to date where those series differ from the one that is
// returned now, which wait for their turn.
func (m *merger) follow(first *cursor) {
	for _, c := range m.cursors {
		switch {
		case c.step == m.count:
		case c.differs >= 0 && c.differs < first.differs: // it agrees with the one before up to there
		case c.layout != first.layout:
			c.differs = -1
		default:
			c.differs = max(0, min(c.differs, first.differs))
			for c.values[c.differs] == first.values[c.differs] {
				c.differs++
			}
		}
	}
}

// compare orders the series of two cursors. Both come after the series that was
// returned last: the one that agrees with more of it is the smaller one.
func (m *merger) compare(a, b *cursor) int {
	if a.differs < 0 || b.differs < 0 {
		return compareRows(&a.row, &b.row)
	}
	if a.differs != b.differs {
		return cmp.Compare(b.differs, a.differs)
	}
	return slices.Compare(a.values[a.differs:], b.values[a.differs:])
}

func compareRows(a, b *row) int {
	if a.layout == b.layout {
		return slices.Compare(a.values, b.values)
	}
	return compareLabels(a.layout.names, a.values, b.layout.names, b.values)
}
