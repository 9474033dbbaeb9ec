package inventory

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

const (
	ulid1 = "01JCW8TM0NNYXGZ3B7T0AP9D21"
	ulid2 = "01JCW8TM0NNYXGZ3B7T0AP9D22"
	ulid3 = "01JCW8TM0NNYXGZ3B7T0AP9D23"

	hour = int64(3_600_000)
	t0   = 1_700_000_000_000 / (2 * hour) * 2 * hour
)

func series(from, to int64, lbls ...string) blockgen.Series {
	return blockgen.Series{Labels: labels.FromStrings(lbls...), From: t0 + from, To: t0 + to, Step: 15_000}
}

// twoBlocks writes four hours: a pod is replaced after the first two.
func twoBlocks(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, blockgen.Block{ULID: ulid1, MinTime: t0, MaxTime: t0 + 2*hour, Series: []blockgen.Series{
		series(0, 2*hour-1, "__name__", "up", "instance", "a", "job", "node"),
		series(0, 2*hour-1, "__name__", "http_requests_total", "code", "200", "job", "shop", "pod", "x"),
		series(0, 2*hour-1, "__name__", "http_requests_total", "code", "500", "job", "shop", "pod", "x"),
	}})
	write(t, dir, blockgen.Block{ULID: ulid2, MinTime: t0 + 2*hour, MaxTime: t0 + 4*hour, Series: []blockgen.Series{
		series(2*hour, 4*hour-1, "__name__", "up", "instance", "a", "job", "node"),
		series(2*hour, 4*hour-1, "__name__", "http_requests_total", "code", "200", "job", "shop", "pod", "y"),
	}})
}

func write(t *testing.T, dir string, b blockgen.Block) {
	t.Helper()
	if _, err := blockgen.Write(dir, b); err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, dir, options string) Source {
	t.Helper()
	var node struct {
		Block yaml.Node `yaml:"block"`
	}
	if err := yaml.Unmarshal([]byte("block: {"+options+"}"), &node); err != nil {
		t.Fatal(err)
	}
	s, err := block.Build(&node.Block, source.Env{Backend: "prod", Name: "block", Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBlock(t *testing.T) {
	dir := t.TempDir()
	twoBlocks(t, filepath.Join(dir, "data"))
	inv, problems, err := build(t, dir, "path: data").Inventory(context.Background())
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if inv.Backend != "prod" || inv.Source != "block" || inv.From.UnixMilli() != t0 || inv.To.UnixMilli() != t0+4*hour-15_000 {
		t.Errorf("got %s %s %s %s", inv.Backend, inv.Source, inv.From, inv.To)
	}
	var names []string
	for _, m := range inv.Metrics {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"http_requests_total", "up"}, names); diff != "" {
		t.Fatal(diff)
	}
	job := inv.Metrics[0].Jobs[0]
	if job.Job != "shop" || job.Cost.Series != 1 || job.Cost.SeriesInSpan != 3 {
		t.Errorf("got %+v", job.Cost)
	}
	if r := job.Cost.SamplesPerSecond; r < 1./15 || r > 1.01/15 {
		t.Errorf("samples per second %v, want 1/15", r)
	}
	want := []sentei.LabelStats{
		{Name: "code", Series: 3, Distinct: 2, Complete: true, SeriesWithout: 2, SeriesWithoutLive: 1, DeterminedBy: []string{},
			Values: []sentei.LabelValue{{Value: "200", Series: 2}, {Value: "500", Series: 1}}},
		{Name: "pod", Series: 3, Distinct: 2, Complete: true, SeriesWithout: 2, SeriesWithoutLive: 1, DeterminedBy: []string{},
			Values: []sentei.LabelValue{{Value: "x", Series: 2}, {Value: "y", Series: 1}}},
	}
	if diff := cmp.Diff(want, job.Labels); diff != "" {
		t.Error(diff)
	}
}

func TestBlockChoice(t *testing.T) {
	tests := map[string]struct {
		options string
		change  func(t *testing.T, dir string)
		series  int64 // of http_requests_total in the span
		problem string
		err     string
	}{
		"all":       {options: "path: .", series: 3},
		"window":    {options: "path: ., window: 1h", series: 1},
		"blocks":    {options: "path: ., blocks: [" + ulid1 + "]", series: 2},
		"one block": {options: "path: " + ulid2, series: 1},
		"compacted, parents still there": {
			options: "path: .", series: 1,
			change: func(t *testing.T, dir string) {
				write(t, dir, blockgen.Block{ULID: ulid3, MinTime: t0, MaxTime: t0 + 4*hour, Level: 2,
					Parents: []string{ulid1, ulid2}, Sources: []string{ulid1, ulid2},
					Series: []blockgen.Series{series(0, 4*hour-1, "__name__", "http_requests_total", "job", "shop")}})
			},
		},
		"sources of a later compaction": {
			options: "path: .", series: 1,
			change: func(t *testing.T, dir string) {
				write(t, dir, blockgen.Block{ULID: ulid3, MinTime: t0, MaxTime: t0 + 4*hour, Level: 3,
					Sources: []string{ulid1, ulid2},
					Series:  []blockgen.Series{series(0, 4*hour-1, "__name__", "http_requests_total", "job", "shop")}})
			},
		},
		"head left out":          {options: "path: ., head: false", series: 3, problem: "the head (wal) is not read", change: mkdir("wal")},
		"empty head":             {options: "path: .", series: 3, change: mkdir("wal")},
		"head without a wal":     {options: "path: .", series: 3, problem: "the head (wal) is not read", change: mkdir("chunks_head")},
		"head is not there":      {options: "path: ., head: true", err: "take the option head away"},
		"unfinished directories": {options: "path: .", series: 3, change: mkdir(ulid3 + ".tmp-for-creation")},
		"one broken index": {
			options: "path: .", series: 1, problem: "block " + ulid1,
			change: func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, ulid1, "index"), "nonsense") },
		},
		"one broken meta.json": {
			options: "path: .", series: 2, problem: "parse meta.json",
			change: func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, ulid2, "meta.json"), "{") },
		},
		"missing chunks": {
			options: "path: .", series: 2, problem: "chunks",
			change: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, ulid2, "chunks")) },
		},
		"missing meta.json": {
			options: "path: .", series: 1, problem: "meta.json",
			change: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, ulid1, "meta.json")) },
		},
		"unknown block": {options: "path: ., blocks: [" + ulid3 + "]", err: "there is no block " + ulid3},
		"no directory":  {options: "path: nowhere", err: "is the volume mounted here?"},
		"no TSDB":       {options: "path: empty", change: mkdir("empty"), err: "is no TSDB directory"},
		"only a head":   {options: "path: fresh", change: mkdir("fresh/wal"), err: "there are no blocks yet"},
		"all is broken": {
			options: "path: .", err: "block " + ulid2,
			change: func(t *testing.T, dir string) {
				overwrite(t, filepath.Join(dir, ulid1, "index"), "")
				overwrite(t, filepath.Join(dir, ulid2, "index"), "")
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			twoBlocks(t, dir)
			if tt.change != nil {
				tt.change(t, dir)
			}
			inv, problems, err := build(t, dir, tt.options).Inventory(context.Background())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := inv.Metrics[0].Cost().SeriesInSpan; got != tt.series {
				t.Errorf("%d series, want %d", got, tt.series)
			}
			if tt.problem == "" && len(problems) > 0 {
				t.Errorf("unexpected problems %+v", problems)
			}
			if tt.problem != "" {
				if len(problems) != 1 || !strings.Contains(problems[0].Where+" "+problems[0].Message, tt.problem) || problems[0].Hint == "" {
					t.Errorf("problems %+v, want one with %q", problems, tt.problem)
				} else if problems[0].Blocking == strings.Contains(tt.problem, "head") {
					t.Errorf("blocking is %v", problems[0].Blocking)
				}
			}
		})
	}
}

// TestBlockGone deletes a block after it was listed, as a compaction may do.
func TestBlockGone(t *testing.T) {
	dir := t.TempDir()
	twoBlocks(t, dir)
	s := build(t, dir, "path: .").(*blockSource)
	chosen, _, err := s.choose(s.env.Path(s.Path), nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, ulid1))
	if _, _, problems, err := s.scan(context.Background(), chosen.Blocks, nil, time.Time{}); !errors.Is(err, errBlockGone) || len(problems) > 0 {
		t.Errorf("got problems %v and error %v, want only that a block is gone", problems, err)
	}
	inv, problems, err := s.Inventory(context.Background())
	if err != nil || len(problems) > 0 || inv.Metrics[0].Cost().SeriesInSpan != 1 {
		t.Errorf("got %+v, %v, %v, want what is in the other block", inv, problems, err)
	}
}

func TestBlockOptions(t *testing.T) {
	for options, want := range map[string]string{
		"":                        "path is missing",
		"path: x, top_values: 0":  "top_values is 0",
		"path: x, label_sets: -1": "label_sets is -1",
		"path: x, pth: y":         "field pth not found",
		"path: x, window: soon":   "not a valid duration",
	} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte("{"+options+"}"), &node); err != nil {
			t.Fatal(err)
		}
		if _, err := block.Build(node.Content[0], source.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("{%s}: error %v, want one with %q", options, err, want)
		}
	}
}

func mkdir(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}
