package main

import (
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite golden files and pages")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sentei": main, "sentei-decider": decider})
}

// TestScripts runs the end-to-end scripts. $REPO is the project's folder,
// which holds the sample data.
func TestScripts(t *testing.T) {
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPO", repo)
			env.Values[fakeServers{}] = map[string]*fakeServer{}
			env.Values[receivers{}] = &receivers{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fakeapi":  fakeAPI,
			"fault":    setFault,
			"asked":    asked,
			"freeport": freePort,
			"get":      get,
			"longline": longLine,
			"cut":      cutFile,
			"capture":  capture,
			"mail":     mailServer,
			"github":   gitHubServer,
			"keepfile": keepFile,
		},
	})
}

// freePort sets a variable to an address on which nothing listens: freeport
// NAME
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// get writes the body of an answer to a file once the server answers with the
// status, and with a body that holds the text: get STATUS URL FILE [TEXT]. It
// asks again until then, for half a minute.
func get(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: get STATUS URL FILE [TEXT]")
	}
	text := strings.Join(args[3:], " ")
	last := "no answer"
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(args[1])
		if err != nil {
			last = err.Error()
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		ts.Check(err)
		if last = resp.Status; strings.HasPrefix(resp.Status, args[0]) && strings.Contains(string(body), text) {
			ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o600))
			return
		}
	}
	ts.Fatalf("get %s: %s", args[1], last)
}

// longLine appends to a query log an entry of 10 MB:
// longline FILE
func longLine(ts *testscript.TestScript, _ bool, args []string) {
	size := 10 << 20
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	defer f.Close()
	query := `sum(long_line_metric{x!=\"` + strings.Repeat("y", size) + `\"})`
	_, err = io.WriteString(f, `{"params":{"query":"`+query+`","start":"2026-11-01T00:00:00Z","end":"2026-11-01T00:00:00Z","step":0},"ts":"2026-11-01T00:00:00Z"}`+"\n")
	ts.Check(err)
}

// cutFile cuts a file in half: cut FILE
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()/2))
}

// capture sets a variable to what the group of an expression matches first in
// a file: capture NAME FILE REGEXP
func capture(ts *testscript.TestScript, _ bool, args []string) {
	re, err := regexp.Compile(args[2])
	ts.Check(err)
	found := re.FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("%s is not in %s", args[2], args[1])
	}
	ts.Setenv(args[0], found[1])
}
