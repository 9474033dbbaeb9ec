package walscan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// writeLog writes segments that end with the given sizes in records: in each
// record a series and its sample.
func writeLog(t testing.TB, dir string, records ...int) {
	t.Helper()
	w, err := wlog.NewSize(quiet, nil, filepath.Join(dir, "wal"), 1<<20, compression.None)
	if err != nil {
		t.Fatal(err)
	}
	var e record.Encoder
	ref := 0
	for i, n := range records {
		if i > 0 {
			if _, err := w.NextSegment(); err != nil {
				t.Fatal(err)
			}
		}
		for range n {
			ref++
			id := chunks.HeadSeriesRef(1<<40 + ref)
			series := record.RefSeries{Ref: id, Labels: labels.FromStrings("__name__", "up", "n", fmt.Sprintf("%4000d", ref))}
			sample := record.RefSample{Ref: id, T: t0 + int64(ref), V: 1.1}
			if err := w.Log(e.Series([]record.RefSeries{series}, nil), e.Samples([]record.RefSample{sample}, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// unpadded returns what is before the zeros at the end of the last page.
func unpadded(b []byte) []byte { return bytes.TrimRight(b, "\x00") }

func segmentFile(dir string, n int) string { return filepath.Join(dir, "wal", fmt.Sprintf("%08d", n)) }

// TestReadTorn cuts the last segment at many places: what was written before is
// read, and nothing is wrong.
func TestReadTorn(t *testing.T) {
	dir := t.TempDir()
	writeLog(t, dir, 3, 20)
	data, err := os.ReadFile(segmentFile(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for size := 0; size <= len(data); size += 1 + size%509 {
		for _, zeros := range []int{0, 100} { // what the file system may leave
			if err := os.WriteFile(segmentFile(dir, 1), append(data[:size:size], make([]byte, zeros)...), 0o666); err != nil {
				t.Fatal(err)
			}
			h, err := Read(context.Background(), dir, time.Time{}, nil)
			if err != nil && zeros == 0 {
				t.Fatalf("cut at %d: %v", size, err)
			}
			if err != nil {
				continue // zeros within a record: damage unless they fill up the rest
			}
			if zeros == 0 {
				if h.Len() < last {
					t.Fatalf("cut at %d: %d series, %d with less of the file", size, h.Len(), last)
				}
				last = h.Len()
			}
		}
	}
	if last < 20 {
		t.Errorf("%d series in the end", last)
	}
}

func TestReadDamage(t *testing.T) {
	tests := map[string]struct {
		segment int
		change  func(data []byte) []byte
		err     string // empty for none
	}{
		"a bit in the middle":           {1, func(b []byte) []byte { b[5000] ^= 4; return b }, "segment 00000001 at offset 4067: the checksum is wrong"},
		"a bit in the last segment":     {2, func(b []byte) []byte { b[5000] ^= 4; return b }, "segment 00000002 at offset 4067: the checksum is wrong"},
		"a bit in its last page":        {2, func(b []byte) []byte { b[len(b)-20000] ^= 4; return b }, "the checksum is wrong"},
		"the last record half written":  {2, func(b []byte) []byte { b = unpadded(b); b[len(b)-1] ^= 4; return b }, ""},
		"a segment in the middle ends":  {1, func(b []byte) []byte { b = unpadded(b); return b[:len(b)-10] }, "the file ends within a record"},
		"ends between records":          {1, func(b []byte) []byte { return b[:4067] }, ""},
		"a page ends before its record": {1, func(b []byte) []byte { return b[:pageSize] }, "the file ends within a record"},
		"padding that is none":          {1, func(b []byte) []byte { b[0] = 0; return b }, "segment 00000001 at offset 0: the rest of a page is not empty"},
		"a length that is too much":     {1, func(b []byte) []byte { b[1] = 0xff; return b }, "at offset 0: a record is longer than its page"},
		"a fragment of nothing":         {1, func(b []byte) []byte { b[0] = lastFragment; return b }, "at offset 0: the fragments of a record are not in order"},
		"an unknown fragment":           {1, func(b []byte) []byte { b[0] = 7; return b }, "at offset 0: the fragments of a record are not in order"},
		"no snappy":                     {1, func(b []byte) []byte { b[0] |= snappyFlag; return b }, "segment 00000001 at offset 0: snappy"},
		"no zstd":                       {1, func(b []byte) []byte { b[0] |= zstdFlag; return b }, "segment 00000001 at offset 0: invalid input: magic number"},
		"empty":                         {2, func([]byte) []byte { return nil }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeLog(t, dir, 3, 20, 20)
			data, err := os.ReadFile(segmentFile(dir, tt.segment))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(segmentFile(dir, tt.segment), tt.change(data), 0o666); err != nil {
				t.Fatal(err)
			}
			h, err := Read(context.Background(), dir, time.Time{}, nil)
			if tt.err == "" {
				if err != nil || h.Len() == 0 {
					t.Errorf("got %v, %v", h, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want one with %q", err, tt.err)
			}
		})
	}
}

// TestReadRecords reads records that no Prometheus writes.
func TestReadRecords(t *testing.T) {
	var e record.Encoder
	unsorted := labels.NewScratchBuilder(2)
	unsorted.Add("b", "1")
	unsorted.Add("a", "1")
	up := e.Series([]record.RefSeries{{Ref: 1, Labels: labels.FromStrings("a", "b")}}, nil)
	sample := e.Samples([]record.RefSample{{Ref: 1, T: 1}}, nil)
	for name, tt := range map[string]struct {
		records [][]byte
		err     string
		lost    int64
	}{
		"unknown":       {[][]byte{up, {99}}, "records of type 99 are not known", 0},
		"cut series":    {[][]byte{up[:len(up)-1]}, "segment 00000000 at offset 0: decode series: invalid size", 0},
		"cut samples":   {[][]byte{up, sample[:len(sample)-1]}, "decode samples", 0},
		"unsorted":      {[][]byte{e.Series([]record.RefSeries{{Ref: 1, Labels: unsorted.Labels()}}, nil), sample}, "are not sorted", 0},
		"nothing":       {[][]byte{up, {byte(record.Samples)}, sample}, "", 0},
		"lost sample":   {[][]byte{sample, up, sample}, "", 1},
		"without label": {[][]byte{e.Series([]record.RefSeries{{Ref: 1}}, nil), sample}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, err := wlog.New(quiet, nil, filepath.Join(dir, "wal"), compression.None)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Log(tt.records...); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			h, err := Read(context.Background(), dir, time.Time{}, nil)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || h.Len() != 1 || h.Lost != tt.lost {
				t.Errorf("got %+v, %v", h, err)
			}
		})
	}
}

// TestReadMissing reads logs of which files are missing for good.
func TestReadMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		remove int
		err    string
	}{
		"the first": {0, ""}, // removed by hand, and all that follows is there
		"a middle":  {1, "segment 00000001 is missing"},
		"the last":  {2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeLog(t, dir, 1, 1, 1)
			if err := os.Remove(segmentFile(dir, tt.remove)); err != nil {
				t.Fatal(err)
			}
			_, err := Read(context.Background(), dir, time.Time{}, nil)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
	dir := t.TempDir()
	writeLog(t, dir, 1, 1)
	if err := os.MkdirAll(filepath.Join(dir, "wal", "checkpoint.00000000"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(segmentFile(dir, 1)); err != nil {
		t.Fatal(err)
	}
	writeSegment(t, segmentFile(dir, 2))
	if _, err := Read(context.Background(), dir, time.Time{}, nil); err == nil || !strings.Contains(err.Error(), "segment 00000001 is missing") {
		t.Errorf("a gap after the checkpoint: %v", err)
	}
	writeSegment(t, filepath.Join(dir, "wal", "checkpoint.00000000", "00000001"))
	if _, err := Read(context.Background(), dir, time.Time{}, nil); err == nil || !strings.Contains(err.Error(), "checkpoint.00000000: segment 00000000 is missing") {
		t.Errorf("a gap in the checkpoint: %v", err)
	}
}

func writeSegment(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestOpenDeleted opens by a listing that is no longer true, and reads files
// that are deleted after they were opened.
func TestOpenDeleted(t *testing.T) {
	dir := t.TempDir()
	writeLog(t, dir, 1, 2, 3)
	l, err := list(filepath.Join(dir, "wal"))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := openLog(filepath.Join(dir, "wal"))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	if err := os.RemoveAll(segmentFile(dir, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.open(filepath.Join(dir, "wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	c := newCollector()
	if err := opened.read(context.Background(), newReader(), c); err != nil || c.series.count != 6 {
		t.Errorf("%d series, %v", c.series.count, err)
	}
	now, err := list(filepath.Join(dir, "wal"))
	if err != nil || now.continues(l) {
		t.Errorf("%+v continues %+v, %v", now, l, err)
	}
}

// TestReadWhileWritten reads a head to which a TSDB appends, and of which it
// makes blocks and checkpoints meanwhile.
func TestReadWhileWritten(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dir, func(o *tsdb.Options) { o.WALCompression = compression.Snappy })
	r := rand.New(rand.NewPCG(0, 4))
	var series []labels.Labels
	for k := range 200 {
		series = append(series, labels.FromStrings("__name__", "up", "instance", fmt.Sprint(k)))
	}
	appendSome(t, db, expected{}, series, t0, r)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for i := int64(1); i < 400; i++ {
			app := db.Appender(context.Background())
			for _, l := range series {
				if _, err := app.Append(0, l, t0+i*5*minute, 1); err != nil {
					t.Error(err)
					return
				}
			}
			if err := app.Commit(); err != nil {
				t.Error(err)
				return
			}
			if i%10 == 0 {
				if err := db.Compact(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	reads, to := 0, int64(math.MinInt64)
	for open := true; open; reads++ {
		select {
		case <-done:
			open = false
		default:
		}
		h, err := Read(context.Background(), dir, time.Time{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if h.Len() != len(series) || h.Lost != 0 || h.To < to {
			t.Fatalf("%d series until %d, %d lost samples; before it was until %d", h.Len(), h.To, h.Lost, to)
		}
		to = h.To
	}
	wg.Wait()
	if to != t0+399*5*minute {
		t.Errorf("the last read ends at %d", to)
	}
	t.Logf("%d reads", reads)
}
