package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// receiver keeps the requests that it gets and answers as it is told.
type receiver struct {
	*httptest.Server
	answer   http.HandlerFunc
	requests []*http.Request
	bodies   [][]byte
}

func newReceiver(t *testing.T, tls bool, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.requests, r.bodies = append(r.requests, req), append(r.bodies, body)
		if r.answer != nil {
			r.answer(w, req)
		}
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tls {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

func TestWebhook(t *testing.T) {
	r := newReceiver(t, false, nil)
	c := channel(t, "webhook", fmt.Sprintf("{url: %s/hook, attach: true, secret: geheim, authorization: {credentials: token}}", r.URL))
	if err := c.Deliver(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	req, body := r.requests[0], r.bodies[0]
	for name, want := range map[string]string{
		"Idempotency-Key": "5f2c9d", "Content-Type": "application/json", "Authorization": "Bearer token",
		"User-Agent": "sentei/dev", "X-Sentei-Timestamp": "1795424407",
	} {
		if got := req.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	mac := hmac.New(sha256.New, []byte("geheim"))
	fmt.Fprintf(mac, "%s.%s", req.Header.Get("X-Sentei-Timestamp"), body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); req.Header.Get("X-Sentei-Signature") != want {
		t.Errorf("signature %q, want %q", req.Header.Get("X-Sentei-Signature"), want)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	m := message()
	want := map[string]any{
		"version": 1.0, "key": "5f2c9d", "report": "weekly", "part": "owner payments", "at": "2026-11-23T09:00:00Z",
		"title": m.Title, "text": m.Text, "link": m.Link,
		"facts": map[string]any{"backends": []any{"main"}, "currency": "EUR", "series": 360000.0, "per_month": 420.0, "series_growth": 1200.0,
			"per_month_growth": 3.5, "proposals": 3.0, "saving_series": 9000.0, "saving_per_month": 12.0, "blocking_problems": 1.0, "regrets": 0.0},
		"files": []any{
			map[string]any{"name": "report.html", "content_type": "text/html; charset=utf-8", "size": 17.0, "body": "PHA+dGhlIHJlcG9ydDwvcD4="},
			map[string]any{"name": "report.csv", "content_type": "text/csv; charset=utf-8", "size": 18.0, "body": "bWV0cmljLHNlcmllcwphLDEK"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWebhookReadsSecretsForEachDelivery(t *testing.T) {
	r := newReceiver(t, false, nil)
	path := write(t, "url", r.URL+"/one\n")
	c := channel(t, "webhook", "{url_file: "+path+", secret_file: "+path+".key}")
	if got := outcome(c.Deliver(t.Context(), message())); got != "again: read secret_file: open "+path+".key: no such file or directory" {
		t.Error(got)
	}
	c = channel(t, "webhook", "{url_file: "+path+"}")
	if err := c.Deliver(t.Context(), message()); err != nil || r.requests[0].URL.Path != "/one" || r.requests[0].Header.Get(signatureHeader) != "" {
		t.Errorf("%v, %v", err, r.requests)
	}
	c = channel(t, "webhook", "{url_file: "+write(t, "url", "verysecret")+"}")
	if got := outcome(c.Deliver(t.Context(), message())); !strings.HasPrefix(got, "again: the address in url_file is not an http") {
		t.Error(got)
	}
	c = channel(t, "webhook", "{url_file: "+write(t, "empty", " \n")+"}")
	if got := outcome(c.Deliver(t.Context(), message())); !strings.HasSuffix(got, "is empty") {
		t.Error(got)
	}
}

// The answers of receivers, and what becomes of the message.
func TestWebhookAnswers(t *testing.T) {
	answer := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			io.WriteString(w, strings.ReplaceAll(body, "PATH", req.URL.String()+" "+req.Header.Get("Authorization")+" "+req.Header.Get("X-Key")))
		}
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"200":        {answer(200, "thanks"), "taken"},
		"204":        {answer(204, ""), "taken"},
		"400":        {answer(400, "no\n such  field"), "refused: 400 Bad Request: no such field"},
		"401":        {answer(401, ""), "refused: 401 Unauthorized (check basic_auth, authorization, http_headers and secret_file)"},
		"404":        {answer(404, "gone"), "refused: 404 Not Found: gone (is there still such a webhook?)"},
		"413":        {answer(413, ""), "refused: 413 Request Entity Too Large (set attach: false, or ask for fewer formats)"},
		"408":        {answer(408, ""), "again: 408 Request Timeout"},
		"425":        {answer(425, ""), "again: 425 Too Early"},
		"429":        {answer(429, "slow down", "Retry-After", "120"), "later 2m0s: 429 Too Many Requests: slow down"},
		"503":        {answer(503, "", "Retry-After", "Mon, 23 Nov 2026 09:01:07 GMT"), "later 1m0s: 503 Service Unavailable"},
		"503 past":   {answer(503, "", "Retry-After", "Mon, 23 Nov 2026 08:01:07 GMT"), "again: 503 Service Unavailable"},
		"500 bad":    {answer(500, "", "Retry-After", "soon"), "again: 500 Internal Server Error"},
		"echo":       {answer(400, "cannot PATH"), "refused: 400 Bad Request: cannot <secret> <secret> <secret>"},
		"long":       {answer(500, strings.Repeat("é", 300)), "again: 500 Internal Server Error: " + strings.Repeat("é", 200) + "…"},
		"login page": {answer(302, "", "Location", "https://login.example.com/verysecret"), "refused: 302 Found: it redirects to the host login.example.com (set url to where it is taken; redirects to another host, and those that drop the body, are not followed)"},
		"other host": {answer(307, "", "Location", "https://other.example.com/"), "refused: 307 Temporary Redirect: it redirects to the host other.example.com (set url to where it is taken; redirects to another host, and those that drop the body, are not followed)"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		}, "taken"},
		"no answer": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "again: EOF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, false, tt.answer)
			c := channel(t, "webhook", "{url: '"+r.URL+"/hook/verysecret?token=alsosecret', basic_auth: {username: me, password: verysecret}, "+
				"http_headers: {X-Key: {secrets: [thirdsecret]}}}")
			got := outcome(c.Deliver(t.Context(), message()))
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if strings.Contains(got, "secret") && !strings.Contains(tt.want, "secret") {
				t.Errorf("a secret is told: %s", got)
			}
		})
	}
}

func TestWebhookFollowsRedirectsOnTheSameHost(t *testing.T) {
	r := newReceiver(t, false, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/old" {
			http.Redirect(w, req, "/new", http.StatusPermanentRedirect)
		}
	})
	c := channel(t, "webhook", "{url: "+r.URL+"/old}")
	if err := c.Deliver(t.Context(), message()); err != nil || len(r.bodies) != 2 || string(r.bodies[0]) != string(r.bodies[1]) {
		t.Errorf("%v, %d requests", err, len(r.bodies))
	}
	c = channel(t, "webhook", "{url: "+r.URL+"/old, follow_redirects: false}")
	if got := outcome(c.Deliver(t.Context(), message())); !strings.HasPrefix(got, "refused: 308 Permanent Redirect") {
		t.Error(got)
	}
}

func TestWebhookConnections(t *testing.T) {
	tls := newReceiver(t, true, nil)
	block := make(chan struct{})
	slow := newReceiver(t, false, func(http.ResponseWriter, *http.Request) { <-block })
	defer close(block)
	tests := map[string]struct{ yaml, want string }{
		"nobody listens": {"{url: http://" + closedPort(t) + "/verysecret}", "connect: connection refused"},
		"unknown CA":     {"{url: " + tls.URL + "/verysecret}", "certificate signed by unknown authority"},
		"slow":           {"{url: " + slow.URL + "/verysecret, timeout: 50ms}", "again: no answer within the timeout of 50ms"},
	}
	for name, tt := range tests {
		got := outcome(channel(t, "webhook", tt.yaml).Deliver(t.Context(), message()))
		if !strings.HasPrefix(got, "again: ") || !strings.Contains(got, tt.want) || strings.Contains(got, "verysecret") {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := outcome(channel(t, "webhook", "{url: "+tls.URL+", tls_config: {insecure_skip_verify: true}}").Deliver(t.Context(), message())); got != "taken" {
		t.Error(got)
	}
	if got := outcome(channel(t, "webhook", "{url: "+slow.URL+"}").Deliver(canceled(), message())); got != "again: context canceled" {
		t.Error(got)
	}
}
