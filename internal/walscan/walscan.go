// Package walscan reads which series are in the head of a Prometheus TSDB: the
// newest samples, which no block has yet.
//
// In goes the data directory, of which it only reads wal and wbl: the last
// checkpoint, the segments after it, and the out-of-order samples. Out comes
// every series that has samples there, each one once and sorted, with the
// times of its first and last sample and how many it got lately.
//
// A Prometheus may be running on the directory. Nothing is locked or written.
// All files are opened at once and read up to the size that they had then, so
// it does not matter that Prometheus appends to them, or deletes them after it
// has written a block. A record that is only half there is where the head ends.
// Whoever reads blocks as well reads the head first: then a block that
// Prometheus makes of it meanwhile is found too.
//
// Memory: about 350 bytes for a series with ten labels while it reads and 150 in
// the result, garbage not counted; the text of each distinct label name and
// value once; and the longest record.
package walscan

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// RateWindow is the time over which recent samples are counted: the one that
// contains the last sample, counted from the epoch, and the one before.
const RateWindow = 10 * time.Minute

// Head is what the head holds. All times are Unix milliseconds.
type Head struct {
	// Symbols are the names and values of labels, sorted, each one once.
	Symbols []string
	// Series are sorted by their labels as in the index of a block.
	Series []Series
	// From and To are the times of the first and the last sample. They have
	// no meaning without series.
	From, To int64
	// Recent is the time from which on recent samples are counted.
	Recent int64
	// Lost is how many samples belong to series that the head does not name,
	// and LostUntil the time of the last one. Those of series that Prometheus
	// has removed from the head are in blocks. What the newer ones belong to
	// Prometheus could not tell after a restart, either.
	Lost, LostUntil int64
}

// Series is one series with samples. It counts as it stands in the log:
// samples that a deletion has hidden are still there.
type Series struct {
	// Labels are numbers of Symbols: of the first name, its value, the second
	// name, and so on, sorted by name.
	Labels []uint32
	// First and Last are the times of its first and last sample.
	First, Last int64
	// Stale says that the last sample marks the end of the series.
	Stale bool
	// Native says that some samples are native histograms.
	Native bool
	// Samples is the number of all samples.
	Samples uint32
	// Recent is the number of those that are not older than Head.Recent.
	Recent uint32
}

// Read reads the head in a data directory. A head that is not there is an
// error that wraps fs.ErrNotExist, one without a sample is empty. Damage is an
// error that names the segment and the offset.
func Read(ctx context.Context, dir string) (*Head, error) {
	// The out-of-order log is opened first: the series of its samples are
	// then in the other one already.
	late, err := openLog(filepath.Join(dir, "wbl"))
	if err != nil && !notThere(err) {
		return nil, fmt.Errorf("read wbl: %w", err)
	}
	defer late.close()
	log, err := openLog(filepath.Join(dir, "wal"))
	if err != nil {
		return nil, fmt.Errorf("read wal: %w", err)
	}
	defer log.close()
	c := newCollector()
	if err := c.read(ctx, log); err != nil {
		return nil, fmt.Errorf("read wal: %w", err)
	}
	if err := c.read(ctx, late); err != nil {
		return nil, fmt.Errorf("read wbl: %w", err)
	}
	return c.head()
}
