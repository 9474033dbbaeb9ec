package tsdbscan

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"

	"github.com/sentei/sentei/internal/files"
)

// A cache file holds the series of some blocks together:
//
//	magic    8 bytes, the last one is the version
//	rows     the pages of one metric, then those of the next one
//	symbols  a section as in an index: all names and values, sorted
//	metrics  a section: see metricsOf
//	head     a section: a cacheHead in JSON
//	end      where the sections symbols, metrics and head begin, 8 bytes each, and
//	         the checksum of these 24 bytes
//
// Sections and pages begin with their length in four bytes; a checksum of four
// bytes follows. All numbers outside of pages are big-endian or varints.
//
// A page holds whole rows of one metric, in the order of their labels. A row is
// coded as what is new since the row before:
//
//	k<<2|1|f  the labels are other ones than before: those of the metric's k-th
//	          set of names. If that is a new one, how many names it has and the
//	          numbers of the names follow. Then come the numbers of all values.
//	k<<2|f    k labels have other values: for each one how many labels there are
//	          between the changed one before and it, and the number of the value,
//	          for the first one less the old number and one
//
// If f is 2, the times and bytes are those of the row before. Else the
// differences follow, signed: first sample, last sample, bytes in the index.

// cacheMagic ends with the version of the format and of what rows mean.
var cacheMagic = [8]byte{'s', 'e', 'n', 't', 'e', 'i', 'R', 1}

const (
	otherLabels = 1
	sameFacts   = 2

	cacheEnd = 3*8 + crcLength
)

// errCache is wrapped by every error that is the cache file's.
var errCache = errors.New("cache file")

// cacheHead says what the rows of a cache file were read from.
type cacheHead struct {
	Blocks []cachedBlock
	// MinTime and MaxTime are those of the first and the last sample, noTime
	// and -noTime without.
	MinTime, MaxTime int64
	Rows             int64
}

// cachedBlock identifies a block and its content. Of a block outside of the
// tail the index is all that is read. It is never changed in place; should
// somebody do it after all, its size and time tell. Deletions only add
// tombstones, which do not count.
type cachedBlock struct {
	Folder, ULID     string
	MinTime, MaxTime int64
	Samples, Series  uint64
	IndexSize        int64
	IndexTime        int64 // modification, Unix nanoseconds
}

func identify(b *Block) (cachedBlock, error) {
	info, err := os.Stat(filepath.Join(b.Dir, "index"))
	if err != nil {
		return cachedBlock{}, err
	}
	return cachedBlock{filepath.Base(b.Dir), b.ULID, b.MinTime, b.MaxTime, b.Samples, b.Series, info.Size(), info.ModTime().UnixNano()}, nil
}

// identifyAll identifies the blocks. It returns nothing if one cannot be read,
// which reading it will say.
func identifyAll(blocks []Block) []cachedBlock {
	var all []cachedBlock
	for i := range blocks {
		b, err := identify(&blocks[i])
		if err != nil {
			return nil
		}
		all = append(all, b)
	}
	return all
}

// cacheFile is an open cache file. It may be read from many goroutines.
type cacheFile struct {
	cacheHead
	x       indexFile // only file, size and symbols
	metrics []cachedMetric
}

// cachedMetric is where the rows of a metric are.
type cachedMetric struct {
	name     string
	nameless bool
	off      int64
	rows     int
	series   int // in all blocks
}

// openCacheFile opens the file and checks all but its rows. The error is
// fs.ErrNotExist without one.
func openCacheFile(path string) (*cacheFile, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	c := &cacheFile{x: indexFile{file: f}}
	if err := c.open(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w %s: %w", errCache, path, err)
	}
	return c, nil
}

func (c *cacheFile) close() error { return c.x.close() }

func (c *cacheFile) open() error {
	info, err := c.x.file.Stat()
	if err != nil {
		return err
	}
	c.x.size = info.Size()
	var magic [8]byte
	var end [cacheEnd]byte
	if c.x.size < int64(len(magic)+len(end)) {
		return errShort
	}
	if _, err := c.x.file.ReadAt(magic[:], 0); err != nil {
		return err
	}
	if magic != cacheMagic {
		return errors.New("it has another format")
	}
	if _, err := c.x.file.ReadAt(end[:], c.x.size-cacheEnd); err != nil {
		return err
	}
	if crc32.Checksum(end[:24], castagnoli) != binary.BigEndian.Uint32(end[24:]) {
		return errChecksum
	}
	c.x.symbols = int64(binary.BigEndian.Uint64(end[0:]))
	if err := c.readHead(int64(binary.BigEndian.Uint64(end[16:]))); err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	if c.metrics, err = c.metricsOf(int64(binary.BigEndian.Uint64(end[8:]))); err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	return nil
}

func (c *cacheFile) readHead(off int64) error {
	var s section
	if err := s.open(&c.x, off); err != nil {
		return err
	}
	text, err := s.bytes(int(s.end - s.off))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &c.cacheHead); err != nil {
		return err
	}
	return s.check()
}

// metricsOf reads the section metrics: for each one whether it has a name, the
// name, where its first page begins, how many rows it has, and how many series
// all blocks together.
func (c *cacheFile) metricsOf(off int64) ([]cachedMetric, error) {
	var s section
	if err := s.open(&c.x, off); err != nil {
		return nil, err
	}
	var metrics []cachedMetric
	for s.off < s.end {
		named, err := s.uvarint()
		if err != nil {
			return nil, err
		}
		name, err := s.text()
		if err != nil {
			return nil, err
		}
		m := cachedMetric{name: string(name), nameless: named == 0}
		var n [3]uint64
		for i := range n {
			if n[i], err = s.uvarint(); err != nil {
				return nil, err
			}
		}
		size := uint64(c.x.size)
		if n[0] > size || n[1] > size || n[2] < n[1] || n[2] > n[1]*uint64(len(c.Blocks)) {
			return nil, errShort
		}
		m.off, m.rows, m.series = int64(n[0]), int(n[1]), int(n[2])
		metrics = append(metrics, m)
	}
	return metrics, s.check()
}

// within reports whether all blocks of the file are among these.
func (c *cacheFile) within(blocks []cachedBlock) bool {
	for _, b := range c.Blocks {
		if !slices.Contains(blocks, b) {
			return false
		}
	}
	return true
}

// without returns those of the blocks that are not in the file.
func (c *cacheFile) without(blocks []Block) []Block {
	return slices.DeleteFunc(slices.Clone(blocks), func(b Block) bool {
		return slices.ContainsFunc(c.Blocks, func(k cachedBlock) bool { return k.Folder == filepath.Base(b.Dir) })
	})
}
