package relabel

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
)

var scrapeClassDialect = Dialect{
	Name: "scrape_class", Extension: "yml",
	Doc: sentei.Doc{
		Title: "a ScrapeClass of the prometheus-operator with the rules of all jobs, as a kustomize patch of the Prometheus object",
		Text: `For a cluster whose ServiceMonitors come from charts that you would rather not patch: one class in the Prometheus object holds
the rules of all jobs. It does nothing until objects use it: name it in their scrapeClass (` + "`scrapeClass: sentei`" + `), or add
` + "`default: true`" + ` to it if the Prometheus object has no default class yet. The patch appends; without scrapeClasses the list must
be made first, by the line in the comment.

As many jobs pass the rules, every rule asks for the stored job label.

The operator puts the rules of a class before those of the objects. They are right there only if nothing behind them changes
what they ask for. So ` + "`prometheus_config`" + ` must be set to the configuration that the operator generates, and a proposal is written
only when the rules of all jobs that may bring its series leave the metric's name, its job and the label alone, and none looks at
a label that is to be taken off.

Not here: jobs that the operator does not make; a label whose job several scrape jobs may bring: each was looked at alone,
and here all of them lose it.`,
		Example: `# - {op: add, path: /spec/scrapeClasses, value: []}
- op: add
  path: /spec/scrapeClasses/-
  value:
    name: sentei
    metricRelabelings:`,
	},
	Write: writeScrapeClass,
}

func writeScrapeClass(w io.Writer, r *sentei.Report, o Options) error {
	existing := map[string]map[string][]*relabel.Config{} // by backend and scrape job
	for name, file := range o.Files {
		rules, err := promconfig.MetricRelabelConfigs(file.Content, o.Included[name]...)
		if err != nil {
			return fmt.Errorf("read %s: %w", file.Path, err)
		}
		existing[name] = rules
	}
	p := page{
		title: "A ScrapeClass of the prometheus-operator",
		how: []string{
			"Add the patch to your kustomization.yaml, and name the class in the scrapeClass of your objects,",
			"or make it the default class if there is none.",
		},
		place: func(b *sentei.Backend, p sentei.Proposal) (sentei.Proposal, string) {
			if _, ok := monitorOf(p.Place.ScrapeJob); !ok {
				return p, "the prometheus-operator does not make this scrape job: " + p.Place.ScrapeJob
			}
			from := bringers(b, p.Place.Job)
			if p.Action.Kind == sentei.StripLabel && len(from) != 1 {
				return p, "several scrape jobs may bring series of job " + p.Place.Job + ", and all would lose the label"
			}
			rules, known := existing[b.Name]
			if !known {
				return p, "what the objects' own rules do behind those of a class is not known: set prometheus_config"
			}
			for _, name := range from {
				if _, known := rules[name]; !known {
					return p, "prometheus_config does not have scrape job " + name
				}
				if slices.ContainsFunc(rules[name], func(rule *relabel.Config) bool { return mayChange(rule, &p) }) {
					return p, "rules behind those of a class may change what is asked for, at scrape job " + name
				}
			}
			p.Place.Shared = true
			p.Place.ScrapeJob = tenantJob
			return p, ""
		},
		render: scrapeClass,
	}
	return p.write(w, r, o)
}

// mayChange reports whether the rule may change the name, the job or the label
// that the proposal is about, or looks at a label that it would find taken off.
// What it drops does not matter.
func mayChange(rule *relabel.Config, p *sentei.Proposal) bool {
	if p.Action.Kind == sentei.StripLabel && slices.Contains(rule.SourceLabels, model.LabelName(p.Action.Label)) {
		return true
	}
	asked := []string{model.MetricNameLabel, model.JobLabel}
	if p.Action.Label != "" {
		asked = append(asked, p.Action.Label)
	}
	switch rule.Action {
	case relabel.Drop, relabel.Keep, relabel.DropEqual, relabel.KeepEqual:
		return false
	case relabel.LabelDrop:
		return slices.ContainsFunc(asked, rule.Regex.MatchString)
	case relabel.Replace:
		return strings.Contains(rule.TargetLabel, "$") || slices.Contains(asked, rule.TargetLabel)
	}
	return true
}

func scrapeClass(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error) {
	var out bytes.Buffer
	out.WriteString(heading(r, b, plans))
	out.WriteString(`patches:
  - target: {group: monitoring.coreos.com, version: v1, kind: Prometheus}
    patch: |-
      # If there are no scrapeClasses yet, this line is needed first; it would delete any that are there:
      # - {op: add, path: /spec/scrapeClasses, value: []}
      - op: add
        path: /spec/scrapeClasses/-
        value:
          name: sentei
          metricRelabelings:
`)
	item := func(r *rule) string { return "- " + strings.Join(r.fields(true), "\n  ") + "\n" }
	out.WriteString(indent(plans[0].items(r, item), "            "))
	rules, err := decodeScrapeClass(out.Bytes())
	if err != nil {
		return "", err
	}
	return out.String(), plans[0].check(len(rules), byPrometheus(rules))
}

// decodeScrapeClass reads the patch back.
func decodeScrapeClass(text []byte) ([]*relabel.Config, error) {
	var ops []struct {
		Op    string `yaml:"op"`
		Path  string `yaml:"path"`
		Value struct {
			Name              string         `yaml:"name"`
			MetricRelabelings []operatorRule `yaml:"metricRelabelings"`
		} `yaml:"value"`
	}
	var file struct {
		Patches []struct {
			Target map[string]string `yaml:"target"`
			Patch  string            `yaml:"patch"`
		} `yaml:"patches"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, fmt.Errorf("read back the patch: %w", err)
	}
	if err := yaml.UnmarshalStrict([]byte(file.Patches[0].Patch), &ops); err != nil {
		return nil, fmt.Errorf("read back the patch: %w", err)
	}
	if len(ops) != 1 {
		return nil, fmt.Errorf("read back the patch: %d operations", len(ops))
	}
	var rules []*relabel.Config
	for i := range ops[0].Value.MetricRelabelings {
		rule, err := ops[0].Value.MetricRelabelings[i].config()
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, validate(rules)
}
