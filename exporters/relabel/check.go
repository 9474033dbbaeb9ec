package relabel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	// The decoder that Prometheus reads its configuration with.
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
)

// series is a known combination of metric name and stored job label.
type series struct{ metric, job string }

// decodeItems reads rules as Prometheus does.
func decodeItems(items string) ([]*relabel.Config, error) {
	var rules []*relabel.Config
	if err := yaml.UnmarshalStrict([]byte(items), &rules); err != nil {
		return nil, fmt.Errorf("read back the rules: %w", err)
	}
	return rules, validate(rules)
}

// validate checks the rules as Prometheus does when it loads them.
func validate(rules []*relabel.Config) error {
	for _, rule := range rules {
		if rule == nil {
			return errors.New("read back the rules: one is empty")
		}
		if err := rule.Validate(model.UTF8Validation); err != nil {
			return fmt.Errorf("read back the rules: %w", err)
		}
	}
	return nil
}

// drops executes the rules over a series.
func drops(rules []*relabel.Config, s series) bool {
	b := labels.NewBuilder(labels.FromStrings(model.MetricNameLabel, s.metric, model.JobLabel, s.job))
	return !relabel.ProcessBuilder(b, rules...)
}

// check executes the rules of one scrape job over every known series of the
// backend. They must drop all that was planned. Of the rest they must not drop
// what the scrape job may bring, nor what is not unused wherever it is from.
func (p *jobPlan) check(r *sentei.Report, rules []*relabel.Config) error {
	if len(rules) != len(p.rules) {
		return fmt.Errorf("check the rules of scrape job %q: %d were written, %d are read back", p.scrapeJob.Name, len(p.rules), len(rules))
	}
	planned := map[series]bool{} // to whether it is known
	for i := range p.rules {
		for _, proposal := range p.rules[i].proposals {
			planned[series{proposal.Action.Metric, proposal.Place.Job}] = false
		}
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend != p.backend.Name {
			continue
		}
		for k := range m.Jobs {
			s := series{m.Name, m.Jobs[k].Job}
			_, wanted := planned[s]
			unused := k < len(m.JobUsage) && m.JobUsage[k].Verdict == sentei.Unused
			brings := p.scrapeJob.HonorLabels || p.scrapeJob.OpenJobs || slices.Contains(p.scrapeJob.JobLabels, s.job)
			if !wanted && !brings && unused {
				continue
			}
			switch dropped := drops(rules, s); {
			case wanted && !dropped:
				return fmt.Errorf("check the rules of scrape job %q: metric %q of job %q is not dropped", p.scrapeJob.Name, s.metric, s.job)
			case !wanted && dropped:
				return fmt.Errorf("check the rules of scrape job %q: metric %q of job %q would be dropped too", p.scrapeJob.Name, s.metric, s.job)
			case wanted && !unused:
				return fmt.Errorf("check the rules of scrape job %q: metric %q of job %q is not unused", p.scrapeJob.Name, s.metric, s.job)
			}
			if wanted {
				planned[s] = true
			}
		}
	}
	for i := range p.rules {
		for _, proposal := range p.rules[i].proposals {
			if !planned[series{proposal.Action.Metric, proposal.Place.Job}] {
				return fmt.Errorf("check the rules of scrape job %q: proposal %s is about series that the report does not know", p.scrapeJob.Name, proposal.ID)
			}
		}
	}
	return nil
}
