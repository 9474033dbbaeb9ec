package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// fakeServer answers from a list, or in a bad way that a script commands.
type fakeServer struct {
	url     string
	answers [][]string // path, text, status, body
	closed  chan struct{}

	mu        sync.Mutex
	fault     fault
	asked     []string
	now, most int // requests in hand
}

// fault is a bad way to answer.
type fault struct {
	kind string // none, a status, slow, half, cut, gzip, html, drop, redirect, away
	to   string // of away
	path string // only requests of it; all when empty
	once bool   // only the first request
	wait time.Duration
}

// fakeAPI starts a server that answers from a file and sets $API, or $NAME, to
// its URL: fakeapi FILE [NAME]. Each line of the file is a path, a text that the
// request must hold among its decoded parameters and headers (several joined by
// &&, or -), a status and a body, separated by blanks. The first line that fits
// answers; none is 404.
func fakeAPI(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: fakeapi FILE [NAME]")
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	f := &fakeServer{closed: make(chan struct{})}
	for line := range strings.Lines(string(text)) {
		if fields := strings.SplitN(strings.TrimSpace(line), " ", 4); len(fields) == 4 {
			f.answers = append(f.answers, fields)
		} else if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			ts.Fatalf("%s: not an answer: %s", args[0], line)
		}
	}
	s := httptest.NewServer(f)
	f.url = s.URL
	name := "API"
	if len(args) == 2 {
		name = args[1]
	}
	ts.Setenv(name, s.URL)
	ts.Value(fakeServers{}).(map[string]*fakeServer)[name] = f
	ts.Defer(func() {
		close(f.closed)
		s.CloseClientConnections()
		s.Close()
	})
}

// fakeServers is the key of the servers of a script, by the variable that
// holds their URL.
type fakeServers struct{}

func fakeNamed(ts *testscript.TestScript, name string) *fakeServer {
	f := ts.Value(fakeServers{}).(map[string]*fakeServer)[name]
	if f == nil {
		ts.Fatalf("no fakeapi %s was started", name)
	}
	return f
}

// setFault makes a server answer in a bad way from now on:
//
//	fault NAME KIND [path=PATH] [once] [wait=DURATION] [to=NAME]
//
// KIND is none; a status such as 503; slow (no answer at all); half (the
// connection ends before the body does); cut (JSON that ends early); gzip
// (garbage instead of it); html (a login page, with status 200); drop (the
// connection is closed without an answer); redirect (to another path of the
// same host, which answers well); away (to the other server that to names).
// wait comes before every answer, the good ones too.
func setFault(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: fault NAME KIND [path=PATH] [once] [wait=DURATION] [to=NAME]")
	}
	f := fakeNamed(ts, args[0])
	bad := fault{kind: args[1]}
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "once":
			bad.once = true
		case "path":
			bad.path = value
		case "to":
			bad.to = fakeNamed(ts, value).url
		case "wait":
			d, err := time.ParseDuration(value)
			ts.Check(err)
			bad.wait = d
		default:
			ts.Fatalf("fault: unknown option %s", arg)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.asked, f.most = bad, nil, 0
}

// asked writes what a server was asked since its last fault, sorted, each line
// once: asked NAME FILE. The last line is how many requests it had in hand at
// most.
func asked(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: asked NAME FILE")
	}
	f := fakeNamed(ts, args[0])
	f.mu.Lock()
	defer f.mu.Unlock()
	lines := slices.Compact(slices.Sorted(slices.Values(f.asked)))
	lines = append(lines, fmt.Sprintf("at once: %d", f.most))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// begin notes a request and returns how to answer it.
func (f *fakeServer) begin(r *http.Request) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now++
	f.most = max(f.most, f.now)
	line := r.Method + " " + r.URL.Path
	for _, name := range []string{"Authorization", "X-Scope-OrgID", "THANOS-TENANT"} {
		if v := r.Header.Get(name); v != "" {
			line += " " + name + ": " + v
		}
	}
	f.asked = append(f.asked, line)
	bad := f.fault
	if bad.path != "" && bad.path != r.URL.Path || strings.HasPrefix(r.URL.Path, "/moved/") {
		bad.kind = "none"
	} else if bad.once {
		f.fault.kind = "none"
	}
	return bad
}

func (f *fakeServer) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
}

// ServeHTTP implements http.Handler.
func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bad := f.begin(r)
	defer f.end()
	if bad.wait > 0 {
		time.Sleep(bad.wait) // a slow server, not a wait for something
	}
	switch bad.kind {
	case "", "none":
		f.answer(w, r)
	case "slow":
		select {
		case <-f.closed:
		case <-r.Context().Done():
		}
	case "half":
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"status":"success","data":{"result`)
	case "cut":
		io.WriteString(w, `{"status":"success","data":[{"__name__":"up"},{"__na`)
	case "gzip":
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "this was never compressed")
	case "html":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html><title>Sign in</title></html>")
	case "drop":
		panic(http.ErrAbortHandler)
	case "redirect":
		http.Redirect(w, r, "/moved"+r.URL.RequestURI(), http.StatusPermanentRedirect)
	case "away":
		http.Redirect(w, r, bad.to+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	default:
		f.refuse(w, bad.kind)
	}
}

// refuse answers with a status and what servers and proxies say with it.
func (f *fakeServer) refuse(w http.ResponseWriter, kind string) {
	status, err := strconv.Atoi(kind)
	body := map[int]string{
		422: `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`,
		429: "too many requests", 500: "the disk is on fire", 503: "no healthy upstream",
	}[status]
	if err != nil || body == "" {
		status, body = 500, "fault "+kind+" is not known to the script"
	}
	if status == 429 {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// answer answers from the list.
func (f *fakeServer) answer(w http.ResponseWriter, r *http.Request) {
	path := cmp.Or(strings.TrimPrefix(r.URL.Path, "/moved"), "/")
	r.ParseForm()
	what, err := url.QueryUnescape(r.Form.Encode())
	if err != nil {
		what = r.Form.Encode()
	}
	for name, values := range r.Header {
		what += "\n" + name + ": " + strings.Join(values, ",")
	}
	for _, a := range f.answers {
		lacks := func(text string) bool { return !strings.Contains(what, text) }
		if a[0] != path || a[1] != "-" && slices.ContainsFunc(strings.Split(a[1], "&&"), lacks) {
			continue
		}
		status, _ := strconv.Atoi(a[2])
		w.WriteHeader(status)
		io.WriteString(w, a[3])
		return
	}
	http.NotFound(w, r)
}
