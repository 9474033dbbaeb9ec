package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tsdbscan"
	"github.com/sentei/sentei/internal/walscan"
)

// readHead reads the head, or returns nil when it is not there, not wanted or
// cannot be read. It is called before blocks are listed: what Prometheus moves
// from the head to a block meanwhile is then in both, never in neither.
func (s *blockSource) readHead(ctx context.Context, dir string, now time.Time) (*walscan.Head, []sentei.Problem, error) {
	wanted := s.Head != nil && *s.Head
	if !wanted && (s.Head != nil || len(s.Blocks) > 0) {
		return nil, nil, nil
	}
	head, err := walscan.Read(ctx, dir, now, func(done, total int64) { s.env.Meter.Set(done, total, "bytes") })
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case errors.Is(err, fs.ErrNotExist) && wanted:
		return nil, nil, fmt.Errorf("%w: take the option head away if there is no head", err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission) && !wanted:
		return nil, nil, nil
	case err != nil:
		return nil, []sentei.Problem{s.env.Problem(sentei.Problem{
			Where:    s.Path,
			Message:  fmt.Sprintf("the head is missing: %v", err),
			Hint:     "what is only in the head is missing; a restart of Prometheus repairs a damaged wal; head: false reads blocks only",
			Blocking: true,
		})}, nil
	}
	return head, nil, nil
}

// lostProblem says that some samples of the head cannot be told what series
// they belong to. Those that a block has are no loss.
func (s *blockSource) lostProblem(head *walscan.Head, blocks []tsdbscan.Block) []sentei.Problem {
	if head == nil || head.Lost == 0 {
		return nil
	}
	for i := range blocks {
		if blocks[i].MaxTime > head.LostUntil {
			return nil
		}
	}
	return []sentei.Problem{s.env.Problem(sentei.Problem{
		Where:   filepath.Join(s.Path, "wal"),
		Message: fmt.Sprintf("%d samples belong to series that are not in the wal", head.Lost),
		Hint:    "Prometheus loses them when it restarts; else they are in the next block, until then they are not counted",
	})}
}

// now is the end of time for what is read: a target may send timestamps of the
// future. It is zero, for no end, where there is no clock.
func (s *blockSource) now() time.Time {
	if s.env.Now == nil {
		return time.Time{}
	}
	return s.env.Now()
}

// fillMetadata fills in what the head tells of metrics.
func fillMetadata(metrics []sentei.Metric, head *walscan.Head) {
	if head == nil {
		return
	}
	known := map[string]walscan.Metadata{}
	for i := range head.Metrics {
		known[head.Metrics[i].Name] = head.Metrics[i].Metadata
	}
	for i := range metrics {
		m := &metrics[i]
		m.Type, m.Unit, m.Help = known[m.Name].Type, known[m.Name].Unit, known[m.Name].Help
	}
}

// holds reports whether there is a head with samples.
func holds(head *walscan.Head) bool { return head != nil && head.Len() > 0 }

// headProblem says that samples after the newest block are not read.
func (s *blockSource) headProblem(blocks []tsdbscan.Block) sentei.Problem {
	var end int64
	for i := range blocks {
		end = max(end, blocks[i].MaxTime)
	}
	return s.env.Problem(sentei.Problem{
		Where:   s.Path,
		Message: "the head (wal) is not read: up to three hours of the newest samples are missing",
		Hint: fmt.Sprintf("the newest block ends at %s; metrics that are newer are not in the report yet",
			time.UnixMilli(end).UTC().Format(time.RFC3339)),
	})
}
