package promql

import (
	"fmt"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// metricsql analyzes a MetricsQL text. An error means that it does not parse,
// and nothing was collected.
//
// There is no engine of VictoriaMetrics to check these rules against, so they
// know fewer labels as dead than those for PromQL.
func (c *collector) metricsql(text string, s scope, h *holes) error {
	if err := checkSize(text); err != nil {
		return err
	}
	if expandsTooFar(text) {
		return errTooWide
	}
	e, err := metricsql.Parse(text)
	if err != nil {
		return fmt.Errorf("parse MetricsQL: %w", err)
	}
	w := &vmWalk{collector: c, holes: h}
	w.walk(e, s)
	return nil
}

// vmWalk walks a MetricsQL syntax tree.
type vmWalk struct {
	*collector
	*holes
}

func (w *vmWalk) walk(e metricsql.Expr, s scope) {
	switch n := e.(type) {
	case *metricsql.MetricExpr:
		w.selector(n, s)
	case *metricsql.RollupExpr:
		w.rollup(n, s)
	case *metricsql.AggrFuncExpr:
		w.aggregate(n, s)
	case *metricsql.FuncExpr:
		w.call(n, s)
	case *metricsql.BinaryOpExpr:
		w.binary(n, s)
	case *metricsql.NumberExpr, *metricsql.StringExpr, *metricsql.DurationExpr:
	default: // a node of a newer parser: its selectors cannot be reached one by one
		w.block(fmt.Sprintf("MetricsQL expression of unknown kind %T", e))
	}
}

func (w *vmWalk) rollup(n *metricsql.RollupExpr, s scope) {
	if n.At != nil {
		w.walk(n.At, s.alone())
	}
	if _, isSelector := n.Expr.(*metricsql.MetricExpr); !isSelector {
		s = s.under("subquery")
		s.overTime = true
	}
	s.back += vmDuration(n.Window) + vmDuration(n.Offset)
	w.walk(n.Expr, s)
}

// vmDuration returns a duration; steps, which only the evaluation knows, count
// as zero.
func vmDuration(d *metricsql.DurationExpr) time.Duration {
	if d == nil {
		return 0
	}
	ms := d.Duration(0)
	const most = int64(1 << 42) // about 140 years
	return time.Duration(max(min(ms, most), -most)) * time.Millisecond
}

func (w *vmWalk) selector(n *metricsql.MetricExpr, s scope) {
	groups := make([][]*labels.Matcher, 0, max(len(n.LabelFilterss), 1))
	for _, filters := range n.LabelFilterss {
		var g []*labels.Matcher
		for _, f := range filters {
			m, err := vmMatcher(f)
			if err != nil {
				w.block(fmt.Sprintf("matcher on %s: %v", f.Label, err))
				continue
			}
			g = append(g, m)
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		groups = append(groups, nil)
	}
	if len(groups) == 1 && len(groups[0]) == 1 && groups[0][0].Type == labels.MatchEqual &&
		groups[0][0].Name == model.MetricNameLabel && w.placeholder(groups[0][0].Value, s) {
		return
	}
	wild := false
	for i := range groups {
		var open bool
		groups[i], open = w.wildMatchers(groups[i])
		wild = wild || open
	}
	if wild {
		s.need = everything()
	}
	w.add(s, w.vmText(n), "", groups...)
}

func vmMatcher(f metricsql.LabelFilter) (*labels.Matcher, error) {
	t := labels.MatchEqual
	switch {
	case f.IsNegative && f.IsRegexp:
		t = labels.MatchNotRegexp
	case f.IsNegative:
		t = labels.MatchNotEqual
	case f.IsRegexp:
		t = labels.MatchRegexp
	}
	return labels.NewMatcher(t, f.Label, f.Value)
}

// vmText writes the selector without the placeholders of a template.
func (w *vmWalk) vmText(n *metricsql.MetricExpr) string {
	if w.holes == nil {
		return string(n.AppendString(nil))
	}
	var clean metricsql.MetricExpr
	for _, filters := range n.LabelFilterss {
		var kept []metricsql.LabelFilter
		for _, f := range filters {
			if f.Label != holeMark && f.Label != padMark {
				kept = append(kept, f)
			}
		}
		clean.LabelFilterss = append(clean.LabelFilterss, kept)
	}
	return string(clean.AppendString(nil))
}

// vmLabels turns a list of labels in the text into a set, and says whether a
// Grafana variable, or a *, could add further ones.
func (w *vmWalk) vmLabels(names []string) (set sentei.LabelSet, known bool) {
	known = true
	for _, n := range names {
		if n == "*" || w.inHole(n) {
			known = false
			continue
		}
		set = set.Plus(n)
	}
	return set, known
}

// modifier is a lower-case keyword.
func modifier(m metricsql.ModifierExpr) string { return strings.ToLower(m.Op) }
