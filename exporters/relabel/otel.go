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
)

var otelDialect = Dialect{
	Name: "otel", Extension: "yml",
	Doc: sentei.Doc{
		Title: "metric_relabel_configs inside the prometheus receiver of the OpenTelemetry Collector",
		Text: `The prometheus receiver holds a Prometheus configuration, so the rules are those of Prometheus and as exact, for the jobs
that the Collector scrapes. A dollar sign is written twice: the Collector takes a single one for a variable. If your receiver
has another name (` + "`prometheus/shop`" + `), put that in.

There is no filter processor here. It sees names and attributes before they are translated for Prometheus:
` + "`http.server.duration`" + ` in ms, not ` + "`http_server_duration_milliseconds_bucket`" + `, with job and instance as resource attributes. Which of
the two belong together depends on settings of the exporter that sentei does not see, and a condition on the wrong one drops
nothing, or too much. Nor does it see the parts of a histogram apart. What reaches the Collector by OTLP has no scrape job, and
nothing is proposed for it.

The receiver puts the parts of a histogram or summary together before it passes them on: without _count it drops the whole,
and without _bucket it makes an +Inf bucket of its own. So a proposal for a part is written only when the other parts that
are stored get the same; buckets by le are.`,
		Example: `receivers:
  prometheus:
    config:
      scrape_configs:
        - job_name: 'node'
          metric_relabel_configs:`,
	},
	Write: writeOtel,
}

func writeOtel(w io.Writer, r *sentei.Report, o Options) error {
	families := familiesOf(r)
	p := page{
		title: "Metric relabel rules for the prometheus receiver of the OpenTelemetry Collector",
		how: []string{
			"Append the rules of each job at the end of its metric_relabel_configs in the configuration of the Collector,",
			"below receivers.prometheus.config. $$ stands for a dollar sign there.",
		},
		place: func(_ *sentei.Backend, p sentei.Proposal) (sentei.Proposal, string) {
			if p.Action.Kind == sentei.StripLabel && (p.Action.Label == model.JobLabel || p.Action.Label == model.InstanceLabel) {
				return p, "the receiver makes the resource of job and instance, and needs both"
			}
			if !families.whole(&p) {
				return p, "the receiver puts a histogram or summary together, and other parts of this one stay as they are"
			}
			return p, ""
		},
		render: otelReceiver,
	}
	return p.write(w, r, o)
}

func otelReceiver(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error) {
	text := scrapeConfigs(r, plans, promItem)
	var out bytes.Buffer
	out.WriteString(heading(r, b, plans))
	out.WriteString("receivers:\n  prometheus:\n    config:\n")
	out.WriteString(indent(strings.ReplaceAll(text, "$", "$$"), "      "))
	var back struct {
		Receivers struct {
			Prometheus struct {
				Config struct {
					ScrapeConfigs []readJob[*relabel.Config] `yaml:"scrape_configs"`
				} `yaml:"config"`
			} `yaml:"prometheus"`
		} `yaml:"receivers"`
	}
	if err := yaml.UnmarshalStrict(bytes.ReplaceAll(out.Bytes(), []byte("$$"), []byte("$")), &back); err != nil {
		return "", fmt.Errorf("read back the rules: %w", err)
	}
	return out.String(), checkJobs(plans, back.Receivers.Prometheus.Config.ScrapeConfigs, promExecution)
}

// families knows which parts of histograms and summaries are stored, and what
// is proposed for each.
type families struct {
	stored   map[part]bool
	proposed map[change]bool
}

// part is a metric in a job of a backend.
type part struct{ backend, job, metric string }

// change is what is proposed for a part at a scrape job.
type change struct {
	part
	scrapeJob string
	what
}

func familiesOf(r *sentei.Report) *families {
	f := &families{stored: map[part]bool{}, proposed: map[change]bool{}}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		for k := range m.Jobs {
			f.stored[part{m.Backend, m.Jobs[k].Job, m.Name}] = true
		}
	}
	for i := range r.Proposals {
		f.proposed[changeOf(&r.Proposals[i])] = true
	}
	return f
}

func changeOf(p *sentei.Proposal) change {
	w := whatOf(p)
	w.grade, w.job = "", ""
	return change{part{p.Place.Backend, p.Place.Job, p.Action.Metric}, p.Place.ScrapeJob, w}
}

// whole reports whether the parts that belong to the proposal's metric get the
// same, so that nothing is left in halves.
func (f *families) whole(p *sentei.Proposal) bool {
	byBound := p.Action.Label == model.BucketLabel || p.Action.Label == model.QuantileLabel
	if p.Action.Kind == sentei.DropValues && byBound {
		return true // the others have no such label
	}
	base := p.Action.Metric
	for _, suffix := range suffixes {
		if b, ok := strings.CutSuffix(p.Action.Metric, suffix); ok {
			base = b
			break
		}
	}
	c := changeOf(p)
	for _, suffix := range slices.Concat(suffixes, []string{""}) {
		c.metric = base + suffix
		if f.stored[c.part] && !f.proposed[c] {
			return false
		}
	}
	return true
}

// suffixes of the parts of classic histograms and summaries. A summary's
// quantiles have none.
var suffixes = []string{"_bucket", "_count", "_sum"}
