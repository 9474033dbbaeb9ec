package rehearsal

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/remoteread"
)

// runner runs queries and counts them.
type runner struct {
	engine  *promql.Engine
	parser  parser.Parser
	data    *Data
	changes []Change
	union   *View
	options Options

	queries, samples atomic.Int64
}

// moment is one replay of a subject that differed.
type moment struct {
	replayed
	at      time.Time
	finding *finding
}

// replay replays the subject at all instants. It returns the outcome without
// changes to blame, and the moments at which it differed.
func (r *runner) replay(ctx context.Context, s *subject, at []time.Time) (Outcome, []moment) {
	o := s.outcome(r.changes)
	var differing []moment
	failure, results := "", 0
	for _, x := range s.replays {
		when := at
		if x.lookup { // over the whole span
			when = []time.Time{r.data.To}
		}
		for _, t := range when {
			if ctx.Err() != nil {
				o.Reason = outOfTime
				return o, nil
			}
			first := r.run(ctx, r.data.Queryable, s, x, t)
			if first.refused {
				o.Reason = first.err
				return o, nil
			}
			if f := compare(first, r.run(ctx, r.data.Queryable, s, x, t), r.options.ULPs); f != nil {
				o.Status, o.Reason = Unstable, "differs from itself: "+f.detail
				return o, nil
			}
			f, refused := r.against(ctx, first, r.union, s, x, t)
			if refused != "" {
				o.Reason = refused
				return o, nil
			}
			if f != nil {
				differing = append(differing, moment{x, t, f})
			}
			if o.Points += first.points(); first.err == "" {
				results++
			} else {
				failure = first.err
			}
		}
		o.Instants = max(o.Instants, len(when))
	}
	if results == 0 && len(differing) == 0 {
		o.Reason = "fails already without any change: " + failure
		return o, nil
	}
	o.Status = Same
	return o, differing
}

const outOfTime = "out of time"

// against runs the replay on the view and compares it with the result without
// changes. refused is why it cannot be compared, or empty.
func (r *runner) against(ctx context.Context, base *result, view *View, s *subject, x replayed, at time.Time) (f *finding, refused string) {
	found := &collisions{}
	got := r.run(ctx, view.watching(found), s, x, at)
	if got.refused {
		return nil, got.err
	}
	if f := compare(base, got, r.options.ULPs); f != nil {
		return f, ""
	}
	if c := found.firstAmbiguous(); c != nil {
		return &finding{KindCollision, collisionDetail(c)}, ""
	}
	return nil, ""
}

func collisionDetail(c *collision) string {
	return c.labels.String() + " would hold samples of several series, " + c.stored[0].String() + " and " + c.stored[1].String() + " among them"
}

func (r *runner) run(ctx context.Context, q storage.Queryable, s *subject, x replayed, at time.Time) *result {
	r.queries.Add(1)
	if x.lookup {
		return r.lookup(ctx, q, s)
	}
	expr, err := r.parser.ParseExpr(x.text)
	if err != nil {
		return &result{err: err.Error(), refused: true}
	}
	query, err := r.engine.NewInstantQuery(ctx, q, nil, x.text, at)
	if err != nil {
		return &result{err: err.Error(), refused: true}
	}
	defer query.Close()
	raw := query.Exec(ctx)
	if stats := query.Stats(); stats != nil && stats.Samples != nil {
		r.samples.Add(stats.Samples.TotalSamples)
	}
	reason := limit(raw.Err, &r.options)
	if reason != "" && ctx.Err() != nil {
		reason = outOfTime
	}
	if reason != "" {
		return &result{err: reason, refused: true}
	}
	out := newResult(raw, x.text, orderShows(expr) && s.first.Records == "")
	if s.first.Records != "" {
		out.record(s.first.Records, s.first.RecordLabels)
	}
	return out
}

// limit returns what kept the engine from evaluating the query, when that says
// nothing about the query itself.
func limit(err error, o *Options) string {
	var timeout promql.ErrQueryTimeout
	var canceled promql.ErrQueryCanceled
	var samples promql.ErrTooManySamples
	var failed promql.ErrStorage
	var server *remoteread.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &canceled) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return outOfTime
	case errors.As(err, &timeout):
		return "takes longer than " + o.QueryTimeout.String()
	case errors.As(err, &samples):
		return "loads too many samples: " + err.Error()
	case errors.As(err, &failed), errors.As(err, &server):
		return "the data cannot be read: " + err.Error()
	}
	return ""
}

// lookup returns what Grafana would list for the query of a variable. Variables
// in it match whatever they might hold; then the listing holds the labels that
// they choose by, so that it is the same for every choice if it is the same as
// a whole.
func (r *runner) lookup(ctx context.Context, q storage.Queryable, s *subject) *result {
	from, to := r.data.From.UnixMilli(), r.data.To.UnixMilli()
	querier, err := q.Querier(from, to)
	if err != nil {
		return &result{err: err.Error(), refused: true}
	}
	defer querier.Close() //nolint:errcheck // nothing was written
	listed := map[string]labels.Labels{}
	for i := range s.selectors {
		list := listing(s.first.Text, &s.selectors[i])
		set := querier.Select(ctx, false, &storage.SelectHints{Start: from, End: to, Func: seriesFunc}, s.selectors[i].Matchers...)
		for set.Next() {
			if l := list(set.At().Labels()); !l.IsEmpty() {
				listed[l.String()] = l
			}
		}
		if err := set.Err(); err != nil {
			return &result{err: "the data cannot be read: " + err.Error(), refused: true}
		}
	}
	out := &result{}
	for _, l := range listed {
		out.add(l, point{}) // one point: it is there
	}
	slices.SortFunc(out.series, func(a, b resultSeries) int { return labels.Compare(a.labels, b.labels) })
	return out
}

// listing returns what a variable's query shows of a series.
func listing(text string, s *sentei.Selector) func(labels.Labels) labels.Labels {
	open := variableSyntax.MatchString(text)
	keep := func(label string) bool { return label == model.MetricNameLabel || s.Live.Has(label) }
	switch {
	case slices.Contains(s.Path, "label_names"):
		return func(l labels.Labels) labels.Labels {
			b := labels.NewBuilder(labels.EmptyLabels())
			l.Range(func(l labels.Label) { b.Set(l.Name, "is there") })
			if open {
				b.Set(model.MetricNameLabel, l.Get(model.MetricNameLabel))
			}
			return b.Labels()
		}
	case slices.Contains(s.Path, "metrics"):
		keep = func(label string) bool { return label == model.MetricNameLabel }
	case slices.Contains(s.Path, "label_values"):
		arg := strings.TrimSuffix(strings.TrimSpace(text), ")")
		wanted := strings.TrimSpace(arg[strings.LastIndexAny(arg, ",(")+1:])
		if !s.Live.Has(wanted) { // named by a variable itself
			break
		}
		choosing := choosers(text)
		keep = func(label string) bool {
			return label == wanted || slices.Contains(choosing, label) || open && slices.ContainsFunc(s.Matchers, func(m *labels.Matcher) bool {
				return m.Name == label && m.Type != labels.MatchEqual
			})
		}
	}
	return func(l labels.Labels) labels.Labels {
		b := labels.NewBuilder(l)
		l.Range(func(l labels.Label) {
			if !keep(l.Name) {
				b.Del(l.Name)
			}
		})
		return b.Labels()
	}
}
