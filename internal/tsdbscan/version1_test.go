package tsdbscan

import (
	"bytes"

	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// toVersion1 writes an index again as Prometheus 2.0 wrote it. Its postings
// offset table is shuffled. Nothing else in a block has changed since.
func toVersion1(t testing.TB, path string, r *rand.Rand) {
	t.Helper()
	edit(t, path, func(old []byte) []byte {
		at := func(i int) int { return int(binary.BigEndian.Uint64(old[len(old)-tocLength+8*i:])) }
		symbols, series, table := at(0), at(1), at(5)

		end := symbols + 4 + int(binary.BigEndian.Uint32(old[symbols:])) + crcLength
		out := append([]byte(nil), old[:end]...) // the same table at the same place
		out[4] = 1
		var offsets []uint64 // of the symbols
		for i := symbols + 8; i < end-crcLength; {
			offsets = append(offsets, uint64(i))
			length, n := binary.Uvarint(old[i:])
			i += n + int(length)
		}

		v2 := indexBytes{old}
		refs := map[uint32]uint32{} // of series
		newSeries := len(out)
		for i := series; len(refs) < v2.seriesCount(table); {
			i += -i & (seriesAlign - 1)
			length, n := binary.Uvarint(old[i:])
			body := old[i+n : i+n+int(length)]
			count, p := binary.Uvarint(body)
			entry := binary.AppendUvarint(nil, count)
			for range 2 * count {
				symbol, n := binary.Uvarint(body[p:])
				entry, p = binary.AppendUvarint(entry, offsets[symbol]), p+n
			}
			refs[uint32(i/seriesAlign)] = uint32(len(out))
			entry = append(entry, body[p:]...)
			out = appendSummed(binary.AppendUvarint(out, uint64(len(entry))), entry)
			i += n + int(length) + crcLength
		}

		newPostings := len(out)
		var entries [][]byte
		v2.eachPostings(table, func(key []byte, off uint64) {
			list := old[off+4:][:binary.BigEndian.Uint32(old[off:])]
			moved := append([]byte(nil), list[:4]...)
			for i := 4; i < len(list); i += 4 {
				moved = binary.BigEndian.AppendUint32(moved, refs[binary.BigEndian.Uint32(list[i:])])
			}
			entries = append(entries, binary.AppendUvarint(slices.Clone(key), uint64(len(out))))
			out = appendSummed(binary.BigEndian.AppendUint32(out, uint32(len(moved))), moved)
		})
		r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		newTable := len(out)
		body := append(binary.BigEndian.AppendUint32(nil, uint32(len(entries))), slices.Concat(entries...)...)
		out = appendSummed(binary.BigEndian.AppendUint32(out, uint32(len(body))), body)

		var toc []byte
		for _, off := range []int{symbols, newSeries, newPostings, newPostings, newPostings, newTable} {
			toc = binary.BigEndian.AppendUint64(toc, uint64(off))
		}
		return appendSummed(out, toc)
	})
}

// appendSummed appends b with its checksum.
func appendSummed(out, b []byte) []byte {
	return binary.BigEndian.AppendUint32(append(out, b...), crc32.Checksum(b, castagnoli))
}

// indexBytes reads an index of version 2 that is known to be sound.
type indexBytes struct{ b []byte }

// eachPostings calls f with every entry of the postings offset table, as it is
// but for its offset.
func (x indexBytes) eachPostings(table int, f func(key []byte, off uint64)) {
	i := table + 8
	for range binary.BigEndian.Uint32(x.b[table+4:]) {
		start := i
		i++ // two strings
		for range 2 {
			length, n := binary.Uvarint(x.b[i:])
			i += n + int(length)
		}
		off, n := binary.Uvarint(x.b[i:])
		f(x.b[start:i], off)
		i += n
	}
}

func (x indexBytes) seriesCount(table int) (count int) {
	x.eachPostings(table, func(key []byte, off uint64) {
		if bytes.Equal(key, []byte{2, 0, 0}) {
			count = int(binary.BigEndian.Uint32(x.b[off+4:]))
		}
	})
	return count
}

// officialSeries lists all series of an index by Prometheus's reader.
func officialSeries(t *testing.T, path string) (version int, all []string) {
	t.Helper()
	x, err := index.NewFileReader(path, index.DecodePostingsRaw)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	name, value := index.AllPostingsKey()
	p, err := x.Postings(context.Background(), name, value)
	if err != nil {
		t.Fatal(err)
	}
	var b labels.ScratchBuilder
	var metas []chunks.Meta
	for p.Next() {
		if err := x.Series(p.At(), &b, &metas); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Labels().String())
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return x.Version(), all
}

// TestVersion1 compares blocks of both versions, one or several, with what
// Prometheus's reader says.
func TestVersion1(t *testing.T) {
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		for i, b := range randomBlocks(r) {
			write(t, dir, b)
			path := filepath.Join(dir, b.ULID)
			if i > 0 && r.IntN(2) == 0 {
				continue // stays as it is
			}
			_, want := officialSeries(t, filepath.Join(path, "index"))
			toVersion1(t, filepath.Join(path, "index"), r)
			version, got := officialSeries(t, filepath.Join(path, "index"))
			if diff := cmp.Diff(want, got); diff != "" || version != 1 || len(got) != len(b.Series) {
				t.Fatalf("version %d, %d series of %d: %s", version, len(got), len(b.Series), diff)
			}
			compareOverview(t, &Block{Dir: path, ULID: b.ULID}, r.IntN(6))
		}
		l, err := List(dir)
		if err != nil {
			t.Fatal(err)
		}
		opts := Options{TopValues: 5, Workers: 2}
		want, err := simpleScan(context.Background(), l.Blocks, opts)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Scan(context.Background(), l.Blocks, opts)
		if err != nil {
			t.Fatal(err)
		}
		withoutDisk(want)
		withoutDisk(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		checkSeries(t, l.Blocks, opts, got)
	}
}

// withoutDisk takes away the figures that the size of index entries goes into:
// offsets of symbols are longer than their numbers.
func withoutDisk(r *Result) {
	for i := range r.Metrics {
		for j := range r.Metrics[i].Jobs {
			r.Metrics[i].Jobs[j].Cost.DiskBytesPerDay = 0
		}
	}
}

// TestVersion1Damage turns each byte of an index over: that is noticed, or
// nobody reads it.
func TestVersion1Damage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(smallBlock(t, dir), "index")
	toVersion1(t, path, rand.New(rand.NewPCG(1, 1)))
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Scan(context.Background(), l.Blocks, Options{TopValues: 5})
	if err != nil {
		t.Fatal(err)
	}
	for i := range sound {
		edit(t, path, func([]byte) []byte {
			b := slices.Clone(sound)
			b[i] ^= 0xff
			return b
		})
		got, err := Scan(context.Background(), l.Blocks, Options{TopValues: 5, Workers: 1})
		if err == nil && cmp.Diff(want, got) != "" {
			t.Errorf("byte %d of %d is damaged: nobody notices", i, len(sound))
		}
		if bad, ok := errors.AsType[*BlockError](err); err != nil && (!ok || bad.Block.ULID != ulid) {
			t.Errorf("byte %d: error %v is not about the block", i, err)
		}
	}
}

// TestVersion1Symbol lets a series name an offset in the middle of a symbol.
func TestVersion1Symbol(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(smallBlock(t, dir), "index")
	toVersion1(t, path, rand.New(rand.NewPCG(1, 1)))
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for label := 1; label <= 2; label++ { // its name, its value: offsets of one byte
		edit(t, path, func(b []byte) []byte {
			at := binary.BigEndian.Uint64(b[len(b)-tocLength+8:])
			length, n := binary.Uvarint(b[at:])
			body := b[int(at)+n:][:length]
			body[label]++
			binary.BigEndian.PutUint32(b[int(at)+n+int(length):], crc32.Checksum(body, castagnoli))
			return b
		})
		if _, err := Scan(context.Background(), l.Blocks, Options{TopValues: 5}); !errors.Is(err, errEntry) {
			t.Errorf("got %v, want %v", err, errEntry)
		}
	}
}
