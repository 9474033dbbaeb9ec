package daemon

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/analyzer/inventory"
	"github.com/sentei/sentei/analyzer/usage"
	"github.com/sentei/sentei/internal/source"
)

// errBusy is the failure of a source that hangs since an earlier scan.
var errBusy = errors.New("the source has not returned from an earlier scan: the disk or mount that it reads may hang")

// A guardedInventory refuses to be read while an earlier scan still reads it. A
// scan does not wait for a source that hangs, so without this each scan would
// leave one more behind. It also says when the source begins and ends.
type guardedInventory struct {
	source inventory.Source
	meter  *source.Meter
	now    func() time.Time
	busy   atomic.Bool
}

// Inventory implements inventory.Source.
func (g *guardedInventory) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	if !g.busy.CompareAndSwap(false, true) {
		g.meter.End()
		return nil, nil, errBusy
	}
	defer g.busy.Store(false)
	g.meter.Begin(g.now())
	defer g.meter.End()
	return g.source.Inventory(ctx)
}

// A guardedUsage is the same for a source of usage.
type guardedUsage struct {
	source usage.Source
	meter  *source.Meter
	now    func() time.Time
	busy   atomic.Bool
}

// Consumers implements usage.Source.
func (g *guardedUsage) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	if !g.busy.CompareAndSwap(false, true) {
		g.meter.End()
		return nil, errBusy
	}
	defer g.busy.Store(false)
	g.meter.Begin(g.now())
	defer g.meter.End()
	return g.source.Consumers(ctx)
}
