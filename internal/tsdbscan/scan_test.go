package tsdbscan

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

var seeds = flag.Uint64("seeds", 60, "number of random TSDBs that TestScanRandom reads")

const (
	minute = int64(60_000)
	hour   = 60 * minute
	t0     = 1_700_000_000_000 / (2 * hour) * 2 * hour
)

// TestScanRandom reads random blocks with this package and with Prometheus's
// own readers.
func TestScanRandom(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, b := range randomBlocks(rand.New(rand.NewPCG(seed, 0))) {
				write(t, dir, b)
			}
			compare(t, dir, Options{TopValues: 1 + int(seed%5)})
		})
	}
}

// compare scans a TSDB directory in both ways and returns the result.
func compare(t *testing.T, dir string, opts Options) *Result {
	t.Helper()
	opts.Reduce = 1000
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := simpleScan(context.Background(), l.Blocks, opts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Scan(context.Background(), l.Blocks, opts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	checkSeries(t, l.Blocks, opts, got)
	return got
}

func write(t testing.TB, dir string, b blockgen.Block) {
	t.Helper()
	if _, err := blockgen.Write(dir, b); err != nil {
		t.Fatal(err)
	}
}

// schema says how the series of a metric look.
type schema struct {
	labels []string
	values []int     // how many each label has
	absent []float64 // how often it is missing
}

// randomBlocks makes one to four blocks with many sorts of series.
func randomBlocks(r *rand.Rand) []blockgen.Block {
	var metrics []schema
	for range 1 + r.IntN(4) {
		metrics = append(metrics, randomSchema(r))
	}
	var blocks []blockgen.Block
	for i := range 1 + r.IntN(4) {
		start := t0 + int64(i)*2*hour
		if i > 0 && r.IntN(4) == 0 { // overlaps the one before
			start -= hour
		}
		b := blockgen.Block{
			ULID:            fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP9D%02d", i),
			MinTime:         start,
			MaxTime:         start + 2*hour,
			SamplesPerChunk: 1 + r.IntN(20),
		}
		if r.IntN(3) == 0 {
			b.SegmentSize = int64(200 + r.IntN(5000))
		}
		step := []int64{30_000, minute, 10 * minute}[r.IntN(3)]
		seen := map[string]bool{}
		for range r.IntN(250) {
			m := r.IntN(len(metrics))
			lbls := metrics[m].series(r, m)
			if lbls.IsEmpty() || seen[lbls.String()] {
				continue
			}
			seen[lbls.String()] = true
			s := blockgen.Series{Labels: lbls, From: start + r.Int64N(step), Step: step}
			if r.IntN(5) == 0 {
				s.From += r.Int64N(hour)
			}
			s.To = start + 2*hour - 1
			if r.IntN(4) == 0 {
				s.To -= r.Int64N(hour)
			}
			if r.IntN(40) == 0 {
				s.Step = 0
			}
			b.Series = append(b.Series, s)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func randomSchema(r *rand.Rand) schema {
	var s schema
	names := []string{"0", "Cluster", "Zone", "__a", "_x", "code", "instance", "job", "le", "pod", "uid", "zone", "ß"}
	for _, n := range names {
		if r.IntN(2) == 0 {
			continue
		}
		s.labels = append(s.labels, n)
		s.values = append(s.values, 1+r.IntN(1+r.IntN(12)))
		s.absent = append(s.absent, max(0, r.Float64()*1.5-1))
	}
	return s
}

func (s schema) series(r *rand.Rand, metric int) labels.Labels {
	b := labels.NewScratchBuilder(len(s.labels) + 1)
	if r.IntN(30) > 0 {
		b.Add(model.MetricNameLabel, fmt.Sprintf("metric_%d", metric))
	}
	for i, n := range s.labels {
		if r.Float64() >= s.absent[i] {
			b.Add(n, fmt.Sprint(r.IntN(s.values[i])))
		}
	}
	b.Sort()
	return b.Labels()
}
