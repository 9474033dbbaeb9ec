package tsdbscan

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
	"github.com/sentei/sentei/internal/walscan"
)

func newTestHead(t *testing.T, lbls []labels.Labels, series []walscan.Series) *walscan.Head {
	t.Helper()
	h, err := walscan.NewHead(lbls, series)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// randomHead has series of the blocks and new ones.
func randomHead(t *testing.T, r *rand.Rand, blocks []blockgen.Block) *walscan.Head {
	end := t0 + int64(r.IntN(5))*hour + r.Int64N(hour)
	if len(blocks) > 0 {
		end = blocks[len(blocks)-1].MaxTime + r.Int64N(3*hour) - hour/2
	}
	var lbls []labels.Labels
	var series []walscan.Series
	add := func(l labels.Labels) {
		s := walscan.Series{First: end - r.Int64N(3*hour), Samples: 1 + uint32(r.IntN(500)), Recent: uint32(r.IntN(80)), Stale: r.IntN(6) == 0, Native: r.IntN(6) == 0}
		s.Last = s.First + r.Int64N(end-s.First+1)
		if r.IntN(2) == 0 {
			s.Last = end - min(end-s.First, r.Int64N(10*minute))
		}
		lbls, series = append(lbls, l), append(series, s)
	}
	seen := map[string]bool{}
	for _, b := range blocks {
		for _, s := range b.Series {
			if !seen[s.Labels.String()] && r.IntN(3) > 0 {
				seen[s.Labels.String()] = true
				add(s.Labels)
			}
		}
	}
	m := randomSchema(r)
	for range r.IntN(100) {
		l := m.series(r, r.IntN(4))
		if !l.IsEmpty() && !seen[l.String()] {
			seen[l.String()] = true
			add(l)
		}
	}
	return newTestHead(t, lbls, series)
}

// TestScanHeadRandom counts over blocks and a head in two ways.
func TestScanHeadRandom(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			generated := randomBlocks(r)
			if seed%10 == 9 {
				generated = nil
			}
			var blocks []Block
			if len(generated) > 0 {
				for _, b := range generated {
					write(t, dir, b)
				}
				l, err := List(dir)
				if err != nil {
					t.Fatal(err)
				}
				blocks = l.Blocks
			}
			opts := Options{TopValues: 1 + int(seed%5), Reduce: 1000, Head: randomHead(t, r, generated)}
			want, err := simpleScan(context.Background(), blocks, opts)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Scan(context.Background(), blocks, opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			checkSeries(t, blocks, opts, got)
		})
	}
}

// TestScanHead spells out what the head adds to a block.
func TestScanHead(t *testing.T) {
	dir := t.TempDir()
	old := labels.FromStrings("__name__", "up", "instance", "a", "job", "node", "version", "1")
	gone := labels.FromStrings("__name__", "up", "instance", "b", "job", "node", "version", "1")
	young := labels.FromStrings("__name__", "up", "instance", "a", "job", "node", "version", "2")
	write(t, dir, blockgen.Block{ULID: "01JCW8TM0NNYXGZ3B7T0AP9D21", MinTime: t0, MaxTime: t0 + 2*hour, Series: []blockgen.Series{
		{Labels: old, From: t0, To: t0 + 2*hour - 1, Step: 15_000},
		{Labels: gone, From: t0, To: t0 + 2*hour - 1, Step: 15_000},
	}})
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	end := t0 + 3*hour
	head := newTestHead(t, []labels.Labels{old, young, gone}, []walscan.Series{
		{First: t0 + hour, Last: end, Samples: 8 * 60, Recent: 80},
		{First: end - 40*minute, Last: end, Samples: 4 * 40, Recent: 80},
		{First: t0 + hour, Last: end - minute, Samples: 8*60 - 4, Recent: 76, Stale: true},
	})
	r, err := Scan(context.Background(), l.Blocks, Options{TopValues: 5, Head: head})
	if err != nil {
		t.Fatal(err)
	}
	if r.From.UnixMilli() != t0 || r.To.UnixMilli() != end {
		t.Errorf("from %s to %s", r.From, r.To)
	}
	j := r.Metrics[0].Jobs[0]
	if c := j.Cost; c.Series != 2 || c.SeriesInSpan != 3 || c.ChurnPerHour != 1./3 || c.EndedPerHour != 1./3 {
		t.Errorf("got %+v, want 2 live series of 3, one of them created and one ended in 3 hours", c)
	}
	seconds := time.UnixMilli(end).Sub(time.UnixMilli(head.Recent)).Seconds()
	if got := j.Cost.SamplesPerSecond; got != (80+80+76)/seconds {
		t.Errorf("%v samples a second, want %v", got, (80+80+76)/seconds)
	}
	if s := j.Label("version"); s.SeriesWithout != 2 || s.SeriesWithoutLive != 1 || s.Distinct != 2 {
		t.Errorf("version: %+v", s)
	}
}

// TestScanFuture ends the span now, though one target is ahead of its time.
func TestScanFuture(t *testing.T) {
	up := func(instance string) labels.Labels { return labels.FromStrings("__name__", "up", "instance", instance) }
	series := []walscan.Series{
		{First: t0, Last: t0 + hour, Samples: 240, Recent: 40},
		{First: t0, Last: t0 + hour - 20*minute, Samples: 160}, // dead
		{First: t0 + 30*minute, Last: t0 + hour + 30*minute, Samples: 240, Recent: 40},
	}
	for now, want := range map[int64]int64{0: 1, t0 + hour: 2} {
		head := newTestHead(t, []labels.Labels{up("a"), up("b"), up("ahead")}, slices.Clone(series))
		opts := Options{TopValues: 1, Head: head}
		end := t0 + hour + 30*minute
		if now > 0 {
			opts.Now, end = time.UnixMilli(now), now
		}
		r, err := Scan(context.Background(), nil, opts)
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Metrics[0].Cost(); c.Series != want || c.SeriesInSpan != 3 || r.To.UnixMilli() != end {
			t.Errorf("now %d: %d live series of %d until %s, want %d of 3", now, c.Series, c.SeriesInSpan, r.To, want)
		}
	}
}
