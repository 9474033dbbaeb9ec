//go:build e2e && linux

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/sentei/sentei/internal/tsdbscan"
	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

const (
	start         = 1767225600000 // 2026-01-01
	seriesPerPod  = 740
	adversaryRows = 3_000_000
)

// data is a directory with blocks.
type data struct {
	name, dir string
	series    int64 // of all blocks, one that is in two counts twice
	blocks    int
}

// cluster returns blocks of about so many million series each.
func cluster(b *testing.B, millions, blocks int) *data {
	name := fmt.Sprintf("%d M", millions)
	if blocks > 1 {
		name = fmt.Sprintf("%d blocks of %s", blocks, name)
	}
	c := blockgen.Cluster{Pods: millions * 1_000_000 / seriesPerPod, Blocks: blocks, Start: start}
	return prepare(b, name, fmt.Sprintf("cluster-%d-pods-%d-blocks", c.Pods, blocks), func(dir string) error {
		return blockgen.WriteCluster(dir, c)
	})
}

// adversary returns a block with one metric and labels that have nothing to do
// with each other.
func adversary(b *testing.B) *data {
	return prepare(b, "adversary", fmt.Sprintf("adversary-%d", adversaryRows), func(dir string) error {
		return blockgen.WriteAdversary(dir, adversaryRows, start)
	})
}

// prepare writes the blocks unless they are there already.
func prepare(b *testing.B, name, folder string, write func(dir string) error) *data {
	b.Helper()
	d := &data{name: name, dir: filepath.Join(*dataDir, folder)}
	if _, err := os.Stat(d.dir); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "writing", d.dir)
		begun := d.dir + ".begun"
		if err := errors.Join(os.RemoveAll(begun), write(begun), os.Rename(begun, d.dir)); err != nil {
			b.Fatal(err)
		}
		debug.FreeOSMemory()
	}
	l, err := tsdbscan.List(d.dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, block := range l.Blocks {
		d.series += int64(block.Series)
		d.blocks++
	}
	return d
}

// warm brings the blocks into the page cache, which may have lost them since
// the last time.
func (d *data) warm(b *testing.B) {
	b.Helper()
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(io.Discard, f)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}
