package daemon

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/analyzer"
	"github.com/sentei/sentei/analyzer/inventory"
	"github.com/sentei/sentei/analyzer/usage"
)

// errBusy is the failure of a source that hangs since an earlier scan.
var errBusy = errors.New("the source has not returned from an earlier scan: the disk or mount that it reads may hang")

// guard makes every source refuse to be read while an earlier scan still reads
// it. A scan does not wait for a source that hangs, so without this each scan
// would leave one more behind.
func guard(backends []analyzer.Backend) {
	for i := range backends {
		b := &backends[i]
		for j := range b.Inventory {
			b.Inventory[j].Source = &guardedInventory{source: b.Inventory[j].Source}
		}
		for j := range b.Usage {
			b.Usage[j].Source = &guardedUsage{source: b.Usage[j].Source}
		}
	}
}

type guardedInventory struct {
	source inventory.Source
	busy   atomic.Bool
}

// Inventory implements inventory.Source.
func (g *guardedInventory) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	if !g.busy.CompareAndSwap(false, true) {
		return nil, nil, errBusy
	}
	defer g.busy.Store(false)
	return g.source.Inventory(ctx)
}

type guardedUsage struct {
	source usage.Source
	busy   atomic.Bool
}

// Consumers implements usage.Source.
func (g *guardedUsage) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	if !g.busy.CompareAndSwap(false, true) {
		return nil, errBusy
	}
	defer g.busy.Store(false)
	return g.source.Consumers(ctx)
}
