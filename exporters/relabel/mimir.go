package relabel

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
)

var mimirDialect = Dialect{
	Name: "mimir", Extension: "yml",
	Doc: sentei.Doc{
		Title: "metric_relabel_configs of each tenant, in the runtime overrides of Grafana Mimir or Cortex",
		Text: `Limits of Mimir refuse what is too much; they cannot choose series. What can is metric_relabel_configs, an
experimental limit of the distributor that a tenant's overrides may set (Cortex has it, too). Mimir itself says that it is
better to drop in Prometheus: what is dropped here has been scraped, sent and taken in first. Use it where you run Mimir and
not what writes to it.

A backend is written as one tenant under the backend's name: put the tenant's ID in its place if that is another. A list
here replaces the one in the tenant's overrides, and the one in limits: append to what is there.

Everything that is written for a tenant passes these rules, whichever scrape job it comes from, and what no scrape job
brings as well: up, scrape_*, recorded series. So every rule asks for the stored job label.

Not here: a label that all metrics of a job lose, because here up and recorded series would lose it as well; and a label
of a metric whose job several scrape jobs may bring: each was looked at alone, and here they come together.`,
		Example: `overrides:
  'edge':
    metric_relabel_configs:`,
	},
	Write: writeMimir,
}

func writeMimir(w io.Writer, r *sentei.Report, o Options) error {
	p := page{
		title: "Overrides of Grafana Mimir for each tenant",
		how: []string{
			"Append the rules to the metric_relabel_configs of the tenant in your runtime configuration: a list there",
			"replaces that of the limits. The name of the backend stands for the tenant's ID.",
		},
		place: func(b *sentei.Backend, p sentei.Proposal) (sentei.Proposal, string) {
			if p.Action.Metric == "" {
				return p, "up and recorded series pass the rules of a tenant and would lose the label as well"
			}
			if p.Action.Kind == sentei.StripLabel && len(bringers(b, p.Place.Job)) != 1 {
				return p, "several scrape jobs may bring series of job " + p.Place.Job + ", which could become equal without the label"
			}
			// All jobs pass the same rules.
			p.Place.Shared = true
			p.Place.ScrapeJob = tenantJob
			return p, ""
		},
		render: mimirOverrides,
	}
	return p.write(w, r, o)
}

// tenantJob stands for all scrape jobs that pass the same rules: those of a
// tenant, or of a scrape class.
const tenantJob = "(tenant)"

// bringers returns the scrape jobs that may bring series with the job label.
func bringers(b *sentei.Backend, job string) []string {
	var names []string
	for i := range b.ScrapeJobs {
		if s := &b.ScrapeJobs[i]; s.HonorLabels || s.OpenJobs || slices.Contains(s.JobLabels, job) {
			names = append(names, s.Name)
		}
	}
	return names
}

func mimirOverrides(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error) {
	var out bytes.Buffer
	out.WriteString(heading(r, b, plans))
	fmt.Fprintf(&out, "overrides:\n  %s:\n    metric_relabel_configs:\n", quote(b.Name))
	out.WriteString(indent(plans[0].items(r, promItem), "      "))
	var back struct {
		Overrides map[string]struct {
			Rules []*relabel.Config `yaml:"metric_relabel_configs"`
		} `yaml:"overrides"`
	}
	if err := yaml.UnmarshalStrict(out.Bytes(), &back); err != nil {
		return "", fmt.Errorf("read back the rules: %w", err)
	}
	rules := back.Overrides[b.Name].Rules
	run, err := promExecution(rules)
	if err != nil {
		return "", err
	}
	return out.String(), plans[0].check(len(rules), run)
}
