package tsdbscan

import (
	"errors"
	"fmt"
	"io"
)

const (
	// slack is how many bytes after the asked ones can always be loaded, so
	// that decoders may read some numbers and check the end afterwards.
	slack = 64

	minWindow = 4 << 10
	maxWindow = 256 << 10
)

var errShort = errors.New("the file ends too early")

// window reads a file through a buffer. It reads ahead further and further as
// long as it is used in order, and little after a jump.
type window struct {
	file  io.ReaderAt
	size  int64 // of the file
	off   int64 // of buf in the file
	buf   []byte
	valid int // bytes of buf that are the file's
	next  int // bytes to read the next time
}

// reset makes the window read another file.
func (w *window) reset(file io.ReaderAt, size int64) {
	w.file, w.size, w.off, w.valid, w.next = file, size, 0, 0, minWindow
}

// has reports whether at(off, n) returns without reading. What was returned
// before is overwritten otherwise.
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
	if off >= w.off && off <= w.off+int64(w.valid) {
		w.next = min(2*w.next, maxWindow)
	} else {
		w.next = minWindow
	}
	want := int(min(int64(max(n, w.next)), w.size-off))
	if len(w.buf) < want+slack {
		w.buf = make([]byte, max(want, w.next)+slack)
	}
	w.off, w.valid = off, 0
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
