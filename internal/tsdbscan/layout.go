package tsdbscan

import "encoding/binary"

// layout is a set of label names that series have, sorted. Series of one
// layout and one job are sorted by their values alone.
type layout struct {
	names []uint32
	job   int // place of the job label, -1 without
	name  int // place of the metric name, -1 without
	parts map[uint32]*part
}

// layouts are the layouts that the series of one metric have.
type layouts struct {
	nameLabel, jobLabel uint32 // numbers of __name__ and job
	byNames             map[string]*layout
	lengths             map[int]bool
	key                 []byte
}

func newLayouts(nameLabel, jobLabel uint32) *layouts {
	return &layouts{nameLabel: nameLabel, jobLabel: jobLabel, byNames: map[string]*layout{}, lengths: map[int]bool{}}
}

// of returns the layout with these names, always the same one.
func (l *layouts) of(names []uint32) *layout {
	l.key = l.key[:0]
	for _, n := range names {
		l.key = binary.LittleEndian.AppendUint32(l.key, n)
	}
	if y, ok := l.byNames[string(l.key)]; ok {
		return y
	}
	y := &layout{names: append([]uint32(nil), names...), job: -1, name: -1, parts: map[uint32]*part{}}
	for i, n := range names {
		switch n {
		case l.jobLabel:
			y.job = i
		case l.nameLabel:
			y.name = i
		}
	}
	l.byNames[string(l.key)] = y
	l.lengths[len(names)] = true
	return y
}

// without returns the layout without its i-th name, or nil when no series has
// it.
func (l *layouts) without(y *layout, i int) *layout {
	if !l.lengths[len(y.names)-1] {
		return nil
	}
	l.key = l.key[:0]
	for j, n := range y.names {
		if j != i {
			l.key = binary.LittleEndian.AppendUint32(l.key, n)
		}
	}
	return l.byNames[string(l.key)]
}
