package promapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// envelope is what every answer of the API has beside its data.
type envelope struct {
	Status    string   `json:"status"`
	ErrorType string   `json:"errorType"`
	Error     string   `json:"error"`
	Warnings  []string `json:"warnings"`
	Partial   bool     `json:"isPartial"` // VictoriaMetrics: a storage node did not answer
}

// doubts returns what says that the data may be incomplete.
func (e *envelope) doubts() []string {
	if e.Partial {
		return append(e.Warnings, "the answer is partial: a storage node did not answer")
	}
	return e.Warnings
}

type answer[T any] struct {
	envelope
	Data data[T] `json:"data"`
}

// decode reads the body, anew each time.
func (a *answer[T]) decode(body []byte) (*envelope, error) {
	*a = answer[T]{}
	err := json.Unmarshal(body, a)
	if err == nil && a.Status == "success" && !a.Data.seen {
		err = errors.New("it has no data")
	}
	if whole, ok := any(&a.Data.value).(checker); ok && err == nil && a.Status == "success" {
		err = whole.check()
	}
	return &a.envelope, err
}

// checker is data that may lack a part, which must not pass for an empty one.
type checker interface{ check() error }

// data remembers whether it was there at all: nothing must not pass for an
// empty list.
type data[T any] struct {
	value T
	seen  bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *data[T]) UnmarshalJSON(text []byte) error {
	d.seen = true
	return json.Unmarshal(text, &d.value)
}

// check returns an error when the field was not there.
func (d *data[T]) check(field string) error {
	if !d.seen {
		return fmt.Errorf("it has no %s", field)
	}
	return nil
}

// get asks for path and decodes the data of the answer. Warnings say that the
// data may be incomplete, such as "results truncated due to limit".
func get[T any](ctx context.Context, c *Client, path string, params url.Values) (T, []string, error) {
	return call[T](ctx, c, http.MethodGet, path, params)
}

// post does the same with the parameters in a form, which has no limit of
// length; with GET if the server does not take POST.
func post[T any](ctx context.Context, c *Client, path string, params url.Values) (T, []string, error) {
	if c.onlyGet.Load() {
		return get[T](ctx, c, path, params)
	}
	data, warnings, err := call[T](ctx, c, http.MethodPost, path, params)
	if e, ok := errors.AsType[*Error](err); ok && (e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotImplemented) {
		c.onlyGet.Store(true)
		return get[T](ctx, c, path, params)
	}
	return data, warnings, err
}

func call[T any](ctx context.Context, c *Client, method, path string, params url.Values) (T, []string, error) {
	var a answer[T]
	err := c.do(ctx, method, path, params, a.decode)
	return a.Data.value, a.doubts(), err
}

// check decodes the answer and returns an error unless it is a successful one
// of the API.
func (c *Client) check(resp *http.Response, body []byte, decode func([]byte) (*envelope, error)) error {
	if resp.StatusCode/100 == 2 {
		head, err := decode(body)
		switch {
		case err == nil && head.Status == "success":
			return nil
		case err == nil && head.Status == "error":
			return &Error{Status: resp.StatusCode, Type: head.ErrorType, Message: head.Error}
		case isHTML(resp, body):
			return fmt.Errorf("the answer (%d %s) is an HTML page, not JSON: a login page, or url does not point at the API",
				resp.StatusCode, http.StatusText(resp.StatusCode))
		case len(body) == 0:
			return errors.New("the answer is empty")
		case err != nil && strings.Contains(err.Error(), "unexpected end of JSON input"):
			return errHalf
		case err != nil:
			return fmt.Errorf("the answer is not what the API promises: %w (it begins with %q)", err, excerpt(body))
		}
		return fmt.Errorf("the answer is not one of the API: it begins with %q", excerpt(body))
	}
	if resp.StatusCode/100 == 3 {
		return &redirectError{status: resp.StatusCode, to: location(resp)}
	}
	failure := &Error{Status: resp.StatusCode, retryAfter: retryAfter(resp.Header.Get("Retry-After"), c.now())}
	var head envelope
	switch err := json.Unmarshal(body, &head); {
	case err == nil && head.Error != "":
		failure.Type, failure.Message = head.ErrorType, head.Error
	case isHTML(resp, body):
		failure.Message = "an HTML page"
	default:
		failure.Message = excerpt(body)
	}
	return failure
}

func location(resp *http.Response) string {
	if u, err := resp.Location(); err == nil {
		return u.Redacted()
	}
	return "nowhere"
}

func isHTML(resp *http.Response, body []byte) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") ||
		bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// excerpt returns the beginning of a body on one line.
func excerpt(body []byte) string {
	const most = 200
	cut := body[:min(len(body), 4*most)]
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(cut), "")), " ")
	if len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
