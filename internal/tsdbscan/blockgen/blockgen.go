// Package blockgen writes TSDB blocks for tests and benchmarks. In goes a list
// of series, or the size of a made up Kubernetes cluster; out come block
// directories as Prometheus itself would write them.
package blockgen

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// Series is one series with a sample every Step from From to To inclusive, in
// Unix milliseconds. A Step of zero is a series without chunks.
type Series struct {
	Labels         labels.Labels
	From, To, Step int64
	Values         Values
}

// Block is what Write writes. Zero times are taken from the series.
type Block struct {
	ULID             string
	MinTime, MaxTime int64 // MaxTime is exclusive
	Series           []Series
	Level            int
	Sources, Parents []string
	// SamplesPerChunk is 120 when zero, as in Prometheus.
	SamplesPerChunk int
	// SegmentSize is the size of a chunk file; zero is that of Prometheus.
	SegmentSize int64
}

// Write writes the block below dir and returns the path of its directory. The
// series may be in any order but not twice.
func Write(dir string, b Block) (string, error) {
	series := slices.Clone(b.Series)
	slices.SortFunc(series, func(x, y Series) int { return labels.Compare(x.Labels, y.Labels) })
	path := filepath.Join(dir, b.ULID)
	symbols := map[string]struct{}{"": {}}
	for _, s := range series {
		s.Labels.Range(func(l labels.Label) {
			symbols[l.Name] = struct{}{}
			symbols[l.Value] = struct{}{}
		})
	}
	return path, b.write(path, slices.Sorted(maps.Keys(symbols)), slices.Values(series))
}

// write writes the block to the directory path. Symbols and series are sorted.
func (b *Block) write(path string, symbols []string, series iter.Seq[Series]) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	w := writer{block: b, cache: map[chunkKey]chunkenc.Chunk{}}
	if err := w.open(path); err != nil {
		return fmt.Errorf("open block %s: %w", path, err)
	}
	err := w.write(symbols, series)
	if e := w.index.Close(); err == nil {
		err = e
	}
	if e := w.chunks.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write block %s: %w", path, err)
	}
	return w.writeMeta(path)
}

type writer struct {
	block      *Block
	index      *index.Writer
	chunks     *chunks.Writer
	cache      map[chunkKey]chunkenc.Chunk
	samples    uint64
	series     uint64
	numChunks  uint64
	mint, maxt int64
}

func (w *writer) open(path string) (err error) {
	w.chunks, err = chunks.NewWriter(filepath.Join(path, "chunks"), chunks.WithSegmentSize(w.block.SegmentSize))
	if err != nil {
		return err
	}
	w.index, err = index.NewWriter(context.Background(), filepath.Join(path, "index"))
	return err
}

func (w *writer) write(symbols []string, series iter.Seq[Series]) error {
	for _, s := range symbols {
		if err := w.index.AddSymbol(s); err != nil {
			return err
		}
	}
	for s := range series {
		metas, err := w.metas(s)
		if err != nil {
			return err
		}
		if len(metas) > 0 {
			if err := w.chunks.WriteChunks(metas...); err != nil {
				return err
			}
		}
		if err := w.index.AddSeries(storage.SeriesRef(w.series), s.Labels, metas...); err != nil {
			return err
		}
		w.series++
	}
	return nil
}

func (w *writer) metas(s Series) ([]chunks.Meta, error) {
	if s.Step == 0 {
		return nil, nil
	}
	var metas []chunks.Meta
	per := int64(cmp.Or(w.block.SamplesPerChunk, 120))
	for n := (s.To-s.From)/s.Step + 1; n > 0; n -= per {
		k := chunkKey{s.From, s.Step, min(n, per), s.Values}
		c, ok := w.cache[k]
		if !ok {
			var err error
			if c, err = newChunk(k); err != nil {
				return nil, err
			}
			w.cache[k] = c
		}
		last := s.From + (k.n-1)*s.Step
		metas = append(metas, chunks.Meta{Chunk: c, MinTime: s.From, MaxTime: last})
		if w.samples == 0 {
			w.mint, w.maxt = s.From, last
		}
		w.mint, w.maxt = min(w.mint, s.From), max(w.maxt, last)
		w.samples += uint64(k.n)
		w.numChunks++
		s.From += k.n * s.Step
	}
	return metas, nil
}

func (w *writer) writeMeta(path string) error {
	type desc struct {
		ULID string `json:"ulid"`
	}
	type compaction struct {
		Level   int      `json:"level"`
		Sources []string `json:"sources"`
		Parents []desc   `json:"parents,omitempty"`
	}
	type stats struct {
		NumSamples uint64 `json:"numSamples"`
		NumSeries  uint64 `json:"numSeries"`
		NumChunks  uint64 `json:"numChunks"`
	}
	c := compaction{Level: max(1, w.block.Level), Sources: w.block.Sources}
	if c.Sources == nil {
		c.Sources = []string{w.block.ULID}
	}
	for _, p := range w.block.Parents {
		c.Parents = append(c.Parents, desc{p})
	}
	data, err := json.MarshalIndent(map[string]any{
		"ulid": w.block.ULID, "version": 1,
		"minTime": cmp.Or(w.block.MinTime, w.mint), "maxTime": cmp.Or(w.block.MaxTime, w.maxt+1),
		"stats": stats{w.samples, w.series, w.numChunks}, "compaction": c,
	}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(path, "meta.json"), data, 0o666)
}
