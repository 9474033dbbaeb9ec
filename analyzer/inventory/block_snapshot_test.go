package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/internal/source"
)

// snapshotServer makes snapshots of data: it calls write with the directory,
// and answers with name.
func snapshotServer(t *testing.T, data, name string, write func(dir string)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/v1/admin/tsdb/snapshot" || r.FormValue("skip_head") != "false" {
			http.NotFound(w, r)
			return
		}
		if write != nil {
			write(filepath.Join(data, "snapshots", name))
		}
		json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]string{"name": name}})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func buildSnapshot(t *testing.T, dir, options string, log *bytes.Buffer) (Source, error) {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte("{"+options+"}"), &node); err != nil {
		t.Fatal(err)
	}
	return block.Build(node.Content[0], source.Env{
		Backend: "prod", Name: "block", Dir: dir, Logger: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now,
	})
}

func TestBlockSnapshot(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	// What lies in the directory itself must not be read.
	mkdir(filepath.Join("data", "wal"))(t, dir)
	mkdir(filepath.Join("data", ulid3))(t, dir)
	overwrite(t, filepath.Join(data, "wal", "00000000"), "nonsense")
	overwrite(t, filepath.Join(data, ulid3, "meta.json"), "nonsense")
	url := snapshotServer(t, data, "20261123T040000Z-00c0ffee", func(dir string) { twoBlocks(t, dir) })
	var log bytes.Buffer
	s, err := buildSnapshot(t, dir, "path: data, snapshot: {url: '"+url+"'}", &log)
	if err != nil {
		t.Fatal(err)
	}
	inv, problems, err := s.Inventory(context.Background())
	if err != nil || len(problems) > 0 || len(inv.Metrics) != 2 || inv.To.UnixMilli() != t0+4*hour-15_000 {
		t.Fatal(inv, problems, err)
	}
	if want := "snapshots/20261123T040000Z-00c0ffee"; !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "until you delete it") {
		t.Errorf("the log does not tell where the snapshot lies:\n%s", log.String())
	}

	// A snapshot that nobody has deleted is a problem that blocks nothing.
	if err := os.Mkdir(filepath.Join(data, "snapshots", "20261122T040000Z-00c0ffee"), 0o777); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(data, "snapshots", "20261123T040000Z-00c0ffee"))
	_, problems, err = s.Inventory(context.Background())
	if err != nil || len(problems) != 1 || problems[0].Blocking || !strings.Contains(problems[0].Message, "older snapshots") {
		t.Error(problems, err)
	}
}

func TestBlockSnapshotFailures(t *testing.T) {
	answer := func(status int, body string) func(*testing.T, string) string {
		return func(t *testing.T, _ string) string {
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked > 1 {
					t.Error("a second request would make a second snapshot")
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				w.Write([]byte(body))
			}))
			t.Cleanup(s.Close)
			return s.URL
		}
	}
	for name, tt := range map[string]struct {
		url  func(t *testing.T, data string) string
		want string
	}{
		"admin API off": {answer(500, `{"status":"error","errorType":"unavailable","error":"admin APIs disabled"}`),
			"admin APIs disabled: start the server with --web.enable-admin-api"},
		"busy":       {answer(503, "wait"), "503 Service Unavailable: wait"},
		"no API":     {answer(404, ""), "404 Not Found"},
		"no space":   {answer(500, `{"status":"error","errorType":"internal","error":"create snapshot: no space left"}`), "no space left"},
		"no name":    {answer(200, `{"status":"success","data":{}}`), `not the name of a snapshot: ""`},
		"a path":     {answer(200, `{"status":"success","data":{"name":"../../etc"}}`), `not the name of a snapshot: "../../etc"`},
		"the parent": {answer(200, `{"status":"success","data":{"name":".."}}`), `not the name of a snapshot: ".."`},
		"elsewhere": {answer(200, `{"status":"success","data":{"name":"x"}}`),
			"has made the snapshot x, but it is not here: is path its --storage.tsdb.path"},
		"empty": {func(t *testing.T, data string) string {
			return snapshotServer(t, data, "x", func(dir string) { os.MkdirAll(dir, 0o777) })
		}, "is empty: the server has no samples yet"},
		"nobody there": {func(*testing.T, string) string { return "http://127.0.0.1:1" }, "make snapshot: POST http://127.0.0.1:1/api/v1/admin/tsdb/snapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var log bytes.Buffer
			s, err := buildSnapshot(t, dir, "path: data, snapshot: {url: '"+tt.url(t, filepath.Join(dir, "data"))+"'}", &log)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Inventory(context.Background()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestBlockSnapshotOptions(t *testing.T) {
	for options, want := range map[string]string{
		"path: data, snapshot: {}":                                                       "snapshot: url is missing",
		"path: data, snapshot: {url: 'ftp://x'}":                                         "not an http or https address",
		"path: data, snapshot: {url: 'http://x', clean: true}":                           "field clean not found",
		"path: data, snapshot: {url: 'http://x', timeout: 1h}":                           "budget (10m) is shorter than timeout (1h)",
		"path: data, snapshot: {url: 'http://x'}, head: true":                            "exclude each other",
		"path: data, snapshot: {url: 'http://x'}, blocks: [01JCW8TM0NNYXGZ3B7T0AP9D21]":  "exclude each other",
		"path: data, snapshot: {url: 'http://x', basic_auth: {username: a}, oauth2: {}}": "at most one of",
	} {
		var log bytes.Buffer
		if _, err := buildSnapshot(t, t.TempDir(), options, &log); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", options, err, want)
		}
	}
	var o snapshotOptions
	if err := yaml.Unmarshal([]byte("url: http://x\nconcurrency: 2"), &o); err != nil {
		t.Fatal(err)
	}
	if got := []any{o.URL, o.Concurrency, o.Timeout.String(), o.HTTP.FollowRedirects}; !slices.Equal(got, []any{"http://x", 2, "5m", true}) {
		t.Errorf("the defaults are not there: %v", got)
	}
}
