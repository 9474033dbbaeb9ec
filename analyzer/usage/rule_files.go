package usage

import (
	"context"
	"errors"
	"fmt"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/files"
	"github.com/sentei/sentei/internal/rulesyaml"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/internal/tree"
)

// ruleFiles reads rules from files.
var ruleFiles = Info{Class: sentei.ClassRules, Info: source.New("rule_files", sentei.Doc{
	Title: "Reads alerting and recording rules from files.",
	Text: `Reads rules in every shape they are kept in:

- rule files of Prometheus, Thanos, Mimir, Cortex and vmalert, several documents in one file included;
- PrometheusRule and VMRule manifests, and other Kubernetes objects with ` + "`spec.groups`" + `;
- ConfigMaps, Secrets and Lists that hold such files;
- the answers of a ruler API and what mimirtool prints: groups by namespace.

Queries inside the templates of labels and annotations (` + "`{{ query \"…\" }}`" + `) count as well. A part of such a
query that is only known when the alert fires may have any value.

Fields that sentei does not know are passed over. A file that cannot be read, that is no YAML, or that holds no rules
is a problem that blocks verdicts: it may hide a consumer. So is a pattern that matches no file.

Rules of vmalert that read logs (` + "`type: vlogs`" + `) are left out; those that read by Graphite's language are opaque.`,
	Example: `- rule_files:
    paths:            # files or glob patterns, relative to this file
      - rules/*.yml
    lang: promql      # language of rules that do not tell theirs: promql or metricsql
`,
}, ruleFilesOptions{Lang: sentei.PromQL}, newRuleFiles)}

type ruleFilesOptions struct {
	Paths []string    `yaml:"paths"`
	Lang  sentei.Lang `yaml:"lang"`
}

type ruleFilesSource struct {
	ruleFilesOptions
	env source.Env
}

func newRuleFiles(o ruleFilesOptions, env source.Env) (Source, error) {
	if err := errors.Join(files.Check("paths", o.Paths), checkLang(o.Lang)); err != nil {
		return nil, err
	}
	return &ruleFilesSource{o, env}, nil
}

// checkLang returns an error unless the language is known.
func checkLang(lang sentei.Lang) error {
	if lang != sentei.PromQL && lang != sentei.MetricsQL {
		return fmt.Errorf("lang: %q is unknown; known are %s and %s", lang, sentei.PromQL, sentei.MetricsQL)
	}
	return nil
}

// Consumers implements Source.
func (s *ruleFilesSource) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	c := collector{env: s.env}
	found, problems := files.Find(s.env, s.Paths, "")
	c.Problems = problems
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := files.Read(f)
		if err != nil {
			c.problem(f.Name, err)
			continue
		}
		read, err := rulesyaml.Read(data)
		for i := range read.Rules {
			s.rule(&c, f.Name, &read.Rules[i])
		}
		for _, issue := range read.Issues {
			c.issue(f.Name, issue)
		}
		if err != nil {
			c.problem(f.Name, err)
		}
	}
	return &c.UsageData, nil
}

// rule adds a rule and the queries in its templates.
func (s *ruleFilesSource) rule(c *collector, file string, r *rulesyaml.Rule) {
	lang := r.Lang
	if lang == "" {
		lang = s.Lang
	}
	rule := sentei.Consumer{
		Kind: sentei.AlertingRule, Name: r.Alert,
		Location:   sentei.Location{File: file, Line: r.Line, Group: r.Group},
		Expression: sentei.Expression{Text: r.Expr, Lang: lang},
		Opaque:     r.Opaque,
	}
	if r.Record != "" {
		rule.Kind, rule.Name, rule.Records, rule.RecordLabels = sentei.RecordingRule, r.Record, r.Record, r.Labels
	}
	c.add(rule)
	for _, q := range r.Queries {
		c.add(sentei.Consumer{
			Kind: sentei.AlertingRule, Name: r.Alert + ", " + q.Where,
			Location:   sentei.Location{File: file, Line: q.Line, Group: r.Group},
			Expression: sentei.Expression{Text: q.Expr, Lang: lang, Template: q.Template},
			Opaque:     q.Opaque,
		})
	}
}

// collector gathers what a source of files finds.
type collector struct {
	sentei.UsageData
	env  source.Env
	seen map[string]bool // by identifier
}

// add completes the consumer and adds it, unless it is there already: the same
// expression at the same place.
func (c *collector) add(consumer sentei.Consumer) {
	consumer.Backend, consumer.Source = c.env.Backend, c.env.Name
	if consumer.Lang == sentei.PromQL {
		consumer.Lang = "" // it means the same
	}
	consumer.ID = sentei.HashID("consumer", string(consumer.Kind), consumer.Backend, consumer.Source,
		consumer.Location.String(), consumer.Name, consumer.Text, consumer.Opaque)
	if c.seen[consumer.ID] {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[consumer.ID] = true
	c.Consumers = append(c.Consumers, consumer)
}

// problem adds an error about a file; it blocks.
func (c *collector) problem(file string, err error) {
	p := sentei.Problem{Where: file, Message: err.Error(), Blocking: true}
	if s, ok := errors.AsType[*tree.SyntaxError](err); ok {
		p.Message = s.Message
		if s.Line > 0 {
			p.Where = fmt.Sprintf("%s:%d", file, s.Line)
		}
		if s.Column > 0 {
			p.Where = fmt.Sprintf("%s:%d", p.Where, s.Column)
		}
	}
	c.Problems = append(c.Problems, c.env.Problem(p))
}

// issue adds a part of a file that was not understood.
func (c *collector) issue(file string, i tree.Issue) {
	c.Problems = append(c.Problems, c.env.Problem(sentei.Problem{
		Where:   sentei.Location{File: file, Line: i.Line}.String(),
		Message: i.Message, Hint: i.Hint, Blocking: i.Blocking,
	}))
}
