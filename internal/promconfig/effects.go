package promconfig

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"
)

// Effects is what a configuration does of what proposals ask for.
type Effects struct {
	// Jobs are the scrape jobs, by job_name.
	Jobs map[string]JobEffects
	// RemoteWrites are the entries of remote_write, in the order of the file.
	RemoteWrites []WriteEffects
	// Loaded says that a server has the configuration loaded; a file may not be.
	Loaded bool
}

// JobEffects is what a scrape job does.
type JobEffects struct {
	Rules    []*relabel.Config // metric_relabel_configs
	Interval time.Duration
	// Converts says that classic histograms become native ones.
	Converts bool
}

// WriteEffects is what an entry of remote_write does.
type WriteEffects struct {
	Name, URL string
	Rules     []*relabel.Config // write_relabel_configs
}

// ReadEffects reads what a configuration and the files of its
// scrape_config_files do.
func ReadEffects(text []byte, included ...File) (*Effects, error) {
	f, err := parse(text, included)
	if err != nil {
		return nil, err
	}
	e := &Effects{Jobs: make(map[string]JobEffects, len(f.ScrapeConfigs))}
	for i := range f.ScrapeConfigs {
		s := &f.ScrapeConfigs[i]
		job := JobEffects{Rules: s.MetricRelabelConfigs, Interval: f.interval(s), Converts: f.Global.ConvertHistograms}
		if s.ConvertHistograms != nil {
			job.Converts = *s.ConvertHistograms
		}
		e.Jobs[s.JobName] = job
	}
	for i := range f.RemoteWrite {
		w := &f.RemoteWrite[i]
		e.RemoteWrites = append(e.RemoteWrites, WriteEffects{Name: w.Name, URL: w.URL, Rules: w.WriteRelabelConfigs})
	}
	return e, nil
}

// ReadLoaded reads what the configuration does that a server shows as loaded.
// There a rule without a replacement has an empty one: Prometheus 2 leaves that
// out, and shows the default as $1.
func ReadLoaded(text []byte, included ...File) (*Effects, error) {
	e, err := ReadEffects(text, included...)
	if err != nil {
		return nil, err
	}
	type rules []struct{ Replacement *string }
	var shown struct {
		ScrapeConfigs []struct {
			JobName              string `yaml:"job_name"`
			MetricRelabelConfigs rules  `yaml:"metric_relabel_configs"`
		} `yaml:"scrape_configs"`
		RemoteWrite []struct {
			WriteRelabelConfigs rules `yaml:"write_relabel_configs"`
		} `yaml:"remote_write"`
	}
	if err := yaml.Unmarshal(text, &shown); err != nil {
		return nil, fmt.Errorf("parse the configuration that is loaded: %w", err)
	}
	empty := func(of []*relabel.Config, as rules) {
		for i := range as {
			if as[i].Replacement == nil {
				of[i].Replacement = ""
			}
		}
	}
	for _, s := range shown.ScrapeConfigs {
		empty(e.Jobs[s.JobName].Rules, s.MetricRelabelConfigs)
	}
	for i, w := range shown.RemoteWrite {
		empty(e.RemoteWrites[i].Rules, w.WriteRelabelConfigs)
	}
	e.Loaded = true
	return e, nil
}

// RemoteWrite returns the entry that has the name, or else the URL, or nil when
// there is none or more than one. Servers show passwords in URLs as xxxxx, so
// they do not count.
func (e *Effects) RemoteWrite(name string) *WriteEffects {
	for _, is := range []func(WriteEffects) bool{
		func(w WriteEffects) bool { return w.Name == name },
		func(w WriteEffects) bool { return redacted(w.URL) == redacted(name) },
	} {
		i := slices.IndexFunc(e.RemoteWrites, is)
		if i >= 0 && !slices.ContainsFunc(e.RemoteWrites[i+1:], is) {
			return &e.RemoteWrites[i]
		}
	}
	return nil
}

func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	return u.Redacted()
}
