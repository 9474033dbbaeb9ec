package analyzer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

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

// task is one source to read: the j-th of the i-th backend, inventory sources
// first.
type task struct{ i, j int }

// result is what came of a task.
type result struct {
	task
	outcome outcome
}

// collect reads all sources of all backends. It fails only when ctx ends, and
// then it names the sources that had not finished. It does not wait for those:
// nothing can stop a source that hangs in a system call, as on a mount whose
// server is gone. Its goroutine is left behind, and what it returns is dropped.
func collect(ctx context.Context, backends []Backend, logger *slog.Logger) ([]collection, error) {
	outcomes := make([][]*outcome, len(backends))
	var tasks []task
	for i := range backends {
		outcomes[i] = make([]*outcome, len(backends[i].Inventory)+len(backends[i].Usage))
		for j := range outcomes[i] {
			tasks = append(tasks, task{i, j})
		}
	}
	results := readAll(ctx, backends, tasks)
	for range tasks {
		select {
		case r := <-results:
			outcomes[r.i][r.j] = &r.outcome
		case <-ctx.Done():
			return nil, unfinished(ctx, backends, outcomes)
		}
	}
	if ctx.Err() != nil {
		return nil, unfinished(ctx, backends, outcomes)
	}
	collected := make([]collection, len(backends))
	for i := range backends {
		collected[i] = gather(&backends[i], outcomes[i], logger)
	}
	return collected, nil
}

// readAll reads the sources, some at a time. The channel has room for all
// results, so that nobody waits for one that is never received.
func readAll(ctx context.Context, backends []Backend, tasks []task) <-chan result {
	results, queue := make(chan result, len(tasks)), make(chan task, len(tasks))
	for _, t := range tasks {
		queue <- t
	}
	close(queue)
	for range min(sourcesAtOnce, len(tasks)) {
		go func() {
			for t := range queue {
				if ctx.Err() != nil {
					return
				}
				results <- result{t, read(ctx, &backends[t.i], t.j)}
			}
		}()
	}
	return results
}

// unfinished returns why ctx ended, and names the sources whose outcome is
// missing or was cut short by it, in configuration order.
func unfinished(ctx context.Context, backends []Backend, outcomes [][]*outcome) error {
	var names []string
	for i := range backends {
		for j, o := range outcomes[i] {
			if o != nil && (o.err == nil || !errors.Is(o.err, ctx.Err()) && !errors.Is(o.err, context.Cause(ctx))) {
				continue
			}
			name := ""
			if k := j - len(backends[i].Inventory); k < 0 {
				name = backends[i].Inventory[j].Name
			} else {
				name = backends[i].Usage[k].Name
			}
			names = append(names, backends[i].Name+"/"+name)
		}
	}
	if len(names) == 0 {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w: sources that did not finish in time: %s", context.Cause(ctx), strings.Join(names, ", "))
}

// read reads the j-th source of a backend, inventory sources first.
func read(ctx context.Context, b *Backend, j int) outcome {
	if j < len(b.Inventory) {
		return readInventory(ctx, &b.Inventory[j])
	}
	return readUsage(ctx, &b.Usage[j-len(b.Inventory)])
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
func gather(b *Backend, outcomes []*outcome, logger *slog.Logger) collection {
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
				s.Gaps = o.usage.Gaps
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
