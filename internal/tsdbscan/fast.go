package tsdbscan

import (
	"context"
	"fmt"
)

// block adds all series of a metric that one block alone has: most metrics of
// most scans. It does what each does with a cursor and a merger, but batch by
// batch, and it does not work out again what is as in the series before:
//
//   - which part a series belongs to, unless its job or its label names change,
//   - what the counts of the job are, until the part changes.
//
// Everything unusual is left to the functions that each uses. A block of 5 M
// series takes about 6 % less processor time than with each, all else the same.
// On the way it keeps what tells twins of the metric, when they are looked for.
func (w *worker) block(ctx context.Context, t *task, c *cursor, layouts *layouts, f *found) error {
	l := &fastLoop{worker: w, cursor: c, task: t, found: f}
	n := 0
	err := l.eachBatch(ctx, layouts, func(refs []uint32) error {
		w.advance(int64(n))
		n += len(refs)
		return l.add(refs)
	})
	if err != nil && ctx.Err() == nil {
		return w.blockError(c, t, err)
	}
	l.flush()
	return err
}

// fastLoop is the state of block between two batches of references.
type fastLoop struct {
	*worker
	*cursor
	task  *task
	found *found

	part   *part // of the series before
	job    *job  // the part's
	counts tally // of the series of the job that are not counted yet

	// Of the series.
	created int64
	live    uint64
}

// eachBatch calls f with the references to the series of the metric.
func (l *fastLoop) eachBatch(ctx context.Context, layouts *layouts, f func(refs []uint32) error) error {
	if err := l.cursor.start(l.task.lists[0], layouts); err != nil {
		return err
	}
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		refs, err := l.list.some(4096)
		if err != nil || len(refs) == 0 {
			return err
		}
		if err := f(refs); err != nil {
			return err
		}
	}
}

// flush adds what has been counted to the job.
func (l *fastLoop) flush() {
	if l.job != nil {
		l.job.add(l.counts)
		l.counts = tally{}
	}
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
	c.indexBytes += references(len(c.own))
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
			l.part, l.job, p = q, q.owner, q
		}
		l.worker.add(p, c.values, nil, l.live)
	}
	if l.original != nil {
		l.keep(b)
	}
	l.counts.labelBytes += p.bytes & -int64(l.live)
	l.tally()
	return nil
}

// tally counts the series, but for its labels.
func (l *fastLoop) tally() {
	l.counts.series++
	l.counts.created += l.created
	l.counts.live += int64(l.live)
	l.counts.indexBytes += l.indexBytes
	if l.cursor.chunks != nil {
		l.job.addSamples(&l.rowFacts)
	}
}

// keep records the series for twins of the metric.
func (l *fastLoop) keep(b []byte) {
	c, n := l.cursor, len(l.own)
	tail := b[c.prevAt+c.places[1].name : c.prevAt+c.places[n].name]
	if c.layout.name != 0 || !l.original.record(&l.twins, n, tail, l.part.number, l.live) {
		l.original = nil
	}
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

// times decodes the list of chunks at b[i:end].
func (l *fastLoop) times(b []byte, i, end int) error {
	if err := l.metas(b, i, end); err != nil {
		return err
	}
	l.created, l.live = l.judge(l.found, &l.rowFacts)
	return nil
}
