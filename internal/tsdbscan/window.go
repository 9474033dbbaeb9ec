package tsdbscan

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// slack is how many bytes after the asked ones can always be loaded, so
	// that decoders may read some numbers and check the end afterwards.
	slack = 64

	minWindow = 4 << 10
	maxWindow = 256 << 10
	// Mapping costs as much as reading 16 KiB.
	minMap    = 16 << 10
	mapWindow = 4 << 20
)

var errShort = errors.New("the file ends too early")

// window shows a part of a file. It reads ahead further and further as long as
// it is used in order, and little after a jump.
type window struct {
	file  io.ReaderAt
	size  int64 // of the file
	off   int64 // of buf in the file
	buf   []byte
	valid int // bytes of buf that are the file's and have slack behind them
	next  int // bytes to read the next time

	// A window that moves through a file in order maps it, instead of copying
	// it to its own buffer: that takes a third to a half of the time. It is a
	// small part at a time, so that the memory in use stays small.
	mappable bool // unmap is going to be called
	mapped   []byte
	own      []byte
}

// reset makes the window show another file.
func (w *window) reset(file io.ReaderAt, size int64) {
	w.unmap()
	w.file, w.size, w.off, w.valid, w.next = file, size, 0, 0, minWindow
}

// unmap unmaps what is mapped, and loses what at returned.
func (w *window) unmap() {
	if w.mapped != nil {
		_ = unmapFile(w.mapped) // fails for wrong arguments only
		w.mapped, w.buf, w.valid = nil, nil, 0
	}
}

// has reports whether at(off, n) returns without reading. What was returned
// before is lost otherwise.
func (w *window) has(off int64, n int) bool {
	return off >= w.off && off+int64(n) <= w.off+int64(w.valid)
}

// at returns the bytes of the file from off on: at least n, followed by at
// least slack bytes without meaning.
func (w *window) at(off int64, n int) ([]byte, error) {
	if !w.has(off, n) {
		if err := w.read(off, n); err != nil {
			return nil, err
		}
	}
	return w.buf[off-w.off : w.valid+slack], nil
}

func (w *window) read(off int64, n int) error {
	if off < 0 || n < 0 || off > w.size || int64(n) > w.size-off {
		return errShort
	}
	end := w.off + int64(w.valid)
	inOrder := off >= w.off && off <= end+int64(w.next) // it may skip something
	w.unmap()
	switch {
	case !inOrder:
		w.next = minWindow
	case w.next >= minMap && w.mappable && w.mapAt(off, n):
		return nil
	default:
		w.next = min(2*w.next, maxWindow)
	}
	want := int(min(int64(max(n, w.next)), w.size-off))
	if len(w.own) < want+slack {
		w.own = make([]byte, max(want, w.next)+slack)
	}
	w.off, w.valid, w.buf = off, 0, w.own
	got, err := w.file.ReadAt(w.buf[:want], off)
	if got < n {
		if err == nil || errors.Is(err, io.EOF) {
			return errShort
		}
		return fmt.Errorf("read: %w", err)
	}
	w.valid = got
	return nil
}

// mapAt reports whether it could map the file from off on. It cannot at the
// end of the file, where there may be no bytes for the slack.
func (w *window) mapAt(off int64, n int) bool {
	f, ok := w.file.(*os.File)
	if !ok {
		return false
	}
	page := int64(os.Getpagesize())
	start := off / page * page
	end := min(start+mapWindow, w.size/page*page)
	if off+int64(n)+slack > end {
		return false
	}
	b, err := mapFile(f, start, int(end-start))
	if err != nil {
		return false
	}
	w.mapped, w.buf, w.off, w.valid = b, b, start, len(b)-slack
	return true
}
