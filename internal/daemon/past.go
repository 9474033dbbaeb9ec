package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/store"
)

// past is what is known of the time before a report. Without it reports are
// written all the same.
type past struct {
	kept    []store.ReportInfo // the newest first
	changes *changes.Changes   // since the report before; nil without one
}

// past returns what is known of the time before the last good report.
func (d *Daemon) past(ctx context.Context) past {
	return past{d.kept(ctx), d.changed.Load()}
}

// noteChanges compares a new report with the one before, which may be nil: with
// the newest of an earlier instant. While the data stay as they are, so does
// what had changed.
func (d *Daemon) noteChanges(ctx context.Context, before, r *sentei.Report) {
	if before == nil || !before.At.Before(r.At) {
		if c := d.changed.Load(); c != nil && c.To.Equal(r.At) {
			return
		}
		if before = nil; d.store != nil {
			var err error
			before, err = d.store.Before(ctx, r.At)
			if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
				d.options.Logger.Error("what changed is not known in this scan", "err", err)
			}
		}
	}
	var c *changes.Changes
	if before != nil {
		c = changes.Between(before, r)
	}
	d.changed.Store(c)
}

// statusError is an error that has a status of HTTP of its own.
type statusError struct {
	code int
	error
}

// since compares the last good report with a kept one: that of an identifier,
// or the newest that is no later than a day or an instant. Empty stands for the
// one before.
func (d *Daemon) since(ctx context.Context, r *sentei.Report, since string) (*changes.Changes, error) {
	if since == "" {
		if c := d.changed.Load(); c != nil && c.To.Equal(r.At) { // else a scan is just ending
			return c, nil
		}
		return nil, nil
	}
	if d.store == nil {
		return nil, statusError{http.StatusNotFound, errors.New("since: no reports are kept: store.path names no file")}
	}
	at, found := store.ParseReportID(since)
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, since); !found && err == nil {
			at, found = t, true
		}
	}
	if !found {
		return nil, statusError{http.StatusBadRequest, fmt.Errorf("since is %q: want the ID of a kept report, a day such as 2026-11-16 or an instant such as 2026-11-16T07:00:00Z", since)}
	}
	before, err := d.store.Before(ctx, at.Add(time.Millisecond))
	if errors.Is(err, store.ErrNotFound) {
		return nil, statusError{http.StatusNotFound, fmt.Errorf("since: no report of %s or before is kept", at.UTC().Format(time.RFC3339))}
	}
	if err != nil {
		return nil, err
	}
	return changes.Between(before, r), nil
}
