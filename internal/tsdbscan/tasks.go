package tsdbscan

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/common/model"
)

func (s *scan) close() {
	for _, x := range s.indexes {
		x.close()
	}
	for _, f := range s.segments {
		if f != nil {
			f.close()
		}
	}
}

// open opens all files at once, so that a block may be deleted from then on.
func (s *scan) open() error {
	for i := range s.blocks {
		b := &s.blocks[i]
		x, err := openIndex(b.Dir)
		if err != nil {
			return &BlockError{b, err}
		}
		s.indexes = append(s.indexes, x)
		var f *segments
		if b.MaxTime > s.tail {
			if f, err = openSegments(b.Dir); err != nil {
				return &BlockError{b, err}
			}
		}
		s.segments = append(s.segments, f)
	}
	var tables []symbolTable
	for _, x := range s.indexes {
		tables = append(tables, x)
	}
	if s.cached != nil {
		s.blocks = append(slices.Clip(s.blocks), Block{ULID: "of the cache"})
		tables = append(tables, &s.cached.x)
	}
	if s.head != nil {
		s.blocks = append(slices.Clip(s.blocks), Block{ULID: "of the head"})
		tables = append(tables, s.head)
	}
	var bad int
	var err error
	if s.symbols, bad, err = readSymbols(tables); err != nil {
		if s.cached != nil && bad == len(s.indexes) {
			return fmt.Errorf("%w: %w", errCache, err)
		}
		return &BlockError{&s.blocks[bad], err}
	}
	s.nameLabel, s.jobLabel = s.label(model.MetricNameLabel), s.label("job")
	return nil
}

// label returns the number of a label name, or one that no label has.
func (s *scan) label(name string) uint32 {
	if id, ok := s.find(name); ok {
		return id
	}
	return math.MaxUint32
}

// tasks lists the metrics, the one with most series first, and guesses the
// span from some of them.
func (s *scan) tasks(ctx context.Context) ([]task, error) {
	byName := map[string]*task{}
	unnamed := task{id: noName}
	add := func(name string, l list) {
		t := byName[name]
		if t == nil {
			t = &task{name: name, id: s.label(name)}
			byName[name] = t
		}
		t.lists = append(t.lists, l)
		t.count += l.count
	}
	for i, x := range s.indexes {
		m, err := x.readMetrics(i)
		if err != nil {
			return nil, &BlockError{&s.blocks[i], err}
		}
		for name, l := range m.names {
			add(name, l)
		}
		c := newCursor(i, x, s.symbols, s.segments[i], s.tail)
		if m.all.count > 0 {
			l, err := c.nameless(ctx, m, newLayouts(s.nameLabel, s.jobLabel))
			if err != nil {
				return nil, &BlockError{&s.blocks[i], err}
			}
			unnamed.lists = append(unnamed.lists, l)
			unnamed.count += l.count
		}
		from, to, err := c.probe(m, newLayouts(s.nameLabel, s.jobLabel))
		if err != nil {
			return nil, &BlockError{&s.blocks[i], err}
		}
		s.cover(from, to)
	}
	addAll := func(names map[string]list, nameless list) {
		for name, l := range names {
			add(name, l)
		}
		if nameless.count > 0 {
			unnamed.lists = append(unnamed.lists, nameless)
			unnamed.count += nameless.count
		}
	}
	if c := s.cached; c != nil {
		addAll(c.lists(len(s.indexes)))
		s.cover(c.MinTime, c.MaxTime)
	}
	if h := s.head; h != nil {
		addAll(h.metrics(len(s.blocks) - 1))
		s.cover(h.From, h.To)
	}
	var tasks []task
	for _, t := range byName {
		tasks = append(tasks, *t)
	}
	if unnamed.count > 0 {
		tasks = append(tasks, unnamed)
	}
	slices.SortFunc(tasks, func(a, b task) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name))
	})
	for i := range tasks[:min(len(tasks), s.opts.Reduce)] {
		tasks[i].reduce = true
	}
	s.markTwins(tasks)
	return tasks, nil
}

// cover makes the span contain both times, but none after Options.Now.
func (s *scan) cover(from, to int64) {
	if !s.opts.Now.IsZero() {
		to = min(to, s.opts.Now.UnixMilli())
	}
	s.from, s.to = min(s.from, from), max(s.to, to)
}
