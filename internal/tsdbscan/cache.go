package tsdbscan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"slices"

	"github.com/sentei/sentei/internal/files"
)

// Cache keeps what old blocks hold in one file: blocks never change, so a scan
// reads the file and the blocks that are new. It never changes a result. A file
// that is damaged, was written for other blocks or by another version is written
// anew; one that cannot be written is done without. Several processes may use
// the same file.
type Cache struct {
	// Path is where the file is. It has the names of all labels and values,
	// so only its owner may read it.
	Path   string
	Logger *slog.Logger
}

// scan scans the blocks with the cache. It returns nothing when that is not
// possible.
func (c *Cache) scan(ctx context.Context, blocks []Block, opts Options, tail int64) (*Result, error) {
	f := c.open(ctx, settled(blocks, tail), opts)
	if f == nil {
		return nil, ctx.Err()
	}
	defer f.close()
	c.Logger.Debug("reading old blocks from the cache", "path", c.Path, "cached", len(f.Blocks), "blocks", len(blocks)-len(f.Blocks))
	r, err := newScan(blocks, f, opts, tail).scan(ctx)
	if errors.Is(err, errCache) {
		c.discard(err)
		return nil, nil
	}
	return r, err
}

// discard removes a file that turned out to be bad.
func (c *Cache) discard(err error) {
	c.Logger.Warn("the cache is damaged and gets written anew", "path", c.Path, "err", err)
	if err := os.Remove(c.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Logger.Warn("cannot remove the damaged cache", "path", c.Path, "err", err)
	}
}

// settled returns the blocks that are worth to be kept: they lie before the
// tail, and are not much shorter than others, which the next compaction would
// make one block of.
func settled(blocks []Block, tail int64) []Block {
	longest := int64(0)
	for i := range blocks {
		if b := &blocks[i]; b.MaxTime <= tail {
			longest = max(longest, b.MaxTime-b.MinTime)
		}
	}
	return slices.DeleteFunc(slices.Clone(blocks), func(b Block) bool {
		return b.MaxTime > tail || b.MaxTime-b.MinTime < longest/2
	})
}

// open returns a file that has these blocks, or some of them if it cannot be
// written. It returns nil without one.
func (c *Cache) open(ctx context.Context, blocks []Block, opts Options) *cacheFile {
	keys := identifyAll(blocks)
	if len(keys) == 0 {
		return nil
	}
	old := c.find(keys)
	if old != nil && len(old.Blocks) == len(keys) {
		return old
	}
	err := c.write(ctx, blocks, keys, old, opts)
	if errors.Is(err, errCache) {
		old.close()
		old = nil
		c.discard(err)
		err = c.write(ctx, blocks, keys, nil, opts)
	}
	switch {
	case ctx.Err() != nil:
		if old != nil {
			old.close()
		}
		return nil
	case err != nil:
		level := slog.LevelWarn
		if _, ok := errors.AsType[*BlockError](err); ok { // the scan will say it
			level = slog.LevelDebug
		}
		c.Logger.Log(ctx, level, "cannot write the cache", "path", c.Path, "err", err)
		return old
	}
	if old != nil {
		old.close()
	}
	return c.find(keys)
}

// find opens the file, and returns nil if it has other blocks than these.
func (c *Cache) find(keys []cachedBlock) *cacheFile {
	f, err := openCacheFile(c.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		c.Logger.Warn("cannot read the cache, it gets written anew", "path", c.Path, "err", err)
		return nil
	}
	if !f.within(keys) {
		c.Logger.Debug("the cache has blocks that are gone", "path", c.Path)
		f.close()
		return nil
	}
	return f
}

// write writes a file with these blocks, some of which an old file may have.
func (c *Cache) write(ctx context.Context, blocks []Block, keys []cachedBlock, old *cacheFile, opts Options) error {
	opts.Head = nil
	s := newScan(blocks, old, opts, math.MaxInt64) // no block is read further than its index
	defer s.close()
	if err := s.open(); err != nil {
		return err
	}
	var size counting
	err := files.Replace(c.Path, 0o600, func(w io.Writer) error {
		size.w = w
		return s.writeCache(ctx, &size, keys)
	})
	if err != nil {
		return fmt.Errorf("write cache: %w", err)
	}
	c.Logger.Info("wrote the cache of old blocks", "path", c.Path, "cached", len(keys), "bytes", size.n)
	return nil
}

// counting counts the bytes that are written.
type counting struct {
	w io.Writer
	n int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
