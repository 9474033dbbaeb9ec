package inventory

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei/internal/source"
)

func TestBlockCache(t *testing.T) {
	dir := t.TempDir()
	twoBlocks(t, filepath.Join(dir, "data"))
	scan := func(o blockOptions, cache string) any {
		t.Helper()
		o.Path, o.TopValues = "data", 10
		s, err := newBlock(o, source.Env{Dir: dir, CacheDir: cache, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		inv, problems, err := s.Inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		inv.Series = nil // how to read series, not what they are
		return []any{inv, problems}
	}
	cache := filepath.Join(dir, "not yet", "there")
	want := scan(blockOptions{}, "")
	for range 2 {
		if diff := cmp.Diff(want, scan(blockOptions{}, cache)); diff != "" {
			t.Error(diff)
		}
	}
	// Sources that read other blocks have other files.
	scan(blockOptions{Window: model.Duration(1000 * time.Hour)}, cache)
	scan(blockOptions{Blocks: []string{ulid1, ulid2}}, cache)
	files, err := os.ReadDir(cache)
	if err != nil || len(files) != 3 {
		t.Errorf("there are %v, %v, want 3 files", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(f.Name(), "block-") {
			t.Errorf("%s: %v, %v", f.Name(), info, err)
		}
	}
}

func TestBlockCacheInside(t *testing.T) {
	dir := t.TempDir()
	for cache, ok := range map[string]bool{"data": false, "data/cache": false, "data/../cache": true, "data2": true, "..data": true, "": true} {
		env := source.Env{Dir: dir, Logger: slog.New(slog.DiscardHandler)}
		if cache != "" {
			env.CacheDir = dir + "/" + cache
		}
		if _, err := newBlock(blockOptions{Path: "data", TopValues: 1}, env); (err == nil) != ok {
			t.Errorf("%s: %v", cache, err)
		}
	}
}
