package tsdbscan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// TestScanTargets reads series that mostly begin and end with their
// neighbours, as those of a few targets do. Each metric is in one of two blocks
// that overlap, so that only a part of some chunks counts.
func TestScanTargets(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			for i := range 2 {
				b := blockgen.Block{
					ULID:            fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP9D%02d", i),
					MinTime:         t0 + int64(i)*hour,
					MaxTime:         t0 + int64(i)*hour + 2*hour,
					SamplesPerChunk: 40 + r.IntN(200),
				}
				if r.IntN(2) == 0 {
					b.SegmentSize = int64(2000 + r.IntN(20_000))
				}
				for m := range 4 {
					b.Series = append(b.Series, targetSeries(r, &b, fmt.Sprintf("metric_%d_%d", i, m))...)
				}
				write(t, dir, b)
			}
			compare(t, dir, Options{TopValues: 3})
		})
	}
}

// targetSeries returns the series of a metric from a few targets.
func targetSeries(r *rand.Rand, b *blockgen.Block, metric string) []blockgen.Series {
	steps := []int64{30_000, 60_000, 99_000, 101_000, 10 * minute}
	var targets []blockgen.Series
	for range 1 + r.IntN(3) {
		step := steps[r.IntN(len(steps))]
		s := blockgen.Series{From: b.MinTime + r.Int64N(step), To: b.MaxTime - 1, Step: step}
		if r.IntN(3) == 0 {
			s.From += r.Int64N(hour)
		}
		targets = append(targets, s)
	}
	var series []blockgen.Series
	for n := range r.IntN(60) {
		s := targets[r.IntN(len(targets))]
		switch r.IntN(10) {
		case 0: // ends early
			s.To = s.From + r.Int64N(s.To-s.From+1)
		case 1, 2: // the same times, whether there are many samples or few
			s.From, s.To, s.Step = b.MinTime, b.MinTime+100*minute, []int64{minute, 10 * minute}[r.IntN(2)]
		}
		if r.IntN(4) == 0 {
			s.Values = blockgen.Native
		}
		s.Labels = labels.FromStrings("__name__", metric, "job", fmt.Sprint(r.IntN(2)), "n", fmt.Sprint(n))
		series = append(series, s)
	}
	return series
}
