package analyzer

import (
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

// understand fills in the selectors of all consumers but recording rules, for
// which see analyzeRecordingRules, and leaves out logged evaluations of rules
// that are known as rules. The input is not changed.
func understand(consumers []sentei.Consumer, inv *sentei.Inventory) []sentei.Consumer {
	out := withoutKnownEvaluations(consumers)
	for i := range out {
		out[i].Backend = inv.Backend
	}
	analyzeRoots(out)
	return out
}

// withoutKnownEvaluations leaves out queries that a query log shows as
// evaluations of a rule, when a rule source knows that rule: the rule is the
// consumer then, and a recording rule is no root. Evaluations of rules that no
// source knows stay: something evaluates them, even if it is the expression of
// a known rule.
func withoutKnownEvaluations(consumers []sentei.Consumer) []sentei.Consumer {
	type rule struct{ group, file, expr string }
	of := func(c *sentei.Consumer) rule {
		return rule{c.Location.Group, path.Base(filepath.ToSlash(c.Location.File)), canonical(c.Text)}
	}
	known := map[rule]bool{}
	for i := range consumers {
		if c := &consumers[i]; c.Kind == sentei.AlertingRule || c.Kind == sentei.RecordingRule {
			known[of(c)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(consumers), func(c sentei.Consumer) bool {
		return c.Kind == sentei.Query && c.Location.Group != "" && known[of(&c)]
	})
}

func canonical(text string) string {
	if s, err := promql.Normalize(text); err == nil {
		return s
	}
	return text
}

// analyzeRoots analyzes every consumer but recording rules: all that their
// expressions return is seen.
func analyzeRoots(consumers []sentei.Consumer) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range consumers {
		if c := &consumers[i]; c.Kind.IsRoot() {
			group.Go(func() error {
				apply(c, sentei.AllLabelsBut())
				return nil
			})
		}
	}
	_ = group.Wait() // the functions never return an error
}

// apply analyzes the expression of a consumer whose result labels need are
// seen. What is opaque stays opaque, whatever is needed of it.
func apply(c *sentei.Consumer, need sentei.LabelSet) {
	if c.Opaque != "" {
		return
	}
	a := promql.Analyze(c.Expression, need)
	c.Selectors, c.Opaque = a.Selectors, a.Opaque
	if c.Kind == sentei.AlertingRule {
		c.Selectors = append(c.Selectors, stateOf(c))
	}
}

// stateOf returns the selector by which Prometheus restores the state of an
// alert after a restart.
func stateOf(alert *sentei.Consumer) sentei.Selector {
	return sentei.Selector{
		Matchers: []*labels.Matcher{
			labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "ALERTS_FOR_STATE"),
			labels.MustNewMatcher(labels.MatchEqual, "alertname", alert.Name),
		},
		Live:   sentei.AllLabelsBut(),
		Hidden: "Prometheus restores the state of the alert from it",
	}
}

// opaqueProblems makes a blocking problem of every living consumer that could
// not be understood.
func opaqueProblems(consumers []sentei.Consumer) []sentei.Problem {
	var problems []sentei.Problem
	for i := range consumers {
		c := &consumers[i]
		if c.Opaque == "" || c.Dead {
			continue
		}
		problems = append(problems, sentei.Problem{
			ID:      c.OpaqueProblemID(),
			Backend: c.Backend, Source: c.Source,
			Where:    c.Location.String(),
			Message:  fmt.Sprintf("cannot tell what %s %q reads: %s", c.Kind, c.Name, c.Opaque),
			Hint:     "it may read any metric, so nothing of this backend is called unused: repair the expression, or accept the problem by its id",
			Blocking: true,
		})
	}
	return problems
}
