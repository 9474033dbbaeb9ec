package tsdbscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// appendPadded appends a varint that is longer than it needs to be.
func appendPadded(b []byte, v uint64, pad int) []byte {
	b = binary.AppendUvarint(b, v)
	for range pad {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}

// madeChunk is a chunk as the reader sees it.
type madeChunk struct {
	ref           uint64
	samples, size int64
	native        bool
}

// makeChunks writes two chunk files.
func makeChunks(t *testing.T, r *rand.Rand) (*segments, []madeChunk) {
	t.Helper()
	dir := t.TempDir()
	var all []madeChunk
	for segment := range uint64(2) {
		b := append(binary.BigEndian.AppendUint32(nil, segmentMagic), 1, 0, 0, 0)
		for range 300 {
			m := madeChunk{ref: segment<<32 + uint64(len(b)), samples: r.Int64N(130)}
			encoding := chunkenc.EncXOR
			if m.native = r.IntN(20) == 0; m.native {
				encoding = chunkenc.EncHistogram
			}
			length := 2 + r.IntN(300)
			b = append(binary.AppendUvarint(b, uint64(length)), byte(encoding))
			b = binary.BigEndian.AppendUint16(b, uint16(m.samples))
			b = append(b, make([]byte, length-2+crcLength)...)
			m.size = int64(segment<<32 + uint64(len(b)) - m.ref)
			all = append(all, m)
		}
		if err := os.MkdirAll(filepath.Join(dir, "chunks"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "chunks", fmt.Sprintf("%06d", segment+1)), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s, all
}

// randomMetas makes a list of chunks, most of them neighbours. Some of its
// numbers are longer than they need to be.
func randomMetas(r *rand.Rand, chunks []madeChunk) []byte {
	n := r.IntN(6)
	if r.IntN(20) == 0 {
		n = 125 + r.IntN(5)
	}
	var b []byte
	odd := r.IntN(3) == 0
	add := func(v uint64) {
		pad := 0
		if odd && r.IntN(20) == 0 {
			pad = 1 + r.IntN(2)
		}
		b = appendPadded(b, v, pad)
	}
	duration := func() uint64 {
		if odd && r.IntN(10) == 0 {
			return r.Uint64N(1 << r.IntN(40))
		}
		return r.Uint64N(200 * 60_000)
	}
	zigzag := func(v int64) uint64 { return uint64(v<<1 ^ v>>63) }
	add(uint64(n))
	at := r.IntN(len(chunks) - 130)
	var last uint64
	for j := range n {
		switch {
		case j > 0:
			add(duration())
		case odd && r.IntN(2) == 0:
			add(zigzag(r.Int64N(1<<(1+r.IntN(50))) - 1<<r.IntN(50)))
		default:
			add(zigzag(t0 + r.Int64N(hour)))
		}
		add(duration())
		if r.IntN(20) == 0 {
			at = r.IntN(len(chunks) - 130)
		}
		ref := chunks[at].ref
		at++
		if j == 0 {
			add(ref)
		} else {
			add(zigzag(int64(ref - last)))
		}
		last = ref
	}
	return b
}

// plainMetas decodes a list of chunks one number after the other. It returns
// false for a malformed one. Without chunks they are not looked at.
func plainMetas(list []byte, chunks map[uint64]madeChunk, tail int64) (rowFacts, bool) {
	f := rowFacts{mint: noTime, maxt: -noTime, born: noTime, dies: -noTime}
	bad := false
	next := func() uint64 {
		v, n := binary.Uvarint(list)
		if n <= 0 {
			bad = true
			return 0
		}
		list = list[n:]
		return v
	}
	n := next()
	var maxt int64
	var ref uint64
	for j := uint64(0); j < n && !bad; j++ {
		start, length, chunk := next(), next(), next()
		mint := maxt + int64(start)
		if j == 0 {
			mint, ref = unzigzag(start), chunk
		} else {
			ref += uint64(unzigzag(chunk))
		}
		const limit = 1 << 60
		bad = bad || j > 0 && start > limit || length > limit || mint > limit || mint < -limit
		maxt = mint + int64(length)
		m := chunks[ref]
		f.samples += clip(m.samples, mint, maxt, tail)
		f.chunkBytes += clip(m.size, mint, maxt, tail)
		f.native = f.native || m.native
		if j == 0 {
			f.mint, f.born = mint, mint-patience(mint, maxt, m.samples)
		}
		f.maxt, f.dies = maxt, maxt+patience(mint, maxt, m.samples)
	}
	return f, !bad && len(list) == 0
}

// TestMetas decodes random lists of chunks, of which some are damaged. They end
// where the memory ends but for the slack.
func TestMetas(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	files, all := makeChunks(t, r)
	byRef := map[uint64]madeChunk{}
	for _, m := range all {
		byRef[m.ref] = m
	}
	reader := newChunkReader(files)
	quick, slow, malformed := 0, 0, 0
	for range 100_000 {
		c, known := &cursor{tail: t0 + r.Int64N(hour)}, map[uint64]madeChunk(nil)
		list := randomMetas(r, all)
		if r.IntN(2) == 0 {
			c.chunks, known = reader, byRef
			if r.IntN(2) == 0 {
				c.tail = t0
			}
		} else if r.IntN(4) == 0 {
			list[r.IntN(len(list))] ^= 1 << r.IntN(8)
			list = list[:len(list)-r.IntN(2)]
		}
		b := make([]byte, 4096)
		for i := range b {
			b[i] = 0xff
		}
		end := len(b) - slack
		i := end - len(list)
		copy(b[i:], list)
		if c.quickMetas(b, i, end) {
			quick++
		} else {
			slow++
		}
		want, ok := plainMetas(list, known, c.tail)
		if err := c.metas(b, i, end); err == nil != ok {
			t.Fatalf("%x: error %v, but sound: %v", list, err, ok)
		}
		if !ok {
			malformed++
		} else if c.rowFacts != want {
			t.Fatalf("%x:\ngot  %+v\nwant %+v", list, c.rowFacts, want)
		}
	}
	if quick < 20_000 || slow < 20_000 || malformed < 2000 {
		t.Errorf("%d lists were read quickly and %d not, %d were malformed: too few of some sort", quick, slow, malformed)
	}
}

// labelSet is the labels of a series as numbers.
type labelSet struct{ names, values []uint32 }

func compareSets(a, b labelSet) int { return compareLabels(a.names, a.values, b.names, b.values) }

// randomSets makes label sets of which many differ in little, sorted.
func randomSets(r *rand.Rand) []labelSet {
	number := func() uint32 {
		if r.IntN(4) == 0 {
			return r.Uint32N(math.MaxUint32) >> r.IntN(32)
		}
		return 100 + r.Uint32N(60)
	}
	var sets []labelSet
	s := labelSet{[]uint32{5}, []uint32{7}}
	for range 3000 {
		s = labelSet{slices.Clone(s.names), slices.Clone(s.values)}
		i := r.IntN(len(s.names))
		switch r.IntN(12) {
		case 0:
			if len(s.names) > 1 {
				s.names, s.values = slices.Delete(s.names, i, i+1), slices.Delete(s.values, i, i+1)
			}
		case 1, 2:
			for range 1 + r.IntN(2)*r.IntN(2)*r.IntN(140) {
				name := number()
				if i, found := slices.BinarySearch(s.names, name); !found {
					s.names, s.values = slices.Insert(s.names, i, name), slices.Insert(s.values, i, number())
				}
			}
		case 3:
			s.values[i]++
			fallthrough
		default:
			for range 1 + r.IntN(3) {
				s.values[r.IntN(len(s.values))] = number()
			}
		}
		if len(s.names) > 140 {
			s = labelSet{[]uint32{5}, []uint32{number()}}
		}
		sets = append(sets, s)
	}
	slices.SortFunc(sets, compareSets)
	return slices.CompactFunc(sets, func(a, b labelSet) bool { return compareSets(a, b) == 0 })
}

// somePadded makes some numbers longer than they need to be, always the same
// ones.
func somePadded(_ int, v uint32) int {
	if v%16 == 3 {
		return int(v / 16 % 6)
	}
	return 0
}

// writeSets writes series without chunks one after the other, and returns where
// they are. pad says how many bytes too long a number of a series gets.
func writeSets(t *testing.T, sets []labelSet, pad func(series int, v uint32) int) (*indexFile, []uint32) {
	t.Helper()
	var b []byte
	var refs []uint32
	for n, s := range sets {
		entry := binary.AppendUvarint(nil, uint64(len(s.names)))
		for i := range s.names {
			for _, v := range []uint32{s.names[i], s.values[i]} {
				entry = appendPadded(entry, uint64(v), pad(n, v))
			}
		}
		entry = append(entry, 0)
		refs = append(refs, uint32(len(b)))
		b = appendSummed(binary.AppendUvarint(b, uint64(len(entry))), entry)
	}
	end := int64(len(b))
	b = append(b, make([]byte, tocLength)...) // what follows in an index
	path := filepath.Join(t.TempDir(), "index")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &indexFile{file: f, size: int64(len(b)), v1: true, seriesEnd: end}, refs
}

// readSets calls f with every series that the cursor reads.
func readSets(x *indexFile, refs []uint32, f func(c *cursor)) error {
	c := &cursor{index: x, count: math.MaxUint32}
	c.win.reset(x.file, x.size)
	if err := c.start(list{refs: refs}, newLayouts(math.MaxUint32, math.MaxUint32)); err != nil {
		return err
	}
	for {
		if ok, err := c.next(); !ok || err != nil {
			return err
		}
		f(c)
	}
}

// TestLabels decodes random series, each with a look at the one before.
func TestLabels(t *testing.T) {
	for seed := range *seeds {
		r := rand.New(rand.NewPCG(seed, 3))
		sets := randomSets(r)
		x, refs := writeSets(t, sets, somePadded)
		n := 0
		err := readSets(x, refs, func(c *cursor) {
			want := sets[n]
			if !slices.Equal(c.layout.names, want.names) || !slices.Equal(c.values, want.values) {
				t.Fatalf("seed %d, series %d: %v %v, want %v", seed, n, c.layout.names, c.values, want)
			}
			if len(c.changed) > 0 {
				var changed []int32
				for i, v := range want.values {
					if v != sets[n-1].values[i] {
						changed = append(changed, int32(i))
					}
				}
				if diff := cmp.Diff(changed, c.changed); diff != "" || !slices.Equal(want.names, sets[n-1].names) {
					t.Fatalf("seed %d, series %d: %s", seed, n, diff)
				}
			}
			n++
		})
		if err != nil || n != len(sets) {
			t.Fatalf("seed %d: %d series of %d, %v", seed, n, len(sets), err)
		}
	}
}

// TestLabelsOrder reads series that are not sorted.
func TestLabelsOrder(t *testing.T) {
	for seed := range *seeds {
		r := rand.New(rand.NewPCG(seed, 4))
		sets := randomSets(r)
		i := 1 + r.IntN(len(sets)-1)
		if r.IntN(2) == 0 {
			sets[i] = sets[i-1]
		} else {
			sets[i], sets[i-1] = sets[i-1], sets[i]
		}
		x, refs := writeSets(t, sets, somePadded)
		if err := readSets(x, refs, func(*cursor) {}); err == nil {
			t.Errorf("seed %d: series %d of %d is not noticed", seed, i, len(sets))
		}
	}
	// The name is the same, but longer than it needs to be.
	sets := []labelSet{{[]uint32{1, 8}, []uint32{5, 6}}, {[]uint32{1, 8}, []uint32{2, 6}}}
	x, refs := writeSets(t, sets, func(series int, v uint32) int { return series * int(v&1) })
	if err := readSets(x, refs, func(*cursor) {}); !errors.Is(err, errOrder) {
		t.Errorf("got %v, want %v", err, errOrder)
	}
}
