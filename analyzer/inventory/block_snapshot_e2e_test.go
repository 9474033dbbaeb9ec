//go:build e2e

package inventory

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi/promtest"
)

// TestBlockSnapshotServers compares a snapshot that a running server made with
// what the server's directory tells at the same time.
func TestBlockSnapshotServers(t *testing.T) {
	node := promtest.StartNodeExporter(t)
	files := map[string]string{
		"prometheus.yml": strings.ReplaceAll(blockConfig, "NODE", node),
		"rules.yml":      e2eRules,
	}
	for _, variable := range []string{promtest.Prometheus2, promtest.Prometheus3} {
		t.Run(variable, func(t *testing.T) {
			url := promtest.StartPrometheus(t, variable, files, "--web.enable-admin-api")
			dir := dataDirectory(t, url)
			read := func(options string) map[string]int64 {
				var log bytes.Buffer
				s, err := buildSnapshot(t, dir, options, &log)
				if err != nil {
					t.Fatal(err)
				}
				inv, problems, err := s.Inventory(t.Context())
				if err != nil {
					return nil // there are no samples yet
				}
				for _, p := range problems {
					if !strings.Contains(p.Message, "older snapshots") {
						t.Errorf("%+v", p)
					}
				}
				if age := time.Since(inv.To); age > 10*time.Second {
					t.Errorf("it ends %s ago", age)
				}
				return seriesByJob(inv)
			}
			var head, snapshot map[string]int64
			promtest.Eventually(t, "scrapes and rules", func() bool {
				before := read("path: .")
				if before["node_load1 node"] != 1 || before["all:up:sum "] != 1 {
					return false
				}
				snapshot, head = read("path: ., snapshot: {url: '"+url+"'}"), read("path: .")
				return cmp.Equal(before, head) // no series was new meanwhile
			})
			if diff := cmp.Diff(head, snapshot); diff != "" || len(head) < 100 {
				t.Errorf("%d metrics (-directory +snapshot):\n%s", len(head), diff)
			}
			// The server's own files stay as they are: it is still able to make one.
			var made []string
			err := filepath.WalkDir(filepath.Join(dir, "snapshots"), func(path string, e fs.DirEntry, err error) error {
				if e != nil && e.Name() == "meta.json" {
					made = append(made, path)
				}
				return err
			})
			if err != nil || len(made) == 0 {
				t.Errorf("the snapshot is gone: %v, %v", made, err)
			}
		})
		t.Run(variable+" without admin API", func(t *testing.T) {
			url := promtest.StartPrometheus(t, variable, files)
			var log bytes.Buffer
			s, err := buildSnapshot(t, dataDirectory(t, url), "path: ., snapshot: {url: '"+url+"'}", &log)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Inventory(t.Context()); err == nil || !strings.Contains(err.Error(), "--web.enable-admin-api") {
				t.Errorf("got %v, want how to enable the API", err)
			}
		})
	}
}

// seriesByJob counts the series of each metric and job, those without any
// left out.
func seriesByJob(inv *sentei.Inventory) map[string]int64 {
	found := map[string]int64{}
	for _, m := range inv.Metrics {
		for _, j := range m.Jobs {
			if j.Cost.Series > 0 {
				found[fmt.Sprintf("%s %s", m.Name, j.Job)] = j.Cost.Series
			}
		}
	}
	return found
}
