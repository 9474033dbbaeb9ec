package usage

import (
	"compress/gzip"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/querylog"
	"github.com/sentei/sentei/internal/source"
)

const (
	logRule   = `{"params":{"query":"sum(up)"},"ruleGroup":{"file":"r.yml","name":"g"},"ts":"2026-11-22T10:00:00Z"}`
	logQuery  = `{"time":"2026-11-22T11:00:00Z","params":{"query":"up{job=\"a\"}"},"httpRequest":{"path":"/api/v1/query"}}`
	logRange  = `{"time":"2026-11-22T09:30:00Z","params":{"query":"up{job=\"a\"}"},"httpRequest":{"path":"/api/v1/query_range"}}`
	logFailed = `{"time":"2026-11-22T09:00:00Z","params":{"query":"up + up"},"error":"many-to-many matching not allowed: matching labels must be unique on one side","httpRequest":{"path":"/api/v1/query"}}`
	logOwn    = `{"time":"2026-11-22T12:00:00Z","params":{"query":"count(up) # sentei"},"httpRequest":{"path":"/api/v1/query"}}`
	logEarly  = `{"time":"2026-11-22T07:15:00Z","params":{"query":"up # sentei"},"httpRequest":{"path":"/api/v1/query"}}`
	logMimir  = `ts=2026-11-22T11:00:00Z msg="slow query detected" path=/p param_query=up`
	logRead   = `ts=2026-11-22T11:00:00Z msg="query stats" path=/api/v1/read`
)

// buildQueryLog makes the source as the configuration does.
func buildQueryLog(t *testing.T, dir, config string) (Source, error) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(config), &doc); err != nil {
		t.Fatal(err)
	}
	return queryLog.Build(doc.Content[0], source.Env{
		Backend: "main", Name: "query_log", Dir: dir, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Time{} },
	})
}

func writeFile(t *testing.T, dir, name string, lines ...string) {
	t.Helper()
	text := strings.Join(lines, "\n")
	path := filepath.Join(dir, name)
	if !strings.HasSuffix(name, ".gz") {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestQueryLogConsumers(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "query.log", logQuery, logOwn, logFailed, "")
	writeFile(t, dir, "query.log.1.gz", logEarly, logRule, logRange, "")
	s, err := buildQueryLog(t, dir, "paths: [query.log*]")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Consumers(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	day := func(hour, minute int) time.Time { return time.Date(2026, 11, 22, hour, minute, 0, 0, time.UTC) }
	want := &sentei.UsageData{
		Window: sentei.Window{From: day(7, 15), To: day(12, 0)},
		Gaps:   []sentei.Window{{From: day(7, 15), To: day(9, 0)}},
		Consumers: []sentei.Consumer{{
			ID:   sentei.HashID("query", "main", "query_log", "promql", "sum(up)", "rule", "r.yml", "g"),
			Kind: sentei.Query, Backend: "main", Source: "query_log", Name: "sum(up)",
			Location:   sentei.Location{File: "r.yml", Group: "g"},
			Expression: sentei.Expression{Text: "sum(up)", Lang: sentei.PromQL},
			Count:      1, FirstSeen: day(10, 0), LastSeen: day(10, 0), Origins: []string{"rule"},
		}, {
			ID:   sentei.HashID("query", "main", "query_log", "promql", `up{job="a"}`, "request", "", ""),
			Kind: sentei.Query, Backend: "main", Source: "query_log", Name: `up{job="a"}`,
			Expression: sentei.Expression{Text: `up{job="a"}`, Lang: sentei.PromQL},
			Count:      2, FirstSeen: day(9, 30), LastSeen: day(11, 0),
			Origins: []string{"/api/v1/query", "/api/v1/query_range"},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("usage data (-want +got):\n%s", diff)
	}
}

func TestQueryLogProblems(t *testing.T) {
	tests := map[string]struct {
		lines    []string
		config   string
		where    string
		message  string // of the only problem; empty when there is none
		blocking bool
	}{
		"sound":                            {lines: []string{logQuery, logRule, ""}},
		"no end of line, yet a whole line": {lines: []string{logQuery, logRule}},
		"torn":                             {lines: []string{logQuery, logRule[:50]}, where: "query.log", message: "has no end yet"},
		"broken": {
			lines: []string{logQuery, logRule[:50], logQuery, ""}, where: "query.log:2",
			message: "a line cannot be read: line 2 (byte 106) is not the JSON", blocking: true,
		},
		"broken with an end": {lines: []string{logQuery, logRule[:50], ""}, where: "query.log:2", message: "a line cannot be read", blocking: true},
		"many broken": {
			lines: []string{"a", "b", logQuery, "c", "d", "e", ""}, config: "max_broken_lines: 4", where: "query.log:1",
			message: "5 lines cannot be read: line 1 (byte 0) is in no known format; line 2 (byte 2) is in no known format; line 4 (byte 110) is in no known format; …", blocking: true,
		},
		"few broken":        {lines: []string{"a", "b", logQuery, ""}, config: "max_broken_lines: 2", where: "query.log:1", message: "2 lines cannot be read"},
		"slow queries only": {lines: []string{logMimir, ""}, message: "holds slow queries only", blocking: true},
		"remote read":       {lines: []string{logRead, ""}, message: "but not what they read", blocking: true},
		"a glob that matches nothing": {
			lines: []string{logQuery, ""}, config: "paths: [query.log, other.log]", where: "other.log",
			message: "no file matches", blocking: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "query.log", tt.lines...)
			config := tt.config
			if !strings.Contains(config, "paths") {
				config += "\npaths: [query.log]"
			}
			s, err := buildQueryLog(t, dir, config)
			if err != nil {
				t.Fatal(err)
			}
			data, err := s.Consumers(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if tt.message == "" {
				if len(data.Problems) != 0 {
					t.Fatalf("problems %+v, want none", data.Problems)
				}
				return
			}
			if len(data.Problems) != 1 {
				t.Fatalf("problems %+v, want one", data.Problems)
			}
			p := data.Problems[0]
			where := tt.where
			if where != "" {
				where = filepath.Join(dir, where)
			}
			if p.ID == "" || p.Where != where || !strings.Contains(p.Message, tt.message) || p.Blocking != tt.blocking {
				t.Errorf("problem %+v, want %q at %q, blocking %v", p, tt.message, where, tt.blocking)
			}
			if p.Blocking && p.Hint == "" {
				t.Error("a blocking problem without a hint")
			}
		})
	}
}

func TestQueryLogErrors(t *testing.T) {
	dir := t.TempDir()
	for config, want := range map[string]string{
		"format: auto":                       "paths is missing",
		"paths: ['[']":                       "is not a glob",
		"{paths: [x], format: loki}":         `"loki" is none of auto, prometheus, mimir, thanos, victoriametrics`,
		"{paths: [x], max_broken_lines: -1}": "must not be negative",
		"{paths: [x], path: y}":              "path",
	} {
		if _, err := buildQueryLog(t, dir, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", config, err, want)
		}
	}
	s, err := buildQueryLog(t, dir, "paths: [absent.log]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Consumers(context.Background()); !errors.Is(err, querylog.ErrNoFiles) {
		t.Errorf("error %v, want ErrNoFiles", err)
	}
	s, err = buildQueryLog(t, filepath.Dir(dir), "paths: ["+filepath.Base(dir)+"]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Consumers(context.Background()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error %v, want one about the directory", err)
	}
}

func TestQueryName(t *testing.T) {
	for text, want := range map[string]string{
		"up":                                  "up",
		"sum(\n  up\n)":                       "sum( up )",
		strings.Repeat("ä", 80):               strings.Repeat("ä", 80),
		strings.Repeat("ä", 81):               strings.Repeat("ä", 79) + "…",
		strings.Repeat("ä", 1e6):              strings.Repeat("ä", 79) + "…",
		"up" + strings.Repeat(" ", 1e6) + "x": "up…",
	} {
		if got := queryName(text); got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}
