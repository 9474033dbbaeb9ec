package source

import (
	"sync"
	"time"
)

// Meter counts how far one source has come in the scan that runs, for those who
// wait. It is safe for concurrent use; a nil one counts nothing.
type Meter struct {
	mu sync.Mutex
	p  Progress
}

// Progress is how far one source has come.
type Progress struct {
	Backend, Source string
	State           State
	Began           time.Time // zero while it waits
	// Done is counted in Unit: series, bytes or requests. Total is 0 when it is
	// not known, and Unit empty when nothing is counted.
	Done, Total int64
	Unit        string
}

// State says where a source is in a scan.
type State int

// The states.
const (
	Waiting State = iota // for its turn
	Reading
	Ended // with or without success
)

// Ratio returns how much is done, 0 to 1; false when nobody knows.
func (p *Progress) Ratio() (float64, bool) {
	switch {
	case p.State == Ended:
		return 1, true
	case p.State == Waiting:
		return 0, true
	case p.Total <= 0:
		return 0, false
	default:
		return min(1, float64(p.Done)/float64(p.Total)), true
	}
}

// NewMeter returns the meter of a source.
func NewMeter(backend, source string) *Meter {
	return &Meter{p: Progress{Backend: backend, Source: source}}
}

// Wait says that a scan begins, in which the source has not had its turn.
func (m *Meter) Wait() {
	m.change(func(p *Progress) { *p = Progress{Backend: p.Backend, Source: p.Source} })
}

// Begin says that the source is being read from now on.
func (m *Meter) Begin(now time.Time) {
	m.Wait()
	m.change(func(p *Progress) { p.State, p.Began = Reading, now })
}

// End says that the source has been read.
func (m *Meter) End() { m.change(func(p *Progress) { p.State = Ended }) }

// Set says how much is done of a total, which is 0 when it is not known.
func (m *Meter) Set(done, total int64, unit string) {
	m.change(func(p *Progress) { p.Done, p.Total, p.Unit = done, total, unit })
}

// Add counts n more of the unit. The total is not known.
func (m *Meter) Add(n int64, unit string) {
	m.change(func(p *Progress) { p.Done, p.Total, p.Unit = p.Done+n, 0, unit })
}

func (m *Meter) change(f func(*Progress)) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.p)
}

// Progress returns how far the source has come.
func (m *Meter) Progress() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.p
}

// Every calls f after each interval, from a goroutine of its own, until the
// function that it returns is called. That one waits for f to return.
func Every(interval time.Duration, f func()) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				f()
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}
