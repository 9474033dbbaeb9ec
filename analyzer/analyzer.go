// Package analyzer makes the Report. In go the sources of each backend; out
// comes one sentei.Report without proposals: every metric with its cost, its
// verdict and the evidence for it.
//
// The stages, one file each: collect.go reads all sources, merge.go joins what
// several inventories say of one backend, disagree.go finds where they do not
// agree, understand.go turns expressions into selectors and finds out which
// recording rules are alive, blockers.go says what keeps "unused" from being
// certain, join.go gives the verdicts, score.go ranks cost against use.
package analyzer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/analyzer/inventory"
	"github.com/sentei/sentei/analyzer/usage"
)

// Options shape the verdicts.
type Options struct {
	// Window is how long a logged query counts as use after it was last seen.
	Window time.Duration
	// MinWindow is how much time a query log must cover before "nobody asked"
	// means anything.
	MinWindow time.Duration
	// MaxLag is how far behind the inventory a query log may end. A gap in it
	// may last an hour more.
	MaxLag time.Duration
	// Require lists the classes of usage sources without which nothing is
	// called unused.
	Require []sentei.UsageClass
	Prices  sentei.Prices
	// Owners says whose series are whose.
	Owners sentei.Owners
	// Accepted maps identifiers of problems to the reason why they are
	// accepted. An accepted problem does not block.
	Accepted map[string]string
}

// Backend is one store to analyze, with its sources.
type Backend struct {
	Name string
	// ScrapeJobs are the jobs of the user's own configuration file, used when
	// no inventory source can tell them. Whether a job honors labels counts in
	// any case.
	ScrapeJobs []sentei.ScrapeJob
	// DuplicateTargets are those of its static_configs, used in the same case.
	DuplicateTargets []sentei.DuplicateTarget
	// ExternalLabels and RemoteWrite are those of that file.
	ExternalLabels []string
	RemoteWrite    []string
	// Isolated says that no other backend gets series of this one.
	Isolated  bool
	Budget    sentei.Budget
	Inventory []InventorySource
	Usage     []UsageSource
}

// InventorySource is a configured inventory source.
type InventorySource struct {
	Name, Kind string
	Source     inventory.Source
}

// UsageSource is a configured usage source.
type UsageSource struct {
	Name, Kind string
	Class      sentei.UsageClass
	Source     usage.Source
}

// Result is what a scan found out.
type Result struct {
	Report *sentei.Report
	// Series lists the stored series of each backend, by its name: those of
	// its first inventory that can list them. Others are missing.
	Series map[string]sentei.SeriesReader
}

// ErrNoInventory says that no backend could be read at all, so there is
// nothing to report on.
var ErrNoInventory = errors.New("no inventory could be read")

// Scan reads all sources and makes the report. A source that fails becomes a
// problem in the report; Scan itself fails only when ctx ends or when not one
// inventory could be read.
func Scan(ctx context.Context, backends []Backend, o Options, logger *slog.Logger) (*Result, error) {
	collected, err := collect(ctx, backends, logger)
	if err != nil {
		return nil, err
	}
	r := &sentei.Report{
		Version:  sentei.ReportVersion,
		Settings: sentei.Settings{Window: o.Window, MinWindow: o.MinWindow, Prices: o.Prices, Owners: o.Owners},
	}
	var failures []error
	for i := range collected {
		c := &collected[i]
		r.Sources = append(r.Sources, c.status...)
		if len(c.inventories) == 0 {
			failures = append(failures, c.failures...)
		}
		for _, inv := range c.inventories {
			if inv.To.After(r.At) {
				r.At = inv.To
			}
		}
	}
	if r.At.IsZero() {
		return nil, fmt.Errorf("%w: %w", ErrNoInventory, errors.Join(failures...))
	}
	series := map[string]sentei.SeriesReader{}
	sides := make([]*side, len(collected))
	for i := range collected {
		sides[i] = readSide(&collected[i], r.At, o)
	}
	analyzeRecordingRules(sides)
	for i := range collected {
		listed := sentei.Window{}
		if inv := lister(collected[i].inventories); inv != nil {
			series[collected[i].backend.Name], listed = seriesOf(inv, collected[i].inventories), inv.Listed
			if listed == (sentei.Window{}) {
				listed = sentei.Window{From: inv.From, To: inv.To}
			}
		}
		analyzeBackend(r, &collected[i], sides[i], listed, o)
	}
	r.Problems = append(r.Problems, acceptedInVain(r.Problems, o.Accepted)...)
	sortReport(r)
	return &Result{Report: r, Series: series}, ctx.Err()
}

// lister returns the inventory that lists the series: the first one, or the
// first that reads samples as well. It returns nil when none does.
func lister(inventories []*sentei.Inventory) *sentei.Inventory {
	var found *sentei.Inventory
	for _, inv := range inventories {
		if _, ok := inv.Series.(sentei.ConstantReader); ok {
			return inv
		}
		if found == nil && inv.Series != nil {
			found = inv
		}
	}
	return found
}

// readSide makes a side of what was collected of one backend.
func readSide(c *collection, at time.Time, o Options) *side {
	inv := merge(c)
	problems := append(c.problems, coverageProblems(c, at, o)...)
	return newSide(c, inv, accept(slices.Concat(problems, serverProblems(c), forwardProblems(inv), assumedProblems(inv)), o))
}

// accept marks the problems that the configuration accepts, in place.
func accept(problems []sentei.Problem, o Options) []sentei.Problem {
	for i := range problems {
		problems[i].Accepted = o.Accepted[problems[i].ID]
	}
	return problems
}

// analyzeBackend adds a backend whose recording rules are understood to the
// report. listed is the span of the series that can be listed.
func analyzeBackend(r *sentei.Report, c *collection, s *side, listed sentei.Window, o Options) {
	inv, consumers := s.inventory, s.consumers
	problems := append(s.problems, accept(opaqueProblems(consumers), o)...)
	metrics := join(inv, consumers, blockers(problems), r.At.Add(-o.Window))
	score(metrics, consumers, r.At, o)

	r.Backends = append(r.Backends, sentei.Backend{
		Name: c.backend.Name, From: inv.From, To: inv.To, Listed: listed,
		ScrapeJobs: inv.ScrapeJobs, DuplicateTargets: inv.DuplicateTargets, ExternalLabels: inv.ExternalLabels,
		Isolated: c.backend.Isolated, Estimated: inv.Estimated, Budget: c.backend.Budget,
	})
	r.Metrics = append(r.Metrics, metrics...)
	r.Consumers = append(r.Consumers, consumers...)
	r.Problems = append(r.Problems, problems...)
}

func sortReport(r *sentei.Report) {
	slices.SortFunc(r.Backends, func(a, b sentei.Backend) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Metrics, func(a, b sentei.MetricReport) int {
		return cmp.Or(cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(r.Consumers, func(a, b sentei.Consumer) int {
		return cmp.Or(
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Backend, b.Backend),
			cmp.Compare(a.Location.Dashboard, b.Location.Dashboard),
			cmp.Compare(a.Location.File, b.Location.File),
			cmp.Compare(a.Location.Line, b.Location.Line),
			cmp.Compare(a.Location.Panel, b.Location.Panel),
			cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.ID, b.ID),
		)
	})
	SortProblems(r.Problems)
}

// SortProblems puts blocking problems first and makes the order definite.
func SortProblems(problems []sentei.Problem) {
	rank := func(p *sentei.Problem) int {
		if p.Blocking && p.Accepted == "" {
			return 0
		}
		return 1
	}
	slices.SortFunc(problems, func(a, b sentei.Problem) int {
		return cmp.Or(
			cmp.Compare(rank(&a), rank(&b)),
			cmp.Compare(a.Backend, b.Backend),
			cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Where, b.Where),
			cmp.Compare(a.Message, b.Message),
		)
	})
}
