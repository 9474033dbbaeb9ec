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

// understand fills in the selectors of all consumers, finds out which
// recording rules reach a root, and leaves out logged evaluations of rules
// that are known as rules. The input is not changed.
func understand(consumers []sentei.Consumer, inv *sentei.Inventory) []sentei.Consumer {
	out := withoutKnownEvaluations(consumers)
	for i := range out {
		out[i].Backend = inv.Backend
	}
	analyzeRoots(out)
	analyzeRecordingRules(out)
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

// analyzeRecordingRules walks from the roots down the chains of recording
// rules until nothing changes: a rule is alive when a living consumer can
// select what it records, and its expression must deliver the labels that all
// living readers need. A rule that stays unreached is dead; it is analyzed
// all the same, since it still reads.
func analyzeRecordingRules(consumers []sentei.Consumer) {
	var rules []*sentei.Consumer
	var queue []*sentei.Consumer // living consumers whose selectors are new
	for i := range consumers {
		if c := &consumers[i]; c.Kind == sentei.RecordingRule {
			rules = append(rules, c)
		} else {
			queue = append(queue, c)
		}
	}
	need := map[*sentei.Consumer]sentei.LabelSet{}
	for len(queue) > 0 {
		reader := queue[0]
		queue = queue[1:]
		for _, rule := range rules {
			wanted, reads := needOf(reader, rule)
			if !reads {
				continue
			}
			old, alive := need[rule]
			wanted = wanted.Union(old)
			if alive && wanted.Equal(old) {
				continue
			}
			need[rule] = wanted
			apply(rule, wanted)
			queue = append(queue, rule)
		}
	}
	for _, rule := range rules {
		if _, alive := need[rule]; !alive {
			rule.Dead = true
			apply(rule, sentei.LabelSet{})
		}
	}
}

// needOf returns the labels of the rule's output that the reader needs, and
// whether it may select that output at all. An opaque reader may select
// anything and need everything.
func needOf(reader, rule *sentei.Consumer) (need sentei.LabelSet, reads bool) {
	if reader.Opaque != "" {
		return sentei.AllLabelsBut(), true
	}
	for i := range reader.Selectors {
		if s := &reader.Selectors[i]; s.MaySelectOutput(rule) {
			need, reads = need.Union(s.Live), true
		}
	}
	for name := range rule.RecordLabels { // the rule sets these itself
		need = need.Without(name)
	}
	return need, reads
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
