package daemon

import (
	"time"

	"github.com/sentei/sentei/internal/source"
)

// progressEvery is how often the daemon logs how far a long scan has come.
const progressEvery = 30 * time.Second

// progress returns how far the scan that runs has come, 0 to 1, and 1 when none
// runs.
func (d *Daemon) progress() float64 {
	s := d.running.Load()
	if s == nil {
		return 1
	}
	least, known := 1.0, false
	for _, p := range s.Progress() {
		if ratio, ok := p.Ratio(); ok {
			least, known = min(least, ratio), true
		}
	}
	if !known {
		return 0
	}
	return least
}

// watch logs what is being read by a scan that takes long, until the function
// that it returns is called.
func (d *Daemon) watch(s *Scanner, start time.Time) (stop func()) {
	return source.Every(progressEvery, func() { d.logProgress(s.Progress(), time.Since(start)) })
}

func (d *Daemon) logProgress(all []source.Progress, took time.Duration) {
	took = took.Round(time.Second)
	reading := false
	for _, p := range all {
		if p.State != source.Reading {
			continue
		}
		reading = true
		attrs := []any{"backend", p.Backend, "component", p.Source, "took", took}
		if p.Unit != "" {
			attrs = append(attrs, "unit", p.Unit, "done", p.Done)
		}
		if p.Total > 0 {
			attrs = append(attrs, "total", p.Total)
		}
		d.options.Logger.Info("scan is under way", attrs...)
	}
	if !reading {
		d.options.Logger.Info("scan is under way: all sources are read", "took", took)
	}
}
