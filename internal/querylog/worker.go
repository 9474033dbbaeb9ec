package querylog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// worker reads blocks, one after the other, and counts what it finds.
type worker struct {
	parse parser
	table *table
	buf   []byte
	entry entry // used for every line anew
	// Of the file that is being read:
	fileCounts Counts
	broken     []brokenAt // the first ones that this worker met
}

// brokenAt is a broken line whose place is known by block.
type brokenAt struct {
	block  int
	line   int64 // 0-based, in the block
	offset int64
	reason string
}

func newWorker(p parser) *worker { return &worker{parse: p, table: newTable()} }

// readFile reads blocks of the file until none is left.
func (w *worker) readFile(ctx context.Context, b *blocks) {
	w.fileCounts, w.broken = Counts{}, nil
	for ctx.Err() == nil {
		blk, buf, ok := b.read(w.buf)
		w.buf = buf
		if !ok {
			break
		}
		b.counted(blk, w.readBlock(blk))
		if cap(w.buf) > 8*blockSize {
			w.buf = nil // there was a very long line
		}
	}
}

// readBlock returns how many lines the block has.
func (w *worker) readBlock(blk block) (lines int64) {
	w.fileCounts.Bytes += int64(len(blk.data))
	if blk.tooLong {
		w.fileCounts.Lines++
		w.breakLine(blk, 0, 0, fmt.Sprintf("longer than %d MiB", MaxLine>>20))
		return 1
	}
	data := blk.data
	for start := 0; start < len(data); lines++ {
		if w.parse.fast {
			usual, size := w.readUsual(data[start:])
			lines += usual
			if start += size; start == len(data) {
				break
			}
		}
		end := bytes.IndexByte(data[start:], '\n')
		torn := end < 0
		if torn {
			end = len(data) - start
		}
		w.readLine(blk, lines, start, data[start:start+end], torn)
		start += end + 1
	}
	w.fileCounts.Lines += lines
	return lines
}

// readUsual reads lines up to the first that is not a usual one, and returns
// how many that were and their size. It looks up the queries of several lines
// in a row, so that the processor can wait for their memory at once.
func (w *worker) readUsual(data []byte) (lines int64, size int) {
	var batch [16]fastEntry
	for {
		n, end := 0, size
		for n < len(batch) && end < len(data) {
			length := w.table.fastLine(data[end:], &batch[n])
			if length == 0 {
				break
			}
			end += length
			batch[n].end = end
			n++
		}
		for i := range batch[:n] {
			if !w.table.addFast(&batch[i], &w.fileCounts) {
				return lines, size
			}
			lines++
			size = batch[i].end
		}
		if n < len(batch) {
			return lines, size
		}
	}
}

// readLine reads one line without its newline. A line that has none is the
// last of the file and may be torn.
func (w *worker) readLine(blk block, line int64, start int, text []byte, torn bool) {
	if len(bytes.TrimSpace(text)) == 0 {
		w.fileCounts.Other++
		return
	}
	w.entry = entry{texts: w.entry.texts[:0]}
	err := w.parse.full(text, &w.entry)
	switch {
	case err == nil:
		w.fileCounts.Entries++
		w.table.add(&w.entry, &w.fileCounts)
	case errors.Is(err, errOther):
		w.fileCounts.Other++
	case torn:
		w.fileCounts.Torn++
	default:
		w.breakLine(blk, line, start, err.Error())
	}
}

func (w *worker) breakLine(blk block, line int64, start int, reason string) {
	w.fileCounts.Broken++
	if len(w.broken) < maxFirstBroken {
		w.broken = append(w.broken, brokenAt{blk.index, line, blk.offset + int64(start), reason})
	}
}

// firstBroken returns the first broken lines of the file that the workers have
// just read.
func firstBroken(workers []*worker, b *blocks) []BrokenLine {
	var all []brokenAt
	for _, w := range workers {
		all = append(all, w.broken...)
	}
	slices.SortFunc(all, func(x, y brokenAt) int { return cmp.Compare(x.offset, y.offset) })
	var out []BrokenLine
	for _, at := range all[:min(len(all), maxFirstBroken)] {
		out = append(out, BrokenLine{Line: b.linesBefore(at.block) + at.line + 1, Offset: at.offset, Reason: at.reason})
	}
	return out
}
