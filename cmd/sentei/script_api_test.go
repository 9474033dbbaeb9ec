package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// fakeAPI starts a server that answers from a file and sets $API to its URL:
// fakeapi FILE. Each line of the file is a path, a text that the request must
// hold among its decoded parameters and headers (or -), a status and a body,
// separated by blanks. The first line that fits answers; none is 404.
func fakeAPI(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: fakeapi FILE")
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var answers [][]string
	for line := range strings.Lines(string(text)) {
		if fields := strings.SplitN(strings.TrimSpace(line), " ", 4); len(fields) == 4 {
			answers = append(answers, fields)
		} else if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			ts.Fatalf("%s: not an answer: %s", args[0], line)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		asked, err := url.QueryUnescape(r.Form.Encode())
		if err != nil {
			asked = r.Form.Encode()
		}
		for name, values := range r.Header {
			asked += "\n" + name + ": " + strings.Join(values, ",")
		}
		for _, a := range answers {
			if a[0] != r.URL.Path || a[1] != "-" && !strings.Contains(asked, a[1]) {
				continue
			}
			status, _ := strconv.Atoi(a[2])
			w.WriteHeader(status)
			io.WriteString(w, a[3])
			return
		}
		http.NotFound(w, r)
	}))
	ts.Setenv("API", s.URL)
	ts.Defer(s.Close)
}
