package nativehist

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// suffixes are those of the parts of a classic histogram.
var suffixes = [...]string{"_bucket", "_count", "_sum"}

var negativeInfinity = math.Inf(-1)

// infinite is the value of le of the bucket that holds all observations.
const infinite = "+Inf"

func literal(s string) parser.Expr { return &parser.StringLiteral{Val: s} }

// family returns which family the selector names in full, and which part.
func (r rewriter) family(s *parser.VectorSelector) (base, suffix string) {
	if s.Anchored || s.Smoothed {
		return "", ""
	}
	name := ""
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			if m.Type != labels.MatchEqual || name != "" {
				return "", ""
			}
			name = m.Value
		}
	}
	for _, suffix := range suffixes {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			if _, known := r.families[base]; known {
				return base, suffix
			}
		}
	}
	return "", ""
}

// rename makes the selector one of the metric with the name, and of all le.
func rename(s *parser.VectorSelector, name string) {
	if s.Name != "" {
		s.Name = name
	}
	s.LabelMatchers = slices.Clone(s.LabelMatchers)
	for i, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			s.LabelMatchers[i] = labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)
		}
	}
	s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == model.BucketLabel })
}

// leOf returns the matcher on le, if there is one.
func leOf(s *parser.VectorSelector) *labels.Matcher {
	for _, m := range s.LabelMatchers {
		if m.Name == model.BucketLabel {
			return m
		}
	}
	return nil
}

func isPinned(s *parser.VectorSelector, le string) bool {
	count := 0
	pinned := false
	for _, m := range s.LabelMatchers {
		if m.Name == model.BucketLabel {
			count++
			pinned = m.Type == labels.MatchEqual && m.Value == le
		}
	}
	return count == 1 && pinned
}

// hasBound reports whether the value of le is one that is stored, in the very
// form in which the selector asks for it.
func hasBound(bounds []string, le string) bool { return slices.Contains(bounds, le) }

func parseBound(le string) (float64, error) {
	f, err := strconv.ParseFloat(le, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is no bound", le)
	}
	return f, nil
}

// selectorOf returns the selector of a function's range, or nil.
func selectorOf(n *parser.Call) *parser.VectorSelector {
	if len(n.Args) != 1 {
		return nil
	}
	m, ok := n.Args[0].(*parser.MatrixSelector)
	if !ok {
		return nil
	}
	s, _ := m.VectorSelector.(*parser.VectorSelector)
	return s
}

func call(function string, args ...parser.Expr) *parser.Call {
	return &parser.Call{Func: parser.Functions[function], Args: args}
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
