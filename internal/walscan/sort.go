package walscan

import (
	"cmp"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// head puts the result together. It ends at the given time at the latest. The
// collector cannot be used afterwards.
func (c *collector) head(until int64) *Head {
	h := &Head{
		From: math.MaxInt64, To: math.MinInt64, Lost: c.lost, LostUntil: c.lostUntil,
		layouts: c.layouts, values: c.values, series: c.series,
	}
	nameLabel, named := c.symbols[model.MetricNameLabel]
	metadata := c.metadata
	rank := h.rank(c.text)
	*c = collector{}
	runtime.GC() // what was needed to read makes room for what is needed to sort
	h.each(func(_ uint32, s *Series) {
		h.count++
		h.From, h.To = min(h.From, s.First), max(h.To, s.Last)
	})
	if h.count == 0 {
		return h
	}
	h.To = max(min(h.To, until), h.From)
	h.countRecent()
	var name func(s *Series) int
	if named {
		label := rank[nameLabel]
		name = h.namesBy(label)
	} else {
		name = func(*Series) int { return -1 }
	}
	h.group(name)
	x := sorter{Head: h}
	for i := range h.Metrics {
		x.metric(&h.Metrics[i])
	}
	for id, m := range metadata {
		i, ok := slices.BinarySearchFunc(h.Metrics, h.Symbols[rank[id]], func(m Metric, name string) int { return strings.Compare(m.Name, name) })
		if ok {
			h.Metrics[i].Metadata = m
		}
	}
	return h
}

// rank sorts the symbols and renumbers all series. It returns the new numbers.
func (h *Head) rank(text []string) []uint32 {
	order := make([]uint32, len(text))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return strings.Compare(text[a], text[b]) })
	rank := make([]uint32, len(text))
	h.Symbols = make([]string, len(text))
	for i, id := range order {
		rank[id] = uint32(i)
		h.Symbols[i] = text[id]
	}
	for _, numbers := range [][][]uint32{h.layouts, h.values} {
		for _, page := range numbers {
			for i, id := range page {
				page[i] = rank[id]
			}
		}
	}
	return rank
}

// countRecent turns the counts of windows into those of recent samples.
func (h *Head) countRecent() {
	newest := window(h.To)
	h.Recent = (newest - 1) * RateWindow.Milliseconds()
	for i := range h.series.count {
		s := h.series.at(uint32(i))
		switch last := window(s.Last); {
		case last >= newest:
			s.Recent += s.before
		case last < newest-1:
			s.Recent = 0
		}
	}
}

// namesBy returns a function that finds the symbol of a series' name, -1
// without, in a label.
func (h *Head) namesBy(label uint32) func(s *Series) int {
	place := make([]int, len(h.layouts))
	for i, names := range h.layouts {
		place[i] = slices.Index(names, label)
	}
	return func(s *Series) int {
		if at := place[s.layout]; at >= 0 {
			return int(values(h.values, s.at, at+1)[at])
		}
		return -1
	}
}

// group lists the metrics with their series.
func (h *Head) group(name func(s *Series) int) {
	count := make([]int, len(h.Symbols)+1) // by the symbol of the name plus one
	h.each(func(_ uint32, s *Series) { count[name(s)+1]++ })
	all := make([]uint32, 0, h.count)
	for i, n := range count {
		if n > 0 {
			m := Metric{Series: all[len(all) : len(all) : len(all)+n]}
			all = all[:len(all)+n]
			if i > 0 {
				m.Name = h.Symbols[i-1]
			}
			count[i] = len(h.Metrics)
			h.Metrics = append(h.Metrics, m)
		}
	}
	h.each(func(i uint32, s *Series) {
		m := &h.Metrics[count[name(s)+1]]
		m.Series = append(m.Series, i)
	})
}

// each calls f with every series that has samples, in the order of the log.
func (h *Head) each(f func(i uint32, s *Series)) {
	for i := range h.series.count {
		if s := h.series.at(uint32(i)); s.Samples > 0 {
			f(uint32(i), s)
		}
	}
}

// sorter sorts the series of one metric.
type sorter struct {
	*Head
	keys  []sortKey
	spare []uint32
}

type sortKey struct {
	series uint32
	at     valuesAt
	key    uint64 // the first values that differ between the series
}

// metric sorts the series of a metric by their labels and makes one of those
// that are there twice.
func (x *sorter) metric(m *Metric) {
	if cap(x.keys) < len(m.Series) {
		x.keys = make([]sortKey, 0, len(m.Series)+len(m.Series)/4)
	}
	keys := x.keys[:0]
	one := true
	for _, i := range m.Series {
		s := x.series.at(i)
		keys = append(keys, sortKey{i, s.at, uint64(s.layout)})
		one = one && keys[0].key == uint64(s.layout)
	}
	if !one {
		slices.SortStableFunc(keys, func(a, b sortKey) int { return cmp.Compare(a.key, b.key) })
	}
	series := m.Series[:0]
	var ends []int // of the series of each layout
	for len(keys) > 0 {
		n := 1
		for n < len(keys) && keys[n].key == keys[0].key {
			n++
		}
		series = x.sortRun(series, keys[:n], len(x.layouts[keys[0].key]))
		ends = append(ends, len(series))
		keys = keys[n:]
	}
	for len(ends) > 1 {
		ends = x.mergeRuns(series, ends)
	}
	m.Series = series
}

// join makes one of two series that are the same.
func (x *sorter) join(a, b uint32) uint32 {
	late, early := x.series.at(a), x.series.at(b)
	if late.Last < early.Last {
		a, late, early = b, early, late
	}
	late.Native = late.Native || early.Native
	late.First = min(late.First, early.First)
	late.Samples += early.Samples
	late.Recent += early.Recent
	return a
}

// sortRun sorts series that have the same label names, width of them, and
// appends each one once.
func (x *sorter) sortRun(series []uint32, keys []sortKey, width int) []uint32 {
	low, high := slices.Clone(x.row(keys[0], width)), slices.Clone(x.row(keys[0], width))
	for _, k := range keys {
		for i, v := range x.row(k, width) {
			low[i], high[i] = min(low[i], v), max(high[i], v)
		}
	}
	// The key has as many of the first values as there is room for, those
	// that are the same everywhere need none.
	size, columns := 0, 0
	for columns < width && size+bits.Len32(high[columns]-low[columns]) <= 64 {
		size += bits.Len32(high[columns] - low[columns])
		columns++
	}
	for n := range keys {
		key := uint64(0)
		for i, v := range x.row(keys[n], columns) {
			key = key<<bits.Len32(high[i]-low[i]) | uint64(v-low[i])
		}
		keys[n].key = key
	}
	compare := func(a, b sortKey) int {
		if a.key != b.key || columns == width {
			return cmp.Compare(a.key, b.key)
		}
		return slices.Compare(x.row(a, width)[columns:], x.row(b, width)[columns:])
	}
	slices.SortFunc(keys, compare)
	for i, k := range keys {
		if i > 0 && compare(keys[i-1], k) == 0 {
			last := &series[len(series)-1]
			*last = x.join(*last, k.series)
			x.count--
		} else {
			series = append(series, k.series)
		}
	}
	return series
}

// row returns the first n values of a series.
func (x *sorter) row(k sortKey, n int) []uint32 { return values(x.values, k.at, n) }

// mergeRuns merges pairs of sorted runs, which end there, and returns where
// they end then.
func (x *sorter) mergeRuns(series []uint32, ends []int) []int {
	x.spare = append(x.spare[:0], series...)
	var merged []int
	begin := 0
	for i := 0; i < len(ends); i += 2 {
		middle, end := ends[i], ends[min(i+1, len(ends)-1)]
		a, b := x.spare[begin:middle], x.spare[middle:end]
		for out := begin; out < end; out++ {
			if len(b) == 0 || len(a) > 0 && x.compare(a[0], b[0]) < 0 {
				series[out], a = a[0], a[1:]
			} else {
				series[out], b = b[0], b[1:]
			}
		}
		merged = append(merged, end)
		begin = end
	}
	return merged
}

// compare orders series as an index does: by the first name or value that
// differs, then by length.
func (x *sorter) compare(a, b uint32) int {
	an, av := x.Labels(x.series.at(a))
	bn, bv := x.Labels(x.series.at(b))
	for i := range min(len(an), len(bn)) {
		if c := cmp.Or(cmp.Compare(an[i], bn[i]), cmp.Compare(av[i], bv[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(an), len(bn))
}
