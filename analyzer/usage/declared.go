package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// declared takes consumers from the configuration itself.
var declared = Info{Class: sentei.ClassDeclared, Info: source.New("declared", sentei.Doc{
	Title: "Consumers that no file and no log shows, written into the configuration.",
	Text: `Some readers leave no trace that sentei could find: federation, remote read, the adapter of an autoscaler, a
billing script that runs once a year. Declare what they read, and say why.

A consumer has either a selector or an expr, in PromQL or MetricsQL. With a selector, labels may name those that the
reader uses beside the ones in the selector; without labels, all count as used. An empty list says that only the number of
series or their existence matters, never a label.

A reason is required: whoever reads a report later must be able to tell whether it still holds.`,
	Example: `- declared:
    consumers:
      - selector: '{__name__=~"billing_.*"}'
        reason: read by the yearly invoice run
        owner: finance          # optional: who to ask
        labels: [customer]      # optional, with selector: the labels it uses
        lang: promql            # optional: promql or metricsql
      - expr: sum by (zone) (rate(http_requests_total[5m]))
        reason: the autoscaler asks for it through prometheus-adapter
`,
}, declaredOptions{}, newDeclared)}

type declaredOptions struct {
	Consumers []declaredConsumer `yaml:"consumers"`
}

// declaredConsumer is one entry, with the line it begins on.
type declaredConsumer struct {
	declaredFields
	line int
}

type declaredFields struct {
	Selector string      `yaml:"selector"`
	Expr     string      `yaml:"expr"`
	Reason   string      `yaml:"reason"`
	Owner    string      `yaml:"owner"`
	Labels   *[]string   `yaml:"labels"`
	Lang     sentei.Lang `yaml:"lang"`
}

// UnmarshalYAML reads the entry and checks it, so that errors have its line.
func (d *declaredConsumer) UnmarshalYAML(node *yaml.Node) error {
	d.line, d.Lang = node.Line, sentei.PromQL
	if err := node.Load(&d.declaredFields, yaml.WithKnownFields()); err != nil {
		return err
	}
	var wrong []string
	if err := checkLang(d.Lang); err != nil {
		wrong = append(wrong, err.Error())
	}
	if (strings.TrimSpace(d.Selector) == "") == (strings.TrimSpace(d.Expr) == "") {
		wrong = append(wrong, "either selector or expr is needed")
	}
	if strings.TrimSpace(d.Reason) == "" {
		wrong = append(wrong, "a reason is needed: why it reads, and who says so")
	}
	if d.Labels != nil && d.Selector == "" {
		wrong = append(wrong, "labels need a selector: an expr tells its labels itself")
	}
	if d.Labels != nil && slices.Contains(*d.Labels, "") {
		wrong = append(wrong, "labels holds an empty name")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("declared consumer: %s", strings.Join(wrong, "; "))
	}
	return nil
}

type declaredSource struct {
	declaredOptions
	env source.Env
}

func newDeclared(o declaredOptions, env source.Env) (Source, error) {
	if len(o.Consumers) == 0 {
		return nil, errors.New("consumers: at least one is needed")
	}
	return &declaredSource{o, env}, nil
}

// Consumers implements Source.
func (s *declaredSource) Consumers(context.Context) (*sentei.UsageData, error) {
	c := collector{env: s.env}
	for i := range s.declaredOptions.Consumers {
		d := &s.declaredOptions.Consumers[i]
		name := d.Owner
		if name == "" {
			name = queryName(d.Selector + d.Expr)
		}
		c.add(sentei.Consumer{
			Kind: sentei.Declared, Name: name, Reason: d.Reason,
			Location:   sentei.Location{File: "configuration", Line: d.line},
			Expression: sentei.Expression{Text: d.text(), Lang: d.Lang},
		})
	}
	return &c.UsageData, nil
}

// text returns the expression. A selector with the labels that are used reads
// as much as a grouping by them does.
func (d *declaredConsumer) text() string {
	if d.Labels == nil {
		return d.Selector + d.Expr
	}
	names := make([]string, len(*d.Labels))
	for i, name := range *d.Labels {
		if names[i] = name; !model.LegacyValidation.IsValidLabelName(name) {
			names[i] = strconv.Quote(name)
		}
	}
	return fmt.Sprintf("group by (%s) (%s)", strings.Join(names, ", "), d.Selector)
}
