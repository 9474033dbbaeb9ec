// Package inventory reads what a backend stores, one file a source. In goes
// the configuration of one source; out comes a sentei.Inventory, with the
// parts that could not be read as Problems.
package inventory

import (
	"context"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// Source reads what one backend stores.
type Source interface {
	// Inventory reads everything once. An error means that nothing usable was
	// read; parts that could not be read are returned as problems instead.
	// The inventory must not be changed after it was returned.
	Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error)
}

// Info describes an inventory source.
type Info = source.Info[Source]

// All lists every inventory source, in the order of the documentation.
func All() []Info {
	return []Info{
		block,
		prometheus,
		victoriaMetrics,
		mimir,
		thanos,
	}
}
