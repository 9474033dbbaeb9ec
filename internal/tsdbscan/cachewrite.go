package tsdbscan

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"sync"
)

// pageSize is the size from which on a page is not filled further.
const pageSize = 32 << 10

// cacheWriter writes a cache file.
type cacheWriter struct {
	w    *bufio.Writer
	mu   sync.Mutex // for what follows
	off  int64
	head cacheHead
	list []cachedMetric
}

// writeCache writes the rows of all blocks of the scan.
func (s *scan) writeCache(ctx context.Context, w io.Writer, blocks []cachedBlock) error {
	tasks, err := s.tasks(ctx)
	if err != nil {
		return err
	}
	c := &cacheWriter{w: bufio.NewWriterSize(w, 1<<20), head: cacheHead{Blocks: blocks, MinTime: noTime, MaxTime: -noTime}}
	if err := c.write(cacheMagic[:]); err != nil {
		return err
	}
	for i := range tasks {
		s.total += int64(tasks[i].count)
	}
	err = s.parallel(len(tasks), func() func(int) error {
		worker := s.newWorker()
		return func(i int) error {
			var m rowWriter
			if err := worker.fold(ctx, &tasks[i], &m); err != nil {
				return err
			}
			worker.advance(int64(tasks[i].count))
			return c.metric(&tasks[i], &m)
		}
	})
	if err != nil {
		return err
	}
	return c.end(&s.texts)
}

// fold writes all rows of one metric.
func (w *worker) fold(ctx context.Context, t *task, to *rowWriter) error {
	to.mint, to.maxt, w.counted = noTime, -noTime, 0
	var m merger
	if err := w.start(&m, t, newLayouts(w.nameLabel, w.jobLabel)); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n%4096 == 4095 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w.advance(int64(n))
		}
		r, c, err := m.next()
		if err != nil {
			return w.blockError(c, t, err)
		}
		if r == nil {
			to.endPage()
			return nil
		}
		if !t.has(r) {
			return w.blockError(c, t, errList)
		}
		if err := to.add(r); err != nil {
			return err
		}
	}
}

func (c *cacheWriter) write(b []byte) error {
	n, err := c.w.Write(b)
	c.off += int64(n)
	return err
}

// metric writes the pages of one metric.
func (c *cacheWriter) metric(t *task, m *rowWriter) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, cachedMetric{name: t.name, nameless: t.id == noName, off: c.off, series: t.count, rows: m.count})
	c.head.Rows += int64(m.count)
	c.head.MinTime, c.head.MaxTime = min(c.head.MinTime, m.mint), max(c.head.MaxTime, m.maxt)
	return c.write(m.pages)
}

// end writes what follows the rows.
func (c *cacheWriter) end(symbols *texts) error {
	count := uint32(len(symbols.end))
	length := int64(4)
	for i := range count {
		t := symbols.text(i)
		length += int64(len(binary.AppendUvarint(nil, uint64(len(t)))) + len(t))
	}
	var end []byte
	end = binary.BigEndian.AppendUint64(end, uint64(c.off))
	err := c.section(length, func(write func([]byte) error) error {
		if err := write(binary.BigEndian.AppendUint32(nil, count)); err != nil {
			return err
		}
		var b []byte
		for i := range count {
			t := symbols.text(i)
			b = append(binary.AppendUvarint(b[:0], uint64(len(t))), t...)
			if err := write(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}

	slices.SortFunc(c.list, func(a, b cachedMetric) int { return cmp.Compare(a.off, b.off) })
	var metrics []byte
	for _, m := range c.list {
		named := uint64(1)
		if m.nameless {
			named = 0
		}
		metrics = binary.AppendUvarint(metrics, named)
		metrics = append(binary.AppendUvarint(metrics, uint64(len(m.name))), m.name...)
		metrics = binary.AppendUvarint(metrics, uint64(m.off))
		metrics = binary.AppendUvarint(metrics, uint64(m.rows))
		metrics = binary.AppendUvarint(metrics, uint64(m.series))
	}
	head, err := json.Marshal(c.head)
	if err != nil {
		return err
	}
	for _, b := range [][]byte{metrics, head} {
		end = binary.BigEndian.AppendUint64(end, uint64(c.off))
		if err := c.section(int64(len(b)), func(write func([]byte) error) error { return write(b) }); err != nil {
			return err
		}
	}
	if err := c.write(binary.BigEndian.AppendUint32(end, crc32.Checksum(end, castagnoli))); err != nil {
		return err
	}
	return c.w.Flush()
}

// section writes a section of that length.
func (c *cacheWriter) section(length int64, fill func(write func([]byte) error) error) error {
	if length > math.MaxUint32 {
		return errors.New("there are more than 4 GiB of names and values")
	}
	if err := c.write(binary.BigEndian.AppendUint32(nil, uint32(length))); err != nil {
		return err
	}
	var sum uint32
	err := fill(func(b []byte) error {
		sum = crc32.Update(sum, castagnoli, b)
		return c.write(b)
	})
	if err != nil {
		return err
	}
	return c.write(binary.BigEndian.AppendUint32(nil, sum))
}

// rowWriter codes the rows of one metric.
type rowWriter struct {
	pages      []byte
	page       int // where the last one begins in pages, after its length and checksum
	count      int // rows
	mint, maxt int64

	layouts map[*layout]int
	changed []int32
	// Of the row before.
	layout *layout
	values []uint32
	last   rowFacts
}

// add adds a row. It is the next one in the order of labels.
func (w *rowWriter) add(r *row) error {
	known := rowFacts{indexBytes: r.indexBytes} // what will be read again
	if !known.setTimes(r.mint, r.maxt) || known != r.rowFacts {
		return fmt.Errorf("a row from %d to %d has what cannot be kept", r.mint, r.maxt)
	}
	if w.pages == nil {
		w.pages, w.page, w.layouts = make([]byte, 8, 256), 8, map[*layout]int{}
	}
	facts := uint64(0)
	if w.count > 0 && known == w.last {
		facts = sameFacts
	}
	if w.count > 0 && r.layout == w.layout {
		w.changes(r.values, facts)
	} else {
		w.labels(r, facts)
	}
	if facts == 0 {
		w.pages = binary.AppendVarint(w.pages, r.mint-w.last.mint)
		w.pages = binary.AppendVarint(w.pages, r.maxt-w.last.maxt)
		w.pages = binary.AppendVarint(w.pages, r.indexBytes-w.last.indexBytes)
	}
	w.last, w.layout = known, r.layout
	w.values = append(w.values[:0], r.values...)
	w.count++
	w.mint, w.maxt = min(w.mint, r.mint), max(w.maxt, r.maxt)
	if len(w.pages)-w.page >= pageSize {
		w.endPage()
		w.pages = append(w.pages, make([]byte, 8)...)
		w.page = len(w.pages)
	}
	return nil
}

// changes codes the values of a row that has the labels of the one before.
func (w *rowWriter) changes(values []uint32, facts uint64) {
	w.changed = w.changed[:0]
	for i, v := range values {
		if v != w.values[i] {
			w.changed = append(w.changed, int32(i))
		}
	}
	w.pages = binary.AppendUvarint(w.pages, uint64(len(w.changed))<<2|facts)
	next := int32(0)
	for k, i := range w.changed {
		v := values[i]
		if k == 0 {
			v -= w.values[i] + 1
		}
		w.pages = binary.AppendUvarint(w.pages, uint64(i-next))
		w.pages = binary.AppendUvarint(w.pages, uint64(v))
		next = i + 1
	}
}

// labels codes all labels.
func (w *rowWriter) labels(r *row, facts uint64) {
	k, known := w.layouts[r.layout]
	if !known {
		k = len(w.layouts)
		w.layouts[r.layout] = k
	}
	w.pages = binary.AppendUvarint(w.pages, uint64(k)<<2|otherLabels|facts)
	if !known {
		w.pages = binary.AppendUvarint(w.pages, uint64(len(r.layout.names)))
		for _, n := range r.layout.names {
			w.pages = binary.AppendUvarint(w.pages, uint64(n))
		}
	}
	for _, v := range r.values {
		w.pages = binary.AppendUvarint(w.pages, uint64(v))
	}
}

// endPage fills in length and checksum of the page.
func (w *rowWriter) endPage() {
	if len(w.pages) == w.page { // nothing is on it
		w.pages = w.pages[:max(0, w.page-8)]
		return
	}
	page := w.pages[w.page:]
	binary.BigEndian.PutUint32(w.pages[w.page-8:], uint32(len(page)))
	binary.BigEndian.PutUint32(w.pages[w.page-4:], crc32.Checksum(page, castagnoli))
}
