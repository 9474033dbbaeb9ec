package blockgen

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

const start = 1767225600000 // 2026-01-01

// TestWriteCluster writes two blocks twice and reads them with Prometheus's own
// reader.
func TestWriteCluster(t *testing.T) {
	first, again := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, again} {
		if err := WriteCluster(dir, Cluster{Pods: 40, Blocks: 2, Start: start}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(contents(t, first), contents(t, again)); diff != "" {
		t.Errorf("another run has written other bytes:\n%s", diff)
	}

	db, err := tsdb.OpenDBReadOnly(first, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	blocks, err := db.Blocks()
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 2 {
		t.Fatalf("%d blocks, want 2", len(blocks))
	}
	all := map[string]int{} // in how many blocks a series is
	names := map[string]int{}
	for _, b := range blocks {
		meta := b.Meta()
		var samples, series uint64
		eachSeries(t, b, func(l labels.Labels, metas []chunks.Meta) {
			all[l.String()]++
			names[l.Get("__name__")]++
			series++
			for _, m := range metas {
				samples += uint64(m.Chunk.NumSamples())
				if m.MinTime < meta.MinTime || m.MaxTime >= meta.MaxTime {
					t.Errorf("%s has samples from %d to %d, the block is from %d to %d", l, m.MinTime, m.MaxTime, meta.MinTime, meta.MaxTime)
				}
			}
		})
		if series != meta.Stats.NumSeries || samples != meta.Stats.NumSamples {
			t.Errorf("%d series and %d samples, meta.json says %d and %d", series, samples, meta.Stats.NumSeries, meta.Stats.NumSamples)
		}
		if perSeries := float64(samples) / float64(series); perSeries < 150 || perSeries >= 240 {
			t.Errorf("%.0f samples a series, want a little less than the 240 of two hours", perSeries)
		}
	}
	ended := 0
	for _, n := range all {
		ended += 2 - n
	}
	if churn := float64(ended) / float64(len(all)); churn < 0.05 || churn > 0.5 {
		t.Errorf("%.2f of the series are in one block only, want some but not most", churn)
	}
	if len(names) < 2000 {
		t.Errorf("%d metric names, want as many as a cluster has", len(names))
	}
	if n := names["container_memory_rss"]; n < 100 {
		t.Errorf("%d series of containers", n)
	}
}

func TestWriteAdversary(t *testing.T) {
	dir := t.TempDir()
	if err := WriteAdversary(dir, 1000, start); err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.OpenDBReadOnly(dir, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	blocks, err := db.Blocks()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	eachSeries(t, blocks[0], func(l labels.Labels, _ []chunks.Meta) {
		if n++; l.Len() != 11 {
			t.Errorf("%s has %d labels, want 11", l, l.Len())
		}
	})
	if n != 1000 {
		t.Errorf("%d series, want 1000", n)
	}
}

func eachSeries(t *testing.T, b tsdb.BlockReader, see func(labels.Labels, []chunks.Meta)) {
	t.Helper()
	index, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	reader, err := b.Chunks()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	postings, err := index.Postings(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	var builder labels.ScratchBuilder
	var metas []chunks.Meta
	for postings.Next() {
		if err := index.Series(postings.At(), &builder, &metas); err != nil {
			t.Fatal(err)
		}
		for i := range metas {
			if metas[i].Chunk, _, err = reader.ChunkOrIterable(metas[i]); err != nil {
				t.Fatal(err)
			}
		}
		see(builder.Labels(), metas)
	}
	if postings.Err() != nil {
		t.Fatal(postings.Err())
	}
}

// contents returns all files below dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
