package promapi

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlowAnswersHalveConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := slowAfter + time.Second
		c := bubbleClient(t, func(*http.Request) (*http.Response, error) {
			time.Sleep(took) // of the bubble
			return response(200, ""), nil
		})
		ask := func(n int) {
			for range n {
				if _, err := c.BuildInfo(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, want := range []int{2, 1, 1} {
			ask(1)
			if c.limiter.limit != want {
				t.Fatalf("limit %d, want %d", c.limiter.limit, want)
			}
		}
		took = time.Second
		ask(quickRow * 3)
		if c.limiter.limit != 4 {
			t.Errorf("limit %d after quick answers, want 4", c.limiter.limit)
		}
		if free := len(c.limiter.tokens); free != 4 {
			t.Errorf("%d tokens, want 4", free)
		}
		ask(quickRow * 3)
		if c.limiter.limit != 4 || len(c.limiter.tokens) != 4 {
			t.Errorf("limit %d grew above the configured 4", c.limiter.limit)
		}
	})
}

// busyServer answers each query after latency, on the clock of a bubble, and
// counts the requests that it has in hand.
type busyServer struct {
	latency        func() time.Duration
	now, most, all atomic.Int64
}

func (s *busyServer) answer(r *http.Request) (*http.Response, error) {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	for m := s.most.Load(); n > m && !s.most.CompareAndSwap(m, n); m = s.most.Load() {
	}
	s.all.Add(1)
	select {
	case <-time.After(s.latency()):
		return vectorResponse(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// flood sends n requests as fast as the client lets them pass.
func flood(t *testing.T, c *Client, n int) {
	t.Helper()
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			if _, _, err := c.Query(t.Context(), "up", time.Time{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestGrowingLatencyLowersConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var latency atomic.Int64
		latency.Store(int64(10 * time.Millisecond))
		s := &busyServer{latency: func() time.Duration { return time.Duration(latency.Load()) }}
		c := bubbleClient(t, s.answer)
		if _, err := c.Now(t.Context()); err != nil {
			t.Fatal(err)
		}
		flood(t, c, 200)
		if most := s.most.Load(); most != 4 || c.limiter.limit != 4 {
			t.Fatalf("%d requests at once and limit %d on an idle server, want 4 and 4", most, c.limiter.limit)
		}
		// Far below slowAfter, but twenty times what this server needs.
		latency.Store(int64(200 * time.Millisecond))
		flood(t, c, 20)
		s.most.Store(0)
		start := time.Now()
		flood(t, c, 20)
		if most := s.most.Load(); most != 1 || c.limiter.limit != 1 {
			t.Errorf("%d requests at once and limit %d on a busy server, want 1 and 1", most, c.limiter.limit)
		}
		if least := 20 * 300 * time.Millisecond; time.Since(start) < least {
			t.Errorf("20 requests took %s: the busy server gets no rest, want %s", time.Since(start), least)
		}
		latency.Store(int64(10 * time.Millisecond))
		flood(t, c, 200)
		if c.limiter.limit != 4 || len(c.limiter.tokens) != 4 {
			t.Errorf("limit %d and %d tokens after the server recovered, want 4", c.limiter.limit, len(c.limiter.tokens))
		}
	})
}

// A server that is slow by nature is no busy one.
func TestSteadyLatencyKeepsConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &busyServer{latency: func() time.Duration { return 2 * time.Second }}
		c := bubbleClient(t, s.answer)
		if _, err := c.Now(t.Context()); err != nil {
			t.Fatal(err)
		}
		flood(t, c, 100)
		if c.limiter.limit != 4 {
			t.Errorf("limit %d, want 4", c.limiter.limit)
		}
		if probes := s.all.Load() - 101; probes < 1 || probes > 100/probeShare {
			t.Errorf("%d probes for 100 requests, want 1 to %d", probes, 100/probeShare)
		}
	})
}

// Without a question for the time there is nothing to measure by, and servers
// that only have rules are not asked queries.
func TestNoProbeWithoutBaseline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &busyServer{latency: func() time.Duration { return time.Second }}
		flood(t, bubbleClient(t, s.answer), 50)
		if s.all.Load() != 50 {
			t.Errorf("%d requests, want 50", s.all.Load())
		}
	})
}

func TestRetryAfterPausesAllRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		refused := false
		var early atomic.Int64
		c := bubbleClient(t, func(*http.Request) (*http.Response, error) {
			if !refused {
				refused = true
				return response(429, "20"), nil
			}
			if time.Since(start) < 20*time.Second {
				early.Add(1)
			}
			return vectorResponse(), nil
		})
		first := make(chan struct{})
		go func() { defer close(first); flood(t, c, 1) }()
		synctest.Wait() // the first one was refused
		flood(t, c, 10)
		<-first
		if early.Load() > 0 {
			t.Errorf("%d requests within the 20 seconds in which the server wants none", early.Load())
		}
	})
}

func TestPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(2)
		l.until = time.Now().Add(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.acquire(ctx); err == nil {
			t.Error("no error")
		}
		if len(l.tokens) != 2 {
			t.Errorf("%d tokens left, want 2", len(l.tokens))
		}
	})
}
