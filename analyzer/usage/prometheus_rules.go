package usage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/rulesyaml"
	"github.com/sentei/sentei/internal/source"
)

// prometheusRules asks a running server for its rules.
var prometheusRules = Info{Class: sentei.ClassRules, Info: source.New("prometheus_rules", sentei.Doc{
	Title: "Asks a running Prometheus for its alerting and recording rules.",
	Text: `Reads all alerting and recording rules that the server has loaded: by pages where the server has them, so
that tens of thousands of rules are no burden. Rules whose evaluation fails count like all others. Queries inside the
templates of labels and annotations ({{ query "…" }}) count as well.

It sees what the server runs, wherever the files lie. It does not see rules that were never loaded, and it cannot tell
lines of files: for these add the source rule_files.

When the server scrapes itself, its own metrics also tell whether somebody reads it in ways that no query log shows:
/federate and remote read. Such readers may read anything, so a problem blocks verdicts until they are declared.

Needed is read access to /api/v1/rules and /api/v1/query. vmalert answers as well (` + "`lang: metricsql`" + `).`,
	Example: `- prometheus_rules:
    url: http://127.0.0.1:9090   # with the path prefix, if there is one
    lang: promql                 # language of the rules: promql, or metricsql for vmalert
    concurrency: 4               # requests at once
    timeout: 1m                  # for one request
    budget: 10m                  # for all of them
    # All options of the HTTP client of Prometheus, such as:
    authorization:
      credentials_file: token
    tls_config:
      min_version: TLS12
    http_headers:
      X-Scope-OrgID:
        values: [tenant]
`,
}, prometheusRulesOptions{Config: promapi.DefaultConfig(), Lang: sentei.PromQL}, newPrometheusRules)}

type prometheusRulesOptions struct {
	promapi.Config `yaml:",inline"`
	Lang           sentei.Lang `yaml:"lang"`
}

// rulesAPI asks one server.
type rulesAPI struct {
	env    source.Env
	lang   sentei.Lang
	client *promapi.Client
}

func newPrometheusRules(o prometheusRulesOptions, env source.Env) (Source, error) {
	o.Answered = func() { env.Meter.Add(1, "requests") }
	client, err := promapi.New(o.Config, env.Dir, env.Logger, env.Now)
	if err := errors.Join(err, checkLang(o.Lang)); err != nil {
		return nil, err
	}
	return &rulesAPI{env: env, lang: o.Lang, client: client}, nil
}

// Consumers implements Source.
func (s *rulesAPI) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	defer s.client.Close()
	ctx, cancel := s.client.WithBudget(ctx)
	defer cancel()
	groups, warnings, err := s.client.Rules(ctx)
	if err != nil {
		return nil, err
	}
	c := collector{env: s.env}
	if len(warnings) > 0 {
		c.Problems = append(c.Problems, s.env.Problem(sentei.Problem{
			Where: s.client.URL(), Message: "the server warns that its list of rules may be incomplete",
			Hint: "it says: " + strings.Join(warnings, "; "), Blocking: true,
		}))
	}
	for _, g := range groups {
		for _, r := range g.Rules {
			s.rule(&c, g, r)
		}
	}
	c.Problems = append(c.Problems, s.unlogged(ctx)...)
	slices.SortStableFunc(c.Consumers, compareRules)
	return &c.UsageData, nil
}

// rule adds a rule and the queries in its templates.
func (s *rulesAPI) rule(c *collector, g promapi.RuleGroup, r promapi.Rule) {
	rule := sentei.Consumer{
		Kind: sentei.AlertingRule, Name: r.Name,
		Location:   sentei.Location{File: g.File, Group: g.Name},
		Expression: sentei.Expression{Text: r.Query, Lang: s.lang},
	}
	switch r.Type {
	case "alerting":
	case "recording":
		rule.Kind, rule.Records, rule.RecordLabels = sentei.RecordingRule, r.Name, r.Labels
	default:
		rule.Opaque = fmt.Sprintf("the rule has the type %q, which is neither alerting nor recording", r.Type)
	}
	if r.Query == "" {
		rule.Opaque = "the server does not tell the query of the rule"
	}
	c.add(rule)
	if rule.Kind != sentei.AlertingRule {
		return
	}
	for _, text := range slices.Concat(templates("label", r.Labels), templates("annotation", r.Annotations)) {
		for _, q := range rulesyaml.TemplateQueries(text.text) {
			c.add(sentei.Consumer{
				Kind: sentei.AlertingRule, Name: r.Name + ", " + text.where,
				Location:   rule.Location,
				Expression: sentei.Expression{Text: q.Expr, Lang: s.lang, Template: q.Template},
				Opaque:     q.Opaque,
			})
		}
	}
}

// template is the text of a label or an annotation of an alert.
type template struct{ where, text string }

func templates(kind string, texts map[string]string) []template {
	var sorted []template
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		sorted = append(sorted, template{where: kind + " " + name, text: texts[name]})
	}
	return sorted
}

func compareRules(a, b sentei.Consumer) int {
	return cmp.Or(
		cmp.Compare(a.Location.File, b.Location.File),
		cmp.Compare(a.Location.Group, b.Location.Group),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Text, b.Text),
	)
}
