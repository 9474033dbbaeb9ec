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
	if len(h.Series) > 0 {
		x.share = min(1, max(0, float64(h.To-max(h.From, x.blocksEnd))/blockRange))
	} else {
		x.From, x.To = noTime, -noTime
	}
	return x
}

func (h *head) eachSymbol(f func(b []byte, n int)) error {
	var b []byte
	for _, t := range h.Symbols {
		b = append(b[:0], t...)
		f(b, len(h.Symbols))
	}
	return nil
}

// metrics returns where the series of each metric are, and those without a
// name.
func (h *head) metrics(block int) (names map[string]list, nameless list) {
	names, nameless = map[string]list{}, list{block: block}
	label, ok := slices.BinarySearch(h.Symbols, model.MetricNameLabel)
	byName := map[uint32][]uint32{}
	for n, s := range h.Series {
		i := 0
		for i < len(s.Labels) && (!ok || s.Labels[i] != uint32(label)) {
			i += 2
		}
		if i < len(s.Labels) {
			byName[s.Labels[i+1]] = append(byName[s.Labels[i+1]], uint32(n))
		} else {
			nameless.refs = append(nameless.refs, uint32(n))
		}
	}
	nameless.count = len(nameless.refs)
	for id, refs := range byName {
		names[h.Symbols[id]] = list{block: block, refs: refs, count: len(refs)}
	}
	return names, nameless
}

// end corrects a span that reaches beyond the blocks.
func (h *head) end(sp *span, tail int64) {
	if sp.to > h.To {
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

// readHead reads the n-th series of the head.
func (c *cursor) readHead(n int) {
	s := &c.head.Series[n]
	names, values := c.spareNames[:0], c.shared[:0]
	for i := 0; i < len(s.Labels); i += 2 {
		name, value := s.Labels[i], s.Labels[i+1]
		if c.rank != nil {
			name, value = c.rank[name], c.rank[value]
		}
		names, values = append(names, name), append(values, value)
	}
	c.spareNames, c.shared = names, values
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
	for _, id := range s.Labels {
		n += int64(binary.PutUvarint(b[:], uint64(id)))
	}
	n = (n+crcLength+seriesAlign-1)/seriesAlign*seriesAlign + 4*int64(len(s.Labels)/2+1)
	return int64(float64(n) * h.share)
}
