package promapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	maxRetries    = 3
	firstBackoff  = 500 * time.Millisecond
	maxRetryAfter = time.Minute
)

// retryIn returns how long to wait before the next try, and whether to try
// again at all. The wait begins at first and doubles. Only what may pass by
// itself is tried again: connection errors and the statuses 429, 502, 503 and
// 504. A query that the server gave up on is not: it would be as heavy the next
// time.
func retryIn(err error, tries int, first time.Duration) (time.Duration, bool) {
	if tries >= maxRetries || !transient(err) {
		return 0, false
	}
	wait := first << tries
	wait = wait/2 + rand.N(wait) // between a half and one and a half
	if e, ok := errors.AsType[*Error](err); ok && e.retryAfter > wait {
		wait = e.retryAfter
	}
	return wait, wait <= maxRetryAfter
}

func transient(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		switch e.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
			return true
		case http.StatusServiceUnavailable:
			return e.Type != "timeout"
		}
		return false
	}
	if errors.Is(err, errHalf) || errors.Is(err, errDropped) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op != "remote error" // TLS: the server refused us
}

// throttled reports whether the server asked for fewer requests.
func throttled(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable)
}

// pauseAfter returns how long the server wants to be left alone.
func pauseAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok && e.retryAfter <= maxRetryAfter {
		return e.retryAfter
	}
	return 0
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
