package tsdbscan

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei/internal/walscan"
)

// blockRange is how much Prometheus puts into a block when it writes the head,
// in milliseconds.
const blockRange = 2 * 3600 * 1000

// head is the series that are in the head, as if they were a block.
type head struct {
	*walscan.Head
	blocksEnd int64   // of the newest block, math.MinInt64 without any
	share     float64 // of a block that has come together after that, at most 1
}

func newHead(h *walscan.Head, blocks []Block) *head {
	x := &head{Head: h, blocksEnd: math.MinInt64}
	for i := range blocks {
		x.blocksEnd = max(x.blocksEnd, blocks[i].MaxTime)
	}
	if h.Len() > 0 {
		x.share = min(1, max(0, float64(h.To-max(h.From, x.blocksEnd))/blockRange))
	} else {
		x.From, x.To = noTime, -noTime
	}
	return x
}

func (h *head) symbolCount() (n, size int, err error) {
	for _, t := range h.Symbols {
		size += len(t)
	}
	return len(h.Symbols), size, nil
}

func (h *head) eachSymbol(f func(b []byte, own uint32)) error {
	var b []byte
	for i, t := range h.Symbols {
		b = append(b[:0], t...)
		f(b, uint32(i))
	}
	return nil
}

// metrics returns where the series of each metric are, and those without a
// name.
func (h *head) metrics(block int) (names map[string]list, nameless list) {
	names, nameless = map[string]list{}, list{block: block, refs: []uint32{}}
	label, ok := slices.BinarySearch(h.Symbols, model.MetricNameLabel)
	for _, m := range h.Metrics {
		l := list{block: block, refs: m.Series, count: len(m.Series)}
		labels, _ := h.Labels(h.Series(m.Series[0]))
		if ok && slices.Contains(labels, uint32(label)) {
			names[m.Name] = l
		} else {
			nameless = l
		}
	}
	return names, nameless
}

// end corrects a span that reaches beyond the blocks.
func (h *head) end(sp *span, tail int64) {
	if sp.to-Lookback.Milliseconds() > h.To {
		return // the blocks are newer
	}
	sp.recentSeconds = max(1, float64(sp.to-max(h.From, h.Recent))/1000)
	if end := min(sp.to, h.blocksEnd); end > tail {
		sp.tailSeconds = max(1, float64(end-max(sp.from, tail))/1000)
	}
}

func newHeadCursor(block int, h *head, s *symbols) *cursor {
	return &cursor{block: block, head: h, rank: s.rank[block]}
}

// readHead reads a series of the head.
func (c *cursor) readHead(n uint32) {
	s := c.head.Series(n)
	names, values := c.head.Labels(s)
	if c.rank != nil {
		c.spareNames, c.shared = c.spareNames[:0], c.shared[:0]
		for i, name := range names {
			c.spareNames, c.shared = append(c.spareNames, c.rank[name]), append(c.shared, c.rank[values[i]])
		}
		names, values = c.spareNames, c.shared
	}
	if c.layout == nil || !slices.Equal(c.layout.names, names) {
		c.layout = c.layouts.of(names)
	}
	c.values = values
	wait := patience(s.First, s.Last, int64(s.Samples))
	c.mint, c.maxt = s.First, s.Last
	c.born, c.dies = s.First-wait, s.Last+wait
	if s.Stale {
		c.dies = s.Last
	}
	c.recent, c.native = int64(s.Recent), s.Native
	c.indexBytes = c.head.indexBytes(s)
}

// indexBytes estimates the part of the series in the index of the block that
// the head will become.
func (h *head) indexBytes(s *walscan.Series) int64 {
	if s.Last < h.blocksEnd {
		return 0
	}
	const chunk, samplesPerChunk = 10, 120
	var b [binary.MaxVarintLen64]byte
	n := 2 + chunk*int64(1+s.Samples/samplesPerChunk)
	names, values := h.Labels(s)
	for i, name := range names {
		n += int64(binary.PutUvarint(b[:], uint64(name)) + binary.PutUvarint(b[:], uint64(values[i])))
	}
	n = (n+crcLength+seriesAlign-1)/seriesAlign*seriesAlign + 4*int64(len(names)+1)
	return int64(float64(n) * h.share)
}
