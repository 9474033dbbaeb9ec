// Package promapi is a client of the HTTP API of Prometheus and of servers
// that speak it. In go the address and the options of one server; out come
// answers as Go values, with the warnings of the server beside them.
//
// It is made to be a light guest: few requests at once and fewer when the
// server grows slow, a time-out for each, bounded answers, retries only for
// what may pass by itself. Every query that it sends ends in querylog.OwnMarker,
// so that it is recognised in query logs.
package promapi

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
)

// maxBody bounds an answer, after decompression.
const maxBody = 256 << 20

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base     *url.URL
	http     *http.Client
	logger   *slog.Logger
	now      func() time.Time
	limiter  *limiter
	timeout  time.Duration
	budget   time.Duration
	backoff  time.Duration
	maxBody  int64
	params   url.Values // of every request
	answered func()
	onlyGet  atomic.Bool // the server does not take POST
}

// New returns a client. Relative paths of secrets and certificates are
// relative to dir. The error names every option that is wrong.
func New(cfg Config, dir string, logger *slog.Logger, now func() time.Time) (*Client, error) {
	base, err := cfg.base()
	if err != nil {
		return nil, err
	}
	cfg.HTTP.SetDirectory(dir)
	client, err := config.NewClientFromConfig(cfg.HTTP, "sentei", config.WithUserAgent(userAgent()))
	if err != nil {
		return nil, err
	}
	if cfg.HTTP.FollowRedirects {
		client.CheckRedirect = checkRedirect
	}
	return &Client{
		base:     base,
		http:     client,
		logger:   logger,
		now:      now,
		limiter:  newLimiter(cfg.Concurrency),
		timeout:  time.Duration(cfg.Timeout),
		budget:   time.Duration(cfg.Budget),
		backoff:  firstBackoff,
		maxBody:  maxBody,
		params:   cfg.Params,
		answered: cfg.Answered,
	}, nil
}

func userAgent() string {
	if version.Version == "" {
		return "sentei/dev"
	}
	return "sentei/" + version.Version
}

// checkRedirect lets redirects pass within the same host only: credentials
// must not go elsewhere, and a POST that turns into a GET loses its query.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	downgrade := first.URL.Scheme == "https" && req.URL.Scheme != "https"
	if req.URL.Host != first.URL.Host || downgrade || req.Method != first.Method || len(via) > 3 {
		return &redirectError{status: req.Response.StatusCode, to: req.URL.Redacted()}
	}
	return nil
}

// URL returns the address of the server.
func (c *Client) URL() string { return c.base.String() }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// WithBudget returns a context that ends when the budget for one scan is used
// up.
func (c *Client) WithBudget(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.budget, errBudget)
}

// WithRest is WithBudget for what comes after a part of the budget was used.
func (c *Client) WithRest(ctx context.Context, used time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.budget-used, errBudget)
}

// do sends one request, again if that may help, and hands the answer to decode,
// which may be called more than once.
func (c *Client) do(ctx context.Context, method, path string, params url.Values, decode func([]byte) (*envelope, error)) error {
	return c.retry(ctx, method, path, c.json(method, path, params, decode))
}

// exchange is one request and what to do with its answer.
type exchange struct {
	request func(context.Context) (*http.Request, error)
	read    func(*http.Response) error
}

// json is an exchange whose answer is in JSON.
func (c *Client) json(method, path string, params url.Values, decode func([]byte) (*envelope, error)) exchange {
	return exchange{func(ctx context.Context) (*http.Request, error) {
		return c.request(ctx, method, path, params)
	}, func(resp *http.Response) error {
		body, err := c.readBody(resp)
		if err != nil {
			return err
		}
		return c.check(resp, body, decode)
	}}
}

// retry tries the exchange until it succeeds or another try is of no use. When
// the context ends within a further try, the error tells how the one before
// failed.
func (c *Client) retry(ctx context.Context, method, path string, x exchange) error {
	gaveUp := func(err, cause error) error {
		return fmt.Errorf("%s %s%s: %w (gave up: %w)", method, c.base, path, err, cause)
	}
	var last error
	for tries := 0; ; tries++ {
		err := c.try(ctx, x)
		if err == nil {
			if c.answered != nil {
				c.answered()
			}
			return nil
		}
		if last != nil && ctx.Err() != nil {
			return gaveUp(last, context.Cause(ctx))
		}
		last = err
		wait, again := retryIn(err, tries, c.backoff)
		if !again {
			return fmt.Errorf("%s %s%s: %w", method, c.base, path, err)
		}
		c.logger.Debug("request failed, will try again", "path", path, "wait", wait, "err", err)
		if cause := sleep(ctx, wait); cause != nil {
			return gaveUp(err, cause)
		}
	}
}

// try sends one request once.
func (c *Client) try(ctx context.Context, x exchange) (err error) {
	if err := c.limiter.acquire(ctx); err != nil {
		return err
	}
	start := time.Now()
	defer func() {
		took := time.Since(start)
		if err == nil && c.limiter.due() {
			c.probe(ctx) // with the same token
		}
		c.limiter.release(took, throttled(err) || took > slowAfter, pauseAfter(err))
	}()
	return c.send(ctx, x)
}

// probeQuery costs a server next to nothing, so how long it takes tells how
// busy the server is.
const probeQuery = "time()"

// probe finds out how busy the server is. That it fails tells nothing: other
// requests will fail too.
func (c *Client) probe(ctx context.Context) {
	start := time.Now()
	var a answer[queryResult]
	if c.send(ctx, c.json(http.MethodGet, "/api/v1/query", ownQuery(probeQuery), a.decode)) == nil {
		c.limiter.probed(time.Since(start))
	}
}

// send sends one request, which must hold a token.
func (c *Client) send(ctx context.Context, x exchange) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("%w of %s: raise timeout, or find out why the server is slow", errTimeout, c.timeout))
	defer cancel()

	req, err := x.request(ctx)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the rest is said by do
		}
		if ctx.Err() == nil && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)) {
			return errDropped
		}
		return contextError(ctx, err)
	}
	defer resp.Body.Close()
	if err := x.read(resp); err != nil {
		return contextError(ctx, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, params url.Values) (*http.Request, error) {
	target := c.base.String() + path
	if len(c.params) > 0 {
		all := maps.Clone(c.params)
		maps.Copy(all, params)
		params = all
	}
	var form io.Reader
	if method == http.MethodPost {
		form = strings.NewReader(params.Encode())
	} else if len(params) > 0 {
		target += "?" + params.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, form)
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip") // the transport of prometheus/common does not ask for it
	return req, nil
}

func (c *Client) readBody(resp *http.Response) ([]byte, error) {
	var r io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		zip, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errGarbled, halfBody(err))
		}
		defer zip.Close()
		r = zip
	}
	body, err := io.ReadAll(io.LimitReader(r, c.maxBody+1))
	if err := halfBody(err); err != nil && r != resp.Body {
		return nil, fmt.Errorf("%w: %w", errGarbled, err)
	} else if err != nil {
		return nil, err
	}
	if int64(len(body)) > c.maxBody {
		return nil, errTooLarge
	}
	return body, nil
}

func halfBody(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return errHalf
	}
	return err
}
