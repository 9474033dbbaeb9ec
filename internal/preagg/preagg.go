// Package preagg says how a metric that is stored added up over some labels is
// recorded and read. In goes an aggregate and an expression that reads the
// metric; out come the recording rules that store what the expression needs
// and the text that reads those, or an error that says which part of the
// expression no recorded aggregate serves.
package preagg

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

// Aggregate is a metric of one job, and what is stored of it.
type Aggregate struct {
	Metric string
	Job    string
	// OtherJobs says that the metric has series of other jobs, which stay as
	// they are.
	OtherJobs bool
	Labels    []string // that go, sorted
	Function  string   // sum, max or min
	Series    sentei.SeriesType
}

// Check returns why the aggregate cannot be recorded, or nil.
func (a *Aggregate) Check() error {
	quoted := func(name string) error { return fmt.Errorf("the name %q would have to be quoted in rules", name) }
	if !model.LegacyValidation.IsValidMetricName(a.Metric) {
		return quoted(a.Metric)
	}
	for _, name := range a.Labels {
		if !model.LegacyValidation.IsValidLabelName(name) {
			return quoted(name)
		}
	}
	return nil
}

// Rewrite returns the text of the expression over the recorded aggregate, and
// the rules that it needs, sorted by what they record. Grafana variables may
// stand in strings, and as whole ranges where a range is kept. An expression
// that does not read the metric of the job comes back as it is, without rules.
func (a *Aggregate) Rewrite(e sentei.Expression) (string, []sentei.Recording, error) {
	if e.Lang == sentei.MetricsQL {
		return "", nil, errors.New("it is MetricsQL")
	}
	r := &rewriter{Aggregate: a, variables: e.Template || e.VariableQuery}
	text := strings.TrimSpace(e.Text)
	if e.VariableQuery {
		out, err := r.listing(text)
		return out, r.rules(), err
	}
	hidden := text
	if e.Template {
		hidden = r.ranges.Hide(hidden)
	}
	p := newParser()
	tree, err := p.ParseExpr(hidden)
	if err != nil {
		return "", nil, fmt.Errorf("it cannot be parsed: %w", err)
	}
	tree = r.rewrite(tree)
	switch {
	case r.unless != "":
		return "", nil, errors.New(r.unless)
	case r.left(tree) != "":
		return "", nil, fmt.Errorf("no recorded aggregate serves %s", r.left(tree))
	case len(r.recorded) == 0:
		return e.Text, nil, nil
	}
	out := tree.String()
	if again, err := p.ParseExpr(out); err != nil || again.String() != out {
		return "", nil, fmt.Errorf("what it would become is not PromQL: %s", out)
	}
	return r.ranges.Show(out), r.rules(), nil
}

func newParser() parser.Parser {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions: true, ExperimentalDurationExpr: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true,
	})
}

// record returns the name of the metric that a rule writes with the aggregate,
// what being "sum", "rate5m" and the like. It begins with the metric, since
// that is what people look for.
func (a *Aggregate) record(what string) string {
	return a.Metric + ":" + what + "_without_" + strings.Join(a.Labels, "_")
}

// raw returns the selector of the series that are aggregated, as text.
func (a *Aggregate) raw() string {
	s := &parser.VectorSelector{Name: a.Metric, LabelMatchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, a.Metric)}}
	if a.OtherJobs {
		s.LabelMatchers = append(s.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, model.JobLabel, a.Job))
	}
	return s.String()
}

// rewriter is one expression on its way.
type rewriter struct {
	*Aggregate
	variables bool // of Grafana may stand in strings
	ranges    promql.RangeVariables
	recorded  map[string]string // expressions, by what they record
	unless    string            // why it cannot be done
}

func (r *rewriter) rules() []sentei.Recording {
	var out []sentei.Recording
	for record, expr := range r.recorded {
		out = append(out, sentei.Recording{Record: record, Expr: expr})
	}
	slices.SortFunc(out, func(a, b sentei.Recording) int { return strings.Compare(a.Record, b.Record) })
	return out
}

// store notes that the function over some text with the raw series is needed,
// and returns what it is recorded as.
func (r *rewriter) store(function, what, expr string) string {
	record := r.record(what)
	if r.recorded == nil {
		r.recorded = map[string]string{}
	}
	r.recorded[record] = fmt.Sprintf("%s without (%s) (%s)", function, strings.Join(r.Labels, ", "), expr)
	return record
}

// reads reports whether the selector names the metric, and may select series
// of the job. At a time that does not move nothing was recorded.
func (r *rewriter) reads(s *parser.VectorSelector) bool {
	sel := sentei.Selector{Matchers: s.LabelMatchers}
	name, named := sel.NamedMetric()
	return named && name == r.Metric && s.Timestamp == nil && !s.Anchored && !s.Smoothed && sel.MatchesName(r.Metric) && r.acceptsJob(s)
}

// acceptsJob reports whether the selector may select series of the job: a
// variable may stand for it.
func (r *rewriter) acceptsJob(s *parser.VectorSelector) bool {
	for _, m := range s.LabelMatchers {
		variable := r.variables && (strings.Contains(m.Value, "$") || strings.Contains(m.Value, "[["))
		if m.Name == model.JobLabel && !variable && !m.Matches(r.Job) {
			return false
		}
	}
	return true
}

// alone reports whether the selector selects no series of other jobs.
func (r *rewriter) alone(s *parser.VectorSelector) bool {
	return !r.OtherJobs || slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
		return m.Name == model.JobLabel && m.Type == labels.MatchEqual && m.Value == r.Job
	})
}

// left returns the first selector that may still read the raw series.
func (r *rewriter) left(e parser.Expr) string {
	var found []string
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok || !r.acceptsJob(s) {
			return nil
		}
		if sel := (&sentei.Selector{Matchers: s.LabelMatchers}); sel.MatchesName(r.Metric) {
			found = append(found, s.String())
		}
		return nil
	})
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}
