// Package promconfig reads the parts of a Prometheus configuration file that
// matter for proposals. In go the bytes of a prometheus.yml and those of the
// files of its scrape_config_files; out come the scrape jobs and their metric
// relabel rules. Everything else, such as service
// discovery of any kind, may stand in the file and is not looked at.
package promconfig

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"

	// The decoder that Prometheus reads its configuration with.
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
)

// defaultInterval is the scrape interval of a file that gives none.
const defaultInterval = model.Duration(time.Minute)

type file struct {
	Global struct {
		ScrapeInterval model.Duration    `yaml:"scrape_interval"`
		ExternalLabels map[string]string `yaml:"external_labels"`
		// ConvertHistograms is what jobs do that do not say.
		ConvertHistograms bool `yaml:"convert_classic_histograms_to_nhcb"`
	} `yaml:"global"`
	RemoteWrite []struct {
		Name                string            `yaml:"name"`
		URL                 string            `yaml:"url"`
		WriteRelabelConfigs []*relabel.Config `yaml:"write_relabel_configs"`
	} `yaml:"remote_write"`
	ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
}

type scrapeConfig struct {
	JobName           string         `yaml:"job_name"`
	HonorLabels       bool           `yaml:"honor_labels"`
	ScrapeInterval    model.Duration `yaml:"scrape_interval"`
	ConvertHistograms *bool          `yaml:"convert_classic_histograms_to_nhcb"`
	StaticConfigs     []struct {
		Targets []string          `yaml:"targets"`
		Labels  map[string]string `yaml:"labels"`
	} `yaml:"static_configs"`
	RelabelConfigs       []*relabel.Config `yaml:"relabel_configs"`
	MetricRelabelConfigs []*relabel.Config `yaml:"metric_relabel_configs"`
	// Others holds the rest, the other service discoveries among it.
	Others map[string]any `yaml:",inline"`

	file  string // the path of the file of scrape_config_files that holds it, if one does
	index int    // in its file
}

func parse(text []byte, included []File) (*file, error) {
	var f file
	if err := yaml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("parse prometheus.yml (a template must be rendered first): %w", err)
	}
	for i := range f.RemoteWrite {
		if err := validate(f.RemoteWrite[i].WriteRelabelConfigs); err != nil {
			return nil, fmt.Errorf("parse prometheus.yml: remote_write[%d]: write_relabel_configs%w", i, err)
		}
	}
	first := map[string]string{} // the file of each job
	if err := checkJobs(f.ScrapeConfigs, "", first); err != nil {
		return nil, fmt.Errorf("parse prometheus.yml: %w", err)
	}
	for _, in := range included {
		jobs, err := jobsOf(in.Content)
		if err == nil {
			err = checkJobs(jobs, in.Path, first)
		}
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", in.Path, err)
		}
		f.ScrapeConfigs = append(f.ScrapeConfigs, jobs...)
	}
	return &f, nil
}

// checkJobs checks the scrape jobs of one file and fills in where they are.
// first has the files of the jobs so far.
func checkJobs(jobs []scrapeConfig, file string, first map[string]string) error {
	for i := range jobs {
		s := &jobs[i]
		s.file, s.index = file, i
		if s.JobName == "" {
			return fmt.Errorf("scrape_configs[%d] has no job_name", i)
		}
		if other, twice := first[s.JobName]; twice {
			return fmt.Errorf("the job_name %q is given twice, first in %s", s.JobName, cmp.Or(other, "prometheus.yml"))
		}
		first[s.JobName] = file
		if err := validate(s.RelabelConfigs); err != nil {
			return fmt.Errorf("job %q: relabel_configs%w", s.JobName, err)
		}
		if err := validate(s.MetricRelabelConfigs); err != nil {
			return fmt.Errorf("job %q: metric_relabel_configs%w", s.JobName, err)
		}
	}
	return nil
}

// validate checks rules as Prometheus does. The error starts with the index of
// the rule that is wrong.
func validate(rules []*relabel.Config) error {
	for n, rule := range rules {
		if rule == nil {
			return fmt.Errorf("[%d] is empty", n)
		}
		if err := rule.Validate(model.UTF8Validation); err != nil {
			return fmt.Errorf("[%d]: %w", n, err)
		}
	}
	return nil
}

// MetricRelabelConfigs returns the metric relabel rules of each scrape job.
func MetricRelabelConfigs(text []byte, included ...File) (map[string][]*relabel.Config, error) {
	f, err := parse(text, included)
	if err != nil {
		return nil, err
	}
	rules := make(map[string][]*relabel.Config, len(f.ScrapeConfigs))
	for i := range f.ScrapeConfigs {
		rules[f.ScrapeConfigs[i].JobName] = f.ScrapeConfigs[i].MetricRelabelConfigs
	}
	return rules, nil
}

// Config is what a configuration says that matters beside its relabel rules.
type Config struct {
	ScrapeJobs     []sentei.ScrapeJob // sorted by name
	ExternalLabels []string           // names of the external_labels, sorted
	// RemoteWrite are the receivers of remote_write in the order of the file:
	// the host of each URL, with its name if it has one. Paths and credentials
	// are left out.
	RemoteWrite []string
	// Targets are those of static_configs, in the order of the files.
	Targets []Target
	// Asked says for each scrape job how its targets are asked, see Target.
	Asked map[string]string
}

// Read reads a configuration file and the files of its scrape_config_files.
func Read(text []byte, included ...File) (Config, error) {
	f, err := parse(text, included)
	if err != nil {
		return Config{}, err
	}
	c := Config{
		ScrapeJobs:     f.scrapeJobs(),
		ExternalLabels: slices.Sorted(maps.Keys(f.Global.ExternalLabels)),
		RemoteWrite:    f.remoteWrite(),
		Asked:          map[string]string{},
	}
	for i := range f.ScrapeConfigs {
		s := &f.ScrapeConfigs[i]
		c.Asked[s.JobName] = s.asked()
		c.Targets = append(c.Targets, s.targets()...)
	}
	return c, nil
}

// scrapeJobs returns the scrape jobs of the file, sorted by name. Their job
// labels are those that the file itself shows: the job_name, unless static
// labels or relabel rules with a fixed replacement set another. Where the job
// label may also come from elsewhere (a service discovery, the exposition of a
// target, a relabel rule that computes it), OpenJobs is set, so that rules ask
// for the stored job label and reach nothing else.
func (f *file) scrapeJobs() []sentei.ScrapeJob {
	var jobs []sentei.ScrapeJob
	for i := range f.ScrapeConfigs {
		s := &f.ScrapeConfigs[i]
		job := sentei.ScrapeJob{Name: s.JobName, HonorLabels: s.HonorLabels}
		job.Interval = f.interval(s)
		labels, certain := s.jobLabels()
		job.JobLabels = labels
		job.OpenJobs = !certain
		jobs = append(jobs, job)
	}
	slices.SortFunc(jobs, func(a, b sentei.ScrapeJob) int { return strings.Compare(a.Name, b.Name) })
	return jobs
}

// interval returns how often the job is scraped.
func (f *file) interval(s *scrapeConfig) time.Duration {
	return time.Duration(cmp.Or(s.ScrapeInterval, f.Global.ScrapeInterval, defaultInterval))
}

// jobLabels returns the job labels that targets of the job may carry, as far
// as the file shows them, and whether these are all.
func (s *scrapeConfig) jobLabels() (values []string, certain bool) {
	certain = true
	for _, c := range s.StaticConfigs {
		if value := c.Labels[model.JobLabel]; value != "" {
			values = append(values, value)
		} else {
			values = append(values, s.JobName)
		}
	}
	for key := range s.Others {
		if !strings.HasSuffix(key, "_sd_configs") {
			continue
		}
		values = append(values, s.JobName)
		if key == "file_sd_configs" || key == "http_sd_configs" {
			certain = false // their targets may bring any label, all others bring __meta_ ones
		}
	}
	if len(values) == 0 {
		values = append(values, s.JobName)
	}
	for _, rule := range s.RelabelConfigs {
		effect, value := effectOnJob(rule)
		switch effect {
		case replaces:
			values = []string{value}
		case mayReplace:
			values = append(values, value)
		case mayChange:
			certain = false
		}
	}
	for _, rule := range s.MetricRelabelConfigs {
		if effect, _ := effectOnJob(rule); effect != none {
			certain = false
		}
	}
	slices.Sort(values)
	return slices.Compact(values), certain
}

// effect is what a relabel rule does to the job label.
type effect int

const (
	none       effect = iota
	replaces          // by a known value, always
	mayReplace        // by a known value, or not at all
	mayChange         // to an unknown value, or remove it
)

func effectOnJob(rule *relabel.Config) (effect, string) {
	matches := func(re relabel.Regexp) bool { return re.MatchString(model.JobLabel) }
	switch rule.Action {
	case relabel.Keep, relabel.Drop, relabel.KeepEqual, relabel.DropEqual:
		return none, ""
	case relabel.LabelDrop:
		if !matches(rule.Regex) {
			return none, ""
		}
		return mayChange, ""
	case relabel.LabelKeep:
		if matches(rule.Regex) {
			return none, ""
		}
		return mayChange, ""
	case relabel.LabelMap:
		if !mayBeJob(rule.Replacement) {
			return none, ""
		}
		return mayChange, ""
	}
	switch {
	case !mayBeJob(rule.TargetLabel):
		return none, ""
	case rule.TargetLabel != model.JobLabel:
		return mayChange, ""
	case rule.Action != relabel.Replace || rule.Replacement == "" || strings.Contains(rule.Replacement, "$"):
		return mayChange, ""
	case rule.Regex == relabel.DefaultRelabelConfig.Regex:
		return replaces, rule.Replacement
	}
	return mayReplace, rule.Replacement
}

// mayBeJob reports whether the label name, in which $ starts a variable, can
// come to be job.
func mayBeJob(name string) bool {
	prefix, _, computed := strings.Cut(name, "$")
	return computed && strings.HasPrefix(model.JobLabel, prefix) || name == model.JobLabel
}

func (f *file) remoteWrite() []string {
	var receivers []string
	for i, r := range f.RemoteWrite {
		receiver := fmt.Sprintf("remote_write[%d]", i)
		if u, err := url.Parse(r.URL); err == nil && u.Host != "" {
			receiver = u.Host
		}
		if r.Name != "" {
			receiver += " (" + r.Name + ")"
		}
		receivers = append(receivers, receiver)
	}
	return receivers
}
