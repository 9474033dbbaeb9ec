package tsdbscan

import (
	"bytes"
	gocmp "cmp"
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/tsdb/index"
)

func TestReadOverview(t *testing.T) {
	dir := smallBlock(t, t.TempDir())
	got := compareOverview(t, &Block{Dir: dir, ULID: ulid}, 3)
	if got.Series != 10 || got.Metrics[0] != (Count{"requests_total", 5}) || got.LabelPairs != 13 {
		t.Errorf("the test block has changed: %+v", got)
	}
	compareOverview(t, &Block{Dir: dir, ULID: ulid}, 0)

	// Lists that are not in the order of the table must be read one by one.
	swapLists(t, filepath.Join(dir, "index"), "instance", "a", "b")
	got = compareOverview(t, &Block{Dir: dir, ULID: ulid}, 100)
	if !slices.Contains(got.Pairs, PairCount{"instance", "a", 2}) {
		t.Errorf("the lists were not swapped: %+v", got.Pairs)
	}

	edit(t, filepath.Join(dir, "index"), func(b []byte) []byte { b[len(b)-tocLength-5] ^= 1; return b })
	if _, err := ReadOverview(&Block{Dir: dir, ULID: ulid}, 1); err == nil || !strings.Contains(err.Error(), ulid) {
		t.Errorf("error %v, want one about block %s", err, ulid)
	}
}

func TestReadOverviewRandom(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		dir := t.TempDir()
		for _, b := range randomBlocks(r) {
			write(t, dir, b)
			compareOverview(t, &Block{Dir: filepath.Join(dir, b.ULID), ULID: b.ULID}, r.IntN(6))
		}
	}
}

// compareOverview compares an overview with what Prometheus's reader says.
func compareOverview(t *testing.T, b *Block, top int) *Overview {
	t.Helper()
	got, err := ReadOverview(b, top)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(simpleOverview(t, b.Dir, top), got); diff != "" {
		t.Errorf("top %d: %s", top, diff)
	}
	return got
}

func simpleOverview(t *testing.T, dir string, top int) *Overview {
	t.Helper()
	ctx := context.Background()
	x, err := index.NewFileReader(filepath.Join(dir, "index"), index.DecodePostingsRaw)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	count := func(name, value string) (n int64) {
		p, err := x.Postings(ctx, name, value)
		if err != nil {
			t.Fatal(err)
		}
		for p.Next() {
			n++
		}
		return n
	}
	o := &Overview{Series: count(index.AllPostingsKey())}
	names, err := x.LabelNames(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		values, err := x.SortedLabelValues(ctx, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := LabelCount{Name: strings.Clone(name), Values: int64(len(values))}
		for _, v := range values {
			n := count(name, v)
			name, v := strings.Clone(name), strings.Clone(v) // they are in the mapped file
			l.Bytes += int64(len(v))
			l.Series += n
			if name == model.MetricNameLabel {
				o.Metrics = append(o.Metrics, Count{v, n})
			} else {
				o.Pairs = append(o.Pairs, PairCount{name, v, n})
			}
		}
		o.LabelPairs += l.Values
		o.Entries += l.Series
		o.Labels = append(o.Labels, l)
	}
	slices.SortStableFunc(o.Metrics, func(a, b Count) int { return gocmp.Compare(b.Count, a.Count) })
	slices.SortStableFunc(o.Labels, func(a, b LabelCount) int { return gocmp.Compare(b.Values, a.Values) })
	slices.SortStableFunc(o.Pairs, func(a, b PairCount) int { return gocmp.Compare(b.Series, a.Series) })
	if top > 0 && len(o.Pairs) > top {
		o.Pairs = o.Pairs[:top]
	}
	return o
}

// swapLists lets each of two label pairs have the list of the other. Their
// offsets must be equally long.
func swapLists(t *testing.T, path, name, value, other string) {
	t.Helper()
	edit(t, path, func(b []byte) []byte {
		table := b[binary.BigEndian.Uint64(b[len(b)-tocLength+5*8:]):]
		offset := func(value string) []byte {
			key := append(append([]byte{byte(len(name))}, name...), append([]byte{byte(len(value))}, value...)...)
			at := table[bytes.Index(table, key)+len(key):]
			_, n := binary.Uvarint(at)
			return at[:n]
		}
		x, y := offset(value), offset(other)
		keep := slices.Clone(x)
		copy(x, y)
		copy(y, keep)
		end := 4 + binary.BigEndian.Uint32(table)
		binary.BigEndian.PutUint32(table[end:], crc32.Checksum(table[4:end], castagnoli))
		return b
	})
}
