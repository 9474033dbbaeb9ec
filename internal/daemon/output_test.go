package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sentei/sentei/internal/config"
)

// outputs returns what the metrics tell about the files.
func outputs(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "sentei_output_last_write_successful" {
			for _, m := range f.Metric {
				got[m.Label[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return got
}

func TestAnOutputThatCannotBeWrittenIsTold(t *testing.T) {
	data, err := filepath.Abs("../../testdata/tsdb")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	text := fmt.Sprintf("output: {directory: %q, reports: [html, json], relabel: []}\n"+
		"backends: [{name: a, inventory: [{block: {path: %q}}]}]\n", out, data)
	d, registry, path := newTestDaemon(t, text)
	want := func(files map[string]float64) {
		t.Helper()
		if diff := cmp.Diff(files, outputs(t, registry)); diff != "" {
			t.Error(diff)
		}
	}
	want(map[string]float64{})

	inTheWay := filepath.Join(out, "report.html")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	d.scan(t.Context())
	want(map[string]float64{"report.html": 0, "report.json": 1})

	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	d.scan(t.Context())
	want(map[string]float64{"report.html": 1, "report.json": 1})

	if err := os.WriteFile(path, []byte(text[len("output: {"):]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.reload(); err == nil {
		t.Fatal("the broken configuration was taken")
	}
	want(map[string]float64{"report.html": 1, "report.json": 1}) // the old files stay
	if err := os.WriteFile(path, []byte(missingInventory), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.reload(); err != nil {
		t.Fatal(err)
	}
	want(map[string]float64{})
}

// TestIncludedPath wants paths of one diff: where the path of prometheus.yml is
// right, that of the other files is.
func TestIncludedPath(t *testing.T) {
	for _, tt := range []struct{ main, name, want string }{
		{"prometheus.yml", "jobs/a.yml", "jobs/a.yml"},
		{"etc/prometheus.yml", "etc/jobs/a.yml", "etc/jobs/a.yml"},
		{"etc/prometheus.yml", "a.yml", "a.yml"},
		{"etc/prometheus.yml", "/conf/etc/a.yml", "etc/a.yml"},
		{"etc/prometheus.yml", "/far/a.yml", "../far/a.yml"},
		{"/far/prometheus.yml", "/far/jobs/a.yml", "jobs/a.yml"},
		{"/far/prometheus.yml", "/conf/a.yml", "../conf/a.yml"},
		{"../far/prometheus.yml", "../far/jobs/a.yml", "jobs/a.yml"},
		{"../far/prometheus.yml", "a.yml", "../conf/a.yml"},
	} {
		c := &config.Config{Dir: "/conf"}
		if got := includedPath(c, tt.main, tt.name); got != tt.want {
			t.Errorf("%s beside %s: got %s, want %s", tt.name, tt.main, got, tt.want)
		}
	}
}
