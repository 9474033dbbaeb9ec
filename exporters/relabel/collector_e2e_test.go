//go:build e2e && otelcol

package relabel

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/promapi/promtest"
)

// lockedBuffer is written by a process while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestCollectorCarriesOut lets the real Collector scrape with the rules.
func TestCollectorCarriesOut(t *testing.T) {
	collector := promtest.Binary(t, promtest.Otelcol)
	for _, doc := range documents(t, write(t, otelDialect, cluster(), Options{})) {
		config := doc.(map[string]any)
		addPipeline(config)
		if out, err := exec.Command(collector, "validate", "--config="+writeYAML(t, "config.yml", config)).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}

	config := documents(t, write(t, otelDialect, shopReport(), Options{}))[0].(map[string]any)
	inner := config["receivers"].(map[string]any)["prometheus"].(map[string]any)["config"].(map[string]any)
	withTarget(t, inner["scrape_configs"], target(t))
	addPipeline(config)
	var log lockedBuffer
	cmd := exec.Command(collector, "--config="+writeYAML(t, "config.yml", config))
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	// A batch ends with the fields of its log line.
	promtest.Eventually(t, "scrape", func() bool {
		_, batch, ok := strings.Cut(log.String(), "Name: up\n")
		return ok && strings.Contains(batch, "otelcol.signal")
	})
	got := map[string]bool{}
	name := ""
	for lines := bufio.NewScanner(strings.NewReader(log.String())); lines.Scan(); {
		if m := regexp.MustCompile(`-> Name: (\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			name = m[1]
			got[name] = true
		}
		if m := regexp.MustCompile(`-> (pod|zone): Str\((\w+)\)|ExplicitBounds #(\d+): (\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			got[fmt.Sprint(name, " ", m[1], m[2], m[3], m[4])] = true
		}
	}
	maps.DeleteFunc(got, func(s string, _ bool) bool { return strings.HasPrefix(s, "scrape_") })
	want := []string{`cost_$1_x`, `kept_total`, `kept_total poda`, `stripped`, `stripped poda`, `took_seconds`, `took_seconds 02.500000`, `up`}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" {
		t.Errorf("-want +passed on\n%s", d)
	}
}

func addPipeline(config map[string]any) {
	config["exporters"] = map[string]any{"debug": map[string]any{"verbosity": "detailed"}}
	config["service"] = map[string]any{
		"telemetry": map[string]any{"metrics": map[string]any{"level": "none"}},
		"pipelines": map[string]any{"metrics": map[string]any{"receivers": []any{"prometheus"}, "exporters": []any{"debug"}}},
	}
}
