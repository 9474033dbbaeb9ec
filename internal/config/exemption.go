package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
)

// Exemption is an entry of exemptions, checked as it is read, so that errors
// have its line.
type Exemption struct{ sentei.Exemption }

// exemptionFields is how an exemption is written.
type exemptionFields struct {
	Metric   string `yaml:"metric"`
	Selector string `yaml:"selector"`
	Reason   string `yaml:"reason"`
	Owner    string `yaml:"owner"`
	Expires  string `yaml:"expires"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (e *Exemption) UnmarshalYAML(node *yaml.Node) error {
	var f exemptionFields
	if err := node.Load(&f, yaml.WithKnownFields()); err != nil {
		return err
	}
	e.Exemption = sentei.Exemption{
		Reason: strings.TrimSpace(f.Reason), Owner: strings.TrimSpace(f.Owner),
		Where: fmt.Sprintf("line %d of the configuration", node.Line),
	}
	var wrong []string
	switch metric, selector := strings.TrimSpace(f.Metric), strings.TrimSpace(f.Selector); {
	case (metric == "") == (selector == ""):
		wrong = append(wrong, "either metric or selector is needed")
	case metric != "":
		e.Selector = metric
		e.Matchers = []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric)}
	default:
		matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("selector %s: %v", selector, err))
		case len(matchers) == 0:
			wrong = append(wrong, fmt.Sprintf("selector %s: it has no matcher", selector))
		}
		e.Selector, e.Matchers = selector, matchers
	}
	if e.Reason == "" {
		wrong = append(wrong, "a reason is needed: why it must stay, whoever reads it")
	}
	if f.Expires != "" {
		last, err := time.Parse(time.DateOnly, f.Expires)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("expires is %q: want its last day, such as 2027-01-31", f.Expires))
		}
		e.Expires = last.AddDate(0, 0, 1)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("exemption: %s", strings.Join(wrong, "; "))
	}
	return nil
}
