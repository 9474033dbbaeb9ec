package walscan

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
)

// FuzzSegment reads any bytes as the last segment of a log.
func FuzzSegment(f *testing.F) {
	dir := f.TempDir()
	writeLog(f, dir, 1, 12)
	data, err := os.ReadFile(segmentFile(dir, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:5000])
	f.Add(append(slices.Clone(data[:5000]), make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, "wal", "00000001"), data, 0o666); err != nil {
			t.Fatal(err)
		}
		h, err := Read(context.Background(), dir, time.Time{}, nil)
		if err == nil && h.Len() < 1 {
			t.Error("the series of the first segment is lost")
		}
	})
}

// FuzzRecord reads any bytes as a record between two others.
func FuzzRecord(f *testing.F) {
	var e record.Encoder
	up := e.Series([]record.RefSeries{{Ref: 7, Labels: labels.FromStrings("__name__", "up", "job", "a")}}, nil)
	sample := e.Samples([]record.RefSample{{Ref: 7, T: t0}}, nil)
	f.Add(up)
	f.Add(sample)
	f.Add((&record.Encoder{EnableSTStorage: true}).Samples([]record.RefSample{{Ref: 7, T: t0}, {Ref: 7, T: t0 + 1, V: 2}}, nil))
	h, _ := e.HistogramSamples([]record.RefHistogramSample{{Ref: 7, T: 1, H: tsdbutil.GenerateTestHistogram(1)}}, nil)
	f.Add(h)
	h, _ = e.FloatHistogramSamples([]record.RefFloatHistogramSample{{Ref: 7, T: 1, FH: tsdbutil.GenerateTestFloatHistogram(1)}}, nil)
	f.Add(h)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newCollector()
		if err := c.record(up); err != nil {
			t.Fatal(err)
		}
		if err := c.record(data); err != nil {
			return
		}
		if err := c.record(sample); err != nil {
			t.Fatal(err)
		}
		h := c.head(math.MaxInt64)
		var samples uint64
		for i, s := range h.all() {
			samples += uint64(s.Samples)
			if s.First > s.Last || s.Recent > s.Samples || s.Samples == 0 || s.First < h.From || s.Last > h.To {
				t.Errorf("%+v in %d to %d", s, h.From, h.To)
			}
			if i > 0 && h.labels(h.all()[i-1]).Get("__name__") == h.labels(s).Get("__name__") && labels.Compare(h.labels(h.all()[i-1]), h.labels(s)) >= 0 {
				t.Error("the series are not sorted")
			}
		}
		if samples == 0 && h.Lost == 0 {
			t.Error("the sample is lost")
		}
	})
}
