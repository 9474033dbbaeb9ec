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
	layout uint32
	series uint32
	key    uint64 // the first values that differ between the series
}

// metric sorts the series of a metric and makes one of those that are there
// twice.
func (x *sorter) metric(m *Metric) {
	x.sort(m.Series)
	unique := m.Series[:1]
	for _, s := range m.Series[1:] {
		if last := &unique[len(unique)-1]; x.compare(*last, s) == 0 {
			*last = x.join(*last, s)
			x.count--
		} else {
			unique = append(unique, s)
		}
	}
	m.Series = unique
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

// sort sorts the series by their labels.
func (x *sorter) sort(series []uint32) {
	if cap(x.keys) < len(series) {
		x.keys = make([]sortKey, 0, len(series)+len(series)/4)
	}
	x.keys = x.keys[:0]
	for _, i := range series {
		x.keys = append(x.keys, sortKey{layout: x.series.at(i).layout, series: i})
	}
	one := !slices.ContainsFunc(x.keys, func(k sortKey) bool { return k.layout != x.keys[0].layout })
	if !one {
		slices.SortStableFunc(x.keys, func(a, b sortKey) int { return cmp.Compare(a.layout, b.layout) })
	}
	var ends []int // of the series of each layout
	for begin := 0; begin < len(x.keys); {
		end := begin + 1
		for end < len(x.keys) && x.keys[end].layout == x.keys[begin].layout {
			end++
		}
		x.sortRun(x.keys[begin:end])
		ends = append(ends, end)
		begin = end
	}
	for i, k := range x.keys {
		series[i] = k.series
	}
	for len(ends) > 1 {
		ends = x.mergeRuns(series, ends)
	}
}

// sortRun sorts series that have the same label names.
func (x *sorter) sortRun(keys []sortKey) {
	if len(keys) == 1 {
		return
	}
	_, first := x.Labels(x.series.at(keys[0].series))
	low, high := slices.Clone(first), slices.Clone(first)
	for _, k := range keys {
		_, values := x.Labels(x.series.at(k.series))
		for i, v := range values {
			low[i], high[i] = min(low[i], v), max(high[i], v)
		}
	}
	// The key has as many of the first values as there is room for, those
	// that are the same everywhere need none.
	size, columns := 0, 0
	for columns < len(low) && size+bits.Len32(high[columns]-low[columns]) <= 64 {
		size += bits.Len32(high[columns] - low[columns])
		columns++
	}
	for n := range keys {
		_, values := x.Labels(x.series.at(keys[n].series))
		key := uint64(0)
		for i, v := range values[:columns] {
			key = key<<bits.Len32(high[i]-low[i]) | uint64(v-low[i])
		}
		keys[n].key = key
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		_, av := x.Labels(x.series.at(a.series))
		_, bv := x.Labels(x.series.at(b.series))
		return slices.Compare(av, bv)
	})
}

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
