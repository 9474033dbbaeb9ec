package rehearsal

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// events are times, in milliseconds, around which a change is likely to show.
type events struct {
	first, last int64   // of the samples of the series that it alters
	churn       []int64 // series begin or end
	resets      []int64 // counters begin anew
	overlaps    []int64 // series that become one are there at the same time
}

// maxEventSeries is how many series of a change are read for its events, each
// over the whole span; fewer of a server.
const maxEventSeries, maxRemoteEventSeries = 48, 8

// eventsOf reads series of the change, spread evenly over all.
func eventsOf(ctx context.Context, d *Data, a *altered, change int) (*events, error) {
	ev := &events{first: math.MaxInt64, last: math.MinInt64}
	q, err := d.Querier(d.From.UnixMilli(), d.To.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close() //nolint:errcheck // nothing was written
	own := a.perEach[change]
	most := maxEventSeries
	if d.Remote {
		most = maxRemoteEventSeries
	}
	var it chunkenc.Iterator
	for _, i := range spread(len(own), most) {
		s, err := selectOne(ctx, q, a.entries[own[i]].before)
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		it = s.Iterator(it)
		ev.read(it)
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	return ev, nil
}

// read takes in one series. A value that falls now and then is taken for a
// counter's reset; one that falls often is a gauge's.
func (ev *events) read(it chunkenc.Iterator) {
	var falls []int64
	var previous float64
	first, last, samples := int64(math.MaxInt64), int64(math.MinInt64), 0
	for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
		t := it.AtT()
		if kind == chunkenc.ValFloat {
			_, f := it.At()
			if value.IsStaleNaN(f) {
				continue
			}
			if samples > 0 && f < previous {
				falls = append(falls, t)
			}
			previous = f
		}
		first, last = min(first, t), t
		samples++
	}
	if samples == 0 {
		return
	}
	ev.first, ev.last = min(ev.first, first), max(ev.last, last)
	ev.churn = append(ev.churn, first, last)
	const gauge = 20
	if len(falls)*gauge <= samples {
		ev.resets = append(ev.resets, falls...)
	}
}

// chooser picks instants for one subject. What it picks depends on the subject
// and the data alone.
type chooser struct {
	seed     string
	from, to int64
	chosen   []int64
}

func (c *chooser) hash(t int64) uint64 {
	return xxhash.Sum64(binary.BigEndian.AppendUint64([]byte(c.seed), uint64(t)))
}

func (c *chooser) add(t int64) { c.chosen = append(c.chosen, min(max(t, c.from), c.to)) }

// pick adds at most n of the times, each moved by up to spread milliseconds.
func (c *chooser) pick(times []int64, n int, spread uint64) {
	times = slices.Clone(times)
	slices.SortFunc(times, func(a, b int64) int {
		if c.hash(a) < c.hash(b) {
			return -1
		}
		return 1
	})
	times = slices.Compact(times)
	for _, t := range times[:min(n, len(times))] {
		if h := c.hash(t); h%2 == 0 && spread > 0 { // the other half is looked at to the millisecond
			t += int64(h / 2 % spread)
		}
		c.add(t)
	}
}

// strata adds n times, one in each part of the span.
func (c *chooser) strata(n int) {
	width := max((c.to-c.from)/int64(max(n, 1)), 1)
	for i := range int64(n) {
		start := c.from + i*width
		c.add(start + int64(c.hash(start)%uint64(width)))
	}
}

// instants returns when to replay the subject: around what happens to the
// series that it reads, where blocks meet, and spread over the whole span.
func instants(s *subject, d *Data, of map[int]*events, n int) []time.Time {
	all := events{first: math.MaxInt64, last: math.MinInt64}
	for _, i := range s.touched {
		ev := of[i]
		all.first, all.last = min(all.first, ev.first), max(all.last, ev.last)
		all.churn = append(all.churn, ev.churn...)
		all.resets = append(all.resets, ev.resets...)
		all.overlaps = append(all.overlaps, ev.overlaps...)
	}
	if all.first > all.last {
		all.first, all.last = d.From.UnixMilli(), d.To.UnixMilli()
	}
	c := chooser{
		seed: strings.Join([]string{s.id, s.expr}, "\x00"),
		from: max(all.first, d.From.UnixMilli()), to: min(all.last, d.To.UnixMilli()),
	}
	// The span's own ends are no churn: series are cut off there.
	inner := func(t int64) bool { return t > c.from && t < c.to }
	var edges []int64
	for _, e := range d.Edges {
		edges = append(edges, e.UnixMilli())
	}
	const soon = 60_000
	c.pick(all.overlaps, n/4, 0)
	c.pick(filter(all.churn, inner), n/4, soon)
	c.pick(filter(all.resets, inner), n/8, soon)
	c.pick(filter(edges, inner), n/8, soon)
	c.strata(max(n-len(c.chosen), 1))
	slices.Sort(c.chosen)
	var out []time.Time
	for _, t := range slices.Compact(c.chosen) {
		out = append(out, time.UnixMilli(t).UTC())
	}
	return out
}

func filter(times []int64, keep func(int64) bool) []int64 {
	return slices.DeleteFunc(slices.Clone(times), func(t int64) bool { return !keep(t) })
}
