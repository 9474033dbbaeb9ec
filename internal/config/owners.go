package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
)

// Owners is the section owners, checked as it is read, so that errors have
// their line.
type Owners struct{ sentei.Owners }

// UnmarshalYAML implements yaml.Unmarshaler.
func (o *Owners) UnmarshalYAML(node *yaml.Node) error {
	var f ownersFields
	if err := node.Load(&f, yaml.WithKnownFields()); err != nil {
		return err
	}
	o.Owners = sentei.Owners{Label: strings.TrimSpace(f.Label), Default: strings.TrimSpace(f.Default)}
	for _, r := range f.Rules {
		o.Rules = append(o.Rules, r.OwnerRule)
	}
	if o.Label == model.MetricNameLabel || o.Label != "" && !model.UTF8Validation.IsValidLabelName(o.Label) {
		return fmt.Errorf("owners: label is %q: want the name of a label that names the owner", o.Label)
	}
	return nil
}

// ownersFields and ownerRuleFields are how owners and their rules are written.
type (
	ownersFields struct {
		Label   string      `yaml:"label"`
		Rules   []ownerRule `yaml:"rules"`
		Default string      `yaml:"default"`
	}
	ownerRuleFields struct {
		Owner    string `yaml:"owner"`
		Selector string `yaml:"selector"`
		Metric   string `yaml:"metric"`
	}
)

// ownerRule is an entry of owners.rules.
type ownerRule struct{ sentei.OwnerRule }

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *ownerRule) UnmarshalYAML(node *yaml.Node) error {
	var f ownerRuleFields
	if err := node.Load(&f, yaml.WithKnownFields()); err != nil {
		return err
	}
	r.Owner = strings.TrimSpace(f.Owner)
	var err error
	switch selector := strings.TrimSpace(f.Selector); {
	case r.Owner == "":
		err = errors.New("it needs an owner")
	case selector != "" && f.Metric != "":
		err = errors.New("both metric and selector are set: leave one out")
	case selector == "" && f.Metric == "":
		err = errors.New("either metric or selector is needed")
	case selector == "":
		var m *labels.Matcher
		if m, err = labels.NewMatcher(labels.MatchRegexp, model.MetricNameLabel, f.Metric); err != nil {
			err = fmt.Errorf("metric %s: %w", f.Metric, err)
		}
		r.Matchers = []*labels.Matcher{m}
	default:
		r.Matchers, err = parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
		if err == nil && len(r.Matchers) == 0 {
			err = errors.New("it has no matcher: name what is left with owners.default")
		}
		if err != nil {
			err = fmt.Errorf("selector %s: %w", selector, err)
		}
	}
	if err != nil {
		return fmt.Errorf("rule of owners: %w", err)
	}
	return nil
}
