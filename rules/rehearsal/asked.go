package rehearsal

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/sentei/sentei"
)

// holeMark stands for the value of a variable in an expression that is only
// listened to.
const holeMark = "__sentei_hole__"

// asked lets the engine evaluate the subject over no data at all and returns
// what it asks storage for. It makes the rehearsal independent of sentei's own
// analysis of expressions, on which the proof of a proposal rests: a reader
// that the analysis misses is replayed all the same. Expressions that cannot
// be evaluated return nothing; for them the analysis alone counts.
func (r *runner) asked(ctx context.Context, s *subject) []sentei.Selector {
	c := s.first
	if c.VariableQuery || c.Lang == sentei.MetricsQL {
		return nil
	}
	text := c.Text
	if c.Template {
		holes, err := holesOf(&c.Expression)
		if err != nil {
			return nil
		}
		text = fill(c.Text, holes, func(h *hole) string {
			if h.label != "" || len(h.values) == 0 {
				return holeMark
			}
			return h.escape(h.values[0])
		})
	}
	l := &listener{}
	query, err := r.engine.NewInstantQuery(ctx, l, nil, text, time.Unix(0, 0))
	if err != nil {
		return nil
	}
	defer query.Close()
	query.Exec(ctx) // without data it has no result
	return l.selectors
}

// listener is a storage without series that remembers what it is asked for.
type listener struct {
	mu          sync.Mutex
	selectors   []sentei.Selector
	first, last int64 // the times that it was asked for, in milliseconds
}

// Querier implements storage.Queryable.
func (l *listener) Querier(int64, int64) (storage.Querier, error) { return l, nil }

// Close implements storage.Querier.
func (*listener) Close() error { return nil }

// Select remembers the matchers, but for those that a variable stands in.
func (l *listener) Select(_ context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hints != nil {
		l.first, l.last = min(l.first, hints.Start), max(l.last, hints.End)
	}
	l.selectors = append(l.selectors, sentei.Selector{Matchers: slices.DeleteFunc(slices.Clone(matchers), func(m *labels.Matcher) bool {
		return strings.Contains(m.Value, holeMark)
	})})
	return storage.EmptySeriesSet()
}

// LabelValues implements storage.Querier.
func (*listener) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// LabelNames implements storage.Querier.
func (*listener) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}
