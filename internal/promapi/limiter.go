package promapi

import (
	"context"
	"sync"
	"time"
)

// Requests that take longer than slowAfter, and answers that ask to slow down,
// halve the number of requests that run at once. As many quick requests in a
// row as quickRow raise it by one again.
const (
	slowAfter = 5 * time.Second
	quickRow  = 8
)

// limiter admits a bounded number of requests at once. A token is a right to
// run one request.
type limiter struct {
	tokens chan struct{}

	mu    sync.Mutex
	limit int // tokens that exist
	debt  int // tokens to take out when they come back
	quick int // quick requests in a row
}

func newLimiter(limit int) *limiter {
	l := &limiter{tokens: make(chan struct{}, limit), limit: limit}
	for range limit {
		l.tokens <- struct{}{}
	}
	return l
}

// acquire waits for a token.
func (l *limiter) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-l.tokens:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// release gives the token back and learns from the request.
func (l *limiter) release(slow bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slow {
		l.quick = 0
		next := max(1, l.limit/2)
		l.debt += l.limit - next
		l.limit = next
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
