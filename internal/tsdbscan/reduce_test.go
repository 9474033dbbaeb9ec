package tsdbscan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
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

// TestReduceMost looks only at the metrics with most series.
func TestReduceMost(t *testing.T) {
	var series []blockgen.Series
	for i := range 30 {
		series = append(series, whole("__name__", "big", "pod", fmt.Sprint(i), "uid", fmt.Sprint(i)))
	}
	for _, name := range []string{"b", "a"} { // as many: by name
		series = append(series, whole("__name__", name, "pod", "0"), whole("__name__", name, "pod", "1"))
	}
	dir := t.TempDir()
	write(t, dir, blockgen.Block{ULID: ulid, Series: series})
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Scan(t.Context(), l.Blocks, Options{TopValues: 1, Reduce: 2})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]sentei.Reduction{}
	for _, m := range r.Metrics {
		got[m.Name] = m.Jobs[0].Reductions
	}
	want := map[string][]sentei.Reduction{
		"a":   {{Labels: []string{"pod"}, SeriesWithout: 1, SeriesWithoutLive: 1}},
		"b":   nil,
		"big": {{Labels: []string{"pod", "uid"}, SeriesWithout: 1, SeriesWithoutLive: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestReduceBounds gives up what takes too much memory or time.
func TestReduceBounds(t *testing.T) {
	w := &worker{}
	w.recorder.start(true, 10)
	w.recorder.count = maxChanges - 3
	p := &part{log: w.recorder.log(2)}
	w.parts = []*part{p}
	w.record(p, 0, []uint32{1, 2}, nil)
	if p.log == nil || len(p.log[0]) != 1 {
		t.Fatal("given up too early")
	}
	w.record(p, 1, []uint32{2, 3}, []int32{0, 1})
	if p.log != nil || w.recorder.log(2) != nil {
		t.Error("more changes are kept than allowed")
	}
	if e := newEffort(1000); !e.spend(500_000) || e.spend(500_000) {
		t.Error("a job of 1000 series may look at about half a million series and changes")
	}
}

// TestBounds tells histograms from what only looks like one.
func TestBounds(t *testing.T) {
	buckets := func(name string, les ...string) (all []blockgen.Series) {
		for _, le := range les {
			all = append(all, whole("__name__", name, "le", le))
		}
		return all
	}
	for name, c := range map[string]struct {
		series []blockgen.Series
		want   *sentei.Histogram
	}{
		"sorted as numbers": {
			buckets("a_bucket", "+Inf", "0.5", "1.0", "1", "1e+06", "25", "100", "-5"),
			&sentei.Histogram{Bounds: []string{"-5", "0.5", "1", "1.0", "25", "100", "1e+06", "+Inf"}},
		},
		"another name":           {buckets("a", "1", "+Inf"), nil},
		"a series without le":    {append(buckets("a_bucket", "1"), whole("__name__", "a_bucket")), nil},
		"le that is no number":   {buckets("a_bucket", "1", "big"), nil},
		"le that is not ordered": {buckets("a_bucket", "1", "NaN"), nil},
		"native": {
			[]blockgen.Series{{Labels: labels.FromStrings("__name__", "a"), From: t0, To: t0 + hour, Step: minute, Values: blockgen.Native}},
			&sentei.Histogram{NativeSeries: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, blockgen.Block{ULID: ulid, Series: c.series})
			r := compare(t, dir, Options{TopValues: 1})
			if diff := cmp.Diff(c.want, r.Metrics[0].Jobs[0].Histogram); diff != "" {
				t.Error(diff)
			}
		})
	}
}
