package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/store"
)

var (
	kills    = flag.Int("kills", 8, "how often each of TestKill and TestKillOverHTTP kills the daemon")
	killSeed = flag.Uint64("kill-seed", 1, "seed of the moments at which they kill")
)

// decider decides on a proposal again and again, and says so on stdout after
// each decision was acknowledged: sentei-decider STORE PROPOSAL PREFIX
func decider() {
	ctx := context.Background()
	st, err := store.Open(ctx, os.Args[1])
	for i := 0; err == nil; i++ {
		reason := fmt.Sprintf("%s/%d", os.Args[3], i)
		err = st.Decide(ctx, sentei.Decision{Proposal: os.Args[2], State: sentei.Rejected, By: "decider", Reason: reason, At: time.Now()})
		if err == nil {
			fmt.Println(reason)
			time.Sleep(5 * time.Millisecond) // let the daemon have its turn
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// process returns a child process of this test binary under the name of one of
// its commands.
func process(t *testing.T, dir, name string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd = exec.Command(self)
	cmd.Args = append([]string{name}, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, stdout, stderr
	return cmd, stdout, stderr
}

// newSoak makes a folder with the sample data and a configuration by which the
// daemon scans every second, writes files and keeps reports. A report is kept
// already; the proposal is one of it.
func newSoak(t *testing.T) (dir, proposal string) {
	t.Helper()
	dir = t.TempDir()
	sampleConfig(t, dir,
		`schedule: "@hourly"`, `schedule: "@every 1s"`,
		"listen_address: 127.0.0.1:9817", "listen_address: 127.0.0.1:0",
		"\n  directory: \"\"", "\n  directory: out",
		"store:\n", "store: # of this test\n",
		`path: ""`, `path: sentei.db`,
	)
	first, out, logged := process(t, dir, "sentei", "report", "--keep", "-o", "json")
	if err := first.Run(); err != nil {
		t.Fatalf("%v: %s", err, logged)
	}
	r, err := sentei.DecodeReport(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return dir, r.Proposals[0].ID
}

// sampleConfig puts the sample data and its configuration into a folder, with
// texts replaced: what stands there, and what is to stand there, by turns.
func sampleConfig(t *testing.T, dir string, replace ...string) {
	t.Helper()
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(repo, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !bytes.Contains(config, []byte(replace[i])) {
			t.Fatalf("the configuration has no %q", replace[i])
		}
		config = bytes.Replace(config, []byte(replace[i]), []byte(replace[i+1]), 1)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(repo, "testdata"), filepath.Join(dir, "testdata")); err != nil {
		t.Fatal(err)
	}
}

// TestKill kills the daemon and a process that decides, both at work on one
// store, at random moments. Every decision that was acknowledged must be there
// afterwards, the reports that are kept must be whole, and so must the files.
func TestKill(t *testing.T) {
	dir, proposal := newSoak(t)
	path := filepath.Join(dir, "sentei.db")
	random := rand.New(rand.NewPCG(*killSeed, 0))
	var acknowledged []string
	midway, written := 0, 0 // kills before, and after, the first file was there
	for n := range *kills {
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		daemon, _, logs := process(t, dir, "sentei", "serve")
		deciding, decided, failed := process(t, dir, "sentei-decider", path, proposal, fmt.Sprint(n))
		for _, p := range []*exec.Cmd{daemon, deciding} {
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
		}
		if n%2 == 1 { // while files are replaced that are there already
			awaitFile(t, filepath.Join(dir, "out", "report.html"))
		}
		time.Sleep(time.Duration(random.IntN(1200)) * time.Millisecond) // the random moment
		for _, p := range []*exec.Cmd{daemon, deciding} {
			_ = p.Process.Kill()
			if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("round %d: %v: %s%s", n, err, logs, failed)
			}
		}
		acknowledged = append(acknowledged, strings.Fields(decided.String())...)
		if strings.Contains(logs.String(), "level=ERROR") {
			t.Errorf("round %d: %s", n, logs)
		}
		if checkFiles(t, filepath.Join(dir, "out")) > 0 {
			written++
		} else {
			midway++
		}
		checkStore(t, path, proposal, acknowledged)
		if t.Failed() {
			t.Fatalf("after kill %d of seed %d", n+1, *killSeed)
		}
	}
	t.Logf("%d kills, %d of them after files were written, %d decisions acknowledged", midway+written, written, len(acknowledged))
	if len(acknowledged) == 0 || written == 0 {
		t.Error("no decision was made between the kills, or no file written")
	}
}

// awaitFile waits until there is a file.
func awaitFile(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	t.Fatalf("%s is not written", path)
}

// checkFiles wants every file whole, and returns how many there are. Temporary
// files that a killed process leaves are no output.
func checkFiles(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		n++
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Error(err)
		}
		switch filepath.Ext(e.Name()) {
		case ".json":
			if _, err := sentei.DecodeReport(text); err != nil {
				t.Errorf("%s: %v", e.Name(), err)
			}
		case ".html":
			if !bytes.HasSuffix(bytes.TrimSpace(text), []byte("</html>")) {
				t.Errorf("%s is cut off", e.Name())
			}
		default:
			if !bytes.HasSuffix(text, []byte("\n")) {
				t.Errorf("%s is cut off", e.Name())
			}
		}
	}
	return n
}

func checkStore(t *testing.T, path, proposal string, acknowledged []string) {
	t.Helper()
	st, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	history, err := st.History(t.Context(), proposal)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, d := range history {
		there[d.Reason] = true
	}
	for _, reason := range acknowledged {
		if !there[reason] {
			t.Errorf("decision %s was acknowledged and is lost", reason)
		}
	}
	reports, err := st.Reports(t.Context())
	if err != nil || len(reports) == 0 {
		t.Fatal(len(reports), err)
	}
	for _, info := range reports {
		if _, err := st.Report(t.Context(), info.ID); err != nil {
			t.Error(err)
		}
	}
}
