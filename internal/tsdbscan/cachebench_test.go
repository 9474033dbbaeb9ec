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

// BenchmarkCache reads twelve blocks of two hours, with samples and the index
// alone: without a cache; for the first time with one; again; and with one
// block more than the last time. What it reports is for each distinct series.
func BenchmarkCache(b *testing.B) {
	dir := *benchPath
	if dir == "" {
		dir = b.TempDir()
		if err := blockgen.WriteCluster(dir, blockgen.Cluster{Pods: *benchSeries / 740, Blocks: 12, Start: t0}); err != nil {
			b.Fatal(err)
		}
	}
	blocks := listed(b, dir)
	path := filepath.Join(b.TempDir(), "file")
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
	for _, indexOnly := range []bool{false, true} {
		name, opts := "samples ", Options{TopValues: 1000, IndexOnly: indexOnly}
		if indexOnly {
			name = "index "
		}
		run(name+"without", removed, opts)
		opts.Cache = &Cache{Path: path, Logger: slog.New(slog.DiscardHandler)}
		run(name+"first", removed, opts)
		run(name+"again", nothing, opts)
		run(name+"one more", func(b *testing.B) {
			removed(b)
			scan(b, blocks[:len(blocks)-1], opts)
		}, opts)
	}
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
