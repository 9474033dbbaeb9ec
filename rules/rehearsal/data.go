package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/remoteread"
	"github.com/sentei/sentei/internal/tsdbscan"
)

// Data is what consumers are replayed over.
type Data struct {
	storage.Queryable
	// From and To are the first and the last instant that may be asked for.
	From, To time.Time
	// Edges are times at which blocks meet, sorted.
	Edges []time.Time

	// Remote says that a server is asked, which must not be burdened: few
	// queries at a time, and few single series.
	Remote bool

	close func() error
}

// Close frees what the data holds. Nothing may read it any more.
func (d *Data) Close() error {
	if d.close == nil {
		return nil
	}
	return d.close()
}

// OpenBlocks opens the blocks of a TSDB directory, or a single block directory,
// without ever writing to it. Samples that are in no block yet (the head) are
// not read. With a window only blocks that overlap the newest such time count.
func OpenBlocks(path string, window time.Duration, logger *slog.Logger) (*Data, error) {
	list, err := tsdbscan.List(path)
	if err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	if len(list.Bad) > 0 {
		return nil, fmt.Errorf("open data %s: %w", path, list.Bad[0])
	}
	blocks := list.Blocks
	if len(blocks) == 0 {
		return nil, fmt.Errorf("open data %s: there are no blocks yet: Prometheus writes the first one two to three hours after its first sample", path)
	}
	if window > 0 {
		end := slices.MaxFunc(blocks, func(a, b tsdbscan.Block) int { return int(min(max(a.MaxTime-b.MaxTime, -1), 1)) }).MaxTime
		blocks = slices.DeleteFunc(blocks, func(b tsdbscan.Block) bool { return b.MaxTime <= end-window.Milliseconds() })
	}
	var open openBlocks
	for i := range blocks {
		b, err := tsdb.OpenBlock(logger, blocks[i].Dir, nil, nil)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open block %s: %w", blocks[i].Dir, err), open.Close())
		}
		open = append(open, b)
	}
	d := &Data{Queryable: open, close: open.Close}
	from, to := open[0].MinTime(), open[0].MaxTime()
	for _, b := range open {
		from, to = min(from, b.MinTime()), max(to, b.MaxTime())
		d.Edges = append(d.Edges, time.UnixMilli(b.MinTime()).UTC(), time.UnixMilli(b.MaxTime()).UTC())
	}
	d.From, d.To = time.UnixMilli(from).UTC(), time.UnixMilli(to-1).UTC() // the end of a block is exclusive
	slices.SortFunc(d.Edges, time.Time.Compare)
	d.Edges = slices.DeleteFunc(slices.Compact(d.Edges), func(t time.Time) bool { return !t.After(d.From) || t.After(d.To) })
	return d, nil
}

// settled is how old samples are that a server is asked for: until then
// scrapes and rules may still write some.
const settled = 2 * time.Minute

// cacheBytes is how much of what a server sent is kept in memory: instants are
// replayed several times over the same samples.
const cacheBytes = 256 << 20

// OpenServer reads the newest window of a running Prometheus through remote
// read and its HTTP API, the head included. The client's limits hold for every
// request.
func OpenServer(ctx context.Context, client *promapi.Client, window time.Duration) (*Data, error) {
	r, err := remoteread.Open(ctx, client, cacheBytes)
	if err != nil {
		return nil, fmt.Errorf("open data %s: %w", client.URL(), err)
	}
	newest, err := r.Newest(ctx)
	if err != nil {
		return nil, fmt.Errorf("open data %s: %w", client.URL(), err)
	}
	to := newest.Add(-settled).UTC()
	return &Data{Queryable: r, From: to.Add(-window), To: to, Remote: true, close: r.Close}, nil
}

// openBlocks are blocks that may overlap.
type openBlocks []*tsdb.Block

// Close closes all blocks.
func (o openBlocks) Close() error {
	var errs []error
	for _, b := range o {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}

// Querier implements storage.Queryable.
func (o openBlocks) Querier(mint, maxt int64) (storage.Querier, error) {
	var queriers []storage.Querier
	for _, b := range o {
		if !b.OverlapsClosedInterval(mint, maxt) {
			continue
		}
		q, err := tsdb.NewBlockQuerier(b, mint, maxt)
		if err != nil {
			for _, q := range queriers {
				err = errors.Join(err, q.Close())
			}
			return nil, fmt.Errorf("read block %s: %w", b, err)
		}
		queriers = append(queriers, q)
	}
	return storage.NewMergeQuerier(queriers, nil, storage.ChainedSeriesMerge), nil
}
