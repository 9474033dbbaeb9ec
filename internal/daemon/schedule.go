package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/store"
)

// catchUp is how old a report may be that was due while the daemon was down:
// it is made at the start, once. Of older ones nothing is made.
const catchUp = 24 * time.Hour

// scheduler queues the scheduled reports when they are due.
type scheduler struct {
	box     *store.Store
	current func() (*config.Config, []*Scheduled)
	// report returns the last good report, or nil before there is one.
	report func(context.Context) *sentei.Report
	logger *slog.Logger
	now    func() time.Time
	wake   chan struct{} // after a scan and after a reload
	queued func()        // something was queued
}

// run queues until ctx ends.
func (s *scheduler) run(ctx context.Context) {
	for ctx.Err() == nil {
		waitUntil(ctx, s.pass(ctx), s.now, s.wake)
	}
}

// pass queues what is due and returns when to look again; zero stands for when
// the configuration changes, or a scan has ended.
func (s *scheduler) pass(ctx context.Context) (next time.Time) {
	c, reports := s.current()
	soonest := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	last, err := s.box.Due(ctx)
	if err != nil {
		s.logger.Error("make reports", "err", err)
		return s.now().Add(storeRetry)
	}
	for _, r := range reports {
		now := s.now()
		made, known := last[r.Name]
		if !known { // its time begins now
			made = now
			if err := s.box.SetDue(ctx, r.Name, now); err != nil {
				s.logger.Error("make report", "report", r.Name, "err", err)
				soonest(now.Add(storeRetry))
				continue
			}
		}
		due := lastDue(r.schedule, made, now)
		switch missed := r.schedule.Next(made); {
		case !due.IsZero():
			err = s.make(ctx, c, r, due)
		case !missed.IsZero() && !missed.After(now):
			s.logger.Warn("a report was due while nothing ran, and is too old to be made", "report", r.Name, "due", missed)
			err = s.box.SetDue(ctx, r.Name, now)
		default:
			err = nil
		}
		switch {
		case errors.Is(err, errNoReport): // a scan will wake us
		case err != nil && ctx.Err() == nil:
			s.logger.Error("make report", "report", r.Name, "err", err)
			soonest(now.Add(storeRetry))
		}
		soonest(nextDue(r.schedule, made, now))
	}
	return next
}

// lastDue returns the last instant of a schedule after that for which a report
// was made last and up to now; zero when there is none, or only one that is too
// old.
func lastDue(s cron.Schedule, made, now time.Time) (due time.Time) {
	after := made
	if oldest := now.Add(-catchUp); after.Before(oldest) {
		after = oldest
	}
	for at := nextDue(s, made, after); !at.IsZero() && !at.After(now); at = nextDue(s, made, at) {
		due = at
	}
	return due
}

// nextDue returns the first instant of a schedule after another one. @every
// counts from made, however often it is looked at in between.
func nextDue(s cron.Schedule, made, after time.Time) time.Time {
	if every, ok := s.(cron.ConstantDelaySchedule); ok {
		return made.Add(after.Sub(made).Truncate(every.Delay) + every.Delay)
	}
	return s.Next(after)
}

var errNoReport = errors.New("there is no report yet")

// make queues the messages of a report that was due at an instant.
func (s *scheduler) make(ctx context.Context, c *config.Config, r *Scheduled, due time.Time) error {
	report := s.report(ctx)
	if report == nil {
		return errNoReport
	}
	whole := *report
	whole.Settings.Owners = c.Owners.Owners
	kept, err := s.box.Reports(ctx)
	if err != nil {
		return err
	}
	composer := Composer{Config: c, Kept: kept, Previous: func(name, part string) (*sentei.Report, error) {
		before, err := s.box.LastDelivered(ctx, name, part)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return before, err
	}}
	var messages []store.Queued
	for _, p := range r.Parts(&whole) {
		m, err := composer.Compose(r, p, &whole, due)
		if err != nil {
			return err
		}
		if m == nil {
			s.logger.Info("nothing has changed, so no report is delivered", "report", r.Name, "part", p.Name)
			continue
		}
		text, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("keep the message of report %s: %w", r.Name, err)
		}
		for _, c := range r.Channels {
			messages = append(messages, store.Queued{Report: m.Report, Part: m.Part, Channel: c.Name, Key: m.Key, Title: m.Title, At: m.At, Message: text})
		}
	}
	if err := s.keep(ctx, report); err != nil {
		return err
	}
	if err := s.box.Queue(ctx, r.Name, due, s.now(), messages); err != nil {
		return err
	}
	s.logger.Info("made a report", "report", r.Name, "due", due, "messages", len(messages))
	s.queued()
	return nil
}

// keep keeps the report that the next one is compared with, and in memory
// forgets those that none is compared with any more.
func (s *scheduler) keep(ctx context.Context, r *sentei.Report) error {
	if has, err := s.box.Has(ctx, r.At); err != nil || has {
		return err
	}
	if _, err := s.box.SaveReport(ctx, r); err != nil {
		return err
	}
	if !s.box.InMemory() {
		return nil
	}
	_, err := s.box.Prune(ctx, r.At, 0)
	return err
}
