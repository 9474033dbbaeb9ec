package querylog

import (
	"maps"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// hours are the spans of the entries in each hour since 1970. They are what
// it takes to find every gap that is longer than an hour.
type hours struct {
	spans map[int64]*span
	// The hour of the last entry, which is usually that of the next.
	last int64
	span *span
}

func newHours() hours { return hours{spans: map[int64]*span{}} }

// add counts an entry of the time, in nanoseconds since 1970.
func (h *hours) add(t int64) {
	if t == noTime {
		return
	}
	if n := t / int64(time.Hour); h.span == nil || n != h.last {
		h.last, h.span = n, h.spans[n]
		if h.span == nil {
			h.span = &span{}
			h.spans[n] = h.span
		}
	}
	h.span.add(t)
}

// merge adds what another worker has counted.
func (h *hours) merge(o *hours) {
	for _, s := range o.spans {
		h.add(s.first)
		h.add(s.last)
	}
}

// coverage returns the first and the last time, and every gap in between that
// is longer than an hour, sorted.
func (h *hours) coverage() (first, last time.Time, gaps []sentei.Window) {
	var all span
	for _, n := range slices.Sorted(maps.Keys(h.spans)) {
		s := h.spans[n]
		if all.last != noTime && s.first-all.last > int64(time.Hour) {
			from, to := span{all.last, s.first}.times()
			gaps = append(gaps, sentei.Window{From: from, To: to})
		}
		all.add(s.first)
		all.add(s.last)
	}
	first, last = all.times()
	return first, last, gaps
}
