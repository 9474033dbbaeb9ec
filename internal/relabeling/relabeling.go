// Package relabeling says what a proposal means for series: as relabel rules
// of Prometheus, and as the effect that they must have. In goes a
// sentei.Proposal; out come relabel.Configs and a plan to check them against.
// Everything that writes, proves or rehearses proposals starts here, so that
// all of them mean the same.
package relabeling

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
)

// Configs returns the rules that carry out one proposal, validated, to append
// to those of its place. The error says that no relabel rule can do it.
func Configs(p *sentei.Proposal) ([]*relabel.Config, error) {
	a := &p.Action
	sources := model.LabelNames{}
	var parts, texts []string
	add := func(label model.LabelName, regex string, literals ...string) {
		sources = append(sources, label)
		parts = append(parts, regex)
		texts = append(texts, literals...)
	}
	if a.Metric != "" {
		add(model.MetricNameLabel, Literal(a.Metric), a.Metric)
	}
	if p.Place.Shared {
		add(model.JobLabel, Literal(p.Place.Job), p.Place.Job)
	}
	c := relabel.DefaultRelabelConfig
	switch {
	case a.Kind == sentei.DropMetric && a.Metric != "":
		c.Action = relabel.Drop
	case a.Kind == sentei.DropValues && a.Metric != "" && a.Label != "" && len(a.Values) > 0:
		c.Action = relabel.Drop
		add(model.LabelName(a.Label), "("+ValuesRegex(a.Label, a.Values)+")", a.Values...)
	case a.Kind == sentei.StripLabel && a.Label != "" && len(sources) > 0:
		c.TargetLabel, c.Replacement = a.Label, ""
	case a.Kind == sentei.StripLabel && a.Label != "":
		c.Action = relabel.LabelDrop
		c.Regex = relabel.MustNewRegexp(Literal(a.Label))
		return validated(p, &c)
	default:
		return nil, fmt.Errorf("there is no relabel rule for %s", a.Kind)
	}
	for _, t := range texts {
		if t == "" || !utf8.ValidString(t) {
			return nil, fmt.Errorf("no relabel rule can name metric %q of job %q", a.Metric, p.Place.Job)
		}
	}
	separator := c.Separator
	if len(sources) > 1 {
		var ok bool
		if separator, ok = Separator(texts...); !ok {
			return nil, fmt.Errorf("no separator is left between metric %q, job %q and the values", a.Metric, p.Place.Job)
		}
	}
	re, err := relabel.NewRegexp(strings.Join(parts, Literal(separator)))
	if err != nil {
		return nil, fmt.Errorf("make the expression: %w", err)
	}
	c.SourceLabels, c.Separator, c.Regex = sources, separator, re
	return validated(p, &c)
}

func validated(p *sentei.Proposal, c *relabel.Config) ([]*relabel.Config, error) {
	if err := c.Validate(model.UTF8Validation); err != nil {
		return nil, fmt.Errorf("rule for %s: %w", p.Action.Kind, err)
	}
	return []*relabel.Config{c}, nil
}

// Planned returns what is to become of a series that passes the place: its
// labels, or false when it is dropped. It says so from the proposal's words
// alone, so that rules can be checked against it.
func Planned(p *sentei.Proposal, l labels.Labels) (labels.Labels, bool) {
	a := &p.Action
	if a.Metric != "" && l.Get(model.MetricNameLabel) != a.Metric || p.Place.Shared && l.Get(model.JobLabel) != p.Place.Job {
		return l, true
	}
	switch a.Kind {
	case sentei.DropMetric:
		return labels.EmptyLabels(), false
	case sentei.DropValues:
		if v := l.Get(a.Label); v != "" && slices.ContainsFunc(a.Values, func(w string) bool { return slices.Contains(ValueForms(a.Label, w), v) }) {
			return labels.EmptyLabels(), false
		}
	case sentei.StripLabel:
		if l.Has(a.Label) {
			return labels.NewBuilder(l).Del(a.Label).Labels(), true
		}
	}
	return l, true
}

// ValueForms returns the forms in which a value of the label may be stored or
// asked for: Prometheus 3 stores le="1" as 1.0, others as it is exposed.
func ValueForms(label, value string) []string {
	whole := strings.TrimSuffix(value, ".0")
	if !isFloatLabel(label) || !isWhole(whole) {
		return []string{value}
	}
	return []string{whole, whole + ".0"}
}

// Literal returns an expression that matches the text alone, in characters
// that every editor shows.
func Literal(s string) string {
	var b strings.Builder
	for _, r := range regexp.QuoteMeta(s) {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\x{%x}`, r)
		}
	}
	return b.String()
}

// Separator returns a separator that stands in none of the texts. A string
// joined with it has it exactly once between two of them, so that no other
// texts, known or not, give the same string.
func Separator(texts ...string) (string, bool) {
	for _, s := range []string{";", "@", "|", "#", "%", "=", "~", ",", " ", "\u241f"} {
		free := true
		for _, t := range texts {
			free = free && !strings.Contains(t, s)
		}
		if free {
			return s, true
		}
	}
	return "", false
}

// ValuesRegex returns an alternation of the values. For le and quantile, which
// Prometheus 3 stores as floats ("1.0") and others as they are exposed ("1"),
// a whole number is matched in both forms.
func ValuesRegex(label string, values []string) string {
	return strings.Join(ValueRegexes(label, values), "|")
}

// ValueRegexes returns the alternatives of ValuesRegex, in the order of the
// values.
func ValueRegexes(label string, values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		forms := ValueForms(label, v)
		out[i] = Literal(forms[0])
		if len(forms) > 1 {
			out[i] += `(\.0)?`
		}
	}
	return out
}

// isFloatLabel reports whether Prometheus normalizes the label's values.
func isFloatLabel(label string) bool {
	return label == model.BucketLabel || label == model.QuantileLabel
}

func isWhole(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}
