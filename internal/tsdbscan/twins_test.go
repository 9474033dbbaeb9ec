package tsdbscan

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// TestScanTwins reads families of metrics that have the same series, or almost.
func TestScanTwins(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 2))
			b := blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour, SamplesPerChunk: 20 + r.IntN(200)}
			for family := range 1 + r.IntN(3) {
				b.Series = append(b.Series, randomFamily(r, family)...)
			}
			dir := t.TempDir()
			write(t, dir, b)
			compare(t, dir, Options{TopValues: 3})
		})
	}
}

// randomFamily returns the series of some metrics. Each is like the one before
// but for what family members differ in.
func randomFamily(r *rand.Rand, family int) []blockgen.Series {
	var member []blockgen.Series
	s := randomSchema(r)
	seen := map[string]bool{}
	for range 1 + r.IntN(300) {
		lbls := labels.NewBuilder(s.series(r, 0)).Del(model.MetricNameLabel).Labels()
		if r.IntN(50) == 0 {
			lbls = labels.NewBuilder(lbls).Set("long", strings.Repeat("x", r.IntN(400))).Labels()
		}
		if seen[lbls.String()] {
			continue
		}
		seen[lbls.String()] = true
		from := t0 + r.Int64N(2)*r.Int64N(hour)
		member = append(member, blockgen.Series{
			Labels: lbls, From: from, To: from + []int64{0, hour, 2 * hour}[r.IntN(3)], Step: minute,
		})
	}
	var all []blockgen.Series
	for m := range 2 + r.IntN(4) {
		mutate(r, member)
		for _, x := range member {
			name := fmt.Sprintf("family_%d_%s%s", family, strings.Repeat("m", m+1), []string{"", "_bucket"}[r.IntN(2)*m%2])
			x.Labels = labels.NewBuilder(x.Labels).Set(model.MetricNameLabel, name).Labels()
			all = append(all, x)
		}
	}
	return all
}

// mutate changes nothing, or little.
func mutate(r *rand.Rand, member []blockgen.Series) {
	x := &member[r.IntN(len(member))]
	switch r.IntN(8) {
	case 0: // lives longer or shorter
		x.To = x.From + r.Int64N(2*hour)
	case 1:
		x.From = x.To
	case 2: // has another label value, of the same size or not
		x.Labels = labels.NewBuilder(x.Labels).Set("other", fmt.Sprint(r.IntN(200))).Labels()
	case 3:
		x.Values = blockgen.Native
	}
}

// TestTwins tells twins from metrics that only look like them.
func TestTwins(t *testing.T) {
	const n = 200
	b := blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour, SamplesPerChunk: 50}
	add := func(name string, change func(i int, s *blockgen.Series)) {
		for i := range n {
			s := blockgen.Series{
				Labels: labels.FromStrings("instance", fmt.Sprint(i/20), "job", fmt.Sprint(i/100), "le", fmt.Sprint(i%20)),
				From:   t0 + int64(i/20)*1000, To: t0 + 2*hour - 1, Step: minute,
			}
			change(i, &s)
			s.Labels = labels.NewBuilder(s.Labels).Set(model.MetricNameLabel, name).Labels()
			b.Series = append(b.Series, s)
		}
	}
	set := func(at int, name, value string) func(int, *blockgen.Series) {
		return func(i int, s *blockgen.Series) {
			if i == at {
				s.Labels = labels.NewBuilder(s.Labels).Set(name, value).Labels()
			}
		}
	}
	add("a", func(int, *blockgen.Series) {})
	add("b_twin", func(int, *blockgen.Series) {})
	add("c_twin_of_other_times", func(i int, s *blockgen.Series) { s.From += int64(i) * 7000 })
	add("d_twin_native", func(i int, s *blockgen.Series) { s.Values = blockgen.Native })
	add("e_bucket", func(int, *blockgen.Series) {})
	add("f_last_differs", set(n-1, "le", "21"))
	add("g_one_is_dead", func(i int, s *blockgen.Series) {
		if i == 70 {
			s.To -= hour
		}
	})
	add("h_more_labels", set(130, "zone", "a"))
	add("i_label_before_the_name", set(0, "Zone", "a"))
	add("j_bucket", func(int, *blockgen.Series) {})
	for _, name := range []string{"k_many_labels", "l_many_labels"} {
		add(name, func(i int, s *blockgen.Series) {
			lb := labels.NewBuilder(s.Labels)
			for k := range i % 2 * 130 {
				lb.Set(fmt.Sprintf("x%03d", k), "y")
			}
			s.Labels = lb.Labels()
		})
		b.Series = b.Series[:len(b.Series)-n+4] // more would take long
	}
	dir := t.TempDir()
	write(t, dir, b)
	compare(t, dir, Options{TopValues: 5})

	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := newScan(l.Blocks, nil, Options{TopValues: 5}, tailStart(l.Blocks))
	defer s.close()
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	tasks, err := s.tasks(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w := s.newWorker()
	var got []string
	for i := range tasks {
		if w.twin(context.Background(), &tasks[i]) != nil {
			got = append(got, tasks[i].name)
		} else if _, err := w.metric(context.Background(), &tasks[i]); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"b_twin", "c_twin_of_other_times", "d_twin_native", "j_bucket"}; !slices.Equal(got, want) {
		t.Errorf("twins %q, want %q", got, want)
	}
}

// TestTwinsBounded has many metrics that look alike but are no twins.
func TestTwinsBounded(t *testing.T) {
	w := newTwins(hasher{1, 2})
	one := &task{name: "a", count: 1, lists: []list{{}}}
	w.start(one)
	for range 10 * maxOriginals {
		if o := w.add(one, 7); o != nil {
			o.found = newFound()
		}
	}
	if n := len(w.find(one, 7)); w.used != maxOriginals || n != fewOriginals {
		t.Errorf("%d originals are kept and %d are tried, want %d and %d", w.used, n, maxOriginals, fewOriginals)
	}
}
