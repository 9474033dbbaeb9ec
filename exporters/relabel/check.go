package relabel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	// The decoder that Prometheus reads its configuration with.
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
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
		if rule.Regex.Regexp == nil {
			return errors.New("read back the rules: one has no expression")
		}
		if err := rule.Validate(model.UTF8Validation); err != nil {
			return fmt.Errorf("read back the rules: %w", err)
		}
	}
	return nil
}

// readJob is a scrape job as it is read back, with rules of type R.
type readJob[R any] struct {
	JobName string `yaml:"job_name"`
	Rules   []R    `yaml:"metric_relabel_configs"`
}

// checkJobs checks the rules that were read back for each plan. execution makes
// them executable, or says why they are not valid.
func checkJobs[R any](plans []jobPlan, jobs []readJob[R], execution func([]R) (*execution, error)) error {
	if len(jobs) != len(plans) {
		return fmt.Errorf("read back the rules: %d scrape jobs were written, %d are read", len(plans), len(jobs))
	}
	for i := range plans {
		if jobs[i].JobName != plans[i].scrapeJob.Name {
			return fmt.Errorf("read back the rules: scrape job %q is read as %q", plans[i].scrapeJob.Name, jobs[i].JobName)
		}
		run, err := execution(jobs[i].Rules)
		if err != nil {
			return err
		}
		if err := plans[i].check(len(jobs[i].Rules), run); err != nil {
			return err
		}
	}
	return nil
}

// promExecution lets Prometheus's own code carry the rules out, if they are
// valid.
func promExecution(rules []*relabel.Config) (*execution, error) {
	if err := validate(rules); err != nil {
		return nil, err
	}
	return byPrometheus(rules), nil
}

// labels returns the series, with one label more if it has a name.
func (s series) labels(name, value string) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels()).Set(model.MetricNameLabel, s.metric).Set(model.JobLabel, s.job)
	if name != "" {
		b.Set(name, value)
	}
	return b.Labels()
}

func process(rules []*relabel.Config, l labels.Labels) (labels.Labels, bool) {
	b := labels.NewBuilder(l)
	kept := relabel.ProcessBuilder(b, rules...)
	return b.Labels(), kept
}

// check executes the n rules of one scrape job that were read back over the
// known series of the backend. They must do all that was planned. The rest they
// must leave alone that the scrape job may bring, or that is not unused
// wherever it is from.
func (p *jobPlan) check(n int, rules *execution) error {
	if n != len(p.rules) {
		return fmt.Errorf("check the rules of scrape job %q: %d were written, %d are read back", p.scrapeJob.Name, len(p.rules), n)
	}
	about := map[string][]*sentei.Proposal{} // by metric
	found := map[string]bool{}               // identifiers of the proposals whose series are known
	for _, proposal := range p.proposals() {
		about[proposal.Action.Metric] = append(about[proposal.Action.Metric], proposal)
	}
	for _, m := range p.affected(rules, about) {
		for k := range m.Jobs {
			if err := p.checkJob(rules, m, k, slices.Concat(about[m.Name], about[""]), found); err != nil {
				return fmt.Errorf("check the rules of scrape job %q: %w", p.scrapeJob.Name, err)
			}
		}
	}
	for _, proposal := range p.proposals() {
		if !found[proposal.ID] {
			return fmt.Errorf("check the rules of scrape job %q: proposal %s is about series that the report does not know", p.scrapeJob.Name, proposal.ID)
		}
	}
	return nil
}

// affected returns the metrics that a proposal is about or that the rules can
// do anything to, sorted by name. All others stay as they are.
func (p *jobPlan) affected(rules *execution, about map[string][]*sentei.Proposal) []*sentei.MetricReport {
	if len(rules.any) > 0 || len(about[""]) > 0 {
		return p.metrics.all
	}
	out := slices.Clone(p.metrics.odd)
	for _, names := range [][]string{slices.Collect(maps.Keys(about)), slices.Collect(maps.Keys(rules.byName))} {
		for _, name := range names {
			out = append(out, p.metrics.byName[name]...)
		}
	}
	slices.SortFunc(out, func(a, b *sentei.MetricReport) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(out)
}

// metricIndex are the metrics of a backend.
type metricIndex struct {
	all    []*sentei.MetricReport
	byName map[string][]*sentei.MetricReport
	odd    []*sentei.MetricReport // those without a legacy name
}

func indexOf(r *sentei.Report, backend string) *metricIndex {
	index := &metricIndex{byName: map[string][]*sentei.MetricReport{}}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend != backend {
			continue
		}
		index.all = append(index.all, m)
		index.byName[m.Name] = append(index.byName[m.Name], m)
		if !legacyName(m.Name) {
			index.odd = append(index.odd, m)
		}
	}
	return index
}

// checkJob checks what the rules do to the metric in its k-th job. about are the
// proposals for the metric in any job.
func (p *jobPlan) checkJob(rules *execution, m *sentei.MetricReport, k int, about []*sentei.Proposal, found map[string]bool) error {
	s := series{m.Name, m.Jobs[k].Job}
	about = slices.DeleteFunc(about, func(proposal *sentei.Proposal) bool { return proposal.Place.Job != s.job })
	for _, proposal := range about {
		found[proposal.ID] = true
		if !unused(m, k, proposal) {
			return fmt.Errorf("metric %q of job %q is not unused, and proposal %s takes of it", s.metric, s.job, proposal.ID)
		}
	}
	unread := k < len(m.JobUsage) && m.JobUsage[k].Verdict == sentei.Unused
	brings := p.scrapeJob.HonorLabels || p.scrapeJob.OpenJobs || slices.Contains(p.scrapeJob.JobLabels, s.job)
	if len(about) == 0 && !brings && unread {
		return nil
	}
	for _, l := range probes(s, &m.Jobs[k], about) {
		want, keep := l, true
		for _, proposal := range about {
			if keep {
				want, keep = relabeling.Planned(proposal, want)
			}
		}
		got, kept := rules.run(l)
		switch {
		case kept && !keep:
			return fmt.Errorf("metric %q of job %q is not dropped: %s", s.metric, s.job, l)
		case !kept && keep:
			return fmt.Errorf("metric %q of job %q would be dropped too: %s", s.metric, s.job, l)
		case kept && !labels.Equal(got, want):
			return fmt.Errorf("metric %q of job %q: %s becomes %s, not %s", s.metric, s.job, l, got, want)
		}
	}
	return nil
}

// probes returns series of the metric and job: without further labels, and with
// each known value of each label that a proposal is about.
func probes(s series, job *sentei.JobMetric, about []*sentei.Proposal) []labels.Labels {
	out := []labels.Labels{s.labels("", "")}
	for _, proposal := range about {
		name := proposal.Action.Label
		if name == "" {
			continue
		}
		out = append(out, s.labels(name, "x"))
		for _, v := range proposal.Action.Values {
			out = append(out, s.labels(name, v))
		}
		if l := job.Label(name); l != nil {
			for _, v := range l.Values {
				out = append(out, s.labels(name, v.Value))
			}
		}
	}
	return out
}

// unused reports whether the report says that nobody reads what the proposal
// takes away from the metric in its k-th job.
func unused(m *sentei.MetricReport, k int, p *sentei.Proposal) bool {
	if k >= len(m.JobUsage) {
		return false
	}
	u := &m.JobUsage[k]
	if u.Verdict == sentei.Unused {
		return true
	}
	i := slices.IndexFunc(u.Labels, func(l sentei.LabelUsage) bool { return l.Name == p.Action.Label })
	switch {
	case p.Action.Kind == sentei.StripLabel:
		return i < 0 && m.Jobs[k].Label(p.Action.Label) == nil || i >= 0 && u.Labels[i].Verdict == sentei.Unused
	case p.Action.Kind != sentei.DropValues || i < 0:
		return false
	}
	return !slices.ContainsFunc(p.Action.Values, func(v string) bool { return !slices.Contains(u.Labels[i].UnusedValues, v) })
}

// proposals returns all proposals of the plan.
func (p *jobPlan) proposals() []*sentei.Proposal {
	var out []*sentei.Proposal
	for i := range p.rules {
		for k := range p.rules[i].proposals {
			out = append(out, &p.rules[i].proposals[k])
		}
	}
	return out
}
