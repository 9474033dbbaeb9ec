package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sentei/sentei/exporters/notify/githubtest"
	"github.com/sentei/sentei/exporters/notify/smtptest"
)

// receivers are the servers of a script that reports are delivered to.
type receivers struct {
	mail   *smtptest.Server
	github *githubtest.Server
}

// mailServer starts a mail server with STARTTLS that wants the login
// sentei:password, sets $SMTP to its address and writes its certificate to a
// file: mail start FILE. Later, mail read FILE writes the mails that it has
// taken.
func mailServer(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 || args[0] != "start" && args[0] != "read" {
		ts.Fatalf("usage: mail start|read FILE")
	}
	r := ts.Value(receivers{}).(*receivers)
	var content []byte
	if args[0] == "start" {
		s, stop, err := smtptest.New(func(s *smtptest.Server) { s.Auth, s.User = "PLAIN", "sentei:password" })
		ts.Check(err)
		ts.Defer(stop)
		ts.Setenv("SMTP", s.Addr().String())
		r.mail, content = s, s.CA
	} else {
		for _, m := range r.mail.Mails() {
			content = append(content, "to "+strings.Join(m.To, " ")+"\n"+m.Raw+"\n"...)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), content, 0o600))
}

// gitHubServer starts a GitHub with a repository example/monitoring that holds
// files, and sets $GITHUB to its URL: github start PATH FILE [PATH FILE].... Later,
// github read FILE writes its branches, pull requests and comments as JSON.
func gitHubServer(ts *testscript.TestScript, _ bool, args []string) {
	r := ts.Value(receivers{}).(*receivers)
	switch {
	case len(args) >= 3 && len(args)%2 == 1 && args[0] == "start":
		r.github = githubtest.New()
		ts.Defer(r.github.Close)
		ts.Setenv("GITHUB", r.github.URL)
		files := map[string]string{}
		for i := 1; i < len(args); i += 2 {
			files[args[i]] = ts.ReadFile(args[i+1])
		}
		r.github.Commit("main", "configuration", files)
	case len(args) == 2 && args[0] == "read":
		var state bytes.Buffer
		encoder := json.NewEncoder(&state)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		ts.Check(encoder.Encode(r.github.State()))
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), state.Bytes(), 0o600))
	default:
		ts.Fatalf("usage: github start PATH FILE [PATH FILE]..., or github read FILE")
	}
}
