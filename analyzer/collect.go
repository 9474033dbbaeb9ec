package analyzer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sentei/sentei"
)

// sourcesAtOnce bounds how many sources are read at the same time. Most of
// them wait for a disk or a server.
const sourcesAtOnce = 4

// collection is what the sources of one backend returned.
type collection struct {
	backend     *Backend
	inventories []*sentei.Inventory // in configuration order, failed ones left out
	consumers   []sentei.Consumer
	problems    []sentei.Problem
	failures    []error
	status      []sentei.SourceStatus // inventory sources, then usage sources
}

// outcome is what one source returned.
type outcome struct {
	inventory *sentei.Inventory
	usage     *sentei.UsageData
	problems  []sentei.Problem
	err       error
	took      time.Duration
}

// collect reads all sources of all backends. It fails only when ctx ends.
func collect(ctx context.Context, backends []Backend, logger *slog.Logger) ([]collection, error) {
	outcomes := make([][]outcome, len(backends))
	var group errgroup.Group
	group.SetLimit(sourcesAtOnce)
	for i := range backends {
		b := &backends[i]
		outcomes[i] = make([]outcome, len(b.Inventory)+len(b.Usage))
		for j := range b.Inventory {
			group.Go(func() error {
				outcomes[i][j] = readInventory(ctx, &b.Inventory[j])
				return nil
			})
		}
		for j := range b.Usage {
			group.Go(func() error {
				outcomes[i][len(b.Inventory)+j] = readUsage(ctx, &b.Usage[j])
				return nil
			})
		}
	}
	_ = group.Wait() // the functions never return an error
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	collected := make([]collection, len(backends))
	for i := range backends {
		collected[i] = gather(&backends[i], outcomes[i], logger)
	}
	return collected, nil
}

func readInventory(ctx context.Context, s *InventorySource) (o outcome) {
	start := time.Now()
	o.inventory, o.problems, o.err = s.Source.Inventory(ctx)
	o.took = time.Since(start)
	return o
}

func readUsage(ctx context.Context, s *UsageSource) (o outcome) {
	start := time.Now()
	o.usage, o.err = s.Source.Consumers(ctx)
	if o.err == nil {
		o.problems = o.usage.Problems
	}
	o.took = time.Since(start)
	return o
}

// gather sorts the outcomes of one backend into a collection. A failed source
// becomes a blocking problem.
func gather(b *Backend, outcomes []outcome, logger *slog.Logger) collection {
	c := collection{backend: b}
	for i, o := range outcomes {
		s := sentei.SourceStatus{Backend: b.Name, Up: o.err == nil, Took: o.took}
		if i < len(b.Inventory) {
			s.Name, s.Kind = b.Inventory[i].Name, b.Inventory[i].Kind
			if s.Up {
				s.Items = len(o.inventory.Metrics)
				s.Window = sentei.Window{From: o.inventory.From, To: o.inventory.To}
				c.inventories = append(c.inventories, o.inventory)
			}
		} else {
			u := b.Usage[i-len(b.Inventory)]
			s.Name, s.Kind, s.Class = u.Name, u.Kind, u.Class
			if s.Up {
				s.Items = len(o.usage.Consumers)
				s.Window = o.usage.Window
				c.consumers = append(c.consumers, o.usage.Consumers...)
			}
		}
		if o.err != nil {
			c.failures = append(c.failures, fmt.Errorf("%s: %w", s.Name, o.err))
			c.problems = append(c.problems, failure(s, o.err))
		}
		c.problems = append(c.problems, o.problems...)
		c.status = append(c.status, s)
		logger.Debug("read source", "backend", b.Name, "component", s.Name, "up", s.Up, "items", s.Items, "took", o.took)
	}
	return c
}

func failure(s sentei.SourceStatus, err error) sentei.Problem {
	return sentei.Problem{
		ID:      sentei.HashID("source down", s.Backend, s.Name),
		Backend: s.Backend, Source: s.Name,
		Message:  err.Error(),
		Hint:     "the source could not be read at all: repair it, or take it out of the configuration if it is gone",
		Blocking: true,
	}
}
