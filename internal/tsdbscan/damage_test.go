package tsdbscan

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// smallBlock writes a block with every sort of series, and more, and returns
// its path.
func smallBlock(t testing.TB, dir string, more ...blockgen.Series) string {
	t.Helper()
	path, err := blockgen.Write(dir, blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour, SamplesPerChunk: 50, Series: append([]blockgen.Series{
		whole("__name__", "up", "instance", "a", "job", "node"),
		whole("__name__", "up", "instance", "b", "job", "node"),
		whole("__name__", "up", "instance", "b", "job", "shop"),
		whole("__name__", "requests_total", "code", "200", "job", "shop", "pod", "x"),
		whole("__name__", "requests_total", "code", "500", "job", "shop", "pod", "x"),
		whole("__name__", "requests_total", "code", "500", "job", "shop", "pod", "y"),
		whole("__name__", "requests_total", "job", "shop", "pod", "y"),
		whole("Cluster", "eu", "__name__", "requests_total", "code", "500", "job", "shop"),
		whole("nameless", "yes"),
		{Labels: labels.FromStrings("__name__", "empty")},
	}, more...)})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestScanDamage(t *testing.T) {
	index := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "index"), change) }
	}
	chunk := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "chunks", "000001"), change) }
	}
	// flip changes a byte at an offset from where the n-th entry of the table
	// of contents points to.
	flip := func(n, offset int) func(*testing.T, string) {
		return index(func(b []byte) []byte {
			b[int(binary.BigEndian.Uint64(b[len(b)-tocLength+8*n:]))+offset] ^= 0x55
			return b
		})
	}
	tests := map[string]struct {
		damage func(*testing.T, string)
		err    string
	}{
		"empty index":        {index(func([]byte) []byte { return nil }), "the file ends too early"},
		"no index":           {func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "index"), nil) }, "open index"},
		"something else":     {index(func([]byte) []byte { return make([]byte, 1000) }), "this is no index of a TSDB block"},
		"version 1 alleged":  {index(func(b []byte) []byte { b[4] = 1; return b }), "read series"},
		"version 9":          {index(func(b []byte) []byte { b[4] = 9; return b }), "version 9, only 1 to 3 are known"},
		"cut off":            {index(func(b []byte) []byte { return b[:len(b)-1] }), "table of contents: the checksum is wrong"},
		"cut in half":        {index(func(b []byte) []byte { return b[:len(b)/2] }), "the checksum is wrong"},
		"symbols":            {flip(0, 9), "read symbols"},
		"series":             {flip(1, 14), "the checksum is wrong"},
		"postings":           {flip(4, 9), "read postings"},
		"postings table":     {flip(5, 9), "read postings offset table"},
		"no chunks":          {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "chunks")) }, "open chunks"},
		"no chunk file":      {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "chunks", "000001")) }, "chunk file 1 is missing"},
		"empty chunk file":   {chunk(func([]byte) []byte { return nil }), "000001"},
		"foreign chunk file": {chunk(func(b []byte) []byte { b[0] = 0; return b }), "is no chunk file"},
		"newer chunk file":   {chunk(func(b []byte) []byte { b[4] = 2; return b }), "format version 2, only 1 is known"},
		"chunks cut off":     {chunk(func(b []byte) []byte { return b[:len(b)-1] }), "malformed or cut off"},
		"unknown encoding":   {chunk(func(b []byte) []byte { b[8+1] = 99; return b }), "unknown encoding 99"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := smallBlock(t, dir)
			l, err := List(dir)
			if err != nil {
				t.Fatal(err)
			}
			tt.damage(t, path)
			_, err = Scan(context.Background(), l.Blocks, Options{TopValues: 10})
			var bad *BlockError
			if !errors.As(err, &bad) || bad.Block.ULID != ulid || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want one about block %s with %q", err, ulid, tt.err)
			}
		})
	}
}

func edit(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	if change == nil {
		remove(t, path)
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o666); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// FuzzScan damages an index and repairs its checksums, so that the damage is
// found by nothing but the decoders. An edit is three bytes: an offset and what
// to XOR the byte there with; offsets behind the index are in the chunk file.
// A scan that looks for twins must find what one finds that does not.
func FuzzScan(f *testing.F) {
	dir := f.TempDir()
	path := smallBlock(f, dir,
		whole("__name__", "twin_of_up", "instance", "a", "job", "node"),
		whole("__name__", "twin_of_up", "instance", "b", "job", "node"),
		whole("__name__", "twin_of_up", "instance", "b", "job", "shop"),
	)
	index, err := os.ReadFile(filepath.Join(path, "index"))
	if err != nil {
		f.Fatal(err)
	}
	chunk, err := os.ReadFile(filepath.Join(path, "chunks", "000001"))
	if err != nil {
		f.Fatal(err)
	}
	sums := checksums(f, path)
	l, err := List(dir)
	if err != nil {
		f.Fatal(err)
	}
	for i := range index {
		f.Add([]byte{byte(i >> 8), byte(i), 0x80}, true)
		f.Add([]byte{byte(i >> 8), byte(i), 0x01}, true)
	}
	for i := range 40 {
		at := len(index) + i
		f.Add([]byte{byte(at >> 8), byte(at), 0xff}, false)
	}
	f.Fuzz(func(t *testing.T, edits []byte, repair bool) {
		x, c := append([]byte(nil), index...), append([]byte(nil), chunk...)
		for ; len(edits) >= 3; edits = edits[3:] {
			at := int(binary.BigEndian.Uint16(edits))
			if at < len(x) {
				x[at] ^= edits[2]
			} else {
				c[(at-len(x))%len(c)] ^= edits[2]
			}
		}
		if repair {
			for _, s := range sums {
				binary.BigEndian.PutUint32(x[s[1]:], crc32.Checksum(x[s[0]:s[1]], castagnoli))
			}
		}
		edit(t, filepath.Join(path, "index"), func([]byte) []byte { return x })
		edit(t, filepath.Join(path, "chunks", "000001"), func([]byte) []byte { return c })
		opts := Options{TopValues: 10, Workers: 1}
		r, err := Scan(context.Background(), l.Blocks, opts)
		plain, plainErr := scanPlain(l.Blocks, opts)
		if diff := cmp.Diff(plain, r); diff != "" || fmt.Sprint(err) != fmt.Sprint(plainErr) {
			t.Fatalf("with twins %v, without %v:\n%s", err, plainErr, diff)
		}
		if err != nil {
			return
		}
		for _, m := range r.Metrics {
			for _, j := range m.Jobs {
				for _, s := range j.Labels {
					if s.Series < 1 || s.Series > j.Cost.SeriesInSpan || s.Distinct < 1 || s.Distinct > s.Series ||
						s.SeriesWithout < 1 || s.SeriesWithout > j.Cost.SeriesInSpan || s.SeriesWithoutLive > j.Cost.Series {
						t.Errorf("%s of %s cannot be: %+v of %+v", s.Name, m.Name, s, j.Cost)
					}
				}
			}
		}
	})
}

// scanPlain is Scan without a search for twins.
func scanPlain(blocks []Block, opts Options) (*Result, error) {
	tail := tailStart(blocks)
	if opts.IndexOnly {
		tail = math.MaxInt64
	}
	s := newScan(blocks, nil, opts, tail)
	defer s.close()
	if err := s.open(); err != nil {
		return nil, err
	}
	tasks, err := s.tasks(context.Background())
	if err != nil {
		return nil, err
	}
	for i := range tasks {
		tasks[i].twins = false
	}
	results, err := s.run(context.Background(), tasks)
	if err != nil {
		return nil, err
	}
	return s.result(tasks, results), nil
}

// checksums returns the parts of an index that have one: where each begins, and
// where it ends and its checksum stands.
func checksums(t testing.TB, path string) [][2]int {
	t.Helper()
	x, err := openIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	var sums [][2]int
	section := func(off int64) {
		var s section
		if err := s.open(x, off); err != nil {
			t.Fatal(err)
		}
		sums = append(sums, [2]int{int(s.off), int(s.end)})
	}
	section(x.symbols)
	section(x.postingsTable)
	var all int64
	if err := x.eachPostings(func(name, _ []byte, off int64) bool {
		section(off)
		if len(name) == 0 {
			all = off
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	var p postings
	if err := p.open(x, all); err != nil {
		t.Fatal(err)
	}
	var w window
	w.reset(x.file, x.size)
	for ref, ok, err := p.next(); ok || err != nil; ref, ok, err = p.next() {
		if err != nil {
			t.Fatal(err)
		}
		b, err := w.at(int64(ref)*seriesAlign, 10)
		if err != nil {
			t.Fatal(err)
		}
		n, i := uvarint(b, 0)
		begin := int(ref)*seriesAlign + i
		sums = append(sums, [2]int{begin, begin + int(n)})
	}
	return append(sums, [2]int{int(x.size) - tocLength, int(x.size) - crcLength})
}
