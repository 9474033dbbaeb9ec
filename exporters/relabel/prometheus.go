package relabel

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v2"

	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
)

var prometheusDialect = Dialect{
	Name: "prometheus", Extension: "yml",
	Doc: sentei.Doc{
		Title: "metric_relabel_configs of each scrape job, to append to those in prometheus.yml",
		Text: `One YAML document for each backend, with the rules of each scrape job under its name: append them at the end of the
metric_relabel_configs of the job in your ` + "`prometheus.yml`" + `. There they see the labels as they are stored. A rule holds no more
than 60 metrics, one on a line, so that you can take one out. What is to be cut at remote write stands in a document of its own, with
the write_relabel_configs of each entry under its name or URL. Longer scrape intervals, and recording rules to delete, are named in comments.

Rules drop or take off what they name and nothing else: names and values are quoted, expressions are anchored, and where
several labels are joined the separator is one that stands in none of them. Buckets and quantiles are named in both forms,
1 and 1.0. Before they are written, all rules are executed by Prometheus's own code over all known series.`,
		Example: `- source_labels: [__name__]
  regex: 'node_arp_entries'
  action: drop`,
	},
	Write: writePrometheus,
}

// writePrometheus writes one YAML document for each backend with proposals.
func writePrometheus(w io.Writer, r *sentei.Report, o Options) error {
	p := page{
		title: "Metric relabel rules for Prometheus",
		how: []string{
			"Append the rules of each job at the end of its metric_relabel_configs in your prometheus.yml:",
			"there they see the labels as they are stored. Then reload Prometheus.",
		},
		deletions: true,
		intervals: true,
		remote:    true,
		render:    document,
	}
	return p.write(w, r, o)
}

// document returns the rules of a backend, read back and checked.
func document(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error) {
	var out bytes.Buffer
	out.WriteString(heading(r, b, plans))
	out.WriteString(scrapeConfigs(r, plans, promItem))
	var back struct {
		ScrapeConfigs []readJob[*relabel.Config] `yaml:"scrape_configs"`
	}
	if err := yaml.UnmarshalStrict(out.Bytes(), &back); err != nil {
		return "", fmt.Errorf("read back the rules: %w", err)
	}
	return out.String(), checkJobs(plans, back.ScrapeConfigs, promExecution)
}

// heading begins the YAML document of a backend.
func heading(r *sentei.Report, b *sentei.Backend, plans []jobPlan) string {
	return fmt.Sprintf("---\n# Backend %s: %s.\n", printable(b.Name), saving(r, all(plans)))
}

// scrapeConfigs returns the scrape_configs of a prometheus.yml with nothing
// but the rules.
func scrapeConfigs(r *sentei.Report, plans []jobPlan, item func(*rule) string) string {
	var out strings.Builder
	out.WriteString("scrape_configs:\n")
	for i := range plans {
		p := &plans[i]
		fmt.Fprintf(&out, "  - job_name: %s\n    metric_relabel_configs:\n", quote(p.scrapeJob.Name))
		out.WriteString(indent(p.items(r, item), "      "))
	}
	return out.String()
}

// all returns the proposals of the plans.
func all(plans []jobPlan) []sentei.Proposal {
	var out []sentei.Proposal
	for i := range plans {
		for k := range plans[i].rules {
			out = append(out, plans[i].rules[k].proposals...)
		}
	}
	return out
}

func indent(text, prefix string) string {
	var b bytes.Buffer
	for line := range bytes.Lines([]byte(text)) {
		b.WriteString(prefix)
		b.Write(line)
	}
	return b.String()
}
