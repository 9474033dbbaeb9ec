//go:build e2e

// Package promtest starts real servers for tests: the binaries are named by
// environment variables, the ports are free ones of the loopback address.
package promtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The environment variables that name the binaries.
const (
	Prometheus2  = "SENTEI_TEST_PROMETHEUS2"
	Prometheus3  = "SENTEI_TEST_PROMETHEUS3"
	Promtool     = "SENTEI_TEST_PROMTOOL"
	NodeExporter = "SENTEI_TEST_NODE_EXPORTER"
	// VictoriaMetrics is a single node.
	VictoriaMetrics = "SENTEI_TEST_VICTORIAMETRICS"
	Vmagent         = "SENTEI_TEST_VMAGENT"
	// Otelcol is an OpenTelemetry Collector with the prometheus receiver.
	Otelcol = "SENTEI_TEST_OTELCOL"
)

const patience = time.Minute

// StartNodeExporter starts a node exporter and returns its host and port.
func StartNodeExporter(t *testing.T) string {
	t.Helper()
	address := freeAddress(t)
	start(t, NodeExporter, "http://"+address+"/metrics", "--web.listen-address="+address)
	return address
}

// StartPrometheus starts the server that the variable names, with files in its
// folder and more flags, and returns its URL. In prometheus.yml SELF stands for
// its own host and port. It serves under the path prefix /prom.
func StartPrometheus(t *testing.T, variable string, files map[string]string, flags ...string) string {
	t.Helper()
	address := freeAddress(t)
	dir := t.TempDir()
	for name, text := range files {
		text = strings.ReplaceAll(text, "SELF", address)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	url := "http://" + address + "/prom"
	start(t, variable, url+"/-/ready", append([]string{
		"--config.file=" + filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=" + address, "--web.external-url=" + url, "--scrape.discovery-reload-interval=100ms",
	}, flags...)...)
	return url
}

// ServeBlocks starts the server that the variable names on the blocks below
// dir, which stay as they are, and returns its URL. It scrapes nothing.
func ServeBlocks(t testing.TB, variable, dir string) string {
	t.Helper()
	data := t.TempDir()
	blocks, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no blocks below %s: %v", dir, err)
	}
	for _, meta := range blocks {
		block := filepath.Dir(meta)
		if err := os.CopyFS(filepath.Join(data, filepath.Base(block)), os.DirFS(block)); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	url := "http://" + address
	start(t, variable, url+"/-/ready", "--config.file="+config, "--storage.tsdb.path="+data,
		"--storage.tsdb.retention.time=100y", "--query.timeout=1h", "--web.listen-address="+address)
	return url
}

// Binary returns the path that the variable holds.
func Binary(t testing.TB, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("%s is not set: it names the binary to test against", variable)
	}
	return path
}

// StartVictoriaMetrics starts a single node with the flags and returns its URL.
// What was written is found by queries after a request of
// /internal/force_flush.
func StartVictoriaMetrics(t *testing.T, flags ...string) string {
	t.Helper()
	address := freeAddress(t)
	url := "http://" + address
	start(t, VictoriaMetrics, url+"/health", append([]string{
		"-storageDataPath=" + t.TempDir(), "-httpListenAddr=" + address,
		"-search.latencyOffset=0s", "-retentionPeriod=2d", "-loggerLevel=WARN",
	}, flags...)...)
	return url
}

// Eventually asks until done says yes, and fails the test when it does not in
// a minute.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	end := time.After(patience)
	for !done() {
		select {
		case <-ticker.C:
		case <-end:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func start(t testing.TB, variable, ready string, args ...string) {
	t.Helper()
	binary := Binary(t, variable)
	var log strings.Builder
	cmd := exec.Command(binary, args...)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s wrote:\n%s", binary, log.String())
		}
	})
	Eventually(t, fmt.Sprintf("start %s", binary), func() bool {
		select {
		case err := <-ended:
			t.Fatalf("%s ended at once: %v", binary, err)
		default:
		}
		resp, err := http.Get(ready)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode == http.StatusOK
	})
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
