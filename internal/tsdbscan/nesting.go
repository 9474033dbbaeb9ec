package tsdbscan

import "math/bits"

// nesting is a pair of parts of one job whose layouts differ in one label
// only. Without it, a series of the part that has the label can become equal
// to one of the part that has not.
type nesting struct {
	label int   // place in the layout that has it
	in    *part // the part without it
	// Series of that part that one with the label becomes equal to, and
	// those where both are live: a bit each.
	hit, hitLive []uint64
}

// findNestings returns whether any part has nestings, and fills them in.
func findNestings(l *layouts, parts []*part) bool {
	found := false
	for _, p := range parts {
		for i := range p.columns {
			if p.columns[i].label == nil {
				continue
			}
			y := l.without(p.layout, i)
			if y == nil {
				continue
			}
			job := uint32(noJob)
			if y.job >= 0 {
				job = p.job()
			}
			if in := y.parts[job]; in != nil {
				words := (len(in.rows) + 63) / 64
				p.nested = append(p.nested, nesting{i, in, make([]uint64, words), make([]uint64, words)})
				in.buildIndex()
				found = true
			}
		}
	}
	return found
}

// mark looks for what the n-th series of the part, with these values, becomes
// equal to.
func (w *worker) mark(p *part, n int, values []uint32) {
	for i := range p.nested {
		t := &p.nested[i]
		row := p.rows[n] - w.hash(p.layout.names[t.label], values[t.label])
		j, ok := t.in.find(row)
		if !ok {
			continue
		}
		t.hit[j/64] |= 1 << (j % 64)
		if row&t.in.rows[j]&1 != 0 {
			t.hitLive[j/64] |= 1 << (j % 64)
		}
	}
}

// countNestings adds what mark has found to the labels.
func countNestings(parts []*part) {
	for _, p := range parts {
		for _, t := range p.nested {
			for i := range t.hit {
				p.columns[t.label].label.saved += int64(bits.OnesCount64(t.hit[i]))
				p.columns[t.label].label.savedLive += int64(bits.OnesCount64(t.hitLive[i]))
			}
		}
	}
}

// buildIndex prepares find.
func (p *part) buildIndex() {
	if p.index != nil {
		return
	}
	p.index = make([]uint32, 1<<bits.Len(uint(len(p.rows)+len(p.rows)/2)))
	for j, row := range p.rows {
		at := int(row>>1) & (len(p.index) - 1)
		for p.index[at] != 0 {
			at = (at + 1) & (len(p.index) - 1)
		}
		p.index[at] = uint32(j + 1)
	}
}

// find returns the series with the sum, live or not.
func (p *part) find(sum uint64) (int, bool) {
	at := int(sum>>1) & (len(p.index) - 1)
	for p.index[at] != 0 {
		if j := int(p.index[at] - 1); p.rows[j]^sum <= 1 {
			return j, true
		}
		at = (at + 1) & (len(p.index) - 1)
	}
	return 0, false
}
