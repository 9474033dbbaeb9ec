package rehearsal

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

var staleMarker = math.Float64frombits(value.StaleNaN)

// collision is a set of stored series that get the same labels.
type collision struct {
	labels labels.Labels
	stored []labels.Labels
	// from and to bound the time in which more than one of them has samples,
	// as far as it is known; from > to when they follow one another.
	from, to int64
	// ambiguous says that they overlap and do not hold one constant value, so
	// it is not known which samples Prometheus would store.
	ambiguous bool
}

// collisions collects the collisions that selections met.
type collisions struct {
	mu  sync.Mutex
	all []collision
}

func (c *collisions) add(one collision) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, one)
}

// firstAmbiguous returns the ambiguous collision with the smallest labels.
func (c *collisions) firstAmbiguous() (first *collision) {
	for i := range c.all {
		if one := &c.all[i]; one.ambiguous && (first == nil || labels.Compare(one.labels, first.labels) < 0) {
			first = one
		}
	}
	return first
}

// maxMergedSamples bounds the memory for one set of colliding series.
const maxMergedSamples = 1_000_000

var errTooManySamples = errors.New("series become one that have too many samples to be merged")

// merge returns the series that storage would hold in place of series that get
// the same labels. Where they have samples for the same time, one that is no
// stale marker wins, then the one with the smaller stored labels: Prometheus
// stores the one that a target exposes first, which is not known here.
func merge(group []relabeled, hints *storage.SelectHints, found *collisions) (storage.Series, error) {
	c := collision{labels: group[0].labels, from: math.MaxInt64, to: math.MinInt64}
	for i := range group {
		c.stored = append(c.stored, group[i].stored)
	}
	if hints != nil && hints.Func == seriesFunc {
		found.add(c)
		return &group[0], nil
	}
	samples, err := collect(group)
	if err != nil {
		return nil, err
	}
	c.overlap(samples, len(group))
	found.add(c)
	slices.SortStableFunc(samples, func(a, b sample) int {
		switch {
		case a.t != b.t:
			return int(min(max(a.t-b.t, -1), 1))
		case a.stale() != b.stale():
			if a.stale() {
				return 1
			}
			return -1
		}
		return a.series - b.series
	})
	samples = slices.CompactFunc(samples, func(a, b sample) bool { return a.t == b.t })
	return listSeries(c.labels, samples), nil
}

// collect reads all samples of the series, one after the other.
func collect(group []relabeled) ([]sample, error) {
	var out []sample
	var it chunkenc.Iterator
	for i := range group {
		it = group[i].Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if len(out) == maxMergedSamples {
				return out, fmt.Errorf("%w: %d series become %s", errTooManySamples, len(group), group[0].labels)
			}
			s := sample{kind: kind, series: i, st: it.AtST()}
			switch kind {
			case chunkenc.ValFloat:
				s.t, s.f = it.At()
			case chunkenc.ValHistogram:
				s.t, s.h = it.AtHistogram(nil)
			default:
				s.t, s.fh = it.AtFloatHistogram(nil)
			}
			out = append(out, s)
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// overlap finds out when more than one of the series has samples, and whether
// it then matters which of them are stored.
func (c *collision) overlap(samples []sample, series int) {
	type span struct{ first, last int64 }
	spans := make([]span, series)
	for i := range spans {
		spans[i] = span{math.MaxInt64, math.MinInt64}
	}
	constant := true
	var one *sample
	for i := range samples {
		s := &samples[i]
		if s.stale() {
			continue
		}
		spans[s.series].first = min(spans[s.series].first, s.t)
		spans[s.series].last = max(spans[s.series].last, s.t)
		if one == nil {
			one = s
		}
		constant = constant && s.kind == chunkenc.ValFloat && one.kind == s.kind && math.Float64bits(s.f) == math.Float64bits(one.f)
	}
	for i := range spans {
		for k := range spans[:i] {
			from, to := max(spans[i].first, spans[k].first), min(spans[i].last, spans[k].last)
			if from <= to {
				c.from, c.to = min(c.from, from), max(c.to, to)
			}
		}
	}
	c.ambiguous = c.from <= c.to && !constant
}

// sample implements chunks.Sample.
type sample struct {
	t, st  int64
	f      float64
	h      *histogram.Histogram
	fh     *histogram.FloatHistogram
	kind   chunkenc.ValueType
	series int
}

func (s *sample) T() int64                 { return s.t }
func (s *sample) ST() int64                { return s.st }
func (s *sample) F() float64               { return s.f }
func (s *sample) H() *histogram.Histogram  { return s.h }
func (s *sample) Type() chunkenc.ValueType { return s.kind }

// FH returns a float histogram for either kind, as the engine asks for, and a
// copy of it, since the engine calculates in place.
func (s *sample) FH() *histogram.FloatHistogram {
	switch {
	case s.h != nil:
		return s.h.ToFloat(nil)
	case s.fh != nil:
		return s.fh.Copy()
	}
	return nil
}

// Copy implements chunks.Sample.
func (s *sample) Copy() chunks.Sample {
	c := *s
	if s.h != nil {
		c.h = s.h.Copy()
	}
	if s.fh != nil {
		c.fh = s.fh.Copy()
	}
	return &c
}

// stale reports whether the sample says that the series has ended.
func (s *sample) stale() bool {
	switch {
	case s.h != nil:
		return value.IsStaleNaN(s.h.Sum)
	case s.fh != nil:
		return value.IsStaleNaN(s.fh.Sum)
	}
	return value.IsStaleNaN(s.f)
}

// export returns the collision as the result lists it.
func (c *collision) export() Collision {
	const most = 5
	out := Collision{Labels: c.labels.String(), Series: len(c.stored), Ambiguous: c.ambiguous}
	for _, l := range c.stored[:min(len(c.stored), most)] {
		out.Stored = append(out.Stored, l.String())
	}
	if c.from <= c.to {
		out.From, out.To = time.UnixMilli(c.from).UTC(), time.UnixMilli(c.to).UTC()
	}
	return out
}
