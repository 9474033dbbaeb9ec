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
	// maxWindow fits well into a core's own cache: what has been read is
	// decoded from there.
	maxWindow = 64 << 10
	// Reads begin at pages, which the kernel copies fastest.
	windowPage = 4 << 10
)

var errShort = errors.New("the file ends too early")

// window shows a part of a file, in a buffer that it uses again and again. It
// reads ahead further and further as long as it is used in order, and little
// after a jump.
//
// It does not map the file: a disk that fails is an error, and the memory in use
// stays small.
type window struct {
	file  io.ReaderAt
	size  int64 // of the file
	off   int64 // of buf in the file
	buf   []byte
	valid int // bytes of buf that are the file's and have slack behind them
	next  int // bytes to read the next time
}

// reset makes the window show another file.
func (w *window) reset(file io.ReaderAt, size int64) {
	w.file, w.size, w.off, w.valid, w.next = file, size, 0, 0, minWindow
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
	if off >= w.off && off <= end+int64(w.next) { // in order, it may skip something
		w.next = min(2*w.next, maxWindow)
	} else {
		w.next = minWindow
	}
	start := off &^ (windowPage - 1)
	need := int(off-start) + n
	want := int(min(int64(max(need, w.next)), w.size-start))
	if len(w.buf) < want+slack {
		w.buf = make([]byte, max(want, w.next)+slack)
	}
	w.off, w.valid = start, 0
	got, err := w.file.ReadAt(w.buf[:want], start)
	if got < need {
		if err == nil || errors.Is(err, io.EOF) {
			return errShort
		}
		return fmt.Errorf("read: %w", err)
	}
	w.valid = got
	return nil
}
