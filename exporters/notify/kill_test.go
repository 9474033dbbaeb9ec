package notify

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain is also the process that TestFilesKilled kills: it delivers report
// after report to a folder.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DELIVER_TO"); dir != "" {
		c, err := build("files", "/", "{directory: "+dir+", keep: 5}")
		var i int
		if err == nil {
			i, err = strconv.Atoi(os.Getenv("DELIVER_FROM"))
		}
		for ; err == nil; i++ {
			if err = c.Deliver(context.Background(), numbered(i)); err == nil {
				fmt.Println(i)
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// numbered returns the i-th report: each of its files says which it is, again
// and again.
func numbered(i int) *Message {
	m := &Message{Report: "weekly", At: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)}
	for _, name := range []string{"report.html", "report.csv", "report.json"} {
		m.Files = append(m.Files, File{Name: name, Body: []byte(strings.Repeat(fmt.Sprintf("%06d\n", i), 10_000))})
	}
	return m
}

// A process that delivers is killed at random moments: no file is half, and a
// folder of the history is there with all of its files or not at all.
func TestFilesKilled(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for try := range 20 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "DELIVER_TO="+dir, fmt.Sprint("DELIVER_FROM=", try*1000))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 1 + random.IntN(4) {
			if !lines.Scan() {
				t.Fatal("the process has ended by itself")
			}
		}
		time.Sleep(time.Duration(random.IntN(8_000)) * time.Microsecond) // anywhere in the next delivery
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		checkWhole(t, filepath.Join(dir, "weekly"))
	}
}

func checkWhole(t *testing.T, dir string) {
	t.Helper()
	history, err := filepath.Glob(filepath.Join(dir, "history", "2026-*"))
	if err != nil || len(history) == 0 || len(history) > 6 {
		t.Fatalf("%d in the history, %v", len(history), err)
	}
	for _, folder := range append(history, dir) {
		var contents []string
		for _, f := range numbered(0).Files {
			content, err := os.ReadFile(filepath.Join(folder, f.Name))
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(content), "\n")
			if string(content) != strings.Repeat(first+"\n", 10_000) {
				t.Fatalf("%s in %s is half a file, or two", f.Name, folder)
			}
			contents = append(contents, first)
		}
		if folder != dir && (contents[0] != contents[1] || contents[0] != contents[2]) {
			t.Fatalf("%s holds files of several reports: %v", folder, contents)
		}
	}
}
