package tsdbscan

import (
	"context"
	"errors"
)

var errNoTwin = errors.New("the series are not those of the original")

// twinLoop reads a metric that may be the twin of another one. What it does with
// a series is what fastLoop does, but for the labels, which it only compares.
type twinLoop struct {
	fastLoop
	of  *original
	at  int // of the series in the original
	sum uint64

	// The bytes of the name and its value, which each series has.
	head, headMask uint64
	headSize       int
}

// twin reads a metric that is the twin of another one. It returns nil when there
// is none, and when anything cannot be read.
func (w *worker) twin(ctx context.Context, t *task) *found {
	w.original = nil
	if !t.twins {
		return nil
	}
	w.twins.start(t)
	l := &twinLoop{fastLoop: fastLoop{worker: w, cursor: w.cursors[t.lists[0].block], task: t}}
	key, ok := l.probe()
	if !ok {
		return nil
	}
	for _, o := range w.twins.find(t, key) {
		if f := l.follow(ctx, o); f != nil {
			return f
		}
	}
	w.original = w.twins.add(t, key)
	return nil
}

// probe reads the first series of the metric. Twins have the same key.
func (l *twinLoop) probe() (key uint64, ok bool) {
	c := l.cursor
	if c.start(l.task.lists[0], nil) != nil {
		return 0, false
	}
	refs, err := c.list.some(1)
	if err != nil || len(refs) == 0 {
		return 0, false
	}
	i, end, err := c.entry(int64(refs[0]) * c.index.align())
	if err != nil {
		return 0, false
	}
	b := c.win.buf
	n := b[i]
	name, p := uvarint(b, i+1)
	value, p := uvarint(b, p)
	l.headSize = p - i - 1
	if n >= 0x80 || p > end || l.headSize > 8 || !c.means(name, l.nameLabel) || !c.means(value, l.task.id) {
		return 0, false
	}
	l.headMask = 1<<(8*l.headSize) - 1
	l.head = load64(b, i+1) & l.headMask
	tail := p
	for range 2 * (int(n) - 1) {
		if _, p = uvarint(b, p); p > end {
			return 0, false
		}
	}
	return l.twins.next(0, n, b[tail:p], 0), true
}

// means reports whether the block's own number of a symbol means this one.
func (c *cursor) means(own uint64, symbol uint32) bool {
	if own >= uint64(c.count) {
		return false
	}
	if c.rank != nil {
		return c.rank[own] == symbol
	}
	return uint32(own) == symbol
}

// follow reads the metric along the original. It returns nil when they are no
// twins.
func (l *twinLoop) follow(ctx context.Context, o *original) *found {
	l.twins.jobs = resize(l.twins.jobs, len(o.found.jobs))
	clear(l.twins.jobs)
	l.found = newFound()
	l.of, l.at, l.sum, l.job, l.counts = o, 0, 0, nil, tally{}
	align := l.cursor.index.align()
	err := l.eachBatch(ctx, nil, func(refs []uint32) error {
		for _, ref := range refs {
			if err := l.one(int64(ref) * align); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || l.at != o.count {
		return nil
	}
	l.flush()
	o.twin(l.task, l.twins.jobs, l.found)
	l.counted = 0
	return l.found
}

// one reads the series at the offset.
func (l *twinLoop) one(off int64) error {
	c := l.cursor
	i, end, err := c.entry(off)
	if err != nil {
		return err
	}
	if l.at == l.of.count {
		return errNoTwin
	}
	row, b := l.of.rows[l.at], c.win.buf
	tail := i + 1 + l.headSize
	next := tail + int(row&(1<<tailBits-1))
	if (load64(b, i+1)^l.head)&l.headMask != 0 || next > end {
		return errNoTwin
	}
	n := b[i]
	c.indexBytes += references(int(n))
	if err := l.times(b, next, end); err != nil {
		return err
	}
	l.sum = l.twins.next(l.sum, n, b[tail:next], l.live)
	if l.at++; l.at%twinBatch == 0 || l.at == l.of.count {
		if l.sum != l.of.sums[(l.at-1)/twinBatch] {
			return errNoTwin
		}
	}
	if j := &l.twins.jobs[l.of.jobs[row>>tailBits]]; j != l.job {
		l.flush()
		l.job = j
	}
	l.tally()
	return nil
}
