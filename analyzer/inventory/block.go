package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/internal/tsdbscan"
	"github.com/sentei/sentei/internal/walscan"
)

// block reads the blocks and the head of a Prometheus data directory.
var block = source.New("block", sentei.Doc{
	Title: "Reads a Prometheus data directory, blocks and head: every series counted, without one query.",
	Text: `Reads the index and the chunk headers of the blocks in a TSDB data directory, and the write-ahead log for what no block has
yet; it asks nothing of a running server. It counts everything exactly over the head and all chosen blocks together: series
per metric and job, samples per second, churn, every label with its values, and for every label how many series would remain
without it. A million series in blocks take about a fifth of a second of one core and some tens of megabytes of memory. The head
takes about a fifteenth of the time and an eighth of the memory with which Prometheus replays it. Checksums of the index and of the
write-ahead log are verified.

It needs read access to the data directory (the same volume, a snapshot, a backup, or a copy of some blocks). Nothing is
locked or written; Prometheus may be running on it, appending and compacting. For a server whose disk cannot be reached use the
source of its HTTP API.

- **Live** are series whose last sample is at most 5 minutes before the newest one, or three of their own intervals, and that
  the head does not mark as ended.
- **Timestamps of the future**, which a target may send, count as samples but do not move that end beyond now.
- **Type, unit and help** of metrics are known only from a head of a Prometheus that writes them there
  (` + "`--enable-feature=metadata-wal-records`" + `).
- **The head** is what the write-ahead log (wal, with wbl for out-of-order samples) holds: series with at least one sample
  there. A record at its end that Prometheus has not written in full yet is left for the next scan; damage before that blocks
  all verdicts "unused" of the backend. Without the head (` + "`head: false`" + `, a wal that may not be read, or only
  some ` + "`blocks`" + `) what is counted ends up to three hours ago, and a metric that is younger is not seen yet.
- **Snapshot**: where the write-ahead log cannot be read, or a copy is wanted that no compaction changes,
  ` + "`snapshot: {url: http://localhost:9090}`" + `, with the options that the HTTP client of the source prometheus has, asks the
  server for one (` + "`POST /api/v1/admin/tsdb/snapshot?skip_head=false`" + `, which needs ` + "`--web.enable-admin-api`" + `) and
  reads it: all blocks, the head as one of them, from ` + "`PATH/snapshots/NAME`" + ` on this machine. Each scan makes one. It lies there
  until you delete it, since sentei never writes or deletes in a data directory; blocks in it are hard links, which keep their
  space when Prometheus deletes the originals. A problem in the report reminds of older ones. Out-of-order samples that no
  block has yet are not in a snapshot, and a series that has ended within the last 5 minutes counts as live.
- **Samples per second** are counted from the last 10 to 20 minutes of the head. Without it they are counted from the chunks
  in the time range of the newest block; blocks of out-of-order samples that overlap it are counted as well.
- **Sets of labels:** labels that always change together, such as pod and instance, save nothing one by one. For each metric
  and job sentei finds which labels fix the value of which others, over all series, and then up to five sets to remove one
  after the other, each the one that leaves fewest live series: a label with all those that fix it. ` + "`sentei explain metric`" + `
  shows both. The counts are exact, but the search does not try every set. It is a what-if, no proposal: it does not
  ask who reads the labels. It takes about 0.15 microseconds for each series; a metric whose labels change more than eight
  million times from one series to the next, or a job with so many different labels that it would take far more, is left out.
- **Histograms:** the buckets are the values of ` + "`le`" + ` of a metric that ends in _bucket and has it on all series. Native
  histograms are recognized in the head and in the time range of the newest block.
- **A series** that is in several blocks and in the head is one series.
- **With ` + "`scan.cache_directory`" + `** the series of old blocks are kept in a file of 10 to 20 bytes a series, merged, so a scan reads
  it, the newest blocks and the head. Nothing in a report depends on it. The file is written anew when a block of the longer ones
  has come or gone, which the log says with its size; damage is noticed and repaired. An old block that can no longer be read is
  noticed only then. There is one file for each source; delete those of sources that are gone, or all, whenever you like.
- **A block that another one was compacted from** is skipped, so nothing counts twice while Prometheus compacts.
- **Disk** is the samples per second with the size that they have in the chunks of the newest block, and the index entries of
  all blocks, scaled to a day. What the head adds to the index is estimated. Blocks that Prometheus has not
  merged yet repeat the index, so a window of many small blocks shows more than will stay.
- **Deleted series** (tombstones) count until Prometheus has cleaned them out of the block, or the head has become one.
- Blocks of all versions of Prometheus 2 and 3 are read (index formats 1 to 3), those of Thanos or Mimir when they are on a disk;
  object storage is not read.
- A block that cannot be read blocks all verdicts "unused" of the backend: remove it, repair it or leave it out with
  ` + "`blocks` or `window`" + `.`,
	Example: `- block:
    path: /var/lib/prometheus/data  # --storage.tsdb.path, or the directory of one block
    window: 1d                      # only blocks that overlap the newest day; default: all
    blocks:                         # only these; default: all
      - 01JCW8TM0NNYXGZ3B7T0AP9D2E
    head: false                     # read blocks only; default: true, or false when blocks are named
    top_values: 1000                # label values kept for each label of a metric and job (all are counted)
    label_sets: 10000               # metrics, those with most series, of which sets of labels are looked at; 0: none
`,
}, blockOptions{TopValues: 1000, LabelSets: 10_000}, newBlock)

type blockOptions struct {
	Path      string         `yaml:"path"`
	Blocks    []string       `yaml:"blocks"`
	Window    model.Duration `yaml:"window"`
	Head      *bool          `yaml:"head"` // nil: when it can be read
	TopValues int            `yaml:"top_values"`
	LabelSets int            `yaml:"label_sets"`
	// Snapshot is set when a snapshot is read instead of the directory itself.
	Snapshot *snapshotOptions `yaml:"snapshot"`
}

type blockSource struct {
	blockOptions
	env       source.Env
	cache     *tsdbscan.Cache // nil without a folder for it
	snapshots *snapshots      // nil without
}

func newBlock(o blockOptions, env source.Env) (Source, error) {
	switch {
	case o.Path == "":
		return nil, errors.New("path is missing: give the data directory of Prometheus (--storage.tsdb.path)")
	case o.TopValues < 1:
		return nil, fmt.Errorf("top_values is %d, it must be at least 1", o.TopValues)
	case o.LabelSets < 0:
		return nil, fmt.Errorf("label_sets is %d, it must not be negative; 0 searches none", o.LabelSets)
	}
	cache, err := blockCache(o, env)
	if err != nil {
		return nil, err
	}
	s := &blockSource{blockOptions: o, env: env, cache: cache}
	if o.Snapshot != nil {
		if s.snapshots, err = newSnapshots(&o, env); err != nil {
			return nil, err
		}
		s.Head = new(bool) // it is one of the blocks
	}
	return s, nil
}

// errBlockGone says that a block was deleted between listing and opening.
var errBlockGone = errors.New("a block was deleted while it was read")

// Inventory reads the head and all chosen blocks as one.
func (s *blockSource) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	inv, problems, err := s.readAll(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read TSDB %s: %w", s.Path, err)
	}
	return inv, problems, nil
}

func (s *blockSource) readAll(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	dir := s.env.Path(s.Path)
	var more []sentei.Problem
	if s.snapshots != nil {
		var err error
		if dir, more, err = s.snapshots.make(ctx); err != nil {
			return nil, nil, err
		}
	}
	inv, problems, err := s.read(ctx, dir)
	if errors.Is(err, errBlockGone) { // a compaction: its result is there by now
		inv, problems, err = s.read(ctx, dir)
	}
	return inv, append(more, problems...), err
}

func (s *blockSource) read(ctx context.Context, dir string) (*sentei.Inventory, []sentei.Problem, error) {
	now := s.now()
	head, problems, err := s.readHead(ctx, dir, now)
	if err != nil {
		return nil, nil, err
	}
	chosen, more, err := s.choose(dir, head, now)
	if err != nil {
		for _, p := range problems { // without them it may look as if there were nothing yet
			err = fmt.Errorf("%s (%s); %w", p.Message, p.Hint, err)
		}
		return nil, nil, err
	}
	if chosen.Head && head == nil && len(problems) == 0 {
		problems = append(problems, s.headProblem(chosen.Blocks))
	}
	problems = append(problems, more...)
	problems = append(problems, s.lostProblem(head, chosen.Blocks)...)
	result, blocks, bad, err := s.scan(ctx, chosen.Blocks, head, now)
	if err != nil {
		return nil, nil, err
	}
	problems = append(problems, bad...)
	if result.From.IsZero() {
		return nil, nil, errors.New("there are no samples")
	}
	if len(result.Metrics) > 0 && result.Metrics[0].Name == "" {
		problems = append(problems, s.env.Problem(sentei.Problem{
			Where:   s.Path,
			Message: "some series have no metric name",
			Hint:    "they are listed as a metric without a name; a tool that wrote them left it out",
		}))
	}
	fillMetadata(result.Metrics, head)
	return &sentei.Inventory{
		Backend:   s.env.Backend,
		Source:    s.env.Name,
		From:      result.From,
		To:        result.To,
		Metrics:   result.Metrics,
		Estimated: []string{"memory_bytes", "disk_bytes_per_day"},
		Series:    &blockSeries{blocks: blocks, options: tsdbscan.Options{Head: head, Cache: s.cache}, to: result.To},
	}, problems, nil
}

// scan counts the head and the blocks, without those that turn out to be unreadable.
// It also returns which blocks it counted.
func (s *blockSource) scan(ctx context.Context, blocks []tsdbscan.Block, head *walscan.Head, now time.Time) (*tsdbscan.Result, []tsdbscan.Block, []sentei.Problem, error) {
	var problems []sentei.Problem
	for {
		result, err := tsdbscan.Scan(ctx, blocks, tsdbscan.Options{
			TopValues: s.TopValues, Reduce: s.LabelSets, Head: head, Now: now, Cache: s.cache,
			Progress: func(done, total int64) { s.env.Meter.Set(done, total, "series") },
		})
		if err == nil {
			return result, blocks, problems, nil
		}
		var bad *tsdbscan.BlockError
		if !errors.As(err, &bad) {
			return nil, nil, nil, err
		}
		if bad.Gone() {
			return nil, nil, nil, fmt.Errorf("%w: %w", errBlockGone, err)
		}
		if len(blocks) == 1 && !holds(head) {
			return nil, nil, nil, err
		}
		problems = append(problems, s.badBlock(bad))
		blocks = slices.DeleteFunc(slices.Clone(blocks), func(b tsdbscan.Block) bool { return b.ULID == bad.Block.ULID })
	}
}

func (s *blockSource) badBlock(e *tsdbscan.BlockError) sentei.Problem {
	return s.env.Problem(sentei.Problem{
		Where:    "block " + e.Block.ULID,
		Message:  e.Err.Error(),
		Hint:     "what is only in this block is missing: check it with promtool tsdb analyze, and move it away if it is broken",
		Blocking: true,
	})
}

// choose lists the blocks that the options name. They may be none when there is
// a head.
func (s *blockSource) choose(dir string, head *walscan.Head, now time.Time) (*tsdbscan.Listing, []sentei.Problem, error) {
	l, err := tsdbscan.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: is the volume mounted here?", err)
	}
	if err != nil {
		return nil, nil, err
	}
	blocks, bad := l.Blocks, l.Bad
	if len(s.Blocks) > 0 {
		named := func(ulid string) bool { return slices.Contains(s.Blocks, ulid) }
		blocks = slices.DeleteFunc(blocks, func(b tsdbscan.Block) bool { return !named(b.ULID) })
		bad = slices.DeleteFunc(bad, func(e *tsdbscan.BlockError) bool { return !named(e.Block.ULID) })
		for _, ulid := range s.Blocks {
			if !slices.ContainsFunc(blocks, func(b tsdbscan.Block) bool { return b.ULID == ulid }) &&
				!slices.ContainsFunc(bad, func(e *tsdbscan.BlockError) bool { return e.Block.ULID == ulid }) {
				return nil, nil, fmt.Errorf("there is no block %s, or another block has replaced it: take it out of the option blocks", ulid)
			}
		}
	}
	var problems []sentei.Problem
	for _, e := range bad {
		problems = append(problems, s.badBlock(e))
	}
	if len(blocks) == 0 && !holds(head) {
		if len(bad) > 0 {
			return nil, nil, bad[0]
		}
		return nil, nil, errors.New("there are no blocks yet: Prometheus writes the first one two to three hours after its first sample")
	}
	if s.Window > 0 {
		end := int64(math.MinInt64)
		if holds(head) {
			end = head.To
		}
		for i := range blocks {
			end = max(end, blocks[i].MaxTime)
		}
		if !now.IsZero() {
			end = min(end, now.UnixMilli())
		}
		start := end - time.Duration(s.Window).Milliseconds()
		blocks = slices.DeleteFunc(blocks, func(b tsdbscan.Block) bool { return b.MaxTime <= start })
	}
	l.Blocks = blocks
	return l, problems, nil
}
