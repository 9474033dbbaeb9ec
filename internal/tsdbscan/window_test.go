//go:build unix

package tsdbscan

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// mappedFile writes a file and returns a window that maps it.
func mappedFile(t *testing.T, data []byte) *window {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w := &window{mappable: true}
	w.reset(f, int64(len(data)))
	return w
}

func TestWindowMapped(t *testing.T) {
	data := make([]byte, 2*mapWindow+12345)
	for i := range data {
		data[i] = byte(i * 2654435761 >> 13)
	}
	w := mappedFile(t, data)
	mapped := 0
	for off, n := 0, 1; off < len(data); off, n = off+n, n*7%1021 {
		n = min(n, len(data)-off)
		b, err := w.at(int64(off), n)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[:n], data[off:off+n]) || len(b) < n+slack {
			t.Fatalf("other bytes at %d", off)
		}
		if w.mapped != nil {
			mapped += n
		}
	}
	if mapped < len(data)*9/10 {
		t.Errorf("only %d of %d bytes were mapped", mapped, len(data))
	}
	if _, err := w.at(int64(len(data))-5, 6); err == nil {
		t.Error("no error behind the end")
	}
	w.unmap()
}

// TestWindowFault cuts a mapped file off.
func TestWindowFault(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	read := func() (err error) {
		c := &cursor{}
		c.win = *mappedFile(t, make([]byte, mapWindow))
		w := &worker{cursors: []*cursor{c}}
		defer w.unmapFiles(&err)
		for off := int64(0); ; off += 1000 {
			b, err := c.win.at(off, 1)
			if err != nil {
				return err
			}
			if c.win.mapped != nil {
				if err := c.win.file.(*os.File).Truncate(0); err != nil {
					return err
				}
			}
			if b[0] != 0 {
				t.Error("other bytes")
			}
		}
	}
	if err := read(); err == nil || !strings.Contains(err.Error(), "read a mapped file") {
		t.Errorf("error %v, want one about a mapped file", err)
	}
}
