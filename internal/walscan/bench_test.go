//go:build unix

package walscan

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/util/compression"
)

var (
	benchSeries  = flag.Int("bench-series", 200_000, "series in the head that benchmarks read")
	benchSamples = flag.Int("bench-samples", 30, "samples of each")
)

// benchHead writes a head: targets of 500 series each, scraped in turn.
func benchHead(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	db := openDB(b, dir, func(o *tsdb.Options) {
		o.WALCompression = compression.Snappy
		o.WALSegmentSize = 0
	})
	var targets [][]labels.Labels
	for n := 0; n < *benchSeries; n += 500 {
		var series []labels.Labels
		for i := range 500 {
			series = append(series, labels.FromStrings("__name__", fmt.Sprintf("http_request_metric_%d", i/20), "app", fmt.Sprintf("shop-%d", n/5000),
				"code", "200", "instance", fmt.Sprintf("10.0.%d.%d:8080", n/500/250, n/500%250), "job", "kubernetes-pods", "le", fmt.Sprint(i%20),
				"method", "GET", "namespace", fmt.Sprintf("shop-%d", n/5000), "pod", fmt.Sprintf("shop-%d-%08x", n/5000, n*2654435761)))
		}
		targets = append(targets, series)
	}
	for i := range *benchSamples {
		for k, series := range targets {
			app := db.Appender(context.Background())
			for j, l := range series {
				if _, err := app.Append(0, l, t0+int64(i)*30_000+int64(k)*10, float64(i*j)); err != nil {
					b.Fatal(err)
				}
			}
			if err := app.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

// BenchmarkRead reads a head, BenchmarkReadOnlyDB has Prometheus replay it.
func BenchmarkRead(b *testing.B) {
	bench(b, func(dir string) (int, error) {
		h, err := Read(context.Background(), dir)
		if err != nil {
			return 0, err
		}
		return len(h.Series), nil
	})
}

func BenchmarkReadOnlyDB(b *testing.B) {
	bench(b, func(dir string) (int, error) {
		sandbox, err := os.MkdirTemp("", "")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(sandbox)
		db, err := tsdb.OpenDBReadOnly(dir, sandbox, quiet)
		if err != nil {
			return 0, err
		}
		defer db.Close()
		q, err := db.Querier(0, 1<<60)
		if err != nil {
			return 0, err
		}
		defer q.Close()
		name, _ := index.AllPostingsKey()
		n := 0
		for set := q.Select(context.Background(), false, nil, labels.MustNewMatcher(labels.MatchEqual, name, "")); set.Next(); n++ {
		}
		return n, nil
	})
}

func bench(b *testing.B, read func(dir string) (int, error)) {
	dir := benchHead(b)
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	var peak atomic.Uint64
	done := make(chan struct{})
	debug.FreeOSMemory()
	base := heap()
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				peak.Store(max(peak.Load(), heap()-base))
			}
		}
	}()
	cpu := cpuTime()
	for b.Loop() {
		if n, err := read(dir); err != nil || n != *benchSeries {
			b.Fatal(n, err)
		}
	}
	close(done)
	n := float64(*benchSeries)
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/n, "cpu-ns/series")
	b.ReportMetric(float64(peak.Load())/n, "peak-B/series")
}

// heap is the memory that the heap takes, garbage included.
func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// cpuTime is the time of the processor that this process has used.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
