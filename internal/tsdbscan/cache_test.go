package tsdbscan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// cachedScan scans with a cache at the path and returns what it logs.
func cachedScan(t testing.TB, blocks []Block, opts Options, path string) (*Result, string, error) {
	t.Helper()
	var log bytes.Buffer
	opts.Cache = &Cache{Path: path, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	r, err := Scan(context.Background(), blocks, opts)
	return r, log.String(), err
}

// checkCachedSeries reads every series with the cache and counts them.
func checkCachedSeries(t *testing.T, blocks []Block, opts Options, path string) {
	t.Helper()
	r, log, err := cachedScan(t, blocks, opts, path)
	if err != nil {
		t.Fatal(err, log)
	}
	opts.Cache = &Cache{Path: path, Logger: slog.New(slog.DiscardHandler)}
	checkSeries(t, blocks, opts, r)
}

// spoil makes the index of a block unreadable, so that nobody notices before
// it is read.
func spoil(t testing.TB, dir string) {
	t.Helper()
	path := filepath.Join(dir, "index")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, info.Size()), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func listed(t testing.TB, dir string) []Block {
	t.Helper()
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l.Blocks
}

// TestCacheRandom lets a TSDB live for a while: blocks come, are compacted and
// go. A scan with the cache of the scan before must be like one without.
func TestCacheRandom(t *testing.T) {
	spoiled := make([]int, (*seeds+3)/4)
	t.Cleanup(func() {
		n := 0
		for _, s := range spoiled {
			n += s
		}
		if n < len(spoiled) {
			t.Errorf("only %d blocks were cached at the end of %d runs", n, len(spoiled))
		}
	})
	for seed := range uint64(len(spoiled)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 2))
			dir, path := t.TempDir(), filepath.Join(t.TempDir(), "cache", "file")
			opts := Options{TopValues: 1 + int(seed%5), Workers: 1 + int(seed%3), Reduce: int(seed % 5), IndexOnly: seed%4 == 3}
			random := blockMaker{r: r}
			same := func(blocks []Block) {
				t.Helper()
				want, err := Scan(context.Background(), blocks, opts)
				if err != nil {
					t.Fatal(err)
				}
				got, log, err := cachedScan(t, blocks, opts, path)
				if err != nil || strings.Contains(log, "WARN") {
					t.Fatalf("%v\n%s", err, log)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s\n%s", diff, log)
				}
			}
			for range 6 {
				for range 1 + r.IntN(3) {
					b := random.next(2 * hour)
					write(t, dir, b)
					if r.IntN(5) == 0 {
						toVersion1(t, filepath.Join(dir, b.ULID, "index"), r)
					}
				}
				blocks := listed(t, dir)
				switch {
				case len(blocks) > 3 && r.IntN(3) == 0: // retention
					remove(t, blocks[0].Dir)
				case len(blocks) > 4 && r.IntN(2) == 0: // compaction
					i := r.IntN(len(blocks) - 3)
					b := random.next(2 * hour)
					b.MinTime, b.MaxTime = blocks[i].MinTime, blocks[i+1].MaxTime
					write(t, dir, b)
					remove(t, blocks[i].Dir)
					remove(t, blocks[i+1].Dir)
				}
				opts.Head = nil
				if r.IntN(2) == 0 {
					opts.Head = randomHead(t, r, random.made)
				}
				blocks = listed(t, dir)
				same(blocks)
				if r.IntN(2) == 0 {
					same(blocks)
				}
				if !opts.IndexOnly && r.IntN(2) == 0 {
					checkCachedSeries(t, blocks, opts, path)
				}
				if r.IntN(4) == 0 { // only some blocks
					same(blocks[r.IntN(len(blocks)):])
				}
			}
			blocks := listed(t, dir)
			same(blocks)
			want, err := Scan(context.Background(), blocks, opts)
			if err != nil {
				t.Fatal(err)
			}
			f, err := openCacheFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.close()
			for _, b := range f.Blocks {
				spoil(t, filepath.Join(dir, b.Folder))
			}
			spoiled[seed] = len(f.Blocks)
			got, log, err := cachedScan(t, blocks, opts, path)
			if err != nil {
				t.Fatal(err, log)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("with unreadable blocks: %s\n%s", diff, log)
			}
			if !opts.IndexOnly {
				checkCachedSeries(t, blocks, opts, path)
			}
		})
	}
}

// blockMaker makes one random block after the other.
type blockMaker struct {
	r    *rand.Rand
	made []blockgen.Block
	left []blockgen.Block
	at   int64
}

func (m *blockMaker) next(length int64) blockgen.Block {
	for len(m.left) == 0 {
		m.left = randomBlocks(m.r)
	}
	b := m.left[0]
	m.left = m.left[1:]
	shift := t0 + m.at - b.MinTime
	for i := range b.Series {
		b.Series[i].From += shift
		b.Series[i].To += shift
	}
	b.MinTime, b.MaxTime = t0+m.at, t0+m.at+length
	b.ULID = fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP%04d", len(m.made))
	if m.at += length; m.r.IntN(5) == 0 {
		m.at -= length / 2 // the next one overlaps
	}
	m.made = append(m.made, b)
	return b
}

// threeBlocks writes three blocks of two hours and so many pods, and returns
// them and their folder.
func threeBlocks(t testing.TB, pods int) ([]Block, string) {
	t.Helper()
	dir := t.TempDir()
	for i := range 3 {
		write(t, dir, podBlock(i, pods))
	}
	return listed(t, dir), dir
}

// podBlock has series that are in all blocks and some that are only in this one.
func podBlock(i, pods int) blockgen.Block {
	b := blockgen.Block{ULID: fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP9D%02d", i), MinTime: t0 + 2*hour*int64(i), MaxTime: t0 + 2*hour*int64(i+1)}
	add := func(lbls ...string) {
		b.Series = append(b.Series, blockgen.Series{Labels: labels.FromStrings(lbls...), From: b.MinTime, To: b.MaxTime - 1, Step: minute})
	}
	for pod := range pods {
		add("__name__", "up", "instance", fmt.Sprint(pod), "job", "node")
		add("__name__", "requests_total", "code", fmt.Sprint(pod%3), "job", "shop", "pod", fmt.Sprintf("%d-%d", i, pod))
		if pod%5 == 0 {
			add("__name__", "requests_total", "job", "shop", "pod", fmt.Sprintf("%d-%d", i, pod))
			add("nameless", fmt.Sprint(pod+i))
		}
	}
	b.Series = append(b.Series, blockgen.Series{Labels: labels.FromStrings("__name__", "empty", "block", fmt.Sprint(i))})
	return b
}

// TestCacheLife spells out when the file is written and what it is used for.
func TestCacheLife(t *testing.T) {
	blocks, dir := threeBlocks(t, 30)
	path := filepath.Join(t.TempDir(), "file")
	opts := Options{TopValues: 10}
	scan := func(what, log string) {
		t.Helper()
		want, err := Scan(context.Background(), blocks, opts)
		if err != nil {
			t.Fatal(what, err)
		}
		got, logged, err := cachedScan(t, blocks, opts, path)
		if err != nil {
			t.Fatal(what, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		if !strings.Contains(logged, log) {
			t.Errorf("%s: logged %swant %s", what, logged, log)
		}
		if wrote := strings.Contains(logged, "wrote"); wrote != strings.Contains(log, "wrote") {
			t.Errorf("%s: logged %s", what, logged)
		}
	}
	const wrote = `level=INFO msg="wrote the cache of old blocks" path=`
	scan("first", wrote)
	scan("again", "cached=2 blocks=1")
	write(t, dir, podBlock(3, 30))
	blocks = listed(t, dir)
	scan("a new block", wrote)
	scan("again", "cached=3 blocks=1")
	remove(t, blocks[0].Dir)
	blocks = listed(t, dir)
	scan("a block less", wrote)

	// The same block with other content.
	b := podBlock(2, 30)
	b.Series = b.Series[1:]
	remove(t, filepath.Join(dir, b.ULID))
	write(t, dir, b)
	blocks = listed(t, dir)
	scan("another block", wrote)

	edit(t, path, func(b []byte) []byte { b[len(cacheMagic)-1]++; return b })
	scan("another version", wrote)
	edit(t, path, func(b []byte) []byte { return b[:len(b)/2] })
	scan("cut off", wrote)
	edit(t, path, func(b []byte) []byte { b[20] ^= 1; return b })
	scan("damaged rows", `level=WARN msg="the cache is damaged and gets written anew"`)
	scan("after damage", wrote)
	edit(t, path, func(b []byte) []byte { b[20] ^= 1; return b })
	write(t, dir, podBlock(4, 30))
	blocks = listed(t, dir)
	scan("a new block and damaged rows", wrote)
	scan("after both", "cached=3 blocks=1")

	edit(t, path, nil)
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	scan("a folder in its place", `level=WARN msg="cannot write the cache"`)
}

// TestCacheOfBrokenBlock: a block that cannot be read is said as ever.
func TestCacheOfBrokenBlock(t *testing.T) {
	blocks, _ := threeBlocks(t, 30)
	path := filepath.Join(t.TempDir(), "file")
	for i := range blocks {
		spoil(t, blocks[i].Dir)
		_, want := Scan(context.Background(), blocks[i:], Options{})
		_, log, err := cachedScan(t, blocks[i:], Options{}, path)
		var bad *BlockError
		if !errors.As(err, &bad) || err.Error() != want.Error() || strings.Contains(log, "WARN") {
			t.Errorf("block %d: got %v, want %v\n%s", i, err, want, log)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("block %d: a file was written", i)
		}
	}
}

// TestCacheShared has several users of one file, each of which reads other
// blocks.
func TestCacheShared(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		write(t, dir, podBlock(i, 30))
	}
	blocks := listed(t, dir)
	path := filepath.Join(t.TempDir(), "file")
	var wg sync.WaitGroup
	for i := range 3 {
		want, err := Scan(context.Background(), blocks[i:], Options{TopValues: 5})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 10 {
				got, log, err := cachedScan(t, blocks[i:], Options{TopValues: 5}, path)
				if err != nil || strings.Contains(log, "WARN") {
					t.Errorf("%v\n%s", err, log)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	wg.Wait()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("there are %v, %v, want one file", files, err)
	}
}

func TestCacheCancelled(t *testing.T) {
	blocks, _ := threeBlocks(t, 30)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	cache := &Cache{Path: filepath.Join(dir, "file"), Logger: slog.New(slog.DiscardHandler)}
	if r, err := Scan(ctx, blocks, Options{Cache: cache}); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestSettled(t *testing.T) {
	block := func(from, to int64) Block {
		return Block{ULID: fmt.Sprint(from), MinTime: from * hour, MaxTime: to * hour}
	}
	blocks := []Block{block(0, 10), block(10, 28), block(28, 46), block(46, 52), block(52, 54), block(54, 56), block(53, 55)}
	var got []string
	for _, b := range settled(blocks, tailStart(blocks)) {
		got = append(got, b.ULID)
	}
	if want := []string{"0", "10", "28"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
