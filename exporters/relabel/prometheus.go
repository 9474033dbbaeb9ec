package relabel

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v2"

	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
)

var prometheusDialect = Dialect{
	Name: "prometheus", Extension: "yml",
	Title: "metric_relabel_configs of each scrape job, to append to those in prometheus.yml",
	Write: writePrometheus,
}

// writePrometheus writes one YAML document for each backend with proposals.
func writePrometheus(w io.Writer, r *sentei.Report, _ Options) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Metric relabel rules for Prometheus, made by sentei from its report of %s.\n", r.At.UTC().Format(time.RFC3339))
	if len(r.Proposals) == 0 {
		fmt.Fprint(&out, "# Nothing is proposed.\n")
	} else {
		fmt.Fprint(&out, "# Append the rules of each job at the end of its metric_relabel_configs in your prometheus.yml:\n"+
			"# there they see the labels as they are stored. Then reload Prometheus.\n")
	}
	if err := checkProposals(r); err != nil {
		return err
	}
	for i := range r.Backends {
		b := &r.Backends[i]
		plans, err := plan(r, b)
		if err != nil {
			return err
		}
		if len(plans) > 0 {
			text, err := document(r, b, plans)
			if err != nil {
				return err
			}
			out.WriteString(text)
		}
		out.WriteString(deletions(r, b, nil))
	}
	_, err := out.WriteTo(w)
	return err
}

// document returns the rules of a backend, read back and checked.
func document(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "---\n# Backend %s: %s.\nscrape_configs:\n", printable(b.Name), saving(r, all(plans)))
	for i := range plans {
		p := &plans[i]
		fmt.Fprintf(&out, "  - job_name: %s\n    metric_relabel_configs:\n", quote(p.scrapeJob.Name))
		out.WriteString(indent(p.items(r), "      "))
	}
	var back struct {
		ScrapeConfigs []struct {
			JobName              string            `yaml:"job_name"`
			MetricRelabelConfigs []*relabel.Config `yaml:"metric_relabel_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.UnmarshalStrict(out.Bytes(), &back); err != nil {
		return "", fmt.Errorf("read back the rules: %w", err)
	}
	if len(back.ScrapeConfigs) != len(plans) {
		return "", fmt.Errorf("read back the rules: %d scrape jobs were written, %d are read", len(plans), len(back.ScrapeConfigs))
	}
	for i := range plans {
		job := &back.ScrapeConfigs[i]
		if job.JobName != plans[i].scrapeJob.Name {
			return "", fmt.Errorf("read back the rules: scrape job %q is read as %q", plans[i].scrapeJob.Name, job.JobName)
		}
		if err := validate(job.MetricRelabelConfigs); err != nil {
			return "", err
		}
		if err := plans[i].check(r, job.MetricRelabelConfigs); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

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
