package daemon

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/digest"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/store"
)

// Composer makes the messages of scheduled reports.
type Composer struct {
	Config *config.Config
	// Previous returns the report of the last delivery of a report and part;
	// nil when there was none.
	Previous func(report, part string) (*sentei.Report, error)
	// Kept are the kept reports, the newest first; may be nil.
	Kept []store.ReportInfo
}

// Compose makes the message of one part of a report at an instant. It returns
// nil when there is nothing to say: the report wants changes only, and there
// are none.
func (c *Composer) Compose(s *Scheduled, p Part, r *sentei.Report, due time.Time) (*notify.Message, error) {
	previous, err := c.Previous(s.Name, p.Name)
	if err != nil {
		return nil, fmt.Errorf("read the report of the delivery before: %w", err)
	}
	now := *r
	now.Settings.Owners = c.Config.Owners.Owners
	part := p.Of(&now)
	in := digest.Input{
		Name: s.Name, Part: p.Name, Due: due, Report: part, Formats: s.formats, Top: s.Top,
		Trend: p.Trend(c.Kept), Link: c.link(), Note: c.note(r, due),
	}
	if previous != nil && !previous.At.After(r.At) {
		before := *previous
		before.Settings.Owners = c.Config.Owners.Owners // as things are owned now
		was := p.Of(&before)
		part.SetGrowth(was)
		in.Changes = changes.Between(was, part)
		if s.OnlyChanges && !digest.Changed(was, part, in.Changes) {
			return nil, nil
		}
	}
	if err := c.edits(s, &in, &now); err != nil { // the rest is worth delivering
		in.Note = strings.TrimSpace(fmt.Sprintf("%s There are no changes for review: %v.", in.Note, err))
	}
	return digest.New(in)
}

// edits adds the changes for review of the accepted proposals, and of the
// pending ones where they are asked for.
func (c *Composer) edits(s *Scheduled, in *digest.Input, whole *sentei.Report) error {
	options, err := RelabelOptions(c.Config, whole)
	if err != nil {
		return err
	}
	states := []sentei.State{sentei.Accepted}
	if s.Pending {
		states = sentei.Open()
	}
	in.Edits, in.Relabel, err = digest.Edits(whole, in.Report, options, states...)
	return err
}

// link returns where the daemon is reached; empty when that is not known.
func (c *Composer) link() string {
	if c.Config.Web.ExternalURL == "" {
		return ""
	}
	return strings.TrimRight(c.Config.Web.ExternalURL, "/") + "/"
}

// note says when the report is older than it should be.
func (c *Composer) note(r *sentei.Report, due time.Time) string {
	schedule, err := config.ParseSchedule(c.Config.Scan.Schedule)
	if err != nil {
		return ""
	}
	old := due.Sub(r.At)
	if old <= 2*interval(schedule, due) {
		return ""
	}
	return fmt.Sprintf("This is as of %s, %s before it was due: newer scans failed, or what they read is that old.", number.Minute(r.At), number.Span(old))
}

// interval is the time between two scans.
func interval(s cron.Schedule, at time.Time) time.Duration {
	next := s.Next(at)
	return s.Next(next).Sub(next)
}
