package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/internal/store"
)

// Scheduled is a report that is delivered on a schedule of its own.
type Scheduled struct {
	config.Report
	Channels []Channel
	schedule cron.Schedule
	formats  []report.Format
}

// Channel is one place that a report is delivered to.
type Channel struct {
	Name string // kind, with #2, #3 … for further ones of the kind
	Kind string
	notify.Channel
	options *yaml.Node
}

// channel returns the channel of a name.
func (s *Scheduled) channel(name string) (Channel, bool) {
	i := slices.IndexFunc(s.Channels, func(c Channel) bool { return c.Name == name })
	if i < 0 {
		return Channel{}, false
	}
	return s.Channels[i], true
}

// NewReports builds all scheduled reports of the configuration with their
// channels. The error holds every mistake found, each with its line.
func NewReports(c *config.Config, logger *slog.Logger, now func() time.Time) ([]*Scheduled, error) {
	b := builder{config: c, logger: logger, now: now}
	var out []*Scheduled
	for i := range c.Reports {
		s := &Scheduled{Report: c.Reports[i]}
		var err error
		if s.schedule, err = config.ParseSchedule(s.Schedule); err != nil {
			b.failReport(s, fmt.Errorf("schedule: %w", err))
		}
		s.formats = b.formats(s)
		s.Channels = b.channels(s)
		out = append(out, s)
	}
	return out, b.err()
}

func (b *builder) failReport(s *Scheduled, err error) {
	b.fail(fmt.Errorf("line %d: report %s: %w", s.Line, s.Name, err))
}

// formats returns those of a report. Two with one extension would make one
// file.
func (b *builder) formats(s *Scheduled) []report.Format {
	var out []report.Format
	files := map[string]string{}
	if len(s.Formats) == 0 {
		b.failReport(s, errors.New("formats is empty: name at least one"))
	}
	for _, name := range s.Formats {
		f, err := report.ByName(name)
		if err != nil {
			b.failReport(s, fmt.Errorf("formats: %w", err))
			continue
		}
		if other, taken := files[f.Extension]; taken {
			b.failReport(s, fmt.Errorf("formats: %s and %s make a file of the same name: leave one out", other, name))
		}
		files[f.Extension] = name
		out = append(out, f)
	}
	return out
}

// channels builds the channels of a report; the second of a kind is called
// "slack#2", and so on.
func (b *builder) channels(s *Scheduled) []Channel {
	var out []Channel
	count := map[string]int{}
	for i := range s.Report.Channels {
		item := &s.Report.Channels[i]
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		if item.Kind != yaml.MappingNode || len(item.Content) != 2 {
			b.fail(fmt.Errorf("line %d: report %s: an item of channels must be one kind with its options, such as %q", item.Line, s.Name, "files: {directory: reports}"))
			continue
		}
		kind := item.Content[0].Value
		k := slices.IndexFunc(notify.All(), func(i notify.Info) bool { return i.Kind == kind })
		if k < 0 {
			b.fail(fmt.Errorf("line %d: report %s: no channel is called %q: there are %s", item.Line, s.Name, kind, names(notify.All(), kindOf)))
			continue
		}
		count[kind]++
		name := kind
		if n := count[kind]; n > 1 {
			name = fmt.Sprintf("%s#%d", kind, n)
		}
		c, err := notify.All()[k].Build(item.Content[1], source.Env{
			Name: name, Dir: b.config.Dir, Now: b.now, Logger: b.logger.With("report", s.Name, "channel", name),
		})
		if err != nil {
			b.fail(fmt.Errorf("report %s: channels: %w", s.Name, err))
			continue
		}
		out = append(out, Channel{name, kind, c, item.Content[1]})
	}
	return out
}

// A Part is what one message of a scheduled report is about.
type Part struct {
	Name string // as in notify.Message; empty for all
	// Of takes the part out of a report of all.
	Of func(*sentei.Report) *sentei.Report
	// Trend takes the part's sums out of kept reports; nil where these do not
	// tell them.
	Trend func([]store.ReportInfo) []store.ReportInfo
}

// Parts lists what a scheduled report makes of a report. Owners that are named
// get theirs even when they have no series any more.
func (s *Scheduled) Parts(r *sentei.Report) []Part {
	base := func(r *sentei.Report) *sentei.Report {
		if len(s.Backends) == 0 {
			whole := *r
			whole.Metrics = slices.Clone(r.Metrics) // their growth is set anew
			return &whole
		}
		return r.OfBackends(s.Backends...)
	}
	of := func(backends ...string) func([]store.ReportInfo) []store.ReportInfo {
		return func(kept []store.ReportInfo) []store.ReportInfo { return store.OfBackends(kept, backends...) }
	}
	var out []Part
	switch s.Split {
	case config.SplitBackend:
		for _, b := range base(r).Backends {
			out = append(out, Part{"backend " + b.Name, func(r *sentei.Report) *sentei.Report { return r.OfBackends(b.Name) }, of(b.Name)})
		}
	case config.SplitOwner:
		owners := s.Owners
		if len(owners) == 0 {
			owners = base(r).Owners()
		}
		for _, owner := range owners {
			out = append(out, Part{"owner " + owner, func(r *sentei.Report) *sentei.Report { return base(r).OfOwner(owner) }, nothing})
		}
	default:
		trend := of(s.Backends...)
		if len(s.Backends) == 0 {
			trend = func(kept []store.ReportInfo) []store.ReportInfo { return kept }
		}
		out = append(out, Part{"", base, trend})
	}
	return out
}

// nothing is the trend of what kept reports do not tell apart.
func nothing([]store.ReportInfo) []store.ReportInfo { return nil }
