//go:build unix

package walscan_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/index"

	"github.com/sentei/sentei/internal/tsdbscan"
	"github.com/sentei/sentei/internal/walscan"
)

// BenchmarkRead reads the head.
func BenchmarkRead(b *testing.B) {
	bench(b, func(dir string) (int, error) {
		h, err := walscan.Read(context.Background(), dir, time.Time{}, nil)
		if err != nil {
			return 0, err
		}
		return h.Len(), nil
	})
}

// BenchmarkScan reads the head and counts what would remain without each label.
func BenchmarkScan(b *testing.B) {
	bench(b, func(dir string) (int, error) {
		h, err := walscan.Read(context.Background(), dir, time.Time{}, nil)
		if err != nil {
			return 0, err
		}
		r, err := tsdbscan.Scan(context.Background(), nil, tsdbscan.Options{Head: h, TopValues: 1000, Workers: 1})
		if err != nil {
			return 0, err
		}
		n := 0
		for i := range r.Metrics {
			n += int(r.Metrics[i].Cost().SeriesInSpan)
		}
		return n, nil
	})
}

// BenchmarkReadOnlyDB has Prometheus replay the head, and lists its series.
func BenchmarkReadOnlyDB(b *testing.B) {
	bench(b, func(dir string) (int, error) {
		sandbox, err := os.MkdirTemp("", "")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(sandbox)
		db, err := tsdb.OpenDBReadOnly(dir, sandbox, slog.New(slog.DiscardHandler))
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
	debug.FreeOSMemory()
	resetPeak(b)
	var series int
	cpu := cpuTime()
	for b.Loop() {
		n, err := read(dir)
		if err != nil || n < *benchSeries {
			b.Fatal(n, err)
		}
		series = n
	}
	spent := float64(cpuTime()-cpu) / float64(b.N)
	b.ReportMetric(float64(series), "series")
	b.ReportMetric(spent/1e9, "cpu-s/op")
	b.ReportMetric(spent/1e3/float64(series), "cpu-µs/series")
	b.ReportMetric(peak(b)/1e6, "peak-MB")
}

// cpuTime is the time of the processor that this process has used.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// resetPeak makes peak begin anew. Where it does not work the peak is that of
// the whole process.
func resetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Log(err)
	}
}

// peak is the most memory that this process has had at a time, in bytes: 0
// where the system does not tell.
func peak(b *testing.B) float64 {
	b.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kb float64
			if _, err := fmt.Sscan(v, &kb); err == nil {
				return kb * 1000
			}
		}
	}
	return 0
}
