//go:build unix

package tsdbscan

import (
	"context"
	"flag"
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

var (
	benchSeries = flag.Int("bench-series", 200_000, "series in the block that benchmarks read")
	benchPath   = flag.String("bench-path", "", "read this TSDB directory instead of a generated block")
)

// benchBlocks returns the blocks to read, and how many series they have.
func benchBlocks(b *testing.B) ([]Block, float64) {
	b.Helper()
	dir := *benchPath
	if dir == "" {
		dir = b.TempDir()
		write(b, dir, clusterBlock(*benchSeries))
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

// clusterBlock is two hours of pods that come and go: a third of the series
// are buckets of histograms, a third carries the identity of a container.
func clusterBlock(series int) blockgen.Block {
	b := blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour}
	add := func(from, to int64, lbls ...string) {
		s := whole(lbls...)
		s.From, s.To, s.Step = t0+from, t0+to, 30_000
		b.Series = append(b.Series, s)
	}
	for pod := 0; len(b.Series) < series; pod++ {
		from, to := int64(0), 2*hour-1
		switch pod % 20 {
		case 0:
			from = hour
		case 1:
			to = hour
		}
		app, instance := fmt.Sprintf("app-%d", pod/12%40), fmt.Sprintf("10.%d.%d.%d:8080", pod>>16, pod>>8&255, pod&255)
		name := fmt.Sprintf("%s-%08x", app, pod*2654435761)
		id := fmt.Sprintf("/kubepods/burstable/pod%032x", pod*40503)
		for m := range 40 {
			for _, container := range []string{app, "istio-proxy"} {
				add(from, to, "__name__", fmt.Sprintf("container_metric_%d", m), "container", container, "id", id+container,
					"image", "registry/"+container, "instance", fmt.Sprintf("node-%d", pod/30), "job", "cadvisor",
					"name", "k8s_"+container+name, "namespace", app, "node", fmt.Sprintf("node-%d", pod/30), "pod", name)
			}
		}
		for m := range 40 {
			add(from, to, "__name__", fmt.Sprintf("app_metric_%d", m), "app", app, "instance", instance, "job", app,
				"mode", fmt.Sprint(m%3), "namespace", app, "pod", name)
		}
		for _, path := range []string{"/", "/cart", "/login", "/item"} {
			for le := range 12 {
				add(from, to, "__name__", "http_request_duration_seconds_bucket", "app", app, "code", "200", "instance", instance,
					"job", app, "le", fmt.Sprint(le), "method", "GET", "namespace", app, "path", path, "pod", name)
			}
		}
	}
	b.Series = b.Series[:series]
	return b
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
		return scanBlocks(context.Background(), blocks, Options{TopValues: 1000}, math.MaxInt64)
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
