package notify

import (
	"encoding/base64"
	"errors"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// secrets are texts that no error may hold. Receivers, and proxies before them,
// repeat in their answers what they were sent.
type secrets struct {
	mu    sync.Mutex
	texts []string
}

// add adds a secret. Very short ones would hide half of every text.
func (s *secrets) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(text) >= 4 && !slices.Contains(s.texts, text) {
		s.texts = append(s.texts, text)
	}
}

// addURL adds an address, its path and its query.
func (s *secrets) addURL(address string) {
	s.add(address)
	if u, err := url.Parse(address); err == nil {
		s.add(u.RequestURI())
		s.add(u.Path)
		s.add(u.RawQuery)
		for _, values := range u.Query() {
			for _, v := range values {
				s.add(v)
			}
		}
	}
}

// trace adds the headers with credentials as they are sent, wherever in the
// options of the HTTP client they come from.
func (s *secrets) trace() *httptrace.ClientTrace {
	public := []string{"Host", "User-Agent", "Content-Length", "Content-Type", "Accept", "Accept-Encoding", "Idempotency-Key",
		"X-Github-Api-Version", timestampHeader, ":authority", ":method", ":scheme"}
	return &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) {
		if slices.ContainsFunc(public, func(p string) bool { return strings.EqualFold(p, name) }) {
			return
		}
		for _, v := range values {
			s.add(v)
			scheme, credentials, found := strings.Cut(v, " ")
			if !found {
				continue
			}
			s.add(credentials)
			if pair, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "basic") {
				_, password, _ := strings.Cut(string(pair), ":")
				s.add(password)
			}
		}
	}}
}

// redact returns the text without any secret.
func (s *secrets) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The longest first: others may be a part of it.
	slices.SortFunc(s.texts, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range s.texts {
		text = strings.ReplaceAll(text, secret, "<secret>")
	}
	return text
}

// hide returns the error without any secret.
func (s *secrets) hide(err error) error {
	if text := s.redact(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// hideSMTP returns the error without any secret, its status kept.
func (s *secrets) hideSMTP(err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return &textproto.Error{Code: e.Code, Msg: s.redact(e.Msg)}
	}
	return s.hide(err)
}
