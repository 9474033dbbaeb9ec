package tsdbscan

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
)

// block adds all series of a metric that one block alone has: most metrics of
// most scans. It does what each does with a cursor and a merger, but batch by
// batch, and it does not work out again what is as in the series before:
//
//   - which part a series belongs to, unless its job or its label names change,
//   - whether it was created in the span and is live, unless a time changes,
//   - what the counts of the job are, until the part changes.
//
// Everything unusual is left to the functions that each uses. A block of 5 M
// series takes about 6 % less processor time than with each, all else the same.
func (w *worker) block(ctx context.Context, t *task, c *cursor, layouts *layouts, f *found) error {
	if err := c.start(t.lists[0], layouts); err != nil {
		return w.blockError(c, t, err)
	}
	l := &fastLoop{worker: w, cursor: c, task: t, found: f, chunks: -1}
	for n := 0; ; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.advance(int64(n))
		refs, err := c.list.some(4096)
		if err == nil && len(refs) > 0 {
			err = l.add(refs)
		}
		if err != nil {
			return w.blockError(c, t, err)
		}
		if len(refs) == 0 {
			l.flush()
			return nil
		}
		n += len(refs)
	}
}

// fastLoop is the state of block between two batches of references.
type fastLoop struct {
	*worker
	*cursor
	task  *task
	found *found

	part   *part // of the series before
	counts tally // of the series of the part that are not counted yet

	// Of the series before.
	chunks  int64 // how many it has, -1 when not known
	created int64
	live    uint64
}

// flush adds what has been counted to the job.
func (l *fastLoop) flush() {
	if l.part == nil {
		return
	}
	l.part.owner.add(l.counts)
	l.counts = tally{}
}

// add adds the series with these references.
func (l *fastLoop) add(refs []uint32) error {
	align := l.cursor.index.align()
	for _, ref := range refs {
		if err := l.one(int64(ref) * align); err != nil {
			return fmt.Errorf("read series %d: %w", ref, err)
		}
	}
	return nil
}

func (l *fastLoop) one(off int64) error {
	c, p := l.cursor, l.part
	i, end, err := c.entry(off)
	if err != nil {
		return err
	}
	b := c.win.buf
	layout := c.layout
	if i, err = c.labels(b, i, end); err != nil {
		return err
	}
	changed := c.changed
	c.indexBytes += c.references()
	if err := l.times(b, i, end); err != nil {
		return err
	}
	if p != nil && c.layout == layout && len(changed) > 0 && !p.moves(changed) {
		if p.log != nil {
			l.record(p, uint32(len(p.rows)), c.values, changed)
		}
		l.change(p, c.values, changed)
		l.append(p, l.live)
	} else {
		if !l.task.has(&c.row) {
			return errList
		}
		if q := l.partOf(p, &c.row); q != p {
			l.flush()
			l.part, p = q, q
		}
		l.worker.add(p, c.values, nil, l.live)
	}
	l.counts.series++
	l.counts.created += l.created
	l.counts.live += int64(l.live)
	l.counts.indexBytes += c.indexBytes
	l.counts.labelBytes += p.bytes & -int64(l.live)
	if c.chunks != nil {
		p.owner.addSamples(&c.rowFacts)
	}
	return nil
}

// moves reports whether these changes lead to a series of another part.
func (p *part) moves(changed []int32) bool {
	for _, i := range changed {
		if int(i) == p.layout.job || int(i) == p.layout.name {
			return true
		}
	}
	return false
}

// times decodes the list of chunks at b[i:end]. Most series begin and end with
// the one before: then what follows from that is known already.
func (l *fastLoop) times(b []byte, i, end int) error {
	c := l.cursor
	if n := int64(b[i]); n == l.chunks && c.chunks == nil {
		at := i + 1
		for k := range n {
			t := &c.times[k]
			low, high := load64(b, at), load64(b, at+8)
			last := ^load64(b, at+t.size) & 0x8080808080808080 // of the reference
			if (low^t.low)&t.lowMask|(high^t.high)&t.highMask != 0 || last == 0 || at > end {
				at = -1
				break
			}
			at += t.size + (bits.TrailingZeros64(last)+1)/8
		}
		if at == end {
			return nil
		}
	}
	if err := c.metas(b, i, end); err != nil {
		return err
	}
	l.chunks = -1
	if n := int(b[i]); n <= len(c.times) && !slices.ContainsFunc(c.times[:n], func(t chunkTimes) bool { return t.size == 0 }) {
		l.chunks = int64(n)
	}
	l.created, l.live = l.judge(l.found, &c.rowFacts)
	return nil
}
