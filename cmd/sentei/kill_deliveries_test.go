package main

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sentei/sentei/internal/store"
)

// inbox is a receiver of webhooks that fails now and then.
type inbox struct {
	mu     sync.Mutex
	random *rand.Rand
	failed int
	taken  map[string]int      // how often a key was taken
	bodies map[string][32]byte // of every key that was sent
	wrong  []string
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		return // killed while it was sending
	}
	key, sum := req.Header.Get("Idempotency-Key"), sha256.Sum256(body)
	if before, sent := b.bodies[key]; sent && before != sum {
		b.wrong = append(b.wrong, key)
	}
	b.bodies[key] = sum
	if b.random.IntN(4) == 0 {
		b.failed++
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	b.taken[key]++
}

// count returns how many keys were taken.
func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.taken)
}

// TestKillDeliveries kills the daemon while it delivers a report every second.
// What the store calls delivered was taken; a message comes twice only when the
// daemon was killed before it could note that it was taken, and is the same
// then; none is lost unless a newer one takes its place.
func TestKillDeliveries(t *testing.T) {
	in := &inbox{random: rand.New(rand.NewPCG(*killSeed, 1)), taken: map[string]int{}, bodies: map[string][32]byte{}}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	dir, _ := newSoak(t)
	path := filepath.Join(dir, "config.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "reports: []", "reports: [{name: often, schedule: '@every 1s', formats: [csv], channels: [webhook: {url: '"+server.URL+"'}]}]", 1))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(*killSeed, 2))
	for n := range *kills {
		before := in.count()
		daemon, _, logs := process(t, dir, "sentei", "serve")
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		eventuallyTrue(t, "a report is delivered", func() bool { return in.count() > before })
		time.Sleep(time.Duration(random.IntN(1200)) * time.Millisecond) // the random moment
		_ = daemon.Process.Kill()
		if err := daemon.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("round %d: %v: %s", n, err, logs)
		}
		if strings.Contains(logs.String(), "level=ERROR") {
			t.Errorf("round %d: %s", n, logs)
		}
	}
	checkDeliveries(t, filepath.Join(dir, "sentei.db"), in)
}

func eventuallyTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not seen: %s", what)
}

func checkDeliveries(t *testing.T, path string, in *inbox) {
	t.Helper()
	st, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	all, err := st.Deliveries(t.Context(), 100_000)
	if err != nil {
		t.Fatal(err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	unnoted, waiting, twice := 0, 0, 0
	known := map[string]bool{}
	for i, d := range all { // the newest first
		known[d.Key] = true
		switch d.State {
		case store.Delivered:
			if in.taken[d.Key] == 0 {
				t.Errorf("message %s is called delivered, and was not taken", d.Key)
			}
			continue
		case store.Waiting:
			waiting++
		case store.Replaced:
			if i == 0 {
				t.Error("the newest message is called replaced")
			}
		default:
			t.Errorf("message %s is %s: %s", d.Key, d.State, d.Error)
		}
		if in.taken[d.Key] > 0 {
			unnoted++
		}
	}
	for key, n := range in.taken {
		twice += n - 1
		if !known[key] {
			t.Errorf("message %s was taken, and the store does not know it", key)
		}
	}
	t.Logf("%d messages, %d taken, %d failures, %d taken and not noted, %d taken twice", len(all), len(in.taken), in.failed, unnoted, twice)
	if unnoted > *kills || twice > *kills || waiting > 1 || len(in.wrong) > 0 || len(in.taken) < *kills {
		t.Errorf("%d taken and not noted, %d taken twice, %d waiting, other content under a known key: %v", unnoted, twice, waiting, in.wrong)
	}
}
