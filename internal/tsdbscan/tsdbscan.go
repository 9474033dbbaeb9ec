// Package tsdbscan reads what the blocks of a Prometheus TSDB hold: which
// series there are, what they cost, and how many would remain without any one
// of their labels.
//
// In go the block directories, which are only ever read; out comes one
// sentei.Metric for every name, counted exactly over the union of the blocks.
// The head, which has what no block has yet, is read by package walscan. Its
// series count like those of one more block.
//
// A Prometheus may be running on the directory: nothing is locked or written,
// and a block that a compaction deletes halfway stays readable once opened.
package tsdbscan

import (
	"fmt"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/walscan"
)

// Lookback is how far back from the end of the span a series may have its last
// sample and still count as live: what an instant query at the end would
// return. A series with a longer interval between its samples has three of
// them instead.
const Lookback = 5 * time.Minute

// Options say what Scan keeps.
type Options struct {
	// TopValues is how many values are kept for each label. All are counted.
	TopValues int
	// Reduce is how many metrics, those with most series, are searched for
	// labels that determine each other and for sets of labels whose removal
	// leaves fewest series. Each takes at most 100 MiB and 64 bytes for each of
	// its series while it is read, and at most about a microsecond of
	// processor time for each; what takes more is left out.
	Reduce int
	// Workers is the number of metrics read at the same time: all cores when
	// zero.
	Workers int
	// IndexOnly leaves the chunks unread: SamplesPerSecond stays zero without
	// a head, and DiskBytesPerDay is that of the index.
	IndexOnly bool
	// Head is read together with the blocks, nil when only they are. It has
	// been read before the blocks were listed.
	Head *walscan.Head
	// Now ends the span: samples of the future count, but a series that has
	// none of them is not dead because of them. A zero Now ends nothing.
	Now time.Time
	// Progress is called now and then with how many series of how many have been
	// read, by any goroutine; nil is not called. A series counts once for each
	// block that it is in. What is read to write a cache counts from zero for
	// itself.
	Progress func(done, total int64)
	// Cache keeps the series of old blocks in a file, nil for none.
	Cache *Cache
}

// Result is what the blocks and the head hold together.
//
// A series is live when its last sample is at most Lookback before To, and, as
// far as the head tells, does not mark the end of the series. It is created in the span when its first sample is more than Lookback after From.
// A series that is in several blocks counts once.
type Result struct {
	// From and To are the times of the first and the last sample, To at most
	// Options.Now.
	From, To time.Time
	// Metrics is sorted by name. Series without a name stand under the empty
	// one. Metrics may share what is said of their labels: it must not be
	// changed.
	//
	// SamplesPerSecond is counted from the chunks of the newest block's range,
	// or from the last minutes of the head. DiskBytesPerDay is the samples
	// with the size that they have in chunks of that range, and the index
	// entries of all blocks, scaled to a day.
	Metrics []sentei.Metric
}

// BlockError says which block could not be read.
type BlockError struct {
	Block *Block
	Err   error
}

func (e *BlockError) Error() string { return fmt.Sprintf("block %s: %v", e.Block.ULID, e.Err) }

// Unwrap returns why the block could not be read.
func (e *BlockError) Unwrap() error { return e.Err }

// Gone reports whether the block's directory has been deleted.
func (e *BlockError) Gone() bool { return !exists(e.Block.Dir) }
