package walscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/prometheus/prometheus/util/compression"
)

// A segment is pages, a page is fragments and then zeros, and a record is one
// fragment or some, never across segments.
const (
	pageSize       = 32 << 10
	fragmentHeader = 1 + 2 + 4 // type and compression, length, checksum

	typeMask   = 1<<3 - 1
	snappyFlag = 1 << 3
	zstdFlag   = 1 << 4
)

// Types of fragments.
const (
	pageEnd = iota
	fullRecord
	firstFragment
	middleFragment
	lastFragment
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errChecksum = errors.New("the checksum is wrong: the file is damaged")
	errCut      = errors.New("the file ends within a record")
	errSequence = errors.New("the fragments of a record are not in order")
	errPadding  = errors.New("the rest of a page is not empty")
	errLength   = errors.New("a record is longer than its page")
)

// pagesAtOnce is how many pages are read with one call.
const pagesAtOnce = 8

// reader reads the records of one segment after the other.
type reader struct {
	pages  []byte
	joined []byte // the fragments of a record
	peek   [peekSize]byte
	buffer compression.DecodeBuffer
	// progress is called with how many bytes have been read since the last
	// time, if it is not nil.
	progress func(n int)
}

func newReader() *reader {
	return &reader{pages: make([]byte, pagesAtOnce*pageSize), buffer: compression.NewSyncDecodeBuffer()}
}

// visitor gets the records of a log.
type visitor interface {
	// skip reports whether the rest of a record is not needed: begin is at
	// least its first peekSize bytes, or all of it, and size its length.
	skip(begin []byte, size int) bool
	// record gets a record that is not skipped. The bytes are valid during
	// the call.
	record(rec []byte) error
}

// each calls v with every record of a segment. All checksums are compared,
// those of skipped records too.
func (r *reader) each(s *segment, v visitor) error {
	// A record has begun; the visitor was asked whether it is needed; it is not.
	open, asked, skip := false, false, false
	var begin int64
	r.joined = r.joined[:0]
	for off := int64(0); off < s.size; off += pageSize {
		if off%int64(len(r.pages)) == 0 {
			ahead := r.pages[:min(int64(len(r.pages)), s.size-off)]
			if n, err := s.file.ReadAt(ahead, off); n < len(ahead) {
				if err == nil || errors.Is(err, io.EOF) {
					err = errCut
				}
				return s.fail(off+int64(n), err)
			}
			if r.progress != nil {
				r.progress(len(ahead))
			}
		}
		page := r.pages[off%int64(len(r.pages)):][:min(pageSize, s.size-off)]
		for at := 0; at < len(page); {
			kind, data, err := fragment(page[at:])
			if err != nil {
				if s.torn(page[at:], off, err) {
					return nil
				}
				return s.fail(off+int64(at), err)
			}
			if kind == pageEnd {
				break
			}
			if open != (kind == middleFragment || kind == lastFragment) || kind > lastFragment {
				return s.fail(off+int64(at), errSequence)
			}
			flags := page[at]
			if !open {
				begin, asked, skip = off+int64(at), false, false
				if flags&snappyFlag != 0 {
					size, first := peekSnappy(r.peek[:], data)
					asked = first != nil
					skip = asked && v.skip(first, size)
				}
			}
			at += fragmentHeader + len(data)
			open = kind == firstFragment || kind == middleFragment
			if skip {
				continue
			}
			if kind != fullRecord {
				r.joined = append(r.joined, data...)
				if open {
					continue
				}
				data = r.joined
			}
			if err := r.visit(v, flags, data, asked); err != nil {
				return s.fail(begin, err)
			}
			r.joined = r.joined[:0]
		}
	}
	if open && !s.last {
		return s.fail(begin, errCut)
	}
	return nil
}

// visit passes on a whole record.
func (r *reader) visit(v visitor, flags byte, data []byte, asked bool) error {
	record, err := r.decode(flags, data)
	if err != nil || !asked && v.skip(record, len(record)) {
		return err
	}
	return v.record(record)
}

// fragment decodes the fragment that a page goes on with.
func fragment(page []byte) (kind byte, data []byte, err error) {
	kind = page[0] & typeMask
	if kind == pageEnd {
		if !empty(page) {
			return 0, nil, errPadding
		}
		return pageEnd, nil, nil
	}
	if len(page) < fragmentHeader {
		return 0, nil, errCut
	}
	length := int(binary.BigEndian.Uint16(page[1:]))
	if length > pageSize-fragmentHeader {
		return 0, nil, errLength
	}
	if length > len(page)-fragmentHeader {
		return 0, nil, errCut
	}
	data = page[fragmentHeader:][:length]
	if crc32.Checksum(data, castagnoli) != binary.BigEndian.Uint32(page[3:]) {
		return 0, nil, errChecksum
	}
	return kind, data, nil
}

// torn reports whether the rest of a page at the offset, which has the error,
// is where Prometheus was interrupted while it wrote, or is writing: the end of
// the last segment, or bytes there that the file system has not filled in.
func (s *segment) torn(rest []byte, page int64, err error) bool {
	if !s.last || s.size-page > pageSize {
		return false
	}
	switch {
	case errors.Is(err, errCut):
		return true
	case errors.Is(err, errChecksum):
		return empty(rest[fragmentHeader+int(binary.BigEndian.Uint16(rest[1:])):])
	}
	return false
}

func empty(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// maxRatio is more than snappy can compress by. The flag that says snappy is in
// no checksum, so its idea of a length is not to be trusted with memory.
const maxRatio = 64

func (r *reader) decode(flags byte, data []byte) ([]byte, error) {
	switch {
	case flags&snappyFlag != 0:
		if n, _ := binary.Uvarint(data); n > maxRatio*uint64(len(data)) {
			return nil, errors.New("snappy: the length is malformed")
		}
		return compression.Decode(compression.Snappy, data, r.buffer)
	case flags&zstdFlag != 0:
		return compression.Decode(compression.Zstd, data, r.buffer)
	}
	return data, nil
}

func (s *segment) fail(off int64, err error) error {
	return fmt.Errorf("segment %s at offset %d: %w", s.name, off, err)
}
