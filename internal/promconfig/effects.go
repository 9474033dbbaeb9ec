package promconfig

import (
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/relabel"
)

// Effects is what a configuration does of what proposals ask for.
type Effects struct {
	// Jobs are the scrape jobs, by job_name.
	Jobs map[string]JobEffects
	// RemoteWrites are the entries of remote_write, in the order of the file.
	RemoteWrites []WriteEffects
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
