package promapi

import (
	"context"
	"sync"
	"time"
)

// A request that takes longer than slowAfter, an answer that asks to slow
// down, and a probe that takes much longer than the server once needed for it
// halve the number of requests that run at once. As many quick requests in a
// row as quickRow raise it by one again.
const (
	slowAfter = 5 * time.Second
	quickRow  = 8
)

// A probe is slow when it takes slowFactor times as long as the quickest one,
// and slowSlack more: what passes in networks and garbage collections by
// itself says nothing. Probes take no more than one part in probeShare of the
// time of the requests.
const (
	slowFactor = 3
	slowSlack  = 50 * time.Millisecond
	probeShare = 20
)

// limiter admits a bounded number of requests at once. A token is a right to
// run one request.
type limiter struct {
	tokens chan struct{}

	mu    sync.Mutex
	limit int       // tokens that exist
	debt  int       // tokens to take out when they come back
	quick int       // quick requests in a row
	until time.Time // nothing is admitted before

	baseline time.Duration // of the quickest probe, 0 before the first
	busy     bool          // the last probe was slow
	since    time.Duration // that requests took since the last probe
}

func newLimiter(limit int) *limiter {
	l := &limiter{tokens: make(chan struct{}, limit), limit: limit}
	for range limit {
		l.tokens <- struct{}{}
	}
	return l
}

// acquire waits for a token, and for the end of a pause.
func (l *limiter) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-l.tokens:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		l.mu.Lock()
		wait := time.Until(l.until)
		l.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			l.tokens <- struct{}{} // there is room: this one was taken out
			return err
		}
	}
}

// release gives the token back and learns from the request: how long it took,
// whether that was long or the server asked for less, and how long it wants to
// be left alone.
func (l *limiter) release(took time.Duration, slow bool, pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since += took
	slow = slow || l.busy
	if slow && l.limit == 1 {
		pause = max(pause, min(took, slowAfter)) // leaves it half of the time
	}
	if until := time.Now().Add(pause); pause > 0 && until.After(l.until) {
		l.until = until
	}
	if slow {
		l.quick = 0
		next := max(1, l.limit/2)
		l.debt += l.limit - next
		l.limit = next
		l.busy = false // what it said is done; the next probe tells more
	} else if l.quick++; l.quick >= quickRow && l.limit < cap(l.tokens) {
		l.quick = 0
		l.limit++
		if l.debt > 0 {
			l.debt--
		} else {
			l.tokens <- struct{}{}
		}
	}
	if l.debt > 0 {
		l.debt--
		return
	}
	l.tokens <- struct{}{}
}

// due reports whether it is time for a probe. It is never before the first
// one, which comes with the first question for the server's time.
func (l *limiter) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.baseline == 0 || l.since < probeShare*l.baseline {
		return false
	}
	l.since = 0
	return true
}

// probed notes how long the server took for the same small question as ever.
func (l *limiter) probed(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	took = max(took, 1)
	if l.baseline == 0 || took < l.baseline {
		l.baseline = took
	}
	l.busy = took > slowFactor*l.baseline+slowSlack
	l.since = 0
}
