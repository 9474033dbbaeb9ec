package inventory

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promconfig"
)

// usualInterval is taken where no scrape or rule interval is known.
const usualInterval = time.Minute

// scrapeIntervals tells how often series get a sample.
type scrapeIntervals struct {
	recorded map[string]time.Duration // by the metric that a rule writes
	jobs     map[string]time.Duration // by job label
	usual    time.Duration
}

func (i scrapeIntervals) of(metric, job string) time.Duration {
	if d, ok := i.recorded[metric]; ok {
		return d
	}
	if d, ok := i.jobs[job]; ok {
		return d
	}
	return cmp.Or(i.usual, usualInterval)
}

// serverConfig is the part of the server's configuration that matters here.
type serverConfig struct {
	Global struct {
		ScrapeInterval     model.Duration `yaml:"scrape_interval"`
		EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	} `yaml:"global"`
	RemoteRead        []any `yaml:"remote_read"`
	promconfig.Config `yaml:"-"`
}

// readJobs reads the scrape jobs and the intervals. What is missing only makes
// proposals and estimates poorer, never wrong.
func (s *prometheusScan) readJobs(ctx context.Context) {
	targets, err := s.client.Targets(ctx)
	if err != nil {
		s.problem(false, "targets could not be read; scrape jobs are not known, so nothing can be proposed for them", "%v", err)
		if errors.Is(err, promapi.ErrUnsupported) {
			return // not a server that scrapes
		}
	}
	s.readJobsOf(ctx, targets, 0)
	if err != nil {
		s.jobs = nil
	}
}

// readJobsOf reads the rest of what is known about the scrape jobs. usual is
// the interval where neither targets nor configuration tell one.
func (s *prometheusScan) readJobsOf(ctx context.Context, targets []promapi.Target, usual time.Duration) {
	cfg, err := s.readConfig(ctx)
	if err != nil {
		// Who reads at the receivers of remote write is not known then. Servers
		// of another make have no such API.
		s.problem(!errors.Is(err, promapi.ErrUnsupported),
			"the server's configuration could not be read; external labels and remote write are not known",
			"%v; once you know who reads where the samples are also sent to, accept this problem by its id", err)
	}
	s.ownStorage = err == nil && len(cfg.RemoteRead) == 0
	pools, err := s.client.ScrapePools(ctx)
	if err != nil {
		s.env.Logger.Debug("scrape pools without targets are not known", "err", err)
	}
	s.jobs, s.twice = scrapeJobs(targets, cfg, pools), duplicates(targets, cfg)
	s.externalLabels, s.remoteWrite = cfg.ExternalLabels, cfg.RemoteWrite
	s.intervals = scrapeIntervals{
		recorded: s.recordedIntervals(ctx, cfg),
		jobs:     jobIntervals(targets),
		usual:    cmp.Or(time.Duration(cfg.Global.ScrapeInterval), usual),
	}
}

// readIntervals is for servers that do not scrape. usual is how often series
// get a sample where no rule writes them.
func (s *prometheusScan) readIntervals(ctx context.Context, usual time.Duration) {
	s.intervals = scrapeIntervals{recorded: s.recordedIntervals(ctx, serverConfig{}), usual: usual}
}

func (s *prometheusScan) readConfig(ctx context.Context) (cfg serverConfig, err error) {
	text, err := s.client.ConfigYAML(ctx)
	if err != nil {
		return cfg, err
	}
	var errs [2]error
	errs[0] = yaml.Unmarshal([]byte(text), &cfg)
	cfg.Config, errs[1] = promconfig.Read([]byte(text))
	return cfg, errors.Join(errs[:]...)
}

// scrapeJobs joins the jobs of the configuration, the scrape pools and those
// of the targets. A job that the configuration does not show may have targets
// with any job label, and may honor labels.
func scrapeJobs(targets []promapi.Target, cfg serverConfig, pools []string) []sentei.ScrapeJob {
	jobs := make(map[string]*sentei.ScrapeJob)
	job := func(name string) *sentei.ScrapeJob {
		if jobs[name] == nil {
			jobs[name] = &sentei.ScrapeJob{Name: name, HonorLabels: true, OpenJobs: true, Assumed: true}
		}
		return jobs[name]
	}
	for _, c := range cfg.ScrapeJobs { // its job labels are those that targets really carry
		j := job(c.Name)
		j.HonorLabels, j.OpenJobs, j.Assumed, j.Interval = c.HonorLabels, c.OpenJobs, false, c.Interval
	}
	for _, name := range pools {
		job(name)
	}
	fromTargets := make(map[string]time.Duration)
	for _, t := range targets {
		j := job(t.ScrapePool)
		j.Targets++
		j.JobLabels = append(j.JobLabels, t.Labels[model.JobLabel])
		if d := targetInterval(t); d > 0 && (fromTargets[j.Name] == 0 || d < fromTargets[j.Name]) {
			fromTargets[j.Name] = d
		}
	}
	sorted := make([]sentei.ScrapeJob, 0, len(jobs))
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		j := jobs[name]
		j.Interval = cmp.Or(j.Interval, fromTargets[name])
		slices.Sort(j.JobLabels)
		j.JobLabels = slices.Compact(j.JobLabels)
		sorted = append(sorted, *j)
	}
	return sorted
}

// duplicates finds the addresses that several scrape jobs scrape.
func duplicates(targets []promapi.Target, cfg serverConfig) []sentei.DuplicateTarget {
	with := make([]promconfig.Target, len(targets))
	for i, t := range targets {
		with[i] = promconfig.Target{
			ScrapeTarget: sentei.ScrapeTarget{ScrapeJob: t.ScrapePool, Job: t.Labels[model.JobLabel], Instance: t.Labels[model.InstanceLabel]},
			URL:          t.ScrapeURL, Asked: cfg.Asked[t.ScrapePool],
		}
	}
	return promconfig.Duplicates(with)
}

// targetInterval returns 0 when the server does not tell it.
func targetInterval(t promapi.Target) time.Duration {
	d, err := model.ParseDuration(t.ScrapeInterval)
	if err != nil {
		return 0
	}
	return time.Duration(d)
}

// jobIntervals returns the interval for each job label: the harmonic mean of
// its targets, so that series divided by it are samples.
func jobIntervals(targets []promapi.Target) map[string]time.Duration {
	type sum struct{ targets, perSecond float64 }
	sums := make(map[string]sum)
	for _, t := range targets {
		if d := targetInterval(t); d > 0 {
			job := t.Labels[model.JobLabel]
			sums[job] = sum{sums[job].targets + 1, sums[job].perSecond + 1/d.Seconds()}
		}
	}
	intervals := make(map[string]time.Duration, len(sums))
	for job, s := range sums {
		seconds := s.targets / s.perSecond
		intervals[job] = time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
	}
	return intervals
}

// recordedIntervals returns how often rules write each of their metrics.
func (s *prometheusScan) recordedIntervals(ctx context.Context, cfg serverConfig) map[string]time.Duration {
	intervals := make(map[string]time.Duration)
	if d := time.Duration(cfg.Global.EvaluationInterval); d > 0 {
		intervals["ALERTS"], intervals["ALERTS_FOR_STATE"] = d, d
	}
	groups, _, err := s.client.Rules(ctx)
	if err != nil {
		s.env.Logger.Debug("intervals of recording rules are not known", "err", err)
		return intervals
	}
	for _, g := range groups {
		d := time.Duration(g.Interval * float64(time.Second))
		for _, r := range g.Rules {
			if r.Type == "recording" && d > 0 && (intervals[r.Name] == 0 || d < intervals[r.Name]) {
				intervals[r.Name] = d
			}
		}
	}
	return intervals
}

// readMetadata reads type, unit and help of the metrics.
func (s *prometheusScan) readMetadata(ctx context.Context) {
	families, err := s.client.Metadata(ctx)
	if err != nil {
		s.problem(false, "metadata could not be read; types, units and help texts are missing", "%v", err)
		return
	}
	for name, m := range s.metrics {
		m.meta = metadataOf(name, families)
	}
}

// metadataOf finds the metadata of the family that a metric belongs to. Where
// targets differ, only what they agree on is told.
func metadataOf(name string, families map[string][]promapi.Metadata) promapi.Metadata {
	entries := families[name]
	for _, f := range familySuffixes() {
		if base, ok := strings.CutSuffix(name, f.suffix); ok && len(entries) == 0 {
			entries = slices.DeleteFunc(slices.Clone(families[base]), func(m promapi.Metadata) bool {
				return !slices.Contains(f.types, m.Type)
			})
		}
	}
	if len(entries) == 0 {
		return promapi.Metadata{}
	}
	common := entries[0]
	for _, e := range entries[1:] {
		common.Type = agree(common.Type, e.Type)
		common.Unit = agree(common.Unit, e.Unit)
		common.Help = agree(common.Help, e.Help)
	}
	if common.Type == "unknown" {
		common.Type = ""
	}
	return common
}

// familySuffix says which types have series whose names end in suffix.
type familySuffix struct {
	suffix string
	types  []string
}

func familySuffixes() []familySuffix {
	return []familySuffix{
		{"_bucket", []string{"histogram", "gaugehistogram"}},
		{"_sum", []string{"histogram", "summary"}},
		{"_count", []string{"histogram", "summary"}},
		{"_gsum", []string{"gaugehistogram"}},
		{"_gcount", []string{"gaugehistogram"}},
		{"_created", []string{"counter", "histogram", "summary"}},
		{"_total", []string{"counter"}},
		{"_info", []string{"info"}},
	}
}

func agree(a, b string) string {
	if a == b {
		return a
	}
	return ""
}
