package walscan

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/tsdb/encoding"
)

// known are the series that a log names, in that order. A series that has got
// a second reference is there twice until the end.
type known struct {
	text    []string // the symbols, in the order in which they came
	symbols map[string]uint32

	layouts [][]uint32 // sets of label names
	byNames map[string]uint32
	series  pages[Series]
	values  [][]uint32 // pages of valuesPerPage or more, of all series
	open    [256]int   // of metrics by their names: the page that is being filled, plus one
	refs    table      // of series: their places are those in series

	// The labels of the latest series: its names and values as text, which is
	// valid while its record is read, and as symbols.
	last   []symbolText
	names  []uint32
	row    []uint32
	key    []byte
	layout uint32 // of names
	name   int    // place of the metric's name in them, -1 without
}

type symbolText struct {
	text []byte
	id   uint32
}

// What valuesAt can count.
const (
	valuesPerPage = 1 << 12
	maxPages      = 1 << 20
)

func newKnown() *known {
	return &known{symbols: map[string]uint32{}, byNames: map[string]uint32{}, refs: table{ranges: map[uint64]*refRange{}}}
}

var (
	errNotSorted = errors.New("the labels of a series are not sorted")
	errTooMany   = errors.New("the head has more series than can be read: leave it out")
)

// add adds the series of a record, unless they are there.
func (k *known) add(rec []byte) error {
	d := encoding.Decbuf{B: rec[1:]}
	k.last = k.last[:0]
	for len(d.B) > 0 {
		ref := d.Be64()
		if err := k.decode(&d); err != nil {
			return err
		}
		if place, ok := k.refs.find(ref); ok {
			if s := k.series.at(uint32(place)); s.layout == k.layout && slices.Equal(k.valuesOf(s), k.row) {
				continue
			}
		}
		if len(k.values) >= maxPages {
			return errTooMany
		}
		k.refs.add(ref)
		k.series.add(Series{layout: k.layout, at: k.store(k.row)})
	}
	return nil
}

// decode decodes labels into names and row. Most are those of the series
// before.
func (k *known) decode(d *encoding.Decbuf) error {
	before := k.last
	n := d.Uvarint()
	if d.Err() != nil || n > len(d.B)/2 {
		return encoding.ErrInvalidSize
	}
	if cap(k.last) < 2*n {
		k.last = append(make([]symbolText, 0, 4*n), before...)
		before = k.last
	}
	same := n > 0 && len(before) == 2*n
	k.last, k.row = k.last[:2*n], k.row[:0]
	for i := range n {
		name, value := shortBytes(d), shortBytes(d)
		if d.Err() != nil {
			k.last = k.last[:0]
			return d.Err()
		}
		s := k.last[2*i : 2*i+2]
		if 2*i >= len(before) || string(s[0].text) != string(name) {
			s[0] = symbolText{name, k.symbol(name)}
			same = false
		}
		if 2*i >= len(before) || string(s[1].text) != string(value) {
			s[1] = symbolText{value, k.symbol(value)}
		}
		k.row = append(k.row, s[1].id)
	}
	if same {
		return nil
	}
	for i := 2; i < len(k.last); i += 2 {
		if string(k.last[i-2].text) >= string(k.last[i].text) {
			return errNotSorted
		}
	}
	k.setLayout()
	return nil
}

// shortBytes is UvarintBytes, faster for less than 128 of them.
func shortBytes(d *encoding.Decbuf) []byte {
	if b := d.B; d.E == nil && len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) {
		end := 1 + int(b[0])
		d.B = b[end:]
		return b[1:end]
	}
	return d.UvarintBytes()
}

// setLayout makes names and layout those of the latest series.
func (k *known) setLayout() {
	k.names, k.key = k.names[:0], k.key[:0]
	for i := 0; i < len(k.last); i += 2 {
		k.names = append(k.names, k.last[i].id)
		k.key = binary.LittleEndian.AppendUint32(k.key, k.last[i].id)
	}
	layout, ok := k.byNames[string(k.key)]
	if !ok {
		layout = uint32(len(k.layouts))
		k.layouts = append(k.layouts, slices.Clone(k.names))
		k.byNames[string(k.key)] = layout
	}
	k.layout = layout
	k.name = -1
	if name, ok := k.symbols[model.MetricNameLabel]; ok {
		k.name = slices.Index(k.names, name)
	}
}

func (k *known) symbol(b []byte) uint32 {
	if id, ok := k.symbols[string(b)]; ok {
		return id
	}
	id := uint32(len(k.text))
	t := string(b)
	k.text = append(k.text, t)
	k.symbols[t] = id
	return id
}

// store keeps the values of a series. Those of one metric are near each other,
// for the time when they are sorted.
func (k *known) store(row []uint32) valuesAt {
	n := &k.open[0]
	if k.name >= 0 {
		n = &k.open[row[k.name]%uint32(len(k.open))]
	}
	if *n == 0 || cap(k.values[*n-1])-len(k.values[*n-1]) < len(row) {
		k.values = append(k.values, make([]uint32, 0, max(valuesPerPage, len(row))))
		*n = len(k.values)
	}
	page := &k.values[*n-1]
	at := valuesAt(*n-1)*valuesPerPage + valuesAt(len(*page))
	*page = append(*page, row...)
	return at
}

// valuesAt is where the values of a series begin: the number of a page times
// valuesPerPage and the place there.
type valuesAt uint32

func (k *known) valuesOf(s *Series) []uint32 { return values(k.values, s.at, len(k.layouts[s.layout])) }

func values(pages [][]uint32, at valuesAt, n int) []uint32 {
	return pages[at/valuesPerPage][at%valuesPerPage:][:n]
}

// nameOf returns the symbol of the metric's name.
func (k *known) nameOf(s *Series) (uint32, bool) {
	name, ok := k.symbols[model.MetricNameLabel]
	i := slices.Index(k.layouts[s.layout], name)
	if !ok || i < 0 {
		return 0, false
	}
	return k.valuesOf(s)[i], true
}
