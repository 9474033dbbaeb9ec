package walscan

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"github.com/prometheus/prometheus/util/compression"
	"pgregory.net/rapid"
)

func encodeSnappy(t interface{ Fatal(...any) }, data []byte) []byte {
	out, err := compression.Encode(compression.Snappy, data, compression.NewSyncEncodeBuffer())
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(out)
}

// TestPeekSnappy peeks at any data.
func TestPeekSnappy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.ByteMax(3), 0, 200).Draw(t, "data")
		var into [peekSize]byte
		size, begin := peekSnappy(into[:], encodeSnappy(t, data))
		if begin == nil && len(data) > 64 {
			t.Error("nothing is seen")
		}
		if begin != nil && (size != len(data) || !bytes.Equal(begin, data[:min(peekSize, len(data))])) {
			t.Errorf("%d bytes with %v", size, begin)
		}
	})
}

// FuzzPeekSnappy compares with the whole block decoded.
func FuzzPeekSnappy(f *testing.F) {
	f.Add(encodeSnappy(f, bytes.Repeat([]byte("abcabcd"), 20)))
	f.Add([]byte{200, 1, 0xf0, 70})
	f.Add([]byte{30, 0, 'a', 3<<2 | 3, 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var into [peekSize]byte
		size, begin := peekSnappy(into[:], data)
		if n, _ := binary.Uvarint(data); n > 1<<20 {
			return
		}
		whole, err := snappy.Decode(nil, data)
		if err == nil && begin != nil && (size != len(whole) || !bytes.HasPrefix(whole, begin)) {
			t.Errorf("%d bytes with %v of %v", size, begin, whole)
		}
	})
}

// TestPeekSamples looks at each kind of record.
func TestPeekSamples(t *testing.T) {
	e, later := record.Encoder{}, record.Encoder{EnableSTStorage: true}
	const ref, at = chunks.HeadSeriesRef(1 << 33), int64(1_700_000_000_000)
	histograms := []record.RefHistogramSample{{Ref: ref, T: at, H: tsdbutil.GenerateTestHistogram(1)}}
	floats := []record.RefFloatHistogramSample{{Ref: ref, T: at, FH: tsdbutil.GenerateTestFloatHistogram(1)}}
	hist, _ := e.HistogramSamples(histograms, nil)
	hist2, _ := later.HistogramSamples(histograms, nil)
	float, _ := e.FloatHistogramSamples(floats, nil)
	float2, _ := later.FloatHistogramSamples(floats, nil)
	samples := []record.RefSample{{Ref: ref, T: at, V: 1}, {Ref: 7, T: at + 1}}
	for _, rec := range [][]byte{
		e.Samples(samples, nil), later.Samples(samples, nil), hist, hist2, float, float2,
		e.CustomBucketsHistogramSamples(histograms, nil), e.CustomBucketsFloatHistogramSamples(floats, nil),
	} {
		kind := record.Type(rec[0])
		p, ok := peekSamples(rec[:min(peekSize, len(rec))])
		if !ok || p.kind != kind || p.ref != uint64(ref) || p.time != at {
			t.Errorf("%s: got %+v, %v", kind, p, ok)
		}
		if _, ok := peekSamples(rec[:1]); ok {
			t.Errorf("%s: samples in an empty record", kind)
		}
	}
	if _, ok := peekSamples(e.Series(nil, nil)); ok {
		t.Error("series are no samples")
	}
}
