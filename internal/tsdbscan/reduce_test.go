package tsdbscan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// randomWorkload makes series of pods: labels that follow from others, labels
// that are missing on some, and labels that come and go between blocks.
func randomWorkload(r *rand.Rand) []blockgen.Block {
	type column struct {
		name   string
		of     int // the column that it follows from, -1 for none
		values int
		absent float64
	}
	var columns []column
	n := 3 + r.IntN(9)
	if r.IntN(6) == 0 {
		n = 70 + r.IntN(30)
	}
	for i := range n {
		c := column{name: fmt.Sprintf("%c%d", "AaZz"[r.IntN(4)], i), of: -1, values: 1 + r.IntN(1+r.IntN(30))}
		if i > 0 && r.IntN(2) == 0 {
			c.of = r.IntN(i)
		} else if r.IntN(3) == 0 {
			c.absent = r.Float64() / 2
		}
		if r.IntN(4) == 0 {
			c.values = 1000
		}
		columns = append(columns, c)
	}
	salt := r.IntN(1000)
	jobs := 1 + r.IntN(3)
	var blocks []blockgen.Block
	for i := range 1 + r.IntN(3) {
		start := t0 + int64(i)*2*hour
		b := blockgen.Block{ULID: fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP9D%02d", i), MinTime: start, MaxTime: start + 2*hour}
		native := r.IntN(3)
		seen := map[string]bool{}
		for range 20 + r.IntN(150) {
			m := labels.NewBuilder(labels.FromStrings("__name__", "x_bucket", "job", fmt.Sprint(r.IntN(jobs))))
			got := make([]int, len(columns))
			for k, c := range columns {
				got[k] = r.IntN(c.values)
				if c.of >= 0 {
					got[k] = (got[c.of]*7919 + salt + k) % c.values
				}
				if r.Float64() >= c.absent && (c.of < 0 || got[k]%5 != 4) {
					m.Set(c.name, fmt.Sprint(got[k]))
				}
			}
			if l := m.Labels(); !seen[l.String()] {
				seen[l.String()] = true
				s := blockgen.Series{Labels: l, From: start, To: start + 2*hour - 1, Step: minute}
				if r.IntN(3) < native {
					s.Values = blockgen.Native
				}
				if r.IntN(3) == 0 {
					s.To -= hour
				}
				b.Series = append(b.Series, s)
			}
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// TestReduceRandom compares with a search over label sets as text.
func TestReduceRandom(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, b := range randomWorkload(rand.New(rand.NewPCG(seed, 2))) {
				write(t, dir, b)
			}
			compare(t, dir, Options{TopValues: 3})
		})
	}
}
