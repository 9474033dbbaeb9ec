package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/metrics"
	"github.com/sentei/sentei/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTestDaemon returns a daemon without a listener, for a configuration
// whose inventory is missing: each of its scans fails.
func newTestDaemon(t *testing.T, text string) (*Daemon, *prometheus.Registry, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	o := Options{
		Load:     func() (*config.Config, error) { return config.Load(path, config.Overlay{}) },
		Logger:   slog.New(slog.DiscardHandler),
		Registry: registry,
		Now:      time.Now,
	}
	s, err := prepare(o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := metrics.New(registry, metrics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{options: o, metrics: m, reloads: make(chan chan error)}
	d.current.Store(s)
	return d, registry, path
}

const missingInventory = "backends: [{name: a, inventory: [{block: {path: missing}}]}]\n"

func wantScans(t *testing.T, registry *prometheus.Registry, failed string) {
	t.Helper()
	want := "# HELP sentei_scans_total HELP\n# TYPE sentei_scans_total counter\n" +
		`sentei_scans_total{result="failure"} ` + failed + "\n" + `sentei_scans_total{result="success"} 0` + "\n"
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "sentei_scans_total" {
			want = strings.Replace(want, "HELP\n#", f.GetHelp()+"\n#", 1)
		}
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "sentei_scans_total"); err != nil {
		t.Error(err)
	}
}

func TestLoopFollowsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, registry, _ := newTestDaemon(t, "scan: {schedule: '@daily'}\n"+missingInventory)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			d.loop(ctx)
			close(done)
		}()
		time.Sleep(3*24*time.Hour + time.Minute) // virtual: the start, and three midnights
		synctest.Wait()
		cancel()
		<-done
		wantScans(t, registry, "4")
		if !d.tried.Load() || d.Report() != nil {
			t.Errorf("tried %v, report %v", d.tried.Load(), d.Report())
		}
	})
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, registry, path := newTestDaemon(t, "scan: {schedule: '@yearly'}\n"+missingInventory)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			d.loop(ctx)
			close(done)
		}()
		if err := d.Reload(ctx); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		wantScans(t, registry, "2") // the start and the reload

		before := d.current.Load()
		if err := os.WriteFile(path, []byte("nonsense: 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.Reload(ctx); err == nil || !strings.Contains(err.Error(), "nonsense") {
			t.Errorf("reload of a broken file: %v", err)
		}
		if d.current.Load() != before {
			t.Error("the broken configuration was taken")
		}
		wantScans(t, registry, "2")
		cancel()
		<-done
		if err := d.Reload(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("reload after the end: %v", err)
		}
	})
}

// TestOutputNotes wants what an output says besides, if it was written.
func TestOutputNotes(t *testing.T) {
	for want, fail := range map[string]error{"3 rules": nil, "": errors.New("disk full")} {
		o := output{name: filepath.Join(t.TempDir(), "rules.json"), render: func(_, notes io.Writer, _ *sentei.Report, _ past) error {
			io.WriteString(notes, "3 rules")
			return fail
		}}
		if got, err := o.write(nil, past{}); got != want || !errors.Is(err, fail) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestOutputIsReplacedInOneStep(t *testing.T) {
	dir := t.TempDir()
	o := output{name: filepath.Join(dir, "sub", "report.txt")}
	write := func(text string, fail error) error {
		o.render = func(w, _ io.Writer, _ *sentei.Report, _ past) error {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
			return fail
		}
		_, err := o.write(nil, past{})
		return err
	}
	if err := write("first", nil); err != nil {
		t.Fatal(err)
	}
	if err := write("second, cut sh", errors.New("disk full")); err == nil || !strings.Contains(err.Error(), "report.txt: disk full") {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(o.name); err != nil || string(got) != "first" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(o.name)); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

func TestConfigurationMistakesAreShownTogether(t *testing.T) {
	text := `
rules: {no_rule: {}}
backends:
  - name: a
    prometheus_config: missing.yml
    inventory:
      - block: {pth: x}
      - block: {path: x}
        prometheus: {url: y}
    usage:
      - tea_leaves: {}
`
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, config.Overlay{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewScanner(c, slog.New(slog.DiscardHandler), time.Now)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`line 2: no rule is called "no_rule"`, "read prometheus_config", "line 7: field pth not found",
		"line 8: an item of inventory must be one kind", `line 11: no usage source is called "tea_leaves"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}
