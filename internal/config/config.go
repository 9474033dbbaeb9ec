// Package config reads the configuration. In go a YAML file, flags and the
// environment; out comes a Config whose every field has been checked. Unknown
// keys are errors with their line.
//
// Structured parts (backends, rules, prices) come from the file alone. The
// scalar settings of the process (web, log, scan, output, store) can be overlaid:
// flag, then environment variable SENTEI_…, then file, then default.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/files"
	"github.com/sentei/sentei/internal/source"
)

// Config is the whole configuration.
type Config struct {
	Web    Web    `yaml:"web" mapstructure:"web"`
	Log    Log    `yaml:"log" mapstructure:"log"`
	Scan   Scan   `yaml:"scan" mapstructure:"scan"`
	Output Output `yaml:"output" mapstructure:"output"`
	Store  Store  `yaml:"store" mapstructure:"store"`

	Analysis         Analysis          `yaml:"analysis" mapstructure:"-"`
	Prices           sentei.Prices     `yaml:"prices" mapstructure:"-"`
	AcceptedProblems []AcceptedProblem `yaml:"accepted_problems" mapstructure:"-"`
	// Exemptions are what is never proposed.
	Exemptions []Exemption `yaml:"exemptions" mapstructure:"-"`
	// Owners says whose series are whose.
	Owners    Owners    `yaml:"owners" mapstructure:"-"`
	Rehearsal Rehearsal `yaml:"rehearsal" mapstructure:"-"`
	// Reports are delivered on schedules of their own.
	Reports  []Report  `yaml:"reports" mapstructure:"-"`
	Backends []Backend `yaml:"backends" mapstructure:"-"`
	// Rules maps kinds of proposals to their options. A rule that is not
	// named runs with its defaults.
	Rules map[string]yaml.Node `yaml:"rules" mapstructure:"-"`

	// Dir is the folder of the file; paths in it are relative to Dir.
	Dir string `yaml:"-" mapstructure:"-"`
}

// Web is how the daemon is reached.
type Web struct {
	ListenAddress string `yaml:"listen_address" mapstructure:"listen_address"`
	// ConfigFile is a web configuration file with TLS and authentication, in
	// the form of prometheus/exporter-toolkit.
	ConfigFile string `yaml:"config_file" mapstructure:"config_file"`
	// ExternalURL is where people reach the daemon, for links in reports.
	ExternalURL string `yaml:"external_url" mapstructure:"external_url"`
	// EnableLifecycle allows POST /-/reload.
	EnableLifecycle bool `yaml:"enable_lifecycle" mapstructure:"enable_lifecycle"`
	// ReadOnly takes no decisions over HTTP.
	ReadOnly bool `yaml:"read_only" mapstructure:"read_only"`
}

// external returns ExternalURL, or nil when it is none that a browser can open.
func (w Web) external() *url.URL {
	u, err := url.Parse(w.ExternalURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil
	}
	return u
}

// Origin is scheme and host of ExternalURL, as browsers tell where a page comes
// from; empty without one.
func (w Web) Origin() string {
	if u := w.external(); u != nil {
		return u.Scheme + "://" + u.Host
	}
	return ""
}

// ExternalHost is the host of ExternalURL without its port; empty without one.
func (w Web) ExternalHost() string {
	if u := w.external(); u != nil {
		return u.Hostname()
	}
	return ""
}

// Log is what is logged, on stderr.
type Log struct {
	Level  string `yaml:"level" mapstructure:"level"`   // debug, info, warn, error
	Format string `yaml:"format" mapstructure:"format"` // logfmt, json
}

// Scan is when the daemon scans.
type Scan struct {
	// Schedule is a cron expression of five fields, or a descriptor such as
	// @hourly. A scan also runs at the start.
	Schedule string         `yaml:"schedule" mapstructure:"schedule"`
	Timeout  model.Duration `yaml:"timeout" mapstructure:"timeout"`
	// CacheDirectory is where sources keep what makes the next scan faster;
	// nothing is kept when it is empty.
	CacheDirectory string `yaml:"cache_directory" mapstructure:"cache_directory"`
}

// Output is what the daemon writes after each scan, and how much it exposes.
type Output struct {
	// Directory is where reports and relabel configuration are written;
	// nothing is written when it is empty.
	Directory string `yaml:"directory" mapstructure:"directory"`
	// Reports and Relabel name the formats and dialects to write.
	Reports []string `yaml:"reports" mapstructure:"-"`
	Relabel []string `yaml:"relabel" mapstructure:"-"`
	// RelabelState says which proposals Relabel is written for: OnlyAccepted,
	// or WhatIsOpen.
	RelabelState string `yaml:"relabel_state" mapstructure:"relabel_state"`
	// TopMetrics bounds the own metrics: that many metrics have series of
	// their own, the others are summed up as metric="__other__".
	TopMetrics int `yaml:"top_metrics" mapstructure:"top_metrics"`
}

// The values of Output.RelabelState.
const (
	WhatIsOpen   = "open" // pending or accepted
	OnlyAccepted = "accepted"
)

// Store is where decisions about proposals, what came of them and the history
// of reports are kept.
type Store struct {
	// Path is the SQLite file; nothing is kept when it is empty.
	Path string `yaml:"path" mapstructure:"path"`
	// ReportRetention is how long reports are kept.
	ReportRetention model.Duration `yaml:"report_retention" mapstructure:"report_retention"`
}

// Analysis shapes the verdicts.
type Analysis struct {
	Window    model.Duration      `yaml:"window"`
	MinWindow model.Duration      `yaml:"min_window"`
	MaxLag    model.Duration      `yaml:"max_lag"`
	Require   []sentei.UsageClass `yaml:"require"`
}

// AcceptedProblem is a problem that somebody has looked at and judged
// harmless.
type AcceptedProblem struct {
	ID     string `yaml:"id"`
	Reason string `yaml:"reason"`
}

// Rehearsal is how consumers are replayed: by scans, when it is enabled, and
// by sentei rehearse.
type Rehearsal struct {
	// Enabled says that scans rehearse what they propose, and withdraw what
	// makes a difference.
	Enabled bool `yaml:"enabled"`
	// Data is a TSDB directory or the address of a Prometheus to replay over
	// instead of the backend's own sources.
	Data string `yaml:"data"`
	// Window is the newest span to replay; 0 stands for that of the block
	// source, and a day of a running server.
	Window   model.Duration `yaml:"window"`
	Instants int            `yaml:"instants"`
	// Cutover says that the deployment is rehearsed, too.
	Cutover bool `yaml:"cutover"`
	// Timeout bounds the rehearsal of a scan, for each backend.
	Timeout       model.Duration `yaml:"timeout"`
	QueryTimeout  model.Duration `yaml:"query_timeout"`
	LookbackDelta model.Duration `yaml:"lookback_delta"`
	MaxSamples    int            `yaml:"max_samples"`
}

// Backend is one store, with the sources that tell what it holds and who
// reads it.
type Backend struct {
	Name string `yaml:"name"`
	// Isolated says that no other backend gets series of this one.
	Isolated bool `yaml:"isolated"`
	// PrometheusConfig is the user's prometheus.yml that proposals are made
	// for; it also names the scrape jobs when no inventory source can.
	PrometheusConfig string `yaml:"prometheus_config"`
	// Budget is what the backend may hold and cost.
	Budget    sentei.Budget `yaml:"budget"`
	Inventory []yaml.Node   `yaml:"inventory"`
	Usage     []yaml.Node   `yaml:"usage"`
}

// Default returns the configuration that a file is laid over.
func Default() Config {
	return Config{
		Web:    Web{ListenAddress: "127.0.0.1:9817"},
		Log:    Log{Level: "info", Format: "logfmt"},
		Scan:   Scan{Schedule: "@hourly", Timeout: model.Duration(30 * time.Minute)},
		Output: Output{Reports: []string{"html", "markdown", "json"}, Relabel: []string{"prometheus"}, RelabelState: WhatIsOpen, TopMetrics: 100},
		Store:  Store{ReportRetention: model.Duration(90 * 24 * time.Hour)},
		Analysis: Analysis{
			Window:    model.Duration(30 * 24 * time.Hour),
			MinWindow: model.Duration(30 * 24 * time.Hour),
			MaxLag:    model.Duration(time.Hour),
			Require:   []sentei.UsageClass{sentei.ClassRules, sentei.ClassDashboards, sentei.ClassQueries},
		},
		Prices: sentei.Prices{Currency: "USD"},
		Rehearsal: Rehearsal{
			Instants: 24, Cutover: true, MaxSamples: 50_000_000,
			Timeout: model.Duration(10 * time.Minute), QueryTimeout: model.Duration(2 * time.Minute), LookbackDelta: model.Duration(5 * time.Minute),
		},
	}
}

// Load reads and checks the file and the overlay.
func Load(path string, overlay Overlay) (*Config, error) {
	text, err := files.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c := Default()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read configuration %s: %w", path, source.YAMLError(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read configuration %s: more than one YAML document", path)
	}
	c.Dir = filepath.Dir(path)
	if err := overlay.apply(&c); err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("check configuration %s: %w", path, err)
	}
	return &c, nil
}

// check returns every mistake at once.
func (c *Config) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		fail("log.level is %q: want debug, info, warn or error", c.Log.Level)
	}
	if !slices.Contains([]string{"logfmt", "json"}, c.Log.Format) {
		fail("log.format is %q: want logfmt or json", c.Log.Format)
	}
	if _, err := ParseSchedule(c.Scan.Schedule); err != nil {
		fail("scan.schedule: %w", err)
	}
	if c.Scan.Timeout <= 0 {
		fail("scan.timeout must be positive")
	}
	if c.Web.ExternalURL != "" && c.Web.external() == nil {
		fail("web.external_url is %q: want an address such as https://sentei.example.org", c.Web.ExternalURL)
	}
	switch {
	case c.Output.RelabelState != WhatIsOpen && c.Output.RelabelState != OnlyAccepted:
		fail("output.relabel_state is %q: want %s or %s", c.Output.RelabelState, WhatIsOpen, OnlyAccepted)
	case c.Output.RelabelState == OnlyAccepted && c.Store.Path == "":
		fail("output.relabel_state is %s, and decisions are not kept: set store.path", OnlyAccepted)
	}
	if c.Output.TopMetrics < 0 {
		fail("output.top_metrics must not be negative")
	}
	if c.Store.ReportRetention <= 0 {
		fail("store.report_retention must be positive")
	}
	if c.Analysis.Window <= 0 {
		fail("analysis.window must be positive")
	}
	for _, class := range c.Analysis.Require {
		if !slices.Contains([]sentei.UsageClass{sentei.ClassRules, sentei.ClassDashboards, sentei.ClassQueries, sentei.ClassDeclared}, class) {
			fail("analysis.require: %q is not one of rules, dashboards, queries, declared", class)
		}
	}
	for i, a := range c.AcceptedProblems {
		if a.ID == "" || a.Reason == "" {
			fail("accepted_problems[%d]: both id and reason are needed", i)
		}
	}
	if r := &c.Rehearsal; r.Instants < 1 || r.MaxSamples < 1 || r.Timeout <= 0 || r.QueryTimeout <= 0 || r.LookbackDelta <= 0 {
		fail("rehearsal: instants, max_samples, timeout, query_timeout and lookback_delta must be positive")
	}
	c.checkBackends(fail)
	c.checkReports(fail)
	return errors.Join(errs...)
}

func (c *Config) checkBackends(fail func(string, ...any)) {
	if len(c.Backends) == 0 {
		fail("backends is empty: name at least one store to look at")
	}
	seen := map[string]bool{}
	for i := range c.Backends {
		b := &c.Backends[i]
		switch {
		case b.Name == "":
			fail("backends[%d]: name is missing", i)
		case seen[b.Name]:
			fail("backends[%d]: the name %q is taken by another backend", i, b.Name)
		case len(b.Inventory) == 0:
			fail("backend %s: inventory is empty: nothing tells what is stored", b.Name)
		case b.Budget.Series < 0, b.Budget.PerMonth < 0:
			fail("backend %s: budget: series and per_month must not be negative", b.Name)
		case b.Budget.PerMonth > 0 && !c.Prices.Set():
			fail("backend %s: budget.per_month: nothing has a price: set prices", b.Name)
		}
		seen[b.Name] = true
	}
}

// Path returns the path relative to the configuration file's folder.
func (c *Config) Path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.Dir, path)
}
