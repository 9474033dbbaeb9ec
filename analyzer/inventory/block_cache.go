package inventory

import (
	"fmt"
	"path/filepath"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/internal/tsdbscan"
)

// blockCache returns where the source keeps the series of old blocks, nil
// without a folder for it. Sources that choose other blocks of the same
// directory have files of their own.
func blockCache(o blockOptions, env source.Env) (*tsdbscan.Cache, error) {
	if env.CacheDir == "" {
		return nil, nil
	}
	dir, err := filepath.Abs(env.CacheDir)
	if err != nil {
		return nil, fmt.Errorf("find scan.cache_directory: %w", err)
	}
	data, err := filepath.Abs(env.Path(o.Path))
	if err != nil {
		return nil, fmt.Errorf("find path: %w", err)
	}
	if rel, err := filepath.Rel(data, dir); err == nil && filepath.IsLocal(rel) {
		return nil, fmt.Errorf("scan.cache_directory %s lies in the data directory %s: nothing is ever written there, name another folder", env.CacheDir, o.Path)
	}
	name := sentei.HashID(append([]string{data, o.Window.String()}, o.Blocks...)...)
	return &tsdbscan.Cache{Path: filepath.Join(dir, "block-"+name+".cache"), Logger: env.Logger}, nil
}
