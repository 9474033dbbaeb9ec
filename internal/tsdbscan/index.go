package tsdbscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/sentei/sentei/internal/files"
)

const (
	indexMagic  = 0xBAAAD700
	tocLength   = 6*8 + 4
	crcLength   = 4
	seriesAlign = 16 // where entries of series begin, but in version 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errChecksum = errors.New("the checksum is wrong: the file is damaged")

// indexFile is an open index of a block. It may be read from many goroutines.
type indexFile struct {
	file *os.File
	size int64
	v1   bool // written by Prometheus 2.0, see align
	// Offsets of the sections.
	symbols, series, postingsTable int64
	seriesEnd                      int64 // nothing of a series lies behind it
}

// openIndex opens the index of a block and checks its header and its table of
// contents.
func openIndex(dir string) (*indexFile, error) {
	f, err := files.Open(filepath.Join(dir, "index"))
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	x := &indexFile{file: f}
	if err := x.readTOC(); err != nil {
		f.Close()
		return nil, fmt.Errorf("read index: %w", err)
	}
	return x, nil
}

// align is what the offsets of series are multiples of. References of series
// are their offsets through this.
//
// Version 1 differs in three things: series are not aligned, series call a
// symbol by its offset in the file and not by its number, and the postings
// offset table is in no order.
func (x *indexFile) align() int64 {
	if x.v1 {
		return 1
	}
	return seriesAlign
}

func (x *indexFile) close() error { return x.file.Close() }

func (x *indexFile) readTOC() error {
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	x.size = info.Size()
	var header [5]byte
	if x.size < int64(len(header))+tocLength {
		return errShort
	}
	if _, err := x.file.ReadAt(header[:], 0); err != nil {
		return err
	}
	if m := binary.BigEndian.Uint32(header[:]); m != indexMagic {
		return fmt.Errorf("this is no index of a TSDB block: it begins with %08x instead of %08x", m, uint32(indexMagic))
	}
	switch v := header[4]; v {
	case 1:
		x.v1 = true
	case 2, 3: // the same layout
	default:
		return fmt.Errorf("its format is version %d, only 1 to 3 are known", v)
	}
	var toc [tocLength]byte
	if _, err := x.file.ReadAt(toc[:], x.size-tocLength); err != nil {
		return err
	}
	if crc32.Checksum(toc[:tocLength-crcLength], castagnoli) != binary.BigEndian.Uint32(toc[tocLength-crcLength:]) {
		return fmt.Errorf("table of contents: %w", errChecksum)
	}
	end := x.size - tocLength
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(toc[8*i:])) }
	for i, name := range []string{"symbols", "series", "label indices", "label offset table", "postings", "postings offset table"} {
		if o := at(i); o < 0 || o > end {
			return fmt.Errorf("table of contents: the section %s lies outside of the file", name)
		}
	}
	x.symbols, x.series, x.postingsTable = at(0), at(1), at(5)
	x.seriesEnd = end
	if x.v1 && x.symbols != int64(len(header)) { // their offsets are kept in memory
		return errors.New("table of contents: the symbols do not follow the header")
	}
	return nil
}

// section reads a section from its begin to its end.
type section struct {
	w        window
	off, end int64
	summed   int64 // the checksum covers the section up to here
	crc      uint32
}

// open goes to a section that begins with its length in four bytes and ends with
// a checksum.
func (s *section) open(x *indexFile, off int64) error {
	s.w.reset(x.file, x.size)
	b, err := s.w.at(off, 4)
	if err != nil {
		return err
	}
	s.off, s.summed, s.crc = off+4, off+4, 0
	s.end = s.off + int64(binary.BigEndian.Uint32(b))
	if s.end+crcLength > x.size {
		return errShort
	}
	return nil
}

// peek returns at least the next n bytes, valid until the next call.
func (s *section) peek(n int) ([]byte, error) {
	if n < 0 || int64(n) > s.end-s.off {
		return nil, errShort
	}
	if !s.w.has(s.off, n) {
		s.sum()
	}
	return s.w.at(s.off, n)
}

// sum brings the checksum up to date, before the buffer is overwritten.
func (s *section) sum() {
	if s.off > s.summed {
		s.crc = crc32.Update(s.crc, castagnoli, s.w.buf[s.summed-s.w.off:s.off-s.w.off])
		s.summed = s.off
	}
}

// bytes returns the next n bytes, valid until the next call.
func (s *section) bytes(n int) ([]byte, error) {
	b, err := s.peek(n)
	if err != nil {
		return nil, err
	}
	s.off += int64(n)
	return b[:n], nil
}

func (s *section) uint32() (uint32, error) {
	b, err := s.bytes(4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

func (s *section) uvarint() (uint64, error) {
	b, err := s.peek(int(min(10, s.end-s.off)))
	if err != nil {
		return 0, err
	}
	v, n := uvarint(b, 0)
	if int64(n) > s.end-s.off {
		return 0, errShort
	}
	s.off += int64(n)
	return v, nil
}

// text returns the next bytes that are prefixed with their length, valid until
// the next call.
func (s *section) text() ([]byte, error) {
	n, err := s.uvarint()
	if err != nil {
		return nil, err
	}
	if n > uint64(s.end-s.off) {
		return nil, errShort
	}
	return s.bytes(int(n))
}

// shownText is text for one of less than 128 bytes that the window shows, as
// most are. What was returned before stays valid. It returns false for any other
// one.
func (s *section) shownText() ([]byte, bool) {
	at := int(s.off - s.w.off)
	if uint(at) >= uint(s.w.valid) {
		return nil, false
	}
	n := int(s.w.buf[at])
	if at++; n >= 0x80 || n > s.w.valid-at || int64(n) > s.end-s.off-1 {
		return nil, false
	}
	s.off += 1 + int64(n)
	return s.w.buf[at : at+n], true
}

// check compares the checksum after the last byte was read.
func (s *section) check() error {
	s.sum()
	b, err := s.w.at(s.end, crcLength)
	if err != nil {
		return err
	}
	if s.off != s.end || s.crc != binary.BigEndian.Uint32(b) {
		return errChecksum
	}
	return nil
}
