package tsdbscan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	for r.IntN(4) > 0 && len(s.labels) > 0 && s.labels[0] < model.MetricNameLabel { // a metric with such a label has no twins
		s.labels, s.values, s.absent = s.labels[1:], s.values[1:], s.absent[1:]
	}
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
	add("f_last_differs", set(n-11, "le", "99"))
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

// countdown is cancelled when it has been asked often enough.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestTwinsCancelled cancels a scan at each of the places where it looks.
func TestTwinsCancelled(t *testing.T) {
	var series []blockgen.Series
	for i := range 3000 {
		for _, name := range []string{"a", "b_twin", "c_twin"} {
			series = append(series, whole("__name__", name, "i", fmt.Sprint(i)))
		}
	}
	dir := t.TempDir()
	write(t, dir, blockgen.Block{ULID: ulid, Series: series})
	blocks, opts := listed(t, dir), Options{TopValues: 5, Workers: 1, IndexOnly: true}
	want, err := scanPlain(blocks, opts)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; ; n++ {
		ctx := &countdown{context.Background(), n}
		r, err := Scan(ctx, blocks, opts)
		if err != nil {
			if !errors.Is(err, context.Canceled) || r != nil {
				t.Fatalf("cancelled after %d looks: %v, %v", n, r, err)
			}
			continue
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Fatalf("cancelled after %d looks: %s", n, diff)
		}
		if ctx.left >= 0 {
			break
		}
	}
	if n < 10 {
		t.Errorf("it only looks %d times", n)
	}
}

// TestTwinsRandom has families of metrics in one or two blocks, of both
// versions, that begin and end a little before and after what a guess of the
// span sees.
func TestTwinsRandom(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 5))
			dir := t.TempDir()
			for i := range 1 + r.IntN(2) {
				b := blockgen.Block{
					ULID: fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP9D%02d", i), MinTime: t0, MaxTime: t0 + 2*hour,
					SamplesPerChunk: 20 + r.IntN(200),
				}
				for range 1 + r.IntN(3) {
					b.Series = append(b.Series, randomFamily(r, i*r.IntN(2)*10+len(b.Series))...)
				}
				s := &b.Series[r.IntN(len(b.Series))]
				s.From, s.To = s.From-r.Int64N(7)*minute, s.To+r.Int64N(7)*minute
				write(t, dir, b)
				if r.IntN(4) == 0 {
					toVersion1(t, filepath.Join(dir, b.ULID, "index"), r)
				}
			}
			opts := Options{TopValues: 3, Workers: 1 + r.IntN(3), Reduce: r.IntN(6), IndexOnly: r.IntN(2) == 0}
			blocks := listed(t, dir)
			want, err := scanPlain(blocks, opts)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Scan(t.Context(), blocks, opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

// TestTwinsBlocks has metrics in two blocks whose symbols have the same numbers
// but are other ones.
func TestTwinsBlocks(t *testing.T) {
	dir := t.TempDir()
	for block := range 2 {
		b := blockgen.Block{ULID: fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP9D%02d", block), MinTime: t0, MaxTime: t0 + 2*hour}
		for i := range 100 {
			b.Series = append(b.Series, whole("__name__", fmt.Sprintf("metric_%d", block), "pod", fmt.Sprintf("%d_%02d", block, i)))
		}
		write(t, dir, b)
	}
	compare(t, dir, Options{TopValues: 5})
}

// TestTwinsSpan has metrics of which one alone is read again, because the span
// was guessed wrong: it or the one that it shares labels with.
func TestTwinsSpan(t *testing.T) {
	names := []string{"a", "b", "c"}
	for _, again := range names {
		var series []blockgen.Series
		for i := range 1000 {
			for _, name := range names {
				s := whole("__name__", name, "pod", fmt.Sprint(i), "zone", fmt.Sprint(i%7))
				s.From, s.To = s.From+10*minute, s.To-10*minute
				switch {
				case i == 124 && name == "b": // no probe sees it
					s.From, s.To = s.From-2*minute, s.To+2*minute
				case i%3 == 0 && name == again: // only just live and not created
					s.From, s.To = s.From+3*minute+minute/2, s.To-4*minute
				}
				series = append(series, s)
			}
		}
		dir := t.TempDir()
		write(t, dir, blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour, Series: series})
		blocks := listed(t, dir)
		s := newScan(blocks, nil, Options{}, tailStart(blocks))
		defer s.close()
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.tasks(t.Context()); err != nil || s.from != t0+10*minute {
			t.Fatalf("the span begins at %d as guessed, %v", s.from-t0, err)
		}
		r := compare(t, dir, Options{TopValues: 5})
		for i, name := range names {
			want := int64(1000)
			if name == again {
				want -= 334
			}
			if live := r.Metrics[i].Cost().Series; live != want {
				t.Errorf("%d series of %s are live, want %d", live, name, want)
			}
		}
	}
}

// TestTwinsCount has a list of series that is shorter than when they were
// counted, as when somebody writes to the index.
func TestTwinsCount(t *testing.T) {
	series := []blockgen.Series{whole("__name__", "b", "i", "more")}
	for i := range 100 {
		series = append(series, whole("__name__", "a", "i", fmt.Sprint(i)), whole("__name__", "b", "i", fmt.Sprint(i)))
	}
	dir := t.TempDir()
	write(t, dir, blockgen.Block{ULID: ulid, Series: series})
	s := newScan(listed(t, dir), nil, Options{TopValues: 5}, math.MaxInt64)
	defer s.close()
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	tasks, err := s.tasks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := s.newWorker()
	for _, i := range []int{1, 0} {
		k := &tasks[i]
		k.count, k.twins = 101, true
		if f, err := w.metric(t.Context(), k); err != nil || f.jobs[0].Cost.SeriesInSpan != int64(101-i) {
			t.Errorf("%s: %+v, %v", k.name, f, err)
		}
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
