package tsdbscan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

const ulid = "01JCW8TM0NNYXGZ3B7T0AP9D2E"

// whole is a series over the first two hours.
func whole(lbls ...string) blockgen.Series {
	return blockgen.Series{Labels: labels.FromStrings(lbls...), From: t0, To: t0 + 2*hour - 1, Step: minute}
}

// TestScanSpan has too many series for a guess of the span to be right: only
// one of them begins and ends at the very edges, and others only just count as
// there from the begin and as live.
func TestScanSpan(t *testing.T) {
	var series []blockgen.Series
	for i := range 3000 {
		s := whole("__name__", fmt.Sprintf("metric_%d", i%7), "pod", fmt.Sprint(i))
		s.From, s.To = s.From+2*minute, s.To-2*minute
		switch {
		case i == 1234:
			s.From, s.To = t0, t0+2*hour-1
		case i%10 == 1:
			s.From += 4 * minute
		case i%10 == 2:
			s.To -= 4 * minute
		}
		series = append(series, s)
	}
	dir := t.TempDir()
	write(t, dir, blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour, Series: series})
	r := compare(t, dir, Options{TopValues: 10})
	var created float64
	var live int64
	for i := range r.Metrics {
		c := r.Metrics[i].Cost()
		created += c.ChurnPerHour
		live += c.Series
	}
	if live != 2700 || created < 150 {
		t.Errorf("%d live, %v created an hour: want 2700 and 150", live, created)
	}
}

func TestScanCases(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	long := func(c string) string { return strings.Repeat(c, 64<<10) }
	var jobs, big []blockgen.Series
	for i := range 5000 {
		jobs = append(jobs, whole("__name__", "up", "instance", fmt.Sprint(i%100), "job", fmt.Sprint(i)))
	}
	for i := range 30_000 {
		big = append(big, whole("__name__", "requests_total", "code", fmt.Sprint(r.IntN(5)), "handler", fmt.Sprint(i),
			"job", fmt.Sprint(i%3), "pod", fmt.Sprint(r.IntN(300))))
	}
	tests := map[string][]blockgen.Series{
		"one series":            {whole("__name__", "up")},
		"a label is everything": {whole("a", "b"), whole("a", "c"), whole("job", "")},
		"long values": {
			whole("__name__", "long", "a", long("x"), "b", "1"), whole("__name__", "long", "a", long("x"), "b", "2"),
			whole("__name__", "long", "a", long("x")+"y", "b", "2"), whole("__name__", "long", "a", long("z")),
		},
		"many jobs":   jobs,
		"many values": big,
		"name is not first": {
			whole("Cluster", "a", "__name__", "x", "pod", "1"), whole("Cluster", "a", "__name__", "y", "pod", "1"),
			whole("Cluster", "b", "__name__", "x", "pod", "1"), whole("__name__", "x", "pod", "1"),
		},
		"optional labels": {
			whole("__name__", "x", "a", "1"), whole("__name__", "x", "a", "1", "b", "1"), whole("__name__", "x", "a", "1", "b", "1", "c", "1"),
			whole("__name__", "x", "a", "1", "c", "1"), whole("__name__", "x"), whole("__name__", "x", "b", "1"),
		},
	}
	for name, series := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, blockgen.Block{ULID: ulid, Series: series})
			compare(t, dir, Options{TopValues: 1000})
		})
	}
}

// TestScanWide has far more labels than a machine word has bits. Prometheus's
// own readers would take a minute to count it.
func TestScanWide(t *testing.T) {
	const n = 10_000
	wide := func(changed int, value string) blockgen.Series {
		l := []string{"__name__", "wide"}
		for i := range n {
			v := fmt.Sprint(i % 7)
			if i == changed {
				v = value
			}
			l = append(l, fmt.Sprintf("label_%05d", i), v)
		}
		return whole(l...)
	}
	without := wide(0, "")
	without.Labels = labels.NewBuilder(without.Labels).Del("label_00009").Set("label_00000", "0").Labels()
	series := []blockgen.Series{
		wide(0, "0"), wide(1, "x"), wide(70, "x"), wide(70, "y"), wide(n-1, "x"), without, whole("__name__", "wide"),
	}
	for i := range 5000 { // the writer of postings is slow if there are more labels than series
		series = append(series, whole("__name__", "zoo", "animal", fmt.Sprint(i)))
	}
	dir := t.TempDir()
	write(t, dir, blockgen.Block{ULID: ulid, Series: series})
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Scan(context.Background(), l.Blocks, Options{TopValues: 2, Reduce: 10})
	if err != nil {
		t.Fatal(err)
	}
	job := &r.Metrics[0].Jobs[0]
	if job.Reductions != nil || job.Labels[0].DeterminedBy != nil {
		t.Error("fifty million pairs of labels have been looked at")
	}
	if job.Cost.SeriesInSpan != 7 || len(job.Labels) != n {
		t.Fatalf("%d series with %d labels, want 7 with %d", job.Cost.SeriesInSpan, len(job.Labels), n)
	}
	for name, want := range map[string]int64{
		"label_00000": 7, "label_00001": 6, "label_00009": 6, "label_00070": 5, "label_09998": 7, "label_09999": 6,
	} {
		if l := job.Label(name); l.SeriesWithout != want || l.SeriesWithoutLive != want {
			t.Errorf("%s: %d series and %d live ones without it, want %d", name, l.SeriesWithout, l.SeriesWithoutLive, want)
		}
	}
}

func TestScanNoSamples(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, blockgen.Block{ULID: ulid, Series: []blockgen.Series{{Labels: labels.FromStrings("a", "b")}}})
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Scan(context.Background(), l.Blocks, Options{TopValues: 1})
	if err != nil || !r.From.IsZero() || len(r.Metrics) != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestScanCancelled(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, blockgen.Block{ULID: ulid, Series: []blockgen.Series{whole("a", "b")}})
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scan(ctx, l.Blocks, Options{TopValues: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
}

// TestScanIndexOnly reads a block without its chunks.
func TestScanIndexOnly(t *testing.T) {
	dir := t.TempDir()
	block := filepath.Join(dir, ulid)
	write(t, dir, blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour, Series: []blockgen.Series{whole("__name__", "up", "instance", "a")}})
	if err := os.RemoveAll(filepath.Join(block, "chunks")); err != nil {
		t.Fatal(err)
	}
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Scan(t.Context(), l.Blocks, Options{}); err == nil {
		t.Error("the chunks are not missed")
	}
	r, err := Scan(t.Context(), l.Blocks, Options{IndexOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Metrics[0].Cost(); len(r.Metrics) != 1 || c.Series != 1 || c.SamplesPerSecond != 0 || c.DiskBytesPerDay <= 0 {
		t.Errorf("%+v, want one live series, its bytes in the index and no samples", r.Metrics)
	}
}
