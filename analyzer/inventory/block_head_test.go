package inventory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// openDB opens a TSDB that compacts only when told.
func openDB(t *testing.T, dir string) *tsdb.DB {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.MinBlockDuration, o.MaxBlockDuration = 2*hour, 2*hour
	o.WALSegmentSize = 64 << 10
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.DisableCompactions()
	t.Cleanup(func() { db.Close() })
	return db
}

// fill appends a sample of every series each minute.
func fill(t *testing.T, db *tsdb.DB, from, to int64, series ...labels.Labels) {
	t.Helper()
	for at := from; at < to; at += 60_000 {
		app := db.Appender(context.Background())
		for _, l := range series {
			if _, err := app.Append(0, l, at, 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// pods are series of requests of one version of a shop.
func pods(version string, n int) []labels.Labels {
	var out []labels.Labels
	for i := range n {
		out = append(out, labels.FromStrings("__name__", "http_requests_total", "job", "shop", "pod", fmt.Sprint(i), "version", version))
	}
	return out
}

// TestBlockHead reads a database at each of its stages. At each, the head and
// the blocks hold the same together.
func TestBlockHead(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dir)
	fill(t, db, t0, t0+7*hour, pods("1", 200)...)
	fill(t, db, t0+7*hour, t0+8*hour, slices.Concat(pods("2", 100), pods("1", 100))...)
	check := func(stage string, blocks int) {
		t.Helper()
		if n := len(db.Blocks()); n != blocks {
			t.Fatalf("%s: %d blocks, want %d", stage, n, blocks)
		}
		inv, problems, err := build(t, dir, "path: .").Inventory(context.Background())
		if err != nil || len(problems) > 0 {
			t.Fatal(stage, problems, err)
		}
		if inv.From.UnixMilli() != t0 || inv.To.UnixMilli() != t0+8*hour-60_000 {
			t.Errorf("%s: got %s to %s", stage, inv.From, inv.To)
		}
		j := inv.Metrics[0].Jobs[0]
		if len(inv.Metrics) != 1 || j.Cost.Series != 200 || j.Cost.SeriesInSpan != 300 {
			t.Errorf("%s: got %+v", stage, j.Cost)
		}
		if r := j.Cost.SamplesPerSecond; math.Abs(r-200./60) > 0.3 {
			t.Errorf("%s: %v samples per second, want %v", stage, r, 200./60)
		}
		if c := j.Cost.ChurnPerHour; math.Abs(c-100/8.) > 0.1 {
			t.Errorf("%s: %v new series an hour", stage, c)
		}
		if b := j.Cost.DiskBytesPerDay; b < 200*1440 || b > 200*1440*8 {
			t.Errorf("%s: %v bytes a day", stage, b)
		}
		version := j.Label("version")
		if version.SeriesWithout != 200 || version.SeriesWithoutLive != 100 {
			t.Errorf("%s: version: %+v", stage, version)
		}
		if pod := j.Label("pod"); pod.SeriesWithout != 2 || pod.SeriesWithoutLive != 2 || pod.Distinct != 200 {
			t.Errorf("%s: pod: %+v", stage, pod)
		}
	}
	check("only a head", 0)

	wal, before := filepath.Join(dir, "wal"), filepath.Join(t.TempDir(), "wal")
	copyDir(t, before, wal)
	if err := db.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n, err := filepath.Glob(filepath.Join(wal, "checkpoint.*")); err != nil || len(n) != 1 {
		t.Fatal("the test needs a checkpoint", n, err)
	}
	check("compacted, the wal is cut", 3)

	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, wal)
	copyDir(t, wal, before)
	check("compacted, the wal still holds all of it", 3)

	_, problems, err := build(t, dir, "path: ., head: false").Inventory(context.Background())
	if err != nil || len(problems) != 1 || problems[0].Blocking {
		t.Errorf("without the head: %+v, %v", problems, err)
	}
}

func copyDir(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestBlockHeadDamaged reads the blocks when the head is damaged, and says so.
func TestBlockHeadDamaged(t *testing.T) {
	tests := map[string]struct {
		options  string
		change   func(t *testing.T, wal string)
		problem  string
		blocking bool
	}{
		"damage": {
			"path: .", func(t *testing.T, wal string) {
				path := filepath.Join(wal, "00000000")
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				data[100] ^= 1
				overwrite(t, path, string(data))
			},
			"the head is missing: read wal: segment 00000000 at offset 0: the checksum is wrong", true,
		},
		"a sample of nothing that is in a block": {
			"path: .", func(t *testing.T, wal string) {
				remove(t, filepath.Join(wal, "00000000"))
				write(t, filepath.Dir(wal), blockgen.Block{ULID: ulid3, MinTime: t0 + 4*hour, MaxTime: t0 + 6*hour,
					Series: []blockgen.Series{series(4*hour, 5*hour, "__name__", "up", "instance", "b")}})
			}, "", false,
		},
		"a hole": {
			"path: .", func(t *testing.T, wal string) {
				overwrite(t, filepath.Join(wal, "00000002"), "")
				remove(t, filepath.Join(wal, "00000001"))
			},
			"segment 00000001 is missing", true,
		},
		"a sample of nothing": {
			"path: .", func(t *testing.T, wal string) { remove(t, filepath.Join(wal, "00000000")) },
			"samples belong to series that are not in the wal", false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := openDB(t, dir)
			fill(t, db, t0, t0+2*hour, pods("1", 20)...)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openDB(t, dir) // a second segment
			fill(t, db, t0+2*hour, t0+5*hour, pods("1", 20)...)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			twoBlocks(t, dir)
			tt.change(t, filepath.Join(dir, "wal"))
			inv, problems, err := build(t, dir, tt.options).Inventory(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if inv.Metrics[0].Cost().SeriesInSpan != 3 {
				t.Errorf("got %+v, want what is in the blocks", inv.Metrics[0])
			}
			if tt.problem == "" && len(problems) == 0 {
				return
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Message, tt.problem) || problems[0].Blocking != tt.blocking || problems[0].Hint == "" {
				t.Errorf("got %+v", problems)
			}
		})
	}
}

// TestBlockHeadDamagedAlone tells of the damage where there are no blocks.
func TestBlockHeadDamagedAlone(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dir)
	fill(t, db, t0, t0+hour, pods("1", 20)...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "wal", "00000000")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	overwrite(t, path, string(data))
	_, _, err = build(t, dir, "path: .").Inventory(context.Background())
	if err == nil || !strings.Contains(err.Error(), "the head is missing: read wal: segment 00000000 at offset 0: the checksum is wrong") ||
		!strings.Contains(err.Error(), "there are no blocks") {
		t.Errorf("got %v", err)
	}
}

// TestBlockHeadChoice names blocks, a window, and the head.
func TestBlockHeadChoice(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dir)
	fill(t, db, t0+4*hour, t0+5*hour, pods("1", 20)...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	twoBlocks(t, dir) // 3 series in 4 hours
	for options, want := range map[string]int64{
		"path: .":                                      23,
		"path: ., window: 2h":                          21, // the second block overlaps
		"path: ., window: 30m":                         20,
		"path: ., blocks: [" + ulid1 + "]":             2,
		"path: ., head: true, blocks: [" + ulid1 + "]": 22,
		"path: ., head: false":                         3,
		"path: " + ulid1:                               2,
	} {
		inv, _, err := build(t, dir, options).Inventory(context.Background())
		if err != nil {
			t.Fatal(options, err)
		}
		if got := inv.Metrics[0].Cost().SeriesInSpan; got != want {
			t.Errorf("%s: %d series, want %d", options, got, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := build(t, dir, "path: .").Inventory(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestBlockHeadReadOnly leaves everything as it was.
func TestBlockHeadReadOnly(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dir)
	fill(t, db, t0, t0+4*hour, pods("1", 20)...)
	if err := db.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	if _, _, err := build(t, dir, "path: .").Inventory(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// snapshot lists the files below a directory with size and time.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			files[path] = fmt.Sprint(info.Size(), info.ModTime(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestBlockHeadWhileCompacted reads a database to which samples are appended
// and that writes its head into blocks meanwhile. Every two hours all series
// are replaced by new ones; none is ever missing.
func TestBlockHeadWhileCompacted(t *testing.T) {
	const steps, perBlock, width = 240, 12, 50
	dir := t.TempDir()
	db := openDB(t, dir)
	fill(t, db, t0, t0+1, pods("0", width)...)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for i := int64(1); i < steps; i++ {
			app := db.Appender(context.Background())
			for _, l := range pods(fmt.Sprint(i/perBlock), width) {
				if _, err := app.Append(0, l, t0+i*2*hour/perBlock, 1); err != nil {
					t.Error(err)
					return
				}
			}
			if err := app.Commit(); err != nil {
				t.Error(err)
				return
			}
			if err := db.Compact(context.Background()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	to := int64(0)
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
		}
		inv, problems, err := build(t, dir, "path: .").Inventory(context.Background())
		if err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		if inv.From.UnixMilli() != t0 || inv.To.UnixMilli() < to {
			t.Fatalf("from %s to %s", inv.From, inv.To)
		}
		to = inv.To.UnixMilli()
		before := (to - t0) / (2 * hour) * width // the newest ones may be half there
		if n := inv.Metrics[0].Jobs[0].Cost.SeriesInSpan; n <= before || n > before+width {
			t.Fatalf("%d series until %s, want %d and up to %d new ones", n, inv.To, before, width)
		}
	}
	wg.Wait()
	if to != t0+(steps-1)*2*hour/perBlock {
		t.Errorf("the last inventory ends at %d", to)
	}
}
