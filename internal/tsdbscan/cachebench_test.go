//go:build unix

package tsdbscan

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// BenchmarkCache reads twelve blocks of two hours: without a cache; for the
// first time with one; again; and when one more block is in the cache's place
// than at the last time. What it reports is for each distinct series.
func BenchmarkCache(b *testing.B) {
	dir := *benchPath
	if dir == "" {
		dir = b.TempDir()
		if err := blockgen.WriteCluster(dir, blockgen.Cluster{Pods: *benchSeries / 740, Blocks: 12, Start: t0}); err != nil {
			b.Fatal(err)
		}
	}
	blocks := listed(b, dir)
	opts := Options{TopValues: 1000}
	path := filepath.Join(b.TempDir(), "file")
	cached := opts
	cached.Cache = &Cache{Path: path, Logger: slog.New(slog.DiscardHandler)}

	scan := func(b *testing.B, blocks []Block, opts Options) float64 {
		b.Helper()
		r, err := Scan(context.Background(), blocks, opts)
		if err != nil {
			b.Fatal(err)
		}
		rows := int64(0)
		for i := range r.Metrics {
			rows += r.Metrics[i].Cost().SeriesInSpan
		}
		return float64(rows)
	}
	run := func(name string, before func(b *testing.B), opts Options) {
		b.Run(name, func(b *testing.B) {
			var rows, cpu float64
			for b.Loop() {
				b.StopTimer()
				before(b)
				start := cpuTime()
				b.StartTimer()
				rows = scan(b, blocks, opts)
				cpu += float64(cpuTime() - start)
			}
			b.ReportMetric(cpu/float64(b.N)/rows, "cpu-ns/row")
			b.ReportMetric(rows, "rows")
			if info, err := os.Stat(path); err == nil {
				b.ReportMetric(float64(info.Size())/rows, "file-B/row")
			}
		})
	}
	nothing := func(*testing.B) {}
	removed := func(b *testing.B) {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			b.Fatal(err)
		}
	}
	run("without", nothing, opts)
	run("first", removed, cached)
	run("again", nothing, cached)
	run("one more", func(b *testing.B) {
		removed(b)
		scan(b, blocks[:len(blocks)-1], cached)
	}, cached)
	var size int64
	for i := range blocks {
		info, err := os.Stat(filepath.Join(blocks[i].Dir, "index"))
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	b.Logf("%d blocks, the indexes take %d bytes", len(blocks), size)
}
