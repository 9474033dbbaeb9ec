package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A lockedBuffer is written by a process while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestKillOverHTTP kills the daemon at random moments while clients decide over
// its API and it writes reports. Every decision that was answered with success
// must be there afterwards, the reports that are kept must be whole, and so
// must the files.
func TestKillOverHTTP(t *testing.T) {
	dir, proposal := newSoak(t)
	random := rand.New(rand.NewPCG(*killSeed, 1))
	var answered []string
	unanswered, written := 0, 0
	for n := range *kills {
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		daemon, _, _ := process(t, dir, "sentei", "serve")
		logs := new(lockedBuffer)
		daemon.Stderr = logs
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		url := awaitAddress(t, logs)
		const clients = 3
		found := make(chan []string, clients)
		for client := range clients {
			go func() { found <- decideOverHTTP(t, url, proposal, fmt.Sprint(n, "/", client)) }()
		}
		if n%2 == 1 { // while files are replaced that are there already
			awaitFile(t, filepath.Join(dir, "out", "report.html"))
		}
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond) // the random moment
		_ = daemon.Process.Kill()
		if err := daemon.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("round %d: %v: %s", n, err, logs)
		}
		for range clients {
			reasons := <-found
			answered = append(answered, reasons[:len(reasons)-1]...)
			unanswered++
		}
		if strings.Contains(logs.String(), "level=ERROR") {
			t.Errorf("round %d: %s", n, logs)
		}
		if checkFiles(t, filepath.Join(dir, "out")) > 0 {
			written++
		}
		checkStore(t, filepath.Join(dir, "sentei.db"), proposal, answered)
		if t.Failed() {
			t.Fatalf("after kill %d of seed %d", n+1, *killSeed)
		}
	}
	t.Logf("%d kills, %d of them after files were written; %d decisions answered, %d cut off", *kills, written, len(answered), unanswered)
	if len(answered) == 0 || written == 0 {
		t.Error("no decision was made between the kills, or no file written")
	}
}

var listening = regexp.MustCompile(`msg=listening url=(http://\S+)`)

// awaitAddress waits until the daemon says where it listens.
func awaitAddress(t *testing.T, logs *lockedBuffer) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := listening.FindStringSubmatch(logs.String()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("it does not listen: %s", logs)
	return ""
}

// decideOverHTTP decides again and again until the daemon is gone. It returns
// the reasons of the decisions, of which the last was not answered.
func decideOverHTTP(t *testing.T, url, proposal, prefix string) (reasons []string) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var status struct {
		Data struct{ Token, Report string }
	}
	for i := 0; ; i++ {
		reason := fmt.Sprint(prefix, "/", i)
		for status.Data.Report == "" { // before the first scan nothing can be decided
			code, body, err := exchange(client, http.MethodGet, url+"api/v1/status", "", "")
			if err != nil || code == http.StatusOK && json.Unmarshal(body, &status) != nil {
				return append(reasons, reason)
			}
		}
		text, _ := json.Marshal(map[string]string{"state": "rejected", "by": "client", "reason": reason}) // of strings
		code, answer, err := exchange(client, http.MethodPost, url+"api/v1/proposals/"+proposal+"/decision", status.Data.Token, string(text))
		if err != nil {
			return append(reasons, reason)
		}
		if code != http.StatusOK {
			t.Errorf("decision %s: %d %s", reason, code, answer)
			return append(reasons, reason)
		}
		reasons = append(reasons, reason)
	}
}

func exchange(client *http.Client, method, url, token, body string) (code int, answer []byte, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sentei-Token", token)
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}
