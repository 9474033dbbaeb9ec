package daemon

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/metrics"
	"github.com/sentei/sentei/internal/store"
)

// loop scans at the start, on schedule and after each reload.
func (d *Daemon) loop(ctx context.Context) {
	for {
		d.scan(ctx)
		d.wakeDeliveries()
		if !d.wait(ctx) {
			return
		}
	}
}

// wait returns true when the next scan is due, false when ctx has ended.
func (d *Daemon) wait(ctx context.Context) bool {
	now := d.options.Now()
	timer := time.NewTimer(d.current.Load().schedule.Next(now).Sub(now))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case reply := <-d.reloads:
			err := d.reload()
			reply <- err
			if err == nil {
				return true
			}
		}
	}
}

// Reload reads the configuration again and scans with it. A configuration
// with mistakes is refused: the old one stays, and the error says why. Reload
// waits for a scan that is under way.
func (d *Daemon) Reload(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case d.reloads <- reply:
		return <-reply
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Daemon) reload() error {
	s, err := prepare(d.options)
	d.metrics.ConfigLoaded(err == nil, d.options.Now())
	if err != nil {
		d.options.Logger.Error("keep the old configuration", "err", err)
		return err
	}
	s.scanner.UseStore(d.store)
	d.current.Store(s)
	d.metrics.ForgetOutputs() // the scan that follows writes the new ones
	d.options.Logger.Info("reloaded the configuration")
	return nil
}

// scan makes a new report. When that fails, the last good report stays.
func (d *Daemon) scan(ctx context.Context) {
	s := d.current.Load()
	start := time.Now()
	d.running.Store(s.scanner)
	watched := d.watch(s.scanner, start)
	before := d.previous(ctx)
	r, err := s.scanner.Scan(ctx, before)
	watched()
	d.running.Store(nil)
	defer d.tried.Store(true)
	if ctx.Err() != nil {
		return
	}
	result := metrics.Success
	if err != nil {
		result = metrics.Failure
	}
	d.metrics.ScanDone(result, time.Since(start), d.options.Now())
	if err != nil {
		d.options.Logger.Error("keep the last good report", "err", err)
		return
	}
	d.noteChanges(ctx, before, r)
	d.report.Store(r)
	d.metrics.SetReport(r)
	d.options.Logger.Info("scanned", "metrics", len(r.Metrics), "consumers", len(r.Consumers),
		"proposals", len(r.Proposals), "problems", len(r.Problems), "took", time.Since(start).Round(time.Millisecond))
	if d.store != nil {
		err := Keep(ctx, d.store, s.config, r)
		d.written(s.config.Store.Path, err)
	}
	known := d.past(ctx)
	for _, o := range s.outputs {
		notes, err := o.write(r, known)
		if notes != "" {
			d.options.Logger.Info("wrote output", "file", o.name, "notes", notes)
		}
		d.written(o.name, err)
	}
}

// kept lists the reports in the store, the newest first. Without them reports
// are written all the same.
func (d *Daemon) kept(ctx context.Context) []store.ReportInfo {
	if d.store == nil {
		return nil
	}
	kept, err := d.store.Reports(ctx)
	if err != nil && ctx.Err() == nil {
		d.options.Logger.Error("reports have no trend", "err", err)
	}
	return kept
}

// written notes whether a file could be written.
func (d *Daemon) written(name string, err error) {
	if err != nil {
		d.options.Logger.Error("write output", "file", name, "err", err)
	}
	d.metrics.OutputWritten(filepath.Base(name), err == nil)
}

// previous returns the report that growth is counted from: the last good one,
// or the newest that is kept, or nil.
func (d *Daemon) previous(ctx context.Context) *sentei.Report {
	if r := d.Report(); r != nil || d.store == nil {
		return r
	}
	r, err := d.store.Newest(ctx)
	if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
		d.options.Logger.Error("growth is not known in this scan", "err", err)
	}
	return r
}
