package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v4"
)

// Report is a report that is delivered on a schedule.
type Report struct {
	Name string
	// Schedule is when it is made.
	Schedule string
	// Backends are those that it is about; all when empty.
	Backends []string
	// Split makes one report of each part.
	Split Split
	// Owners are those that get a report; all when empty.
	Owners []string
	// Formats name the files of the report, Top how many metrics they list; 0
	// stands for what suits each format.
	Formats []string
	Top     int
	// Channels are where it is delivered, each a kind with its options.
	Channels []yaml.Node
	// OnlyChanges delivers nothing when nothing has changed.
	OnlyChanges bool
	// Pending puts proposals that nobody has decided on into changes for review,
	// too, beside the accepted ones.
	Pending bool
	// GiveUpAfter is how long a delivery is tried.
	GiveUpAfter time.Duration
	Line        int // of the configuration file
}

// Split says of what each report is.
type Split string

// The ways to split a report.
const (
	SplitNone    Split = ""
	SplitBackend Split = "backend"
	SplitOwner   Split = "owner"
)

// reportFields is how a report is written.
type reportFields struct {
	Name        string         `yaml:"name"`
	Schedule    string         `yaml:"schedule"`
	Backends    []string       `yaml:"backends"`
	Split       Split          `yaml:"split"`
	Owners      []string       `yaml:"owners"`
	Formats     []string       `yaml:"formats"`
	Top         int            `yaml:"top"`
	Channels    []yaml.Node    `yaml:"channels"`
	OnlyChanges bool           `yaml:"only_changes"`
	Pending     bool           `yaml:"pending"`
	GiveUpAfter model.Duration `yaml:"give_up_after"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *Report) UnmarshalYAML(node *yaml.Node) error {
	f := reportFields{Formats: []string{"html", "markdown"}, GiveUpAfter: model.Duration(3 * 24 * time.Hour)}
	if err := node.Load(&f, yaml.WithKnownFields()); err != nil {
		return err
	}
	*r = Report{
		strings.TrimSpace(f.Name), f.Schedule, f.Backends, f.Split, f.Owners, f.Formats, f.Top, f.Channels, f.OnlyChanges, f.Pending,
		time.Duration(f.GiveUpAfter), node.Line,
	}
	return nil
}

// mistakes returns what is wrong with the report by itself.
func (r *Report) mistakes() []string {
	var wrong []string
	if r.Name == "" {
		wrong = append(wrong, "name is missing")
	}
	if _, err := ParseSchedule(r.Schedule); err != nil {
		wrong = append(wrong, fmt.Sprintf("schedule %q: %v", r.Schedule, err))
	}
	if !slices.Contains([]Split{SplitNone, SplitBackend, SplitOwner}, r.Split) {
		wrong = append(wrong, fmt.Sprintf("split is %q: want backend, owner or nothing", r.Split))
	}
	if len(r.Owners) > 0 && r.Split != SplitOwner {
		wrong = append(wrong, "owners needs split: owner")
	}
	if r.Top < 0 {
		wrong = append(wrong, "top must not be negative")
	}
	if r.GiveUpAfter <= 0 {
		wrong = append(wrong, "give_up_after must be positive")
	}
	if len(r.Channels) == 0 {
		wrong = append(wrong, "channels is empty: name at least one, such as files: {directory: reports}")
	}
	return wrong
}

// checkReports checks the entries of reports, and what they say of each other
// and of the rest of the configuration.
func (c *Config) checkReports(fail func(string, ...any)) {
	names := map[string]bool{}
	for i := range c.Reports {
		r := &c.Reports[i]
		where := fmt.Sprintf("line %d: report %s", r.Line, r.Name)
		if r.Name == "" {
			where = fmt.Sprintf("line %d: reports[%d]", r.Line, i)
		}
		if wrong := r.mistakes(); len(wrong) > 0 {
			fail("%s: %s", where, strings.Join(wrong, "; "))
		}
		if names[r.Name] && r.Name != "" {
			fail("%s: the name is taken by another report", where)
		}
		names[r.Name] = true
		for _, b := range r.Backends {
			if !slices.ContainsFunc(c.Backends, func(o Backend) bool { return o.Name == b }) {
				fail("%s: there is no backend %q", where, b)
			}
		}
		if r.Split == SplitOwner && !c.Owners.Set() {
			fail("%s: split: owner needs the section owners", where)
		}
	}
}

// ParseSchedule reads a cron expression of five fields or a descriptor such as
// @weekly or @every 36h, with CRON_TZ=Europe/Berlin before it for another time
// zone than that of the machine. A schedule that never comes is an error.
func ParseSchedule(text string) (cron.Schedule, error) {
	text = strings.TrimSpace(text)
	zone, expression, found := strings.Cut(text, " ")
	name, isZone := strings.CutPrefix(strings.TrimPrefix(zone, "CRON_"), "TZ=")
	if _, pause, every := strings.Cut(text, "@every "); every {
		// The library makes a second of what is shorter.
		if d, err := time.ParseDuration(pause); err == nil && d < time.Second {
			return nil, fmt.Errorf("@every %s is too short: want 1s at least", pause)
		}
	}
	switch {
	case isZone && name == "":
		return nil, errors.New("the time zone is missing after TZ=: write it like CRON_TZ=Europe/Berlin, or leave it out")
	case isZone && (!found || strings.TrimSpace(expression) == ""):
		return nil, errors.New("the time zone needs a cron expression after it")
	case text == "":
		return nil, errors.New(`it is missing: write five fields of cron, such as "0 7 * * 1", or @daily, @weekly`)
	}
	s, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf(`%w; write five fields of cron, such as "0 7 * * 1", or @daily, @weekly`, err)
	}
	if s.Next(time.Unix(0, 0)).IsZero() {
		return nil, errors.New("there is no such day")
	}
	return s, nil
}
