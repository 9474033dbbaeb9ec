package tsdbscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"

	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/sentei/sentei/internal/files"
)

const (
	segmentMagic  = 0x85BD40DD
	segmentHeader = 8
	minChunk      = 1 + 1 + 2 + crcLength // length, encoding, number of samples, checksum
)

// segments are the open chunk files of a block. They may be read from many
// goroutines.
type segments struct {
	files []*os.File
	sizes []int64
}

// openSegments opens the chunk files in a block's directory.
func openSegments(dir string) (*segments, error) {
	dir = filepath.Join(dir, "chunks")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open chunks: %w", err)
	}
	s := &segments{}
	for _, e := range entries {
		if _, err := strconv.ParseUint(e.Name(), 10, 64); err != nil {
			continue
		}
		if err := s.open(filepath.Join(dir, e.Name())); err != nil {
			s.close()
			return nil, fmt.Errorf("open chunks: %w", err)
		}
	}
	return s, nil
}

func (s *segments) open(path string) error {
	f, err := files.Open(path)
	if err != nil {
		return err
	}
	s.files = append(s.files, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.sizes = append(s.sizes, min(info.Size(), 1<<32)) // references reach no further
	var header [segmentHeader]byte
	if _, err := f.ReadAt(header[:], 0); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if m := binary.BigEndian.Uint32(header[:]); m != segmentMagic {
		return fmt.Errorf("%s is no chunk file: it begins with %08x instead of %08x", path, m, uint32(segmentMagic))
	}
	if header[4] != 1 {
		return fmt.Errorf("%s has format version %d, only 1 is known", path, header[4])
	}
	return nil
}

func (s *segments) close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// chunkReader reads chunk headers.
type chunkReader struct {
	segments *segments
	current  int // segment of the window, -1 before the first
	win      window
	base     uint64 // reference of where the window begins
	encoding chunkenc.Encoding
	native   bool // the chunk that was read last holds native histograms
}

func newChunkReader(s *segments) *chunkReader { return &chunkReader{segments: s, current: -1} }

// read returns the number of samples in a chunk and its size on disk.
func (r *chunkReader) read(ref uint64) (samples, size int64, err error) {
	if samples, size, ok := r.peek(ref); ok {
		return samples, size, nil
	}
	segment, off := ref>>32, int64(ref&0xffffffff)
	if segment >= uint64(len(r.segments.files)) {
		return 0, 0, fmt.Errorf("chunk file %d is missing", segment+1)
	}
	if int(segment) != r.current {
		r.win.reset(r.segments.files[segment], r.segments.sizes[segment])
		r.current = int(segment)
	}
	if !r.win.has(off, minChunk) {
		if err := r.win.read(off, minChunk); err != nil {
			return 0, 0, fmt.Errorf("chunk file %d: %w", segment+1, err)
		}
	}
	r.base = segment<<32 + uint64(r.win.off)
	b, at := r.win.buf, int(off-r.win.off)
	length, end := uvarint(b, at)
	n := end - at
	if n > binary.MaxVarintLen32 || length < 2 || length > uint64(r.win.size-off) ||
		int64(length) > r.win.size-off-int64(n)-1-crcLength {
		return 0, 0, fmt.Errorf("chunk file %d: the chunk at %d is malformed or cut off", segment+1, off)
	}
	if !chunkenc.IsValidEncoding(chunkenc.Encoding(b[end])) {
		return 0, 0, fmt.Errorf("chunk file %d: the chunk at %d has the unknown encoding %d", segment+1, off, b[end])
	}
	r.encoding = chunkenc.Encoding(b[end])
	r.native = isNative(r.encoding)
	return int64(binary.BigEndian.Uint16(b[end+1 : end+3])), int64(n) + 1 + int64(length) + crcLength, nil
}

// peek is read for a chunk that lies in the window and has the encoding of the
// one before. It returns false for any other.
func (r *chunkReader) peek(ref uint64) (samples, size int64, ok bool) {
	at := ref - r.base
	if at >= uint64(r.win.valid) {
		return 0, 0, false
	}
	w := load64(r.win.buf, int(at))
	last := ^w & 0x8080 // of the length
	n := bits.TrailingZeros64(last)/8 + 1
	length := w & (last ^ (last - 1))
	length = length&0x7f | length>>1&0x3f80
	size = int64(n) + 1 + int64(length) + crcLength
	w >>= 8 * n & 63
	if last == 0 || length < 2 || chunkenc.Encoding(w) != r.encoding || at+uint64(size) > uint64(r.win.valid) {
		return 0, 0, false
	}
	return int64(w>>8&0xff<<8 | w>>16&0xff), size, true
}
