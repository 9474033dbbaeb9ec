package tsdbscan

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// TestWindow reads a file in order, with gaps and with jumps.
func TestWindow(t *testing.T) {
	data := make([]byte, 3*maxWindow+12345)
	for i := range data {
		data[i] = byte(i * 2654435761 >> 13)
	}
	r := rand.New(rand.NewPCG(1, 0))
	var w window
	w.reset(bytes.NewReader(data), int64(len(data)))
	for range 20_000 {
		off := w.off + int64(w.valid) - r.Int64N(200)
		switch r.IntN(100) {
		case 0:
			off = r.Int64N(int64(len(data)))
		case 1:
			off += r.Int64N(2 * maxWindow)
		}
		n := r.IntN(300)
		if r.IntN(1000) == 0 {
			n = r.IntN(2 * maxWindow)
		}
		had := off >= 0 && w.has(off, n)
		b, err := w.at(off, n)
		if inside := off >= 0 && off+int64(n) <= int64(len(data)); !inside {
			if !errors.Is(err, errShort) {
				t.Fatalf("error %v for %d bytes at %d of %d", err, n, off, len(data))
			}
			w.reset(bytes.NewReader(data), int64(len(data)))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[:n], data[off:off+int64(n)]) || len(b) < n+slack {
			t.Fatalf("other bytes at %d", off)
		}
		if !had && !w.has(off, n) {
			t.Fatalf("what was read at %d is not there", off)
		}
	}
	if len(w.buf) > 4*maxWindow {
		t.Errorf("the buffer has grown to %d bytes", len(w.buf))
	}
}

// failingFile is a file of a disk that fails.
type failingFile struct{ err error }

func (f failingFile) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestWindowFails(t *testing.T) {
	broken := errors.New("input/output error")
	for _, c := range []struct{ err, want error }{{broken, broken}, {io.EOF, errShort}} {
		var w window
		w.reset(failingFile{c.err}, 100)
		if _, err := w.at(10, 20); !errors.Is(err, c.want) {
			t.Errorf("error %v, want %v", err, c.want)
		}
	}
}
