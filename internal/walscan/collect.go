package walscan

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/record"
)

// collector gathers the series of a log.
type collector struct {
	*known
	groups   groups
	metadata map[uint32]Metadata // by the symbol of the metric's name
	old      int                 // so many series are of the checkpoint

	place           int // of the series of the latest sample
	lost, lostUntil int64
}

func newCollector() *collector {
	return &collector{
		known:    newKnown(),
		groups:   groups{byRef: map[uint64]*group{}, whole: math.MinInt64},
		metadata: map[uint32]Metadata{},
	}
}

// read reads all records of a log.
func (l log) read(ctx context.Context, r *reader, v visitor) error {
	v = &canceler{visitor: v, ctx: ctx}
	for i := range l {
		err := r.each(&l[i], v)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// canceler stops when the context ends.
type canceler struct {
	visitor
	ctx context.Context
	n   int
}

func (c *canceler) record(rec []byte) error {
	if c.n++; c.n%256 == 0 && c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	return c.visitor.record(rec)
}

func (c *collector) skip(begin []byte, size int) bool {
	p, ok := peekSamples(begin)
	if ok {
		return c.groups.skip(p, size)
	}
	return len(begin) > 0 && ignored(record.Type(begin[0]))
}

// ignored reports whether records are of no use here.
func ignored(t record.Type) bool {
	return t == record.Tombstones || t == record.Exemplars || t == record.MmapMarkers
}

func (c *collector) record(rec []byte) (err error) {
	if len(rec) == 0 {
		return nil
	}
	t := record.Type(rec[0])
	switch {
	case t == record.Series:
		err = c.addSeries(rec)
	case t == record.Samples:
		err = c.samples(rec)
	case t == record.SamplesV2:
		err = c.samplesV2(rec)
	case t == record.HistogramSamples, t == record.CustomBucketsHistogramSamples, t == record.HistogramSamplesV2,
		t == record.FloatHistogramSamples, t == record.CustomBucketsFloatHistogramSamples, t == record.FloatHistogramSamplesV2:
		err = c.histograms(t, rec)
	case t == record.Metadata:
		err = c.addMetadata(rec)
	case ignored(t):
	default:
		return fmt.Errorf("records of type %d are not known: a newer Prometheus has written them", rec[0])
	}
	if err != nil {
		return fmt.Errorf("decode %s: %w", t, err)
	}
	return nil
}

func (c *collector) addSeries(rec []byte) error {
	n := c.series.count
	err := c.known.add(rec)
	for i := n; i < c.series.count; i++ {
		c.series.at(uint32(i)).before = c.groups.skipped
		c.groups.young = youngRecords
	}
	return err
}

// find sets place to that of a series, and returns false when there is no such
// reference. Most samples come in the order in which their series came.
func (c *collector) find(ref uint64) bool {
	if c.place++; c.place < c.series.count && *c.refs.refs.at(uint32(c.place)) == ref {
		return true
	}
	place, ok := c.refs.find(ref)
	c.place = place
	return ok
}

// sample counts a sample and returns its series, nil when nothing names it.
func (c *collector) sample(ref uint64, t int64, stale bool) *Series {
	if !c.find(ref) {
		c.lostUntil = max(c.lostUntil, t)
		c.lost++
		c.groups.lost()
		return nil
	}
	s := c.series.at(uint32(c.place))
	if s.Samples == 0 {
		s.First, s.Last, s.Samples, s.Stale = t, t, 1, stale
		s.Recent, s.before = 1, 0
		return s
	}
	skipped := c.groups.standsFor
	w := window(t)
	switch old := window(s.Last); {
	case w == old:
		s.Recent += 1 + skipped
	case w == old+1: // the first in its window: none was skipped there
		s.Recent, s.before = 1, s.Recent+skipped
	case w > old+1:
		s.Recent, s.before = 1, 0
	case w == old-1:
		s.before += 1 + skipped
	}
	s.Samples += 1 + skipped
	s.First = min(s.First, t)
	if t >= s.Last {
		s.Last, s.Stale = t, stale
	}
	return s
}

func isStale(v uint64) bool { return v == value.StaleNaN }

// window returns the number of the window that a time lies in.
func window(t int64) int64 {
	size := RateWindow.Milliseconds()
	w := t / size
	if t%size < 0 {
		w--
	}
	return w
}

// clock is a visitor that finds the latest time at which a record of samples
// begins.
type clock struct {
	latest int64
}

func (c *clock) skip(begin []byte, _ int) bool {
	if p, ok := peekSamples(begin); ok {
		c.latest = max(c.latest, p.time)
	}
	return true
}

func (*clock) record([]byte) error { return nil }

// latest returns about when a log ends, at most until: not after its last
// sample, and as long as most of the last records is about then, not long before
// it. It reads the last segment that has samples. Without any it returns
// math.MinInt64.
func (l log) latest(ctx context.Context, r *reader, until int64) (int64, error) {
	c := clock{math.MinInt64}
	for i := len(l) - 1; i >= 0 && c.latest == math.MinInt64; i-- {
		if err := l[i:i+1].read(ctx, r, &c); err != nil {
			return 0, err
		}
	}
	return min(c.latest, until), nil
}

// limit returns the latest time that counts as one, in Unix milliseconds.
func limit(now time.Time) int64 {
	if now.IsZero() {
		return math.MaxInt64
	}
	return now.UnixMilli()
}

// thin makes the collector skip records of samples that begin before the time.
func (c *collector) thin(whole int64) { c.groups.whole = whole }

// missed reports whether there may be series of which all samples were
// skipped. Those that a checkpoint names do not count: their samples are in
// the checkpoint, where nothing is skipped, or in blocks.
func (c *collector) missed() bool {
	for i := c.old; i < c.series.count; i++ {
		if s := c.series.at(uint32(i)); s.Samples == 0 && s.before < c.groups.skipped {
			return true
		}
	}
	return false
}
