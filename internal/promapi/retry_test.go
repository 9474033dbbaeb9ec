package promapi

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// roundTripper answers without a network, so that the clock of a bubble runs.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(status int, retryAfter string) *http.Response {
	body := `{"status":"success","data":{"version":"1"}}`
	if status != 200 {
		body = "busy"
	}
	header := http.Header{}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// vectorResponse answers any query.
func vectorResponse() *http.Response {
	body := `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// bubbleClient returns a client with the real back-off; call it in a bubble.
func bubbleClient(t *testing.T, answer roundTripper) *Client {
	t.Helper()
	cfg := DefaultConfig()
	cfg.URL = "http://prometheus.test"
	c, err := New(cfg, "", slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = answer
	return c
}

func TestBackoff(t *testing.T) {
	tests := map[string]struct {
		retryAfter func() string
		failures   int
		min, max   time.Duration // of all waits together
		fails      bool
	}{
		"exponential":         {failures: 3, min: 1750 * time.Millisecond, max: 5250 * time.Millisecond},
		"too often":           {failures: 4, min: 1750 * time.Millisecond, max: 5250 * time.Millisecond, fails: true},
		"seconds":             {failures: 1, retryAfter: func() string { return "20" }, min: 20 * time.Second, max: 20 * time.Second},
		"date":                {failures: 1, retryAfter: func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, min: 19 * time.Second, max: 20 * time.Second},
		"shorter than ours":   {failures: 1, retryAfter: func() string { return "0" }, min: 250 * time.Millisecond, max: 750 * time.Millisecond},
		"longer than allowed": {failures: 1, retryAfter: func() string { return "61" }, fails: true},
		"nonsense":            {failures: 1, retryAfter: func() string { return "soon" }, min: 250 * time.Millisecond, max: 750 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				c := bubbleClient(t, func(*http.Request) (*http.Response, error) {
					tries++
					if tries > tt.failures {
						return response(200, ""), nil
					}
					header := ""
					if tt.retryAfter != nil {
						header = tt.retryAfter()
					}
					return response(429, header), nil
				})
				start := time.Now()
				_, err := c.BuildInfo(t.Context())
				if (err != nil) != tt.fails {
					t.Errorf("got error %v", err)
				}
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("waited %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}

// TestBudgetEndsRetry lets the budget end within the second request: what is
// told is how the first one failed.
func TestBudgetEndsRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c := bubbleClient(t, func(r *http.Request) (*http.Response, error) {
			if tries++; tries == 1 {
				return response(503, ""), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		c.budget = 10 * time.Second
		ctx, cancel := c.WithBudget(t.Context())
		defer cancel()
		_, err := c.BuildInfo(ctx)
		var status *Error
		if tries != 2 || !errors.Is(err, errBudget) || !errors.As(err, &status) || status.Status != 503 {
			t.Errorf("%d tries, error %v", tries, err)
		}
	})
}

func TestBudgetEndsBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bubbleClient(t, func(*http.Request) (*http.Response, error) { return response(503, "50"), nil })
		c.budget = 10 * time.Second
		ctx, cancel := c.WithBudget(t.Context())
		defer cancel()
		start := time.Now()
		_, err := c.BuildInfo(ctx)
		var status *Error
		if !errors.Is(err, errBudget) || !errors.As(err, &status) || status.Status != 503 {
			t.Errorf("got error %v", err)
		}
		if time.Since(start) != 10*time.Second {
			t.Errorf("took %s", time.Since(start))
		}
	})
}
