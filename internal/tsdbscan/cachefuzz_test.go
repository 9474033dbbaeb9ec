package tsdbscan

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzCache damages a cache file. An edit is three bytes: an offset and what to
// XOR the byte there with. Damage must be noticed: the result is that of the
// blocks. When the checksums are repaired, nothing but the decoders stands in
// the way of nonsense.
func FuzzCache(f *testing.F) {
	blocks, _ := threeBlocks(f, 4)
	path := filepath.Join(f.TempDir(), "file")
	want, log, err := cachedScan(f, blocks, Options{TopValues: 10}, path)
	if err != nil {
		f.Fatal(err, log)
	}
	plain, err := Scan(context.Background(), blocks, Options{TopValues: 10})
	if err != nil {
		f.Fatal(err)
	}
	if diff := cmp.Diff(plain, want); diff != "" {
		f.Fatal(diff)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	sums := cacheChecksums(f, path)
	for i := range file {
		f.Add([]byte{byte(i >> 8), byte(i), 0x80 >> (i % 8)}, i%3 > 0)
	}
	f.Fuzz(func(t *testing.T, edits []byte, repair bool) {
		b := append([]byte(nil), file...)
		for ; len(edits) >= 3; edits = edits[3:] {
			b[int(binary.BigEndian.Uint16(edits))%len(b)] ^= edits[2]
		}
		if repair {
			for _, s := range sums {
				binary.BigEndian.PutUint32(b[s[2]:], crc32.Checksum(b[s[0]:s[1]], castagnoli))
			}
		}
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		r, log, err := cachedScan(t, blocks, Options{TopValues: 10, Workers: 1}, path)
		if err != nil {
			t.Fatal(err, log)
		}
		if !repair {
			if diff := cmp.Diff(want, r); diff != "" {
				t.Fatal(diff, log)
			}
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

// cacheChecksums returns the parts of a file that have a checksum: where each
// begins and ends, and where its checksum stands.
func cacheChecksums(t testing.TB, path string) [][3]int {
	t.Helper()
	c, err := openCacheFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var sums [][3]int
	add := func(begin, n, sum int64) { sums = append(sums, [3]int{int(begin), int(begin + n), int(sum)}) }
	for _, m := range c.metrics {
		off := m.off
		for pages := cachedPages(t, c, &m); pages > 0; pages-- {
			n := int64(be32(t, c, off))
			add(off+8, n, off+4)
			off += 8 + n
		}
	}
	end := c.x.size - cacheEnd
	for i := range int64(3) {
		off := int64(be32(t, c, end+8*i))<<32 + int64(be32(t, c, end+8*i+4))
		n := int64(be32(t, c, off))
		add(off+4, n, off+4+n)
	}
	add(end, 24, end+24)
	return sums
}

func be32(t testing.TB, c *cacheFile, off int64) uint32 {
	t.Helper()
	var b [4]byte
	if _, err := c.x.file.ReadAt(b[:], off); err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.Uint32(b[:])
}

// cachedPages reads all rows of a metric and returns how many pages they take.
func cachedPages(t testing.TB, c *cacheFile, m *cachedMetric) int {
	t.Helper()
	s, _, err := readSymbols([]symbolTable{&c.x})
	if err != nil {
		t.Fatal(err)
	}
	cursor := newCacheCursor(0, c, s)
	if err := cursor.start(list{off: m.off, rows: m.rows}, newLayouts(math.MaxUint32, math.MaxUint32)); err != nil {
		t.Fatal(err)
	}
	pages, off := 0, int64(0)
	for {
		ok, err := cursor.next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return pages
		}
		if cursor.cached.off != off {
			pages++
			off = cursor.cached.off
		}
	}
}
