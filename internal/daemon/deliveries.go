package daemon

import (
	"context"
	"math/rand/v2"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/store"
)

// newDeliveries makes who delivers the scheduled reports.
func (d *Daemon) newDeliveries() (err error) {
	if d.box = d.store; d.box == nil {
		if d.box, err = store.OpenMemory(context.Background()); err != nil {
			return err
		}
	}
	reports := func() []*Scheduled { return d.current.Load().reports }
	d.outbox = &outbox{
		box: d.box, reports: reports, metrics: d.metrics, logger: d.options.Logger, now: d.options.Now,
		random: rand.Float64, wake: make(chan struct{}, 1),
	}
	d.scheduler = &scheduler{
		box: d.box, report: d.lastGood, logger: d.options.Logger, now: d.options.Now, wake: make(chan struct{}, 1),
		current: func() (*config.Config, []*Scheduled) { s := d.current.Load(); return s.config, s.reports },
		queued:  func() { poke(d.outbox.wake) },
	}
	return nil
}

// lastGood returns the report that scheduled reports are made of: that of the
// last good scan, also of before the start when the first one has failed.
func (d *Daemon) lastGood(ctx context.Context) *sentei.Report {
	if !d.tried.Load() {
		return nil
	}
	return d.previous(ctx)
}

// wakeDeliveries lets scheduled reports be looked at again: there is a new
// report, or another configuration.
func (d *Daemon) wakeDeliveries() {
	if d.scheduler != nil {
		poke(d.scheduler.wake)
		poke(d.outbox.wake)
	}
}
