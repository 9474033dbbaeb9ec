package tsdbscan

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sentei/sentei"
)

// scan is what all workers share. But for done, it does not change while they
// run.
type scan struct {
	hasher
	*symbols
	opts     Options
	blocks   []Block
	indexes  []*indexFile
	segments []*segments // nil for a block outside of the tail
	cached   *cacheFile  // instead of some blocks, nil without; it counts as one more block after the others
	head     *head       // nil without; it counts as one more block after all others

	nameLabel, jobLabel uint32 // numbers of __name__ and job

	tail     int64 // where the newest block begins
	from, to int64 // first and last sample, as far as known

	// For Options.Progress: series that have been read, and all.
	done  atomic.Int64
	total int64
}

// Scan reads the blocks. An error that is about one block is a *BlockError.
// The same blocks give the same result.
func Scan(ctx context.Context, blocks []Block, opts Options) (*Result, error) {
	tail := tailStart(blocks)
	if opts.IndexOnly {
		tail = math.MaxInt64
	}
	if opts.Cache != nil {
		if r, err := opts.Cache.scan(ctx, blocks, opts, tail); r != nil || err != nil {
			return r, err
		}
	}
	return scanBlocks(ctx, blocks, opts, tail)
}

// scanBlocks counts the samples from tail on.
func scanBlocks(ctx context.Context, blocks []Block, opts Options, tail int64) (*Result, error) {
	return newScan(blocks, nil, opts, tail).scan(ctx)
}

// newScan returns a scan of the blocks, some of which the cache file has, if
// there is one.
func newScan(blocks []Block, cached *cacheFile, opts Options, tail int64) *scan {
	s := &scan{
		hasher: hasher{rand.Uint64(), rand.Uint64()},
		opts:   opts, blocks: blocks, cached: cached, tail: tail,
		from: noTime, to: -noTime,
	}
	if opts.Head != nil {
		s.head = newHead(opts.Head, blocks)
	}
	if cached != nil {
		s.blocks = cached.without(blocks)
	}
	if s.opts.Workers < 1 {
		s.opts.Workers = runtime.GOMAXPROCS(0)
	}
	return s
}

func (s *scan) scan(ctx context.Context) (*Result, error) {
	defer s.close()
	r, err := s.all(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return r, err
}

func (s *scan) all(ctx context.Context) (*Result, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	tasks, err := s.tasks(ctx)
	if err != nil {
		return nil, err
	}
	results, err := s.run(ctx, tasks)
	if err != nil {
		return nil, err
	}
	return s.result(tasks, results), nil
}

// run scans all metrics. What the guess of the span got wrong is scanned again
// once the span is known.
func (s *scan) run(ctx context.Context, tasks []task) ([]*found, error) {
	for i := range tasks {
		s.total += int64(tasks[i].count)
	}
	results := make([]*found, len(tasks))
	todo := make([]int, len(tasks))
	for i := range todo {
		todo[i] = i
	}
	for len(todo) > 0 {
		if err := s.runSome(ctx, tasks, todo, results); err != nil {
			return nil, err
		}
		for _, f := range results {
			s.cover(f.mint, f.maxt)
		}
		todo = slices.DeleteFunc(todo, func(i int) bool {
			return results[i].oldest <= s.from && results[i].dies > s.to
		})
	}
	return results, nil
}

// runSome scans the metrics in todo, spread over the workers.
func (s *scan) runSome(ctx context.Context, tasks []task, todo []int, results []*found) error {
	shares := s.shares(tasks, todo)
	return s.parallel(len(shares), func() func(int) error {
		w := s.newWorker()
		return func(k int) (err error) {
			for _, i := range shares[k] {
				if results[i], err = w.metric(ctx, &tasks[i]); err != nil {
					return err
				}
				w.advance(int64(tasks[i].count))
			}
			return nil
		}
	})
}

// parallel calls functions with each number below n. Every worker has one that
// makeFunc has made. If several calls fail it returns the error of the lowest
// number.
func (s *scan) parallel(n int, makeFunc func() func(int) error) error {
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	errs := make([]error, n)
	for range min(s.opts.Workers, n) {
		wg.Go(func() {
			do := makeFunc()
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[i] = do(i); errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) newWorker() *worker {
	w := &worker{scan: s, jobs: map[uint32]*job{}, lists: &valueLists{}, twins: newTwins(s.hasher)}
	w.sums = newSums(len(s.end), &w.pool.numbers)
	for i, x := range s.indexes {
		w.cursors = append(w.cursors, newCursor(i, x, s.symbols, s.segments[i], s.tail))
	}
	if s.cached != nil {
		w.cursors = append(w.cursors, newCacheCursor(len(s.indexes), s.cached, s.symbols))
	}
	if s.head != nil {
		w.cursors = append(w.cursors, newHeadCursor(len(s.blocks)-1, s.head, s.symbols))
	}
	return w
}

func (s *scan) result(tasks []task, results []*found) *Result {
	if s.from == noTime {
		return &Result{}
	}
	s.to = max(s.to, s.from) // all is in the future
	r := &Result{From: time.UnixMilli(s.from).UTC(), To: time.UnixMilli(s.to).UTC()}
	sp := newSpan(s.from, s.to, s.tail)
	if s.head != nil {
		s.head.end(&sp, s.tail)
	}
	r.Metrics = make([]sentei.Metric, 0, len(tasks))
	for i, f := range results {
		r.Metrics = append(r.Metrics, s.finish(f, tasks[i].name, sp))
		results[i] = nil
	}
	slices.SortFunc(r.Metrics, func(a, b sentei.Metric) int { return cmp.Compare(a.Name, b.Name) })
	return r
}
