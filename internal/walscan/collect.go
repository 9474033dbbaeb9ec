package walscan

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/encoding"
	"github.com/prometheus/prometheus/tsdb/record"
)

// collector gathers the series of a log.
type collector struct {
	decoder record.Decoder
	reader  *reader

	text    []string // the symbols, in the order in which they came
	symbols map[string]uint32

	series entries
	byHash map[uint64]uint32 // entries by the hash of their labels
	seed   maphash.Seed
	slab   []uint32 // memory for labels
	row    []uint32 // the labels of one series
	key    []byte

	// The references of series, in the order in which they came, with their
	// entries. A series can have several.
	refs   []chunks.HeadSeriesRef
	refOf  []uint32
	places map[chunks.HeadSeriesRef]uint32 // in refs
	place  int                             // in refs, of the latest sample

	lost, lostUntil int64

	samples []record.RefSample // memory to use again
}

// entry is one series.
type entry struct {
	labels      []uint32 // numbers of text
	first, last int64
	samples     uint32
	stale       bool
	native      bool
	// How many samples the window of RateWindow has that the last one lies in,
	// and the one before.
	current, before uint32
}

// entries are pages of series, so that they stay where they are when more come.
type entries struct {
	pages [][]entry
	count uint32
}

const entriesPerPage = 4096

func (e *entries) at(i uint32) *entry { return &e.pages[i/entriesPerPage][i%entriesPerPage] }

func (e *entries) add(s entry) {
	if e.count%entriesPerPage == 0 {
		e.pages = append(e.pages, make([]entry, entriesPerPage))
	}
	e.count++
	*e.at(e.count - 1) = s
}

func newCollector() *collector {
	return &collector{
		decoder: record.NewDecoder(labels.NewSymbolTable(), slog.New(slog.DiscardHandler)),
		reader:  newReader(),
		symbols: map[string]uint32{},
		byHash:  map[uint64]uint32{},
		seed:    maphash.MakeSeed(),
		places:  map[chunks.HeadSeriesRef]uint32{},
	}
}

func (c *collector) read(ctx context.Context, l log) error {
	n := 0
	for i := range l {
		err := c.reader.each(&l[i], func(rec []byte) error {
			if n++; n%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return c.record(rec)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) record(rec []byte) (err error) {
	if len(rec) == 0 {
		return nil
	}
	switch t := c.decoder.Type(rec); t {
	case record.Series:
		return c.addSeries(rec)
	case record.Samples, record.SamplesV2:
		c.samples, err = c.decoder.Samples(rec, c.samples[:0])
		for i := range c.samples {
			s := &c.samples[i]
			c.sample(s.Ref, s.T, s.V)
		}
	case record.HistogramSamples, record.CustomBucketsHistogramSamples, record.HistogramSamplesV2,
		record.FloatHistogramSamples, record.CustomBucketsFloatHistogramSamples, record.FloatHistogramSamplesV2:
		err = c.histograms(t, rec)
	case record.Tombstones, record.Exemplars, record.MmapMarkers, record.Metadata:
	default:
		return fmt.Errorf("records of type %d are not known: a newer Prometheus has written them", rec[0])
	}
	if err != nil {
		return fmt.Errorf("decode %s: %w", c.decoder.Type(rec), err)
	}
	return nil
}

// addSeries adds the series of a record, unless they are there.
func (c *collector) addSeries(rec []byte) error {
	d := encoding.Decbuf{B: rec[1:]}
	for len(d.B) > 0 {
		ref := chunks.HeadSeriesRef(d.Be64())
		c.row = c.row[:0]
		for n := d.Uvarint(); n > 0 && d.Err() == nil; n-- {
			name, text := d.UvarintBytes(), d.UvarintBytes()
			if d.Err() == nil {
				c.row = append(c.row, c.symbol(name), c.symbol(text))
			}
		}
		if d.Err() != nil {
			return fmt.Errorf("decode series: %w", d.Err())
		}
		at := c.entry()
		if place, ok := c.places[ref]; ok {
			c.refOf[place] = at
			continue
		}
		c.places[ref] = uint32(len(c.refs))
		c.refs, c.refOf = append(c.refs, ref), append(c.refOf, at)
	}
	return nil
}

func (c *collector) symbol(b []byte) uint32 {
	if id, ok := c.symbols[string(b)]; ok {
		return id
	}
	id := uint32(len(c.text))
	t := string(b)
	c.text = append(c.text, t)
	c.symbols[t] = id
	return id
}

// entry returns the place of the series with the labels in c.row.
func (c *collector) entry() uint32 {
	c.key = c.key[:0]
	for _, id := range c.row {
		c.key = binary.LittleEndian.AppendUint32(c.key, id)
	}
	h := maphash.Bytes(c.seed, c.key)
	for ; ; h++ {
		at, ok := c.byHash[h]
		if !ok {
			break
		}
		if slices.Equal(c.series.at(at).labels, c.row) {
			return at
		}
	}
	if cap(c.slab)-len(c.slab) < len(c.row) {
		c.slab = make([]uint32, 0, max(64<<10, len(c.row)))
	}
	begin := len(c.slab)
	c.slab = append(c.slab, c.row...)
	at := c.series.count
	c.byHash[h] = at
	c.series.add(entry{labels: c.slab[begin:len(c.slab):len(c.slab)], first: math.MaxInt64, last: math.MinInt64})
	return at
}

// sample counts a sample and returns its series, nil when nothing names it.
func (c *collector) sample(ref chunks.HeadSeriesRef, t int64, v float64) *entry {
	// Most samples come in the order in which their series came.
	if c.place++; c.place >= len(c.refs) || c.refs[c.place] != ref {
		place, ok := c.places[ref]
		if !ok {
			c.lostUntil = max(c.lostUntil, t)
			c.lost++
			return nil
		}
		c.place = int(place)
	}
	s := c.series.at(c.refOf[c.place])
	w := window(t)
	switch old := window(s.last); {
	case s.samples == 0 || w > old+1:
		s.current, s.before = 1, 0
	case w == old+1:
		s.current, s.before = 1, s.current
	case w == old:
		s.current++
	case w == old-1:
		s.before++
	}
	s.samples++
	s.first = min(s.first, t)
	if t >= s.last {
		s.last, s.stale = t, value.IsStaleNaN(v)
	}
	return s
}

// window returns the number of the window that a time lies in.
func window(t int64) int64 {
	size := RateWindow.Milliseconds()
	w := t / size
	if t%size < 0 {
		w--
	}
	return w
}

// head puts the result together. The collector cannot be used afterwards.
func (c *collector) head() (*Head, error) {
	c.places, c.byHash, c.symbols, c.refs, c.refOf = nil, nil, nil, nil, nil
	h := &Head{Lost: c.lost, LostUntil: c.lostUntil, From: math.MaxInt64, To: math.MinInt64}
	order := make([]uint32, len(c.text))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return strings.Compare(c.text[a], c.text[b]) })
	rank := make([]uint32, len(c.text))
	h.Symbols = make([]string, len(c.text))
	for i, id := range order {
		rank[id] = uint32(i)
		h.Symbols[i] = c.text[id]
	}
	order = order[:0]
	for i := range c.series.count {
		s := c.series.at(i)
		if s.samples == 0 {
			continue
		}
		for j, id := range s.labels {
			s.labels[j] = rank[id]
			if j >= 2 && j%2 == 0 && s.labels[j] <= s.labels[j-2] {
				return nil, fmt.Errorf("the labels of a series are not sorted at %q", c.text[id])
			}
		}
		order = append(order, i)
		h.From, h.To = min(h.From, s.first), max(h.To, s.last)
	}
	slices.SortFunc(order, func(a, b uint32) int { return slices.Compare(c.series.at(a).labels, c.series.at(b).labels) })
	newest := window(h.To)
	h.Recent = (newest - 1) * RateWindow.Milliseconds()
	h.Series = make([]Series, len(order))
	for i, at := range order {
		s := c.series.at(at)
		h.Series[i] = Series{Labels: s.labels, First: s.first, Last: s.last, Stale: s.stale, Native: s.native, Samples: s.samples}
		switch window(s.last) {
		case newest:
			h.Series[i].Recent = s.current + s.before
		case newest - 1:
			h.Series[i].Recent = s.current
		}
	}
	return h, nil
}
