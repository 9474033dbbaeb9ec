package promapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei/internal/querylog"
)

func TestFailures(t *testing.T) {
	const json = "application/json"
	tests := map[string]struct {
		handler     http.HandlerFunc
		err         string // part of the message
		tries       int64
		unsupported bool
		heavy       bool
	}{
		"500": {
			handler: reply(500, "text/plain", "out of\n  cheese"),
			err:     "500 Internal Server Error: out of cheese", tries: 1,
		},
		"500 of the API": {
			handler: reply(500, json, `{"status":"error","errorType":"internal","error":"opening storage failed"}`),
			err:     "500 Internal Server Error: internal: opening storage failed", tries: 1,
		},
		"502 with an HTML page": {
			handler: reply(502, "text/html", "<html><body>Bad Gateway</body></html>"),
			err:     "502 Bad Gateway: an HTML page", tries: 4,
		},
		"503 for good": {
			handler: reply(503, "text/plain", "Service Unavailable"),
			err:     "503 Service Unavailable: Service Unavailable", tries: 4,
		},
		"504": {handler: reply(504, "text/plain", ""), err: "504 Gateway Timeout", tries: 4, heavy: true},
		"query timed out in the server": {
			handler: reply(503, json, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`),
			err:     "503 Service Unavailable: timeout: query timed out", tries: 1, heavy: true,
		},
		"too many samples": {
			handler: reply(422, json, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`),
			err:     "422 Unprocessable Entity: execution: query processing would load too many samples", tries: 1, heavy: true,
		},
		"bad query": {
			handler: reply(400, json, `{"status":"error","errorType":"bad_data","error":"parse error"}`),
			err:     "400 Bad Request: bad_data: parse error", tries: 1,
		},
		"error with status 200": {
			handler: reply(200, json, `{"status":"error","errorType":"execution","error":"no"}`),
			err:     "200 OK: execution: no", tries: 1,
		},
		"no such API":     {handler: reply(404, "text/plain", "404 page not found"), err: "does url hold the right path prefix?", tries: 1, unsupported: true},
		"not implemented": {handler: reply(501, "text/plain", ""), err: "501 Not Implemented", tries: 1, unsupported: true},
		"no such API of VictoriaMetrics": {
			handler: reply(400, "text/plain", `unsupported path requested: "/api/v1/status/buildinfo"`),
			err:     "unsupported path requested", tries: 1, unsupported: true,
		},
		"forbidden":         {handler: reply(403, "text/plain", "go away"), err: "403 Forbidden: go away (check basic_auth", tries: 1},
		"login page":        {handler: reply(200, "text/html; charset=utf-8", "<!DOCTYPE html><title>Log in</title>"), err: "HTML page, not JSON: a login page", tries: 1},
		"HTML without type": {handler: reply(200, json, "\n <html>"), err: "HTML page, not JSON", tries: 1},
		"text":              {handler: reply(200, "text/plain", "Prometheus is Ready."), err: `it begins with "Prometheus is Ready."`, tries: 1},
		"other JSON":        {handler: reply(200, json, `{"hello":"world"}`), err: `not one of the API: it begins with "{\"hello\"`, tries: 1},
		"wrong data":        {handler: reply(200, json, `{"status":"success","data":{"version":7}}`), err: "not what the API promises", tries: 1},
		"no data":           {handler: reply(200, json, `{"status":"success"}`), err: "not what the API promises: it has no data", tries: 1},
		"empty":             {handler: reply(200, json, ""), err: "the answer is empty", tries: 1},
		"half JSON":         {handler: reply(200, json, `{"status":"success","data":{"ver`), err: "before all of it had arrived", tries: 4},
		"half a body": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				w.Write([]byte(`{"status":"success"`))
			},
			err: "before all of it had arrived", tries: 4,
		},
		"half a gzip": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Write([]byte{0x1f, 0x8b, 8, 0})
			},
			err: "decompress the answer", tries: 4,
		},
		"garbage instead of gzip": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Write([]byte("no gzip at all, but long enough"))
			},
			err: "decompress the answer (look into the proxy before the server): gzip: invalid header", tries: 1,
		},
		"gzip with a wrong checksum": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				var zipped bytes.Buffer
				zip := gzip.NewWriter(&zipped)
				zip.Write([]byte(`{"status":"success","data":{"version":"1"}}`))
				zip.Close()
				body := zipped.Bytes()
				body[len(body)-8] ^= 1
				w.Header().Set("Content-Encoding", "gzip")
				w.Write(body)
			},
			err: "decompress the answer (look into the proxy before the server): gzip: invalid checksum", tries: 1,
		},
		"too large": {
			handler: reply(200, json, `{"status":"success","data":{"version":"`+strings.Repeat("9", 5000)+`"}}`),
			err:     "the answer is larger than", tries: 1, heavy: true,
		},
		"gzip bomb": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				zip := gzip.NewWriter(w)
				zip.Write([]byte(strings.Repeat(" ", 1<<20)))
				zip.Close()
			},
			err: "the answer is larger than", tries: 1, heavy: true,
		},
		"connection cut": {
			handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			err:     "the connection was closed without an answer: look into the log", tries: 4,
		},
		"asks for a long wait": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "86400")
				w.WriteHeader(429)
			},
			err: "429 Too Many Requests", tries: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int64
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				tries.Add(1)
				tt.handler(w, r)
			})
			c.maxBody = 4000
			_, err := c.BuildInfo(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got error %v, want one with %q", err, tt.err)
			}
			if want := "read build information: GET " + c.URL() + "/api/v1/status/buildinfo: "; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %q does not begin with %q", err, want)
			}
			if tries.Load() != tt.tries {
				t.Errorf("%d tries, want %d", tries.Load(), tt.tries)
			}
			if errors.Is(err, ErrUnsupported) != tt.unsupported {
				t.Errorf("unsupported: got %v", !tt.unsupported)
			}
			if TooHeavy(err) != tt.heavy {
				t.Errorf("too heavy: got %v", !tt.heavy)
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	cfg := DefaultConfig()
	cfg.URL = server.URL
	_, err := newClient(t, cfg).BuildInfo(t.Context())
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Fatalf("got error %v", err)
	}
}

func TestSlowServer(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c.timeout = 10 * time.Millisecond
	_, err := c.BuildInfo(t.Context())
	if !TooHeavy(err) || !strings.Contains(err.Error(), "no answer within the timeout of 10ms") {
		t.Errorf("time-out: got error %v", err)
	}
	c.timeout = time.Minute
	c.budget = 10 * time.Millisecond
	ctx, cancel := c.WithBudget(t.Context())
	defer cancel()
	_, err = c.BuildInfo(ctx)
	if TooHeavy(err) || !strings.Contains(err.Error(), "the budget for the whole scan is used up") {
		t.Errorf("budget: got error %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err = c.BuildInfo(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: got error %v", err)
	}
}

func TestRequest(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		got = r
		w.Write([]byte(`{"status":"success","data":{"resultType":"vector","result":[]}}`))
	}))
	defer server.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.URL = server.URL + "/a%20prefix/"
	cfg.HTTP.BasicAuth = &config.BasicAuth{Username: "sentei", PasswordFile: filepath.Join(dir, "password")}
	cfg.HTTP.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Scope-OrgID": {Values: []string{"tenant"}}}}
	c := newClient(t, cfg)
	if _, _, err := c.Query(t.Context(), "up", time.UnixMilli(1700000000042)); err != nil {
		t.Fatal(err)
	}
	user, password, _ := got.BasicAuth()
	have := []string{got.Method, got.URL.EscapedPath(), got.Form.Get("query"), got.Form.Get("time"), user, password,
		got.Header.Get("X-Scope-OrgID"), got.UserAgent()}
	want := []string{"POST", "/a%20prefix/api/v1/query", "up " + querylog.OwnMarker, "1700000000.042", "sentei", "secret", "tenant", userAgent()}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.UserAgent(), "sentei/") {
		t.Errorf("user agent %q", got.UserAgent())
	}
}

func TestGzip(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("gzip is not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		fmt.Fprint(zip, `{"status":"success","data":{"version":"3.1.4"}}`)
		zip.Close()
	})
	info, err := c.BuildInfo(t.Context())
	if err != nil || info.Version != "3.1.4" {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestRedirects(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	const ok = `{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`
	tests := map[string]struct {
		status int
		to     string
		follow bool
		err    string
	}{
		"same host":             {status: 308, to: "/new/api/v1/query", follow: true},
		"POST would become GET": {status: 301, to: "/new/api/v1/query", follow: true, err: "/new/api/v1/query: set url to where the API is"},
		"other host":            {status: 307, to: other.URL + "/x", follow: true, err: "redirects to " + other.URL + "/x: set url to where the API is"},
		"round and round":       {status: 307, to: "/api/v1/query", follow: true, err: "redirects to"},
		"not wanted":            {status: 307, to: "/new/api/v1/query", err: "/new/api/v1/query: set url to where the API is"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/new/") && r.FormValue("query") != "" {
					w.Write([]byte(ok))
					return
				}
				http.Redirect(w, r, tt.to, tt.status)
			}))
			defer server.Close()
			cfg := DefaultConfig()
			cfg.URL = server.URL
			cfg.HTTP.FollowRedirects = tt.follow
			samples, _, err := newClient(t, cfg).Query(t.Context(), "up", time.Time{})
			switch {
			case tt.err == "" && (err != nil || len(samples) != 1 || samples[0].Value != 7):
				t.Errorf("got %v, %v", samples, err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got error %v, want one with %q", err, tt.err)
			}
		})
	}
	if elsewhere.Load() > 0 {
		t.Error("the other host was asked")
	}
}

func TestServerWithoutPost(t *testing.T) {
	var methods []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		methods = append(methods, r.Method+" "+r.FormValue("query"))
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Write([]byte(`{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`))
	})
	for range 2 {
		if _, _, err := c.Query(t.Context(), "up", time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"POST up # sentei", "GET up # sentei", "GET up # sentei"}, methods); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestConcurrency(t *testing.T) {
	var now, most atomic.Int64
	arrived, leave := make(chan bool, 10), make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		arrived <- true
		<-leave
		w.Write([]byte(`{"status":"success","data":{}}`))
	}))
	defer server.Close()
	cfg := DefaultConfig()
	cfg.URL, cfg.Concurrency, cfg.Budget = server.URL, 2, model.Duration(time.Hour)
	c := newClient(t, cfg)
	done := make(chan error, 6)
	for range 6 {
		go func() { _, err := c.BuildInfo(t.Context()); done <- err }()
	}
	<-arrived
	<-arrived
	close(leave)
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 2 {
		t.Errorf("%d requests at once, want 2", most.Load())
	}
}
