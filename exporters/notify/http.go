package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"

	"github.com/sentei/sentei/internal/source"
)

// httpOptions are the options of channels that post to an address.
type httpOptions struct {
	// URL is a secret: whoever knows the address of a webhook may post there.
	URL     config.Secret           `yaml:"url"`
	URLFile string                  `yaml:"url_file"`
	HTTP    config.HTTPClientConfig `yaml:",inline"`
	Timeout model.Duration          `yaml:"timeout"`
}

func defaultHTTP() httpOptions {
	return httpOptions{HTTP: config.DefaultHTTPClientConfig, Timeout: model.Duration(30 * time.Second)}
}

// poster posts to one address. Its errors are as Channel wants them.
type poster struct {
	url     string // empty when it is read from a file for each delivery
	urlFile string
	options config.HTTPClientConfig // of client
	client  *http.Client
	timeout time.Duration
	now     func() time.Time
}

func newPoster(o httpOptions, env source.Env) (*poster, error) {
	p := &poster{url: string(o.URL), timeout: time.Duration(o.Timeout), now: env.Now}
	if o.Timeout <= 0 {
		return nil, errors.New("timeout must be more than 0s")
	}
	switch {
	case o.URL == "" && o.URLFile == "":
		return nil, errors.New("set url, or url_file to keep it out of the configuration")
	case o.URL != "" && o.URLFile != "":
		return nil, errors.New("both url and url_file are set: leave one out")
	case o.URLFile != "":
		p.urlFile = env.Path(o.URLFile)
	default:
		if err := checkURL(p.url); err != nil {
			return nil, fmt.Errorf("url %w", err)
		}
	}
	client, err := httpClient(&o.HTTP, env)
	if err != nil {
		return nil, err
	}
	p.client, p.options = client, o.HTTP
	return p, nil
}

// httpClient makes a client of the options, whose paths it makes relative to the
// configuration file's folder. It follows redirects on the same
// host only, and only those that send the same again.
func httpClient(o *config.HTTPClientConfig, env source.Env) (*http.Client, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.SetDirectory(env.Dir)
	agent := "sentei/dev"
	if version.Version != "" {
		agent = "sentei/" + version.Version
	}
	client, err := config.NewClientFromConfig(*o, "sentei", config.WithUserAgent(agent))
	if err != nil {
		return nil, err
	}
	if o.FollowRedirects {
		client.CheckRedirect = checkRedirect
	}
	return client, nil
}

// checkRedirect stops at a redirect to another host, which credentials must
// not reach, and at one that would turn a POST into a GET, which delivers
// nothing. The redirect itself is then the answer.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	downgrade := first.URL.Scheme == "https" && req.URL.Scheme != "https"
	if req.URL.Host != first.URL.Host || downgrade || req.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// checkURL checks the address of a webhook. Its error does not quote it.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("cannot be parsed: write it like https://hooks.example.com/path")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("is not an http or https address: write it like https://hooks.example.com/path")
	case u.User != nil:
		return errors.New("holds a user name: use basic_auth")
	case u.Fragment != "":
		return errors.New("has a fragment: leave out what follows #")
	}
	return nil
}

// address returns where to post.
func (p *poster) address() (string, error) {
	if p.urlFile == "" {
		return p.url, nil
	}
	text, err := readSecret(p.urlFile)
	if err != nil {
		return "", fmt.Errorf("read url_file: %w", err)
	}
	if err := checkURL(text); err != nil {
		return "", fmt.Errorf("the address in url_file %w", err)
	}
	return text, nil
}

// readSecret reads a file that holds one secret and nothing else.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// reply is what a receiver answered: the status, and the beginning of the body
// without what is secret.
type reply struct {
	status int
	header http.Header
	text   string
}

// maxReply bounds what is read of an answer.
const maxReply = 64 << 10

// post posts JSON. Its error is about the way to the receiver; what the
// receiver says is in the reply.
func (p *poster) post(ctx context.Context, body []byte, header http.Header) (*reply, error) {
	address, err := p.address()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("no answer within the timeout of %s", p.timeout))
	defer cancel()
	var s secrets
	s.addURL(address)
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, s.trace()), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("make a request of the address") // the error quotes it
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the outer one quotes the address
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, s.hide(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil && resp.StatusCode/100 == 2 {
		text = nil // taken, whatever it wanted to add
	}
	return &reply{resp.StatusCode, resp.Header, s.redact(strings.TrimSpace(strings.ToValidUTF8(string(text), "?")))}, nil
}

// failure returns the error of an answer that is no success, with what to do
// about it.
func (r *reply) failure(now time.Time, todo string) error {
	text := fmt.Sprintf("%d %s", r.status, http.StatusText(r.status))
	if said := oneLine(r.text, 200); said != "" {
		text += ": " + said
	}
	if r.status/100 == 3 {
		if to, err := url.Parse(r.header.Get("Location")); err == nil && to.Host != "" {
			text += ": it redirects to the host " + to.Host
		}
		todo = "set url to where it is taken; redirects to another host, and those that drop the body, are not followed"
	}
	if todo != "" {
		text += " (" + todo + ")"
	}
	err := errors.New(text)
	switch {
	case r.status == http.StatusRequestTimeout, r.status == http.StatusTooEarly, r.status == http.StatusTooManyRequests, r.status >= 500:
		if after := retryAfter(r.header.Get("Retry-After"), now); after > 0 {
			return &Later{Err: err, After: after}
		}
		return err
	default:
		return &Refused{Err: err}
	}
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// oneLine returns the beginning of a text, without line breaks.
func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}
