package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrUnsupported says that the server does not have the API that was asked
// for: it is older, or of another make.
var ErrUnsupported = errors.New("not supported by the server")

var (
	errTimeout  = errors.New("no answer within the timeout")
	errBudget   = errors.New("the budget for the whole scan is used up: raise budget")
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	errGarbled  = errors.New("decompress the answer (look into the proxy before the server)")
	errHalf     = errors.New("the answer ended early: the connection was closed before all of it had arrived")
	errDropped  = errors.New("the connection was closed without an answer: look into the log of the server, or of the proxy before it")
)

// Error is an answer of the server that says no.
type Error struct {
	Status  int    // HTTP status code
	Type    string // errorType of the API, empty when the body is not its JSON
	Message string // what the API says, or the beginning of the body

	retryAfter time.Duration // what the Retry-After header asks for
}

// Error returns "503 Service Unavailable: timeout: query timed out …".
func (e *Error) Error() string {
	s := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Type != "" {
		s += ": " + e.Type
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if todo := e.todo(); todo != "" {
		s += " (" + todo + ")"
	}
	return s
}

// todo says what to do about the answer, if that is known.
func (e *Error) todo() string {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "check basic_auth, authorization and http_headers"
	case http.StatusNotFound:
		return "does url hold the right path prefix?"
	case http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return "a limit of the server: raise it there, or ask for less at once by max_series_per_query"
	case http.StatusTooManyRequests:
		return "lower concurrency, or raise the rate limit for sentei"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if e.Type == "" { // not from the API: a proxy, or a server that starts
			return "is the server behind it up?"
		}
	}
	return ""
}

// Unwrap returns ErrUnsupported for answers that say that there is no such
// API.
func (e *Error) Unwrap() error {
	switch e.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return ErrUnsupported
	case http.StatusBadRequest: // VictoriaMetrics and vmalert
		if strings.Contains(e.Message, "unsupported path requested") {
			return ErrUnsupported
		}
	}
	return nil
}

// TooHeavy reports whether the request failed because it asked for too much at
// once, so that smaller requests may succeed: it timed out, the server refused
// to evaluate it (too many samples, a limit of a proxy), or the answer was too
// large.
func TooHeavy(err error) bool {
	if errors.Is(err, errTimeout) || errors.Is(err, errTooLarge) {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Type == "timeout" || e.Status == http.StatusGatewayTimeout ||
		e.Status == http.StatusRequestEntityTooLarge || e.Status == http.StatusUnprocessableEntity)
}

// redirectError refuses to follow a redirect.
type redirectError struct {
	status int
	to     string
}

func (e *redirectError) Error() string {
	return fmt.Sprintf("%d %s: redirects to %s: set url to where the API is", e.status, http.StatusText(e.status), e.to)
}

// contextError returns err, or why the context ended if it has.
func contextError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
