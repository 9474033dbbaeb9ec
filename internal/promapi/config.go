package promapi

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Config says how to reach one server. Sources inline it into their own
// options, so that the options of the HTTP client stand where Prometheus has
// them: basic_auth, authorization, oauth2, tls_config, proxy_url, http_headers
// and so on.
type Config struct {
	// URL is the address of the server, with the path prefix that it is
	// served under, if any.
	URL string `yaml:"url"`
	// HTTP holds the options of the HTTP client.
	HTTP config.HTTPClientConfig `yaml:",inline"`
	// Concurrency is how many requests may run at once.
	Concurrency int `yaml:"concurrency"`
	// Timeout is how long one request may take, its answer included.
	Timeout model.Duration `yaml:"timeout"`
	// Budget is how long all requests of one scan may take together, as wall
	// time.
	Budget model.Duration `yaml:"budget"`
	// Params are sent with every request. Sources set them.
	Params url.Values `yaml:"-"`
	// Answered is called after every answer, by any goroutine; nil is not
	// called. Sources set it.
	Answered func() `yaml:"-"`
}

// SetHeader makes every request carry the header. It is an error when the
// configuration sets the same header under http_headers.
func (c *Config) SetHeader(name, value string) error {
	headers := make(map[string]config.Header)
	if c.HTTP.HTTPHeaders != nil {
		for n, h := range c.HTTP.HTTPHeaders.Headers {
			if strings.EqualFold(n, name) {
				return fmt.Errorf("http_headers sets %s as well: say it in one place", n)
			}
			headers[n] = h
		}
	}
	headers[name] = config.Header{Values: []string{value}}
	c.HTTP.HTTPHeaders = &config.Headers{Headers: headers}
	return nil
}

// DefaultConfig returns the options that hold unless the configuration says
// otherwise. It has no URL.
func DefaultConfig() Config {
	return Config{
		HTTP:        config.DefaultHTTPClientConfig,
		Concurrency: 4,
		Timeout:     model.Duration(time.Minute),
		Budget:      model.Duration(10 * time.Minute),
	}
}

// base checks the options and returns the parsed URL, without a slash at its
// end. The error names every option that is wrong.
func (c *Config) base() (*url.URL, error) {
	u, err := parseURL(c.URL)
	errs := []error{err, c.HTTP.Validate()}
	if c.Concurrency < 1 {
		errs = append(errs, fmt.Errorf("concurrency is %d: it must be 1 or more", c.Concurrency))
	}
	if c.Timeout <= 0 {
		errs = append(errs, errors.New("timeout must be more than 0s"))
	}
	if c.Budget < c.Timeout {
		errs = append(errs, fmt.Errorf("budget (%s) is shorter than timeout (%s), so one slow request would use it up", c.Budget, c.Timeout))
	}
	return u, errors.Join(errs...)
}

func parseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("url is missing: set it to the address of the server, such as http://prometheus:9090")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		// The error of the url package quotes the text, password included.
		return nil, errors.New("url cannot be parsed: write it like http://prometheus:9090")
	case u.User != nil:
		return nil, errors.New("url holds a user name: use basic_auth, which keeps secrets out of logs")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("url %q is not an http or https address: write it like http://prometheus:9090", text)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("url %q has a query or a fragment: leave out what follows the path", text)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	if strings.HasSuffix(u.Path, "/api/v1") {
		return nil, fmt.Errorf("url %q ends in /api/v1: leave that out, it is added", text)
	}
	return u, nil
}
