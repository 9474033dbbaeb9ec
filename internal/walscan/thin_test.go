package walscan

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// testLog writes a log record by record.
type testLog struct {
	t   *testing.T
	dir string
	w   *wlog.WL
	enc record.Encoder
}

func newTestLog(t *testing.T, kind compression.Type) *testLog {
	t.Helper()
	dir := t.TempDir()
	w, err := wlog.NewSize(quiet, nil, filepath.Join(dir, "wal"), 1<<20, kind)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, dir: dir, w: w}
}

func (l *testLog) log(rec []byte) {
	l.t.Helper()
	if err := l.w.Log(rec); err != nil {
		l.t.Fatal(err)
	}
}

// series logs series of a metric with the given references.
func (l *testLog) series(metric string, refs ...int) {
	l.t.Helper()
	var out []record.RefSeries
	for _, r := range refs {
		out = append(out, record.RefSeries{Ref: chunks.HeadSeriesRef(r), Labels: labels.FromStrings("__name__", metric, "n", fmt.Sprint(r))})
	}
	l.log(l.enc.Series(out, nil))
}

func (l *testLog) samples(at int64, v float64, refs ...int) {
	l.t.Helper()
	var out []record.RefSample
	for _, r := range refs {
		out = append(out, record.RefSample{Ref: chunks.HeadSeriesRef(r), T: at, V: v})
	}
	l.log(l.enc.Samples(out, nil))
}

// read closes the log and reads it, skipping and not.
func (l *testLog) read(now time.Time) (thin, whole *Head) {
	l.t.Helper()
	if err := l.w.Close(); err != nil {
		l.t.Fatal(err)
	}
	thin, err := Read(context.Background(), l.dir, now, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return thin, readWhole(l.t, l.dir)
}

func describeAll(h *Head) string {
	out := fmt.Sprintln(h.From, h.To, h.Recent)
	for _, s := range h.all() {
		out += fmt.Sprintln(h.labels(s), s.First, s.Last, s.Samples, s.Recent, s.Stale, s.Native)
	}
	return out
}

func span(from, to int) (out []int) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

const second = int64(1000)

// TestThinSteady reads targets that always have the same series: nothing is
// lost by skipping, and most is skipped.
func TestThinSteady(t *testing.T) {
	for _, kind := range compression.Types() {
		for interval := int64(5); interval <= 120; interval += 23 {
			l := newTestLog(t, kind)
			for target := range 5 {
				l.series("up", span(1000*target, 1000*target+100)...)
			}
			for at := int64(0); at < 5400; at += interval {
				for target := range 5 {
					if target == 4 && at > 3000 { // the last one is gone one day
						continue
					}
					l.samples(t0+(at+int64(target))*second, float64(at)*1.1, span(1000*target, 1000*target+100)...)
				}
			}
			thin, whole := l.read(time.Time{})
			if thin.From != whole.From || thin.To != whole.To || thin.Len() != 500 {
				t.Errorf("%s, %d s: %d series from %d to %d", kind, interval, thin.Len(), thin.From, thin.To)
			}
			for i, s := range thin.all() {
				got, want := *s, *whole.all()[i]
				if early := want.Last - got.Last; want.Last < whole.To-wholeWindow.Milliseconds() && early >= 0 && early < thinWindow.Milliseconds() {
					got.Last, got.Samples = want.Last, want.Samples // of the target that is gone
				}
				if got.First != want.First || got.Last != want.Last || got.Samples != want.Samples || got.Recent != want.Recent {
					t.Fatalf("%s, %d s: %s: got %+v, want %+v", kind, interval, thin.labels(s), got, want)
				}
			}
		}
	}
}

// TestThinSkips counts what is decoded.
func TestThinSkips(t *testing.T) {
	g := groups{byRef: map[uint64]*group{}, whole: t0 + 100*minute}
	read := 0
	for at := int64(0); at < 110*60; at += 15 {
		if !g.skip(peeked{ref: 1, time: t0 + at*second}, 1000) {
			read++
		}
	}
	if read > 40+20+1 || read < 40+20 { // the last ten minutes, and one in five before
		t.Errorf("%d records were read", read)
	}
	for name, tt := range map[string]struct {
		change func(g *groups)
		p      peeked
		size   int
		skip   bool
	}{
		"the same":           {nil, peeked{ref: 1, time: t0 + 15*second}, 1000, true},
		"another length":     {nil, peeked{ref: 1, time: t0 + 15*second}, 1001, false},
		"another target":     {nil, peeked{ref: 2, time: t0 + 15*second}, 1000, false},
		"late":               {nil, peeked{ref: 1, time: t0 + 101*second}, 1000, false},
		"at the same time":   {nil, peeked{ref: 1, time: t0}, 1000, false},
		"earlier":            {nil, peeked{ref: 1, time: t0 - 1}, 1000, false},
		"after a new series": {func(g *groups) { g.young = 1 }, peeked{ref: 1, time: t0 + 15*second}, 1000, false},
		"after a lost one":   {func(g *groups) { g.lost() }, peeked{ref: 1, time: t0 + 15*second}, 1000, false},
		"near the end":       {func(g *groups) { g.whole = t0 }, peeked{ref: 1, time: t0 + 15*second}, 1000, false},
	} {
		g := groups{byRef: map[uint64]*group{}, whole: t0 + 100*minute}
		g.skip(peeked{ref: 1, time: t0}, 1000)
		if tt.change != nil {
			tt.change(&g)
		}
		if got := g.skip(tt.p, tt.size); got != tt.skip {
			t.Errorf("%s: skipped %v", name, got)
		}
	}
}

// TestThinShortLife finds a series that was there for two samples, which come
// long after its record in a record as long as those before.
func TestThinShortLife(t *testing.T) {
	l := newTestLog(t, compression.Snappy)
	l.series("up", span(0, 100)...)
	for at := int64(0); at < 3600; at += 15 {
		refs := span(0, 100)
		switch at {
		case 600:
			l.series("short", 777)
		case 900, 915:
			refs[99] = 777
		}
		l.samples(t0+at*second, 1.5, refs...)
	}
	thin, whole := l.read(time.Time{})
	if thin.Len() != 101 || describeAll(thin) != describeAll(whole) {
		t.Errorf("got %s, want %s", describeAll(thin), describeAll(whole))
	}
}

// TestReadTwice reads series that have got other references.
func TestReadTwice(t *testing.T) {
	l := newTestLog(t, compression.None)
	for at := int64(0); at < 3; at++ {
		out := []record.RefSeries{{Ref: chunks.HeadSeriesRef(1 + at), Labels: labels.FromStrings("a", "b")}}
		l.log(l.enc.Series(out, nil))
		l.log(l.enc.Series(out, nil))
		l.samples(t0+at*minute, 1, int(1+at))
	}
	l.series("other", 3) // the reference goes to another series
	l.samples(t0+5*minute, 1, 3)
	thin, _ := l.read(time.Time{})
	want := fmt.Sprintln(t0, t0+5*minute, t0-10*minute) +
		fmt.Sprintln(`{a="b"}`, t0, t0+2*minute, 3, 3, false, false) +
		fmt.Sprintln(`{__name__="other", n="3"}`, t0+5*minute, t0+5*minute, 1, 1, false, false)
	if got := describeAll(thin); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReadFuture reads a target whose clock is ahead.
func TestReadFuture(t *testing.T) {
	l := newTestLog(t, compression.Snappy)
	l.series("up", span(0, 20)...)
	for at := int64(0); at < 3600; at += 15 {
		l.samples(t0+at*second, 1, span(0, 10)...)
		l.samples(t0+(at+1800)*second, 1, span(10, 20)...)
	}
	now := time.UnixMilli(t0 + 3600*second)
	thin, whole := l.read(now)
	if thin.To != now.UnixMilli() || whole.To != t0+(3585+1800)*second {
		t.Errorf("the head ends at %d, without now at %d", thin.To, whole.To)
	}
	for i, s := range thin.all() {
		if last := whole.all()[i].Last; s.Last != last || s.Recent < 40 {
			t.Errorf("%s: the last sample is at %d, want %d; %d recent ones", thin.labels(s), s.Last, last, s.Recent)
		}
	}
	if h := readWhole(t, l.dir); h.To == math.MinInt64 {
		t.Error("no end")
	}
}

// TestReadMetadata reads what is known of metrics.
func TestReadMetadata(t *testing.T) {
	l := newTestLog(t, compression.Snappy)
	l.series("http_requests_total", 1, 2)
	l.series("temperature", 3)
	l.series("mystery", 4)
	l.log(l.enc.Metadata([]record.RefMetadata{
		{Ref: 1, Type: uint8(record.Counter), Help: "Requests of old."},
		{Ref: 3, Type: uint8(record.Gauge), Unit: "celsius", Help: "How warm it is."},
		{Ref: 99, Type: uint8(record.Gauge), Help: "Nobody knows."},
	}, nil))
	l.log(l.enc.Metadata([]record.RefMetadata{{Ref: 2, Type: uint8(record.Counter), Help: "Requests."}, {Ref: 4}}, nil))
	l.samples(t0, 1, 1, 2, 3, 4)
	thin, _ := l.read(time.Time{})
	got := map[string]Metadata{}
	for _, m := range thin.Metrics {
		got[m.Name] = m.Metadata
	}
	want := map[string]Metadata{
		"http_requests_total": {Type: "counter", Help: "Requests."},
		"temperature":         {Type: "gauge", Unit: "celsius", Help: "How warm it is."},
		"mystery":             {},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
