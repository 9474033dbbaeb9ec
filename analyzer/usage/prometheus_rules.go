package usage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
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

Needed is read access to /api/v1/rules. The options of the connection are those of the inventory source prometheus.`,
	Example: `- prometheus_rules:
    url: http://127.0.0.1:9090   # with the path prefix, if there is one
    concurrency: 4               # requests at once
    timeout: 1m                  # for one request
    budget: 10m                  # for all of them
    # All options of the HTTP client of Prometheus, such as:
    authorization:
      credentials_file: token
    tls_config:
      ca_file: ca.pem
    http_headers:
      X-Scope-OrgID:
        values: [tenant]
`,
}, promapi.DefaultConfig(), newPrometheusRules)}

// rulesAPI asks one server.
type rulesAPI struct {
	env    source.Env
	client *promapi.Client
}

func newPrometheusRules(cfg promapi.Config, env source.Env) (Source, error) {
	client, err := promapi.New(cfg, env.Dir, env.Logger, env.Now)
	if err != nil {
		return nil, err
	}
	return &rulesAPI{env: env, client: client}, nil
}

// Consumers implements Source.
func (p *rulesAPI) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	defer p.client.Close()
	ctx, cancel := p.client.WithBudget(ctx)
	defer cancel()
	groups, warnings, err := p.client.Rules(ctx)
	if err != nil {
		return nil, err
	}
	data := &sentei.UsageData{}
	if len(warnings) > 0 {
		data.Problems = append(data.Problems, p.env.Problem(sentei.Problem{
			Where: p.client.URL(), Message: "the server warns that its list of rules may be incomplete",
			Hint: "it says: " + strings.Join(warnings, "; "), Blocking: true,
		}))
	}
	for _, g := range groups {
		for _, r := range g.Rules {
			consumer, err := p.consumer(g, r)
			if err != nil {
				data.Problems = append(data.Problems, p.env.Problem(sentei.Problem{
					Where: consumer.Location.String(), Message: err.Error(), Blocking: true,
					Hint: "this server's rules have a form that sentei does not know; please report it",
				}))
				continue
			}
			data.Consumers = append(data.Consumers, consumer)
		}
	}
	slices.SortStableFunc(data.Consumers, compareRules)
	return data, nil
}

// consumer turns a rule into a consumer.
func (p *rulesAPI) consumer(g promapi.RuleGroup, r promapi.Rule) (sentei.Consumer, error) {
	c := sentei.Consumer{
		Backend:    p.env.Backend,
		Source:     p.env.Name,
		Name:       r.Name,
		Location:   sentei.Location{File: g.File, Group: g.Name},
		Expression: sentei.Expression{Text: r.Query},
	}
	switch r.Type {
	case "alerting":
		c.Kind = sentei.AlertingRule
	case "recording":
		c.Kind, c.Records, c.RecordLabels = sentei.RecordingRule, r.Name, r.Labels
	default:
		return c, fmt.Errorf("rule %q has the type %q, which is neither alerting nor recording", r.Name, r.Type)
	}
	if r.Query == "" {
		return c, fmt.Errorf("rule %q has no query", r.Name)
	}
	c.ID = sentei.HashID("consumer", string(c.Kind), c.Backend, c.Source, g.File, g.Name, r.Name, r.Query)
	return c, nil
}

func compareRules(a, b sentei.Consumer) int {
	return strings.Compare(ruleKey(a), ruleKey(b))
}

func ruleKey(c sentei.Consumer) string {
	return strings.Join([]string{c.Location.File, c.Location.Group, string(c.Kind), c.Name, c.Text}, "\x00")
}
