//go:build unix

package tsdbscan

import (
	"context"
	"flag"
	"syscall"
	"testing"
	"time"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

var (
	benchSeries = flag.Int("bench-series", 200_000, "about how many series the block that benchmarks read has")
	benchPath   = flag.String("bench-path", "", "read this TSDB directory instead of a generated block")
)

// benchBlocks returns the blocks to read, and how many series they have.
func benchBlocks(b *testing.B) ([]Block, float64) {
	b.Helper()
	dir := *benchPath
	if dir == "" {
		dir = b.TempDir()
		if err := blockgen.WriteCluster(dir, blockgen.Cluster{Pods: *benchSeries / 740, Blocks: 1, Start: t0}); err != nil {
			b.Fatal(err)
		}
	}
	l, err := List(dir)
	if err != nil {
		b.Fatal(err)
	}
	n := 0.0
	for _, block := range l.Blocks {
		n += float64(block.Series)
	}
	return l.Blocks, n
}

// BenchmarkScan reads the block with all that Scan does, BenchmarkIndex
// without the chunks, BenchmarkSimple with Prometheus's readers and maps.
func BenchmarkScan(b *testing.B) {
	bench(b, func(blocks []Block) (*Result, error) {
		return Scan(context.Background(), blocks, Options{TopValues: 1000})
	})
}

func BenchmarkIndex(b *testing.B) {
	bench(b, func(blocks []Block) (*Result, error) {
		return Scan(context.Background(), blocks, Options{TopValues: 1000, IndexOnly: true})
	})
}

// BenchmarkReduce is BenchmarkIndex with the search for labels to remove.
func BenchmarkReduce(b *testing.B) {
	bench(b, func(blocks []Block) (*Result, error) {
		return Scan(context.Background(), blocks, Options{TopValues: 1000, IndexOnly: true, Reduce: 1_000_000})
	})
}

// BenchmarkOverview reads the postings offset table alone.
func BenchmarkOverview(b *testing.B) {
	bench(b, func(blocks []Block) (*Result, error) {
		_, err := ReadOverview(&blocks[0], 10)
		return nil, err
	})
}

func BenchmarkSimple(b *testing.B) {
	bench(b, func(blocks []Block) (*Result, error) {
		return simpleScan(context.Background(), blocks, Options{TopValues: 1000})
	})
}

func bench(b *testing.B, scan func([]Block) (*Result, error)) {
	blocks, n := benchBlocks(b)
	cpu := cpuTime()
	for b.Loop() {
		if _, err := scan(blocks); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/series")
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/n, "cpu-ns/series")
}

// cpuTime is the time of the processor that this process has used.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
