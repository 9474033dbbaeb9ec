package walscan

import (
	"errors"
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/encoding"
	"github.com/prometheus/prometheus/tsdb/record"
)

// histograms counts the samples of a record of histograms. It steps over their
// buckets, which the library would copy.
func (c *collector) histograms(t record.Type, rec []byte) error {
	d := encoding.Decbuf{B: rec[1:]}
	if d.Len() == 0 {
		return nil
	}
	float := t == record.FloatHistogramSamples || t == record.CustomBucketsFloatHistogramSamples || t == record.FloatHistogramSamplesV2
	later := t == record.HistogramSamplesV2 || t == record.FloatHistogramSamplesV2
	var ref, base int64
	if later {
		ref, base = d.Varint64(), d.Varint64()
		d.Varint64() // start time
	} else {
		ref, base = d.Be64int64(), d.Be64int64()
	}
	first := ref
	for n := 0; d.Len() > 0 && d.Err() == nil; n++ {
		at := base
		switch {
		case !later:
			ref = first + d.Varint64()
			at += d.Varint64()
		case n > 0:
			ref += d.Varint64()
			at += d.Varint64()
			skipStart(&d)
		}
		sum := skipHistogram(&d, float)
		if d.Err() == nil {
			if s := c.sample(uint64(ref), at, isStale(math.Float64bits(sum))); s != nil {
				s.Native = true
			}
		}
	}
	return d.Err()
}

var errBuckets = errors.New("a histogram has more buckets than its record has room for")

// skipHistogram returns the sum of the histogram that the record goes on with.
func skipHistogram(d *encoding.Decbuf, float bool) (sum float64) {
	d.Byte() // counter reset hint
	custom := histogram.IsCustomBucketsSchema(int32(d.Varint64()))
	d.Be64() // zero threshold
	if float {
		d.Be64() // zero count
		d.Be64() // count
	} else {
		d.Uvarint64()
		d.Uvarint64()
	}
	sum = math.Float64frombits(d.Be64())
	for range 2 { // spans of positive and negative buckets
		each(d, func() { d.Varint64(); d.Uvarint32() })
	}
	for range 2 { // the buckets
		each(d, func() {
			if float {
				d.Be64()
			} else {
				d.Varint64()
			}
		})
	}
	if custom {
		each(d, func() { d.Be64() })
	}
	return sum
}

// each calls f for each element of a list that begins with its length.
func each(d *encoding.Decbuf, f func()) {
	n := d.Uvarint64()
	if n > uint64(d.Len()) {
		d.E = errBuckets
	}
	for ; n > 0 && d.Err() == nil; n-- {
		f()
	}
}
