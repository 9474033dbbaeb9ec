package relabel

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// step carries a rule out: it returns what becomes of a series, or false when
// it is dropped.
type step func(labels.Labels) (labels.Labels, bool)

// execution carries rules out, one after the other. It knows by the rules
// themselves which of them can do anything to a metric, so that thousands of
// rules can be executed over many metrics: the others are passed over.
type execution struct {
	steps  []step
	byName map[string][]int // the rules that are about certain metrics
	any    []int            // the others
}

// add appends a rule. names are all metrics that it can do anything to; when
// nil, that is not known. They need not hold names with characters that are
// not in legacyName: for those every rule is executed.
func (e *execution) add(s step, names []string) {
	i := len(e.steps)
	e.steps = append(e.steps, s)
	if names == nil {
		e.any = append(e.any, i)
		return
	}
	if e.byName == nil {
		e.byName = map[string][]int{}
	}
	for _, n := range names {
		if at := e.byName[n]; len(at) == 0 || at[len(at)-1] != i {
			e.byName[n] = append(at, i)
		}
	}
}

// run carries all rules out. No rule changes the name of a metric.
func (e *execution) run(l labels.Labels) (labels.Labels, bool) {
	name := l.Get(model.MetricNameLabel)
	kept := true
	if !legacyName(name) {
		for _, s := range e.steps {
			if l, kept = s(l); !kept {
				break
			}
		}
		return l, kept
	}
	some, others := e.byName[name], e.any
	for kept && len(some)+len(others) > 0 {
		next := &some
		if len(some) == 0 || len(others) > 0 && others[0] < some[0] {
			next = &others
		}
		l, kept = e.steps[(*next)[0]](l)
		*next = (*next)[1:]
	}
	return l, kept
}

// legacyName reports whether the name has none of the characters that a
// separator may be.
func legacyName(name string) bool { return model.LegacyValidation.IsValidMetricName(name) }

// byPrometheus executes rules with Prometheus's own code.
func byPrometheus(rules []*relabel.Config) *execution {
	e := &execution{}
	for _, rule := range rules {
		one := []*relabel.Config{rule}
		e.add(func(l labels.Labels) (labels.Labels, bool) { return process(one, l) }, namesOf(rule))
	}
	return e
}

// namesOf returns the metrics that the rule can do anything to, as far as they
// have legacy names, or nil when its expression does not tell.
func namesOf(rule *relabel.Config) []string {
	if len(rule.SourceLabels) == 0 || rule.SourceLabels[0] != model.MetricNameLabel ||
		rule.Action != relabel.Drop && rule.Action != relabel.Replace {
		return nil
	}
	if len(rule.SourceLabels) == 1 {
		return language(rule.Regex.String(), "")
	}
	if rule.Separator == "" || legacyName("a"+rule.Separator) {
		return nil
	}
	// The name ends at the first separator, as no legacy name has one.
	texts := language(rule.Regex.String(), rule.Separator)
	if texts == nil {
		return nil
	}
	names := []string{}
	for _, t := range texts {
		if name, _, ok := strings.Cut(t, rule.Separator); ok {
			names = append(names, name)
		}
	}
	return names
}

// maxLanguage bounds the texts that an expression is written out to.
const maxLanguage = 10_000

// language returns all texts that the expression matches as a whole, or nil
// when they are too many. With an end, texts may be cut off behind it.
func language(expr, end string) []string {
	re, err := syntax.Parse(expr, syntax.Perl|syntax.DotNL)
	if err != nil {
		return nil
	}
	texts, ok := expand(re, end)
	if !ok {
		return nil
	}
	return texts
}

func expand(re *syntax.Regexp, end string) ([]string, bool) {
	texts := []string{}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}, true
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, re.Flags&syntax.FoldCase == 0
	case syntax.OpCapture:
		return expand(re.Sub[0], "")
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i+1]-re.Rune[i] >= maxLanguage-rune(len(texts)) {
				return nil, false
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				texts = append(texts, string(r))
			}
		}
		return texts, true
	case syntax.OpQuest, syntax.OpAlternate:
		if re.Op == syntax.OpQuest {
			texts = append(texts, "")
		}
		for _, sub := range re.Sub {
			more, ok := expand(sub, "")
			if texts = append(texts, more...); !ok || len(texts) > maxLanguage {
				return nil, false
			}
		}
		return texts, true
	case syntax.OpConcat:
		texts = append(texts, "")
		for _, sub := range re.Sub {
			tails, ok := expand(sub, "")
			if !ok || len(texts)*len(tails) > maxLanguage {
				return nil, false
			}
			var longer []string
			for _, t := range texts {
				for _, tail := range tails {
					longer = append(longer, t+tail)
				}
			}
			texts = longer
			if end != "" && !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(t, end) }) {
				break
			}
		}
		return texts, true
	}
	return nil, false
}
