package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tsdbscan"
)

// blockSeries lists the series that a scan of blocks and head has counted. It
// fails when a compaction has deleted one of the blocks since.
type blockSeries struct {
	blocks  []tsdbscan.Block
	options tsdbscan.Options
	to      time.Time
}

// ReadSeries implements sentei.SeriesReader.
func (s *blockSeries) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	if err := tsdbscan.ReadSeries(ctx, s.blocks, s.options, s.to, metrics, f); err != nil {
		return fmt.Errorf("read series: %w", err)
	}
	return nil
}
