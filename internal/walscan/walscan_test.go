package walscan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"github.com/prometheus/prometheus/util/compression"
)

const (
	minute = int64(60_000)
	t0     = int64(1_700_000_400_000) / (120 * minute) * (120 * minute)
)

var quiet = slog.New(slog.DiscardHandler)

// openDB opens a TSDB that leaves compaction to the test.
func openDB(t testing.TB, dir string, change func(*tsdb.Options)) *tsdb.DB {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.MinBlockDuration, o.MaxBlockDuration = 120*minute, 120*minute
	o.WALSegmentSize = 64 << 10
	o.OutOfOrderTimeWindow = 60 * minute
	o.NoLockfile = true
	if change != nil {
		change(o)
	}
	db, err := tsdb.Open(dir, quiet, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.DisableCompactions()
	t.Cleanup(func() { db.Close() })
	return db
}

// stored is what a series should have.
type stored struct {
	first, last int64
	samples     uint32
	stale       bool
	native      bool
	times       []int64
}

// expected is what the head should hold, by the labels' string form.
type expected map[string]*stored

func (m expected) add(lbls labels.Labels, t int64, stale bool) {
	s := m[lbls.String()]
	if s == nil {
		s = &stored{first: math.MaxInt64, last: math.MinInt64}
		m[lbls.String()] = s
	}
	s.first = min(s.first, t)
	s.samples++
	s.times = append(s.times, t)
	if t >= s.last {
		s.last, s.stale = t, stale
	}
}

// check compares the head in a directory with the model.
func (m expected) check(t *testing.T, dir string) *Head {
	t.Helper()
	h := readWhole(t, dir)
	want := map[string]string{}
	to := int64(math.MinInt64)
	for _, s := range m {
		to = max(to, s.last)
	}
	for k, s := range m {
		recent := 0
		for _, at := range s.times {
			if at >= (to/(10*minute)-1)*10*minute {
				recent++
			}
		}
		want[k] = fmt.Sprint(s.first, s.last, s.samples, s.stale, s.native, recent)
	}
	got := map[string]string{}
	last := labels.EmptyLabels()
	for i, s := range h.all() {
		lbls := h.labels(s)
		if c := strings.Compare(last.Get("__name__"), lbls.Get("__name__")); i > 0 && (c > 0 || c == 0 && labels.Compare(last, lbls) >= 0) {
			t.Errorf("%s comes before %s", last, lbls)
		}
		last = lbls
		got[lbls.String()] = fmt.Sprint(s.First, s.Last, s.Samples, s.Stale, s.Native, s.Recent)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if h.To != to || h.Lost != 0 {
		t.Errorf("the head ends at %d with %d lost samples, want %d and none", h.To, h.Lost, to)
	}
	if !slices.IsSorted(h.Symbols) {
		t.Error("the symbols are not sorted")
	}
	compareThin(t, h, dir)
	return h
}

// readWhole reads all samples.
func readWhole(t *testing.T, dir string) *Head {
	t.Helper()
	log, err := openLog(filepath.Join(dir, "wal"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.close()
	late, err := openLog(filepath.Join(dir, "wbl"))
	if err != nil && !notThere(err) {
		t.Fatal(err)
	}
	defer late.close()
	c, err := readLogs(context.Background(), log, late, math.MinInt64, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.head(math.MaxInt64)
}

// compareThin compares what is read when records are skipped with a head of
// which all were read: no series is missing, none that has ended has not.
func compareThin(t *testing.T, whole *Head, dir string) {
	t.Helper()
	h, err := Read(context.Background(), dir, time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h.Len() != whole.Len() || h.To != whole.To || h.Lost != whole.Lost || h.LostUntil != whole.LostUntil {
		t.Fatalf("%d series until %d with %d samples lost until %d, want %d, %d, %d, %d",
			h.Len(), h.To, h.Lost, h.LostUntil, whole.Len(), whole.To, whole.Lost, whole.LostUntil)
	}
	all := whole.all()
	for i, s := range h.all() {
		w := all[i]
		if h.labels(s).String() != whole.labels(w).String() {
			t.Fatalf("%s instead of %s", h.labels(s), whole.labels(w))
		}
		if w.Last >= whole.To-wholeWindow.Milliseconds() && (s.Last != w.Last || s.Stale != w.Stale) || s.Last > w.Last {
			t.Errorf("%s: last at %d, stale %v; want %d, %v", h.labels(s), s.Last, s.Stale, w.Last, w.Stale)
		}
	}
}

// all returns the series in order.
func (h *Head) all() []*Series {
	var out []*Series
	for _, m := range h.Metrics {
		for _, n := range m.Series {
			out = append(out, h.Series(n))
		}
	}
	return out
}

func (h *Head) labels(s *Series) labels.Labels {
	var b labels.ScratchBuilder
	names, values := h.Labels(s)
	for i, name := range names {
		b.Add(h.Symbols[name], h.Symbols[values[i]])
	}
	return b.Labels()
}

func randomLabels(r *rand.Rand) labels.Labels {
	lbls := map[string]string{"__name__": fmt.Sprintf("metric_%d", r.IntN(5)), "job": fmt.Sprintf("j%d", r.IntN(3))}
	for _, name := range []string{"Zone", "a", "instance", "le", "ß"} {
		if r.IntN(2) == 0 {
			lbls[name] = fmt.Sprint(r.IntN(4))
		}
	}
	return labels.FromMap(lbls)
}

// appendSome appends a sample at the time to each of the series, of the kind
// that the series is of. Some go stale.
func appendSome(t testing.TB, db *tsdb.DB, m expected, series []labels.Labels, at int64, r *rand.Rand) {
	t.Helper()
	app := db.Appender(context.Background())
	for _, lbls := range series {
		v := r.Float64()
		stale := r.IntN(10) == 0
		if stale {
			v = math.Float64frombits(value.StaleNaN)
		}
		var err error
		switch lbls.Hash() % 4 {
		case 0:
			h := tsdbutil.GenerateTestHistogram(3)
			if stale {
				h = &histogram.Histogram{Sum: v}
			}
			_, err = app.AppendHistogram(0, lbls, at, h, nil)
		case 1:
			h := tsdbutil.GenerateTestFloatHistogram(3)
			if lbls.Hash()%8 == 1 {
				h = tsdbutil.GenerateTestCustomBucketsFloatHistogram(3)
			}
			if stale {
				h = &histogram.FloatHistogram{Sum: v}
			}
			_, err = app.AppendHistogram(0, lbls, at, nil, h)
		default:
			_, err = app.Append(0, lbls, at, v)
		}
		if err != nil {
			t.Fatal(err)
		}
		m.add(lbls, at, stale)
		m[lbls.String()].native = lbls.Hash()%4 < 2
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// pick returns some of the series, each one once.
func pick(r *rand.Rand, all []labels.Labels) []labels.Labels {
	seen := map[string]labels.Labels{}
	for range r.IntN(len(all)) {
		l := all[r.IntN(len(all))]
		seen[l.String()] = l
	}
	var out []labels.Labels
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, seen[k])
	}
	return out
}

// TestReadRandom reads what a TSDB has written, while it is open, after it was
// closed and opened again.
func TestReadRandom(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			change := func(o *tsdb.Options) {
				o.WALCompression = compression.Types()[seed%3]
				if seed%2 == 0 {
					o.EnableSTStorage, o.FloatChunkEncoding = true, chunkenc.EncXOR2
				}
			}
			var series []labels.Labels
			for range 1 + r.IntN(60) {
				series = append(series, randomLabels(r))
			}
			m := expected{}
			db := openDB(t, dir, change)
			at := t0
			for range 1 + r.IntN(60) {
				at += 1 + r.Int64N(minute)
				appendSome(t, db, m, pick(r, series), at, r)
				if r.IntN(20) == 0 {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
					db = openDB(t, dir, change)
				}
			}
			if len(m) == 0 {
				appendSome(t, db, m, series[:1], at+1, r)
			}
			h := m.check(t, dir)
			if n := db.Head().NumSeries(); uint64(h.Len()) != n {
				t.Errorf("%d series, the head has %d", h.Len(), n)
			}
		})
	}
}

// headSeries returns the series in the head of a TSDB that have samples from
// mint on.
func headSeries(t *testing.T, db *tsdb.DB, mint int64) []string {
	t.Helper()
	q, err := tsdb.NewBlockQuerier(tsdb.NewRangeHead(db.Head(), mint, math.MaxInt64), mint, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	name, _ := index.AllPostingsKey()
	var found []string
	set := q.Select(context.Background(), true, &storage.SelectHints{Start: mint, End: math.MaxInt64},
		labels.MustNewMatcher(labels.MatchEqual, name, ""))
	for set.Next() {
		found = append(found, set.At().Labels().String())
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	slices.Sort(found)
	return found
}

// TestReadTruncated reads the log after Prometheus has made blocks of the first
// hours, with a checkpoint, series that are gone, and new ones.
func TestReadTruncated(t *testing.T) {
	for seed := range uint64(3) {
		dir := t.TempDir()
		r := rand.New(rand.NewPCG(seed, 2))
		change := func(o *tsdb.Options) { o.WALCompression = compression.Types()[seed] }
		db := openDB(t, dir, change)
		m := expected{}
		for i := range int64(60) {
			at := t0 + i*10*minute
			var series []labels.Labels
			for k := range int64(400) {
				series = append(series, labels.FromStrings("__name__", "up", "instance", fmt.Sprint(k), "run", fmt.Sprint((i+k%20)/25)))
			}
			appendSome(t, db, m, series, at, r)
			if i%5 == 0 {
				if err := db.Compact(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if checkpoints, err := filepath.Glob(filepath.Join(dir, "wal", "checkpoint.*")); err != nil || len(checkpoints) != 1 {
			t.Fatal("the test needs a checkpoint", checkpoints, err)
		}
		var read, size int64
		h, err := Read(context.Background(), dir, time.Time{}, func(done, total int64) {
			if done < read && done > 256<<10 || size != 0 && total != size {
				t.Errorf("%d of %d bytes after %d of %d", done, total, read, size)
			}
			read, size = done, total
		})
		if err != nil {
			t.Fatal(err)
		}
		if read != size || size == 0 {
			t.Errorf("progress ends with %d of %d bytes", read, size)
		}
		mint := db.Head().MinTime()
		var got []string
		for _, s := range h.all() {
			k := h.labels(s).String()
			if s.Last != m[k].last || s.Stale != m[k].stale || s.First < m[k].first {
				t.Errorf("%s: got %+v, want %+v", k, s, m[k])
			}
			if s.Last >= mint {
				got = append(got, k)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(headSeries(t, db, mint), got); diff != "" {
			t.Errorf("series in the head (-TSDB +walscan):\n%s", diff)
		}
		if h.Len() == len(m) {
			t.Error("no series is gone: the test does not test that")
		}
	}
}

// TestReadLate finds a series that has only out-of-order samples, which a
// checkpoint drops.
func TestReadLate(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(0, 3))
	db := openDB(t, dir, nil)
	m := expected{}
	appendSome(t, db, m, []labels.Labels{labels.FromStrings("__name__", "early")}, t0+60*minute, r)
	late := labels.FromStrings("__name__", "late", "x", "y")
	app := db.Appender(context.Background())
	if _, err := app.Append(0, late, t0+10*minute, 1); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	h, err := Read(context.Background(), dir, time.Time{}, nil)
	if err != nil || h.Len() != 2 {
		t.Fatal(h, err)
	}
	if s := h.all()[1]; h.labels(s).String() != late.String() || s.First != t0+10*minute || s.Last != s.First || s.Recent != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestReadNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(context.Background(), dir, time.Time{}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	openDB(t, dir, nil)
	h, err := Read(context.Background(), dir, time.Time{}, nil)
	if err != nil || h.Len() != 0 {
		t.Errorf("got %+v, %v", h, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	db := openDB(t, t.TempDir(), nil)
	for i := range int64(300) {
		appendSome(t, db, expected{}, []labels.Labels{labels.FromStrings("a", "b")}, t0+i, rand.New(rand.NewPCG(0, 0)))
	}
	if _, err := Read(ctx, db.Dir(), time.Time{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
