package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"golang.org/x/sync/errgroup"

	"github.com/sentei/sentei"
)

// Input is what to rehearse.
type Input struct {
	Report  *sentei.Report
	Backend string
	Changes []Change
	// Aggregations are rehearsed one by one, with none of the changes.
	Aggregations []Aggregation
	// Refused are changes that cannot be rehearsed, each with its Reason. They
	// are listed in the result.
	Refused []ChangeResult
	// Notes say what else is not rehearsed; they become part of the result.
	Notes []string
	Data  *Data
}

// Options bound a rehearsal. The deadline of the context bounds its time: what
// is not reached until then counts as not rehearsed.
type Options struct {
	// Instants is at how many instants each expression is replayed.
	Instants int
	// MaxSamples is how many samples a query may hold in memory at once, about
	// 16 bytes each, times Concurrency.
	MaxSamples   int
	QueryTimeout time.Duration
	// Lookback is how long an instant selector looks back for a sample.
	Lookback time.Duration
	// ULPs is how many units in the last place values may be apart: sums
	// depend on the order of series.
	ULPs uint64
	// Cutover is at how many instants around its deployment a change is looked
	// at, for each expression that sees no difference otherwise; 0 for not.
	Cutover int
	// MaxSeries is how many series the changes may alter, about 1 kB each.
	MaxSeries   int
	Concurrency int
	// Progress, when set, is called after each expression, one call at a time.
	Progress func(done, total int)
	Logger   *slog.Logger
}

// DefaultOptions returns the bounds that suit most.
func DefaultOptions() Options {
	return Options{
		Instants: 24, MaxSamples: 50_000_000, QueryTimeout: 2 * time.Minute, Lookback: 5 * time.Minute,
		Cutover: 12, ULPs: 4, MaxSeries: 1_000_000, Concurrency: 2, Logger: slog.New(slog.DiscardHandler),
	}
}

// maxCollisions is how many collisions a result lists.
const maxCollisions = 100

// Run rehearses the changes. The error is for data that cannot be read, and
// for a context that was cancelled.
func Run(ctx context.Context, in Input, o Options) (*Result, error) {
	changes, err := validated(in.Changes)
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	r := newRunner(in, changes, o)
	defer r.engine.Close() //nolint:errcheck // it keeps nothing
	a, err := find(ctx, in.Data, r.union.plan, o.MaxSeries)
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	var todo []*subject
	res := &Result{Version: ResultVersion, Collisions: []Collision{}, Changes: []ChangeResult{}, Backend: in.Backend, From: in.Data.From, To: in.Data.To, Notes: in.Notes}
	touched := map[string]bool{} // subjects that read something that is altered
	for _, s := range subjects(in.Report, in.Backend) {
		if a.touch(s, r.asked(ctx, s)); len(s.touched) == 0 {
			continue
		}
		touched[s.id] = true
		s.prepare()
		todo = append(todo, s)
	}
	if err := r.rehearse(ctx, res, a, todo); err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	var aggregates []ChangeResult
	for i := range in.Aggregations {
		c, err := r.aggregate(ctx, &in, &in.Aggregations[i], res, touched)
		if err != nil {
			return nil, fmt.Errorf("rehearse %s: %w", in.Aggregations[i].Raw.ID, err)
		}
		aggregates = append(aggregates, c)
	}
	for _, s := range subjects(in.Report, in.Backend) {
		res.Figures.Consumers += len(s.consumers)
		if !touched[s.id] {
			res.Figures.Untouched += len(s.consumers)
		}
	}
	r.finish(res, a, aggregates, in.Refused)
	return res, nil
}

// newRunner returns a runner for validated changes. Its engine must be closed.
func newRunner(in Input, changes []Change, o Options) *runner {
	recorded := map[string]bool{}
	for i := range in.Report.Consumers {
		if c := &in.Report.Consumers[i]; c.Backend == in.Backend && c.Records != "" {
			recorded[c.Records] = true
		}
	}
	p := parser.NewParser(parser.Options{
		EnableExperimentalFunctions: true, ExperimentalDurationExpr: true,
		EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true,
	})
	return &runner{
		parser: p, data: in.Data, changes: changes, options: o,
		union: NewView(in.Data.Queryable, changes, recorded),
		engine: promql.NewEngine(promql.EngineOpts{
			Logger: o.Logger, MaxSamples: o.MaxSamples, Timeout: o.QueryTimeout, LookbackDelta: o.Lookback,
			NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
			EnableAtModifier:         true, EnableNegativeOffset: true, Parser: p,
		}),
	}
}

// validated returns the changes with their rules checked, as Prometheus does
// when it loads them.
func validated(changes []Change) ([]Change, error) {
	changes = slices.Clone(changes)
	for i := range changes {
		c := &changes[i]
		c.Rules = slices.Clone(c.Rules)
		for k, rule := range c.Rules {
			if rule == nil {
				return nil, fmt.Errorf("%s: rule %d is empty", c.ID, k)
			}
			copied := *rule
			if err := copied.Validate(model.UTF8Validation); err != nil {
				return nil, fmt.Errorf("%s: rule %d: %w", c.ID, k, err)
			}
			c.Rules[k] = &copied
		}
	}
	return changes, nil
}

// rehearse replays all subjects and fills in outcomes and differences.
func (r *runner) rehearse(ctx context.Context, res *Result, a *altered, todo []*subject) error {
	of, err := r.events(ctx, a, todo)
	if err != nil {
		return err
	}
	outcomes := make([]Outcome, len(todo))
	differences := make([][]Difference, len(todo))
	transients := make([][]Transient, len(todo))
	var mu sync.Mutex
	done := 0
	var group errgroup.Group
	limit := max(r.options.Concurrency, 1)
	if r.data.Remote {
		limit = min(limit, 2)
	}
	group.SetLimit(limit)
	for i, s := range todo {
		group.Go(func() error {
			outcomes[i], differences[i] = r.one(ctx, s, of)
			if outcomes[i].Status == Same && r.options.Cutover > 0 {
				var remains []Difference
				if transients[i], remains = r.cutover(ctx, s, of); len(remains) > 0 {
					outcomes[i].Status, differences[i] = Differs, remains
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if done++; r.options.Progress != nil {
				r.options.Progress(done, len(todo))
			}
			return nil
		})
	}
	_ = group.Wait() // the functions never return an error
	if err := ctx.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	res.Outcomes = outcomes
	res.Differences = append([]Difference{}, slices.Concat(differences...)...)
	res.Transients = append([]Transient{}, slices.Concat(transients...)...)
	return nil
}

// events reads those of the changes that somebody can notice.
func (r *runner) events(ctx context.Context, a *altered, todo []*subject) (map[int]*events, error) {
	of := map[int]*events{}
	for _, s := range todo {
		for _, i := range s.touched {
			if of[i] != nil || s.reason != "" {
				continue
			}
			ev, err := eventsOf(ctx, r.data, a, i)
			if err != nil {
				return nil, fmt.Errorf("read series of %s: %w", r.changes[i].ID, err)
			}
			of[i] = ev
		}
	}
	for i, changes := range a.behind() {
		c := &a.collisions[i]
		for _, change := range changes {
			if ev := of[change]; ev != nil && c.from <= c.to {
				ev.overlaps = append(ev.overlaps, c.from+(c.to-c.from)/2)
			}
		}
	}
	return of, nil
}

// one replays one subject and finds out what to blame.
func (r *runner) one(ctx context.Context, s *subject, of map[int]*events) (Outcome, []Difference) {
	if s.reason != "" || s.first.Dead {
		return s.outcome(r.changes), nil
	}
	o, differing := r.replay(ctx, s, instants(s, r.data, of, r.options.Instants))
	if len(differing) == 0 {
		return o, nil
	}
	o.Status = Differs
	all := slices.Clone(differing)
	differences := r.blame(ctx, s, differing)
	if len(differences) == 0 && ctx.Err() == nil {
		o.Status, o.Reason = Unstable, "differed once, but not again: "+all[0].finding.detail
		return o, nil
	}
	if len(differences) == 0 { // no time was left to find out
		differences = []Difference{{
			Changes: o.Changes, Vague: len(o.Changes) > 1, Consumers: s.consumers, Expr: all[0].text, At: all[0].at,
			Instants: len(all), Kind: all[0].finding.kind, Detail: all[0].finding.detail,
		}}
	}
	return o, differences
}
