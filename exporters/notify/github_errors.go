package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v84/github"
)

// status returns the HTTP status that GitHub refused with, or 0.
func status(err error) int {
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok && e.Response != nil {
		return e.Response.StatusCode
	}
	return 0
}

// said reports whether GitHub refused with a message that holds the text.
func said(err error, text string) bool {
	e, ok := errors.AsType[*github.ErrorResponse](err)
	return ok && strings.Contains(reasons(e), text)
}

// reasons returns what GitHub says is wrong.
func reasons(e *github.ErrorResponse) string {
	texts := []string{e.Message}
	for _, detail := range e.Errors {
		switch {
		case detail.Message != "":
			texts = append(texts, detail.Message)
		case detail.Field != "":
			texts = append(texts, detail.Field+" is "+detail.Code)
		}
	}
	return strings.Join(texts, ", ")
}

// fail returns the error of a step, as Channel wants it. needs is the
// permission that the step takes.
func (d *pullDelivery) fail(ctx context.Context, step, needs string, err error) error {
	wrap := func(text string) error { return errors.New(step + ": " + oneLine(d.secrets.redact(text), 500)) }
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", step, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*github.RateLimitError](err); ok {
		after := max(time.Second, e.Rate.Reset.Sub(d.now()))
		return &Later{Err: wrap(fmt.Sprintf("the rate limit of %d requests an hour is used up", e.Rate.Limit)), After: after}
	}
	if e, ok := errors.AsType[*github.AbuseRateLimitError](err); ok {
		after := time.Minute // as GitHub asks for when it names no time
		if e.RetryAfter != nil {
			after = max(time.Second, *e.RetryAfter)
		}
		return &Later{Err: wrap("too many requests at once: " + e.Message), After: after}
	}
	if _, ok := errors.AsType[*github.RedirectionError](err); ok {
		return &Refused{Err: wrap("redirected elsewhere: has the repository a new name? Then change repository; or check api_url")}
	}
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok && e.Response != nil {
		return d.refusal(wrap, needs, e)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return wrap(err.Error())
}

// refusal returns the error of an answer that says no.
func (d *pullDelivery) refusal(wrap func(string) error, needs string, e *github.ErrorResponse) error {
	code, header := e.Response.StatusCode, e.Response.Header
	text := fmt.Sprintf("%d %s", code, http.StatusText(code))
	if why := reasons(e); why != "" && why != http.StatusText(code) {
		text += ": " + why
	}
	if accepted := header.Get("X-Accepted-Github-Permissions"); accepted != "" {
		needs = accepted
	}
	switch {
	case code == http.StatusUnauthorized:
		text += " (the token is wrong or has expired: check token_file)"
	case code == http.StatusForbidden && header.Get("Retry-After") == "", code == http.StatusNotFound:
		text += fmt.Sprintf(" (does %s exist? The token needs the permission %s for it)", d.Repository, needs)
	case code == http.StatusUnprocessableEntity && strings.Contains(text, "Draft pull requests are not supported"):
		text += " (set draft: false)"
	}
	err := wrap(text)
	after := retryAfter(header.Get("Retry-After"), d.now())
	switch {
	case after > 0 && (code == http.StatusForbidden || code == http.StatusTooManyRequests || code >= 500):
		return &Later{Err: err, After: after}
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusConflict:
		return err
	}
	return &Refused{Err: err}
}
