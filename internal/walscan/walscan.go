package walscan

import (
	"context"
	"fmt"
	"math"
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
	// Metrics are sorted by name. Series without a name are the first one.
	Metrics []Metric
	// From and To are the times of the first and the last sample, To at most
	// the now that Read was given. They have no meaning without series.
	From, To int64
	// Recent is the time from which on recent samples are counted.
	Recent int64
	// Lost is how many samples belong to series that the head does not name,
	// and LostUntil the time of the last one. Those of series that Prometheus
	// has removed from the head are in blocks. What the newer ones belong to
	// Prometheus could not tell after a restart, either.
	Lost, LostUntil int64

	layouts [][]uint32
	values  [][]uint32
	series  pages[Series]
	count   int // series with samples, each one once
}

// Metric is all series of one name.
type Metric struct {
	Name string
	// Series are the numbers that Head.Series takes, sorted by the labels of
	// the series as in the index of a block.
	Series []uint32
	// Metadata is empty unless Prometheus writes metadata to its log.
	Metadata Metadata
}

// Series is one series with samples. It counts as it stands in the log:
// samples that a deletion has hidden are still there.
type Series struct {
	// First and Last are the times of its first and last sample.
	First, Last int64
	// Samples is the number of all samples.
	Samples uint32
	// Recent is the number of those that are not older than Head.Recent.
	Recent uint32
	// Stale says that the last sample marks the end of the series.
	Stale bool
	// Native says that some samples are native histograms.
	Native bool

	layout uint32
	at     valuesAt

	// before is, while the log is read, the number of samples in the window of
	// RateWindow before that of the last one, which Recent counts then.
	// Without samples it is how many records had been skipped when the series
	// came.
	before uint32
}

// Len returns the number of series.
func (h *Head) Len() int { return h.count }

// Series returns the series with a number that a metric has.
func (h *Head) Series(n uint32) *Series { return h.series.at(n) }

// Labels returns the names and the values of the labels of a series as numbers
// of Symbols, sorted by name. They must not be changed.
func (h *Head) Labels(s *Series) (names, texts []uint32) {
	names = h.layouts[s.layout]
	return names, values(h.values, s.at, len(names))
}

// Read reads the head in a data directory. A head that is not there is an
// error that wraps fs.ErrNotExist, one without a sample is empty. Damage is an
// error that names the segment and the offset. The head ends now: samples of
// the future count, but do not move its end. A zero now sets no limit. If
// progress is not nil, it is called now and then with how many bytes of how many
// have been read; it may begin anew once.
func Read(ctx context.Context, dir string, now time.Time, progress func(done, total int64)) (*Head, error) {
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
	latest, err := log.latest(ctx, newReader(), limit(now))
	if err != nil {
		return nil, fmt.Errorf("read wal: %w", err)
	}
	c, err := readLogs(ctx, log, late, wholeFrom(latest), progress)
	if err == nil && c.missed() {
		c, err = readLogs(ctx, log, late, math.MinInt64, progress)
	}
	if err != nil {
		return nil, err
	}
	return c.head(limit(now)), nil
}

// readLogs reads both logs, all samples from the given time on.
func readLogs(ctx context.Context, log, late log, whole int64, progress func(done, total int64)) (*collector, error) {
	c, r := newCollector(), newReader()
	if progress != nil {
		done, total := int64(0), log.size()+late.size()
		r.progress = func(n int) {
			done += int64(n)
			progress(done, total)
		}
	}
	checkpoint := log.checkpoint()
	if err := checkpoint.read(ctx, r, c); err != nil {
		return nil, fmt.Errorf("read wal: %w", err)
	}
	c.old = c.series.count
	c.thin(whole)
	if err := log[len(checkpoint):].read(ctx, r, c); err != nil {
		return nil, fmt.Errorf("read wal: %w", err)
	}
	c.thin(math.MinInt64)
	if err := late.read(ctx, r, c); err != nil {
		return nil, fmt.Errorf("read wbl: %w", err)
	}
	return c, nil
}
