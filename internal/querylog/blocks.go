package querylog

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// blockSize is how much is read at a time: small enough for a processor's
// cache, large enough that the read calls do not count.
const blockSize = 256 << 10

// block is a piece of a file that ends with a newline, or with the file.
type block struct {
	data   []byte
	index  int   // 0, 1, 2 … in the file
	offset int64 // of its first byte in the file
	last   bool  // it ends with the file, and not with a newline
	// tooLong says that data is the start of a line longer than MaxLine, whose
	// rest was skipped.
	tooLong bool
}

// blocks cuts a file into blocks, for several workers.
type blocks struct {
	mu      sync.Mutex
	r       io.Reader
	maxLine int
	rest    []byte // what was read past the last newline
	offset  int64
	next    int
	done    bool
	err     error   // why reading ended before the end of the file
	lines   []int64 // lines of each block
}

func newBlocks(r io.Reader) *blocks { return &blocks{r: r, maxLine: MaxLine} }

// read returns the next block and the buffer that holds it, which may be a
// larger one than was given. ok is false after the last block.
func (b *blocks) read(buf []byte) (blk block, newBuf []byte, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return block{}, buf, false
	}
	buf = grow(buf, 0, len(b.rest)+blockSize)
	n := copy(buf, b.rest) // bytes of buf that hold text
	b.rest = b.rest[:0]
	for {
		old := n
		var err error
		for n < len(buf) && err == nil {
			var m int
			m, err = b.r.Read(buf[n:])
			n += m
		}
		if err != nil {
			b.done = true
			if err != io.EOF {
				b.err = err
			}
			if n == 0 {
				return block{}, buf, false
			}
			return b.emit(block{data: buf[:n], last: buf[n-1] != '\n'}, int64(n)), buf, true
		}
		if i := bytes.LastIndexByte(buf[old:n], '\n'); i >= 0 {
			end := old + i + 1
			b.rest = append(b.rest, buf[end:n]...)
			return b.emit(block{data: buf[:end]}, int64(end)), buf, true
		}
		if n > b.maxLine {
			return b.emit(block{data: buf[:n], tooLong: true}, int64(n)+b.skipLine()), buf, true
		}
		buf = grow(buf, n, min(2*n, b.maxLine+1))
	}
}

// emit numbers the block, which stands for size bytes of the file.
func (b *blocks) emit(blk block, size int64) block {
	blk.index, blk.offset = b.next, b.offset
	b.next++
	b.offset += size
	b.lines = append(b.lines, 0)
	return blk
}

// skipLine reads up to the next newline and returns how many bytes that were.
// It leaves what follows in b.rest.
func (b *blocks) skipLine() (skipped int64) {
	buf := make([]byte, blockSize)
	for {
		n, err := b.r.Read(buf)
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			b.rest = append(b.rest, buf[i+1:n]...)
			return skipped + int64(i) + 1
		}
		skipped += int64(n)
		if err != nil {
			b.done = true
			if err != io.EOF {
				b.err = err
			}
			return skipped
		}
	}
}

// counted notes how many lines the block has.
func (b *blocks) counted(blk block, lines int64) {
	b.mu.Lock()
	b.lines[blk.index] = lines
	b.mu.Unlock()
}

// linesBefore returns how many lines the file has before the block. All
// blocks must have been counted.
func (b *blocks) linesBefore(index int) (lines int64) {
	for _, n := range b.lines[:index] {
		lines += n
	}
	return lines
}

// grow returns buf with length n, its first keep bytes kept.
func grow(buf []byte, keep, n int) []byte {
	if n <= cap(buf) {
		return buf[:n]
	}
	return slices.Grow(buf[:keep], n-keep)[:n]
}
