package querylog

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/querylog/loggen"
)

// put writes a file and returns its path.
func put(t *testing.T, dir, name, text string) string {
	t.Helper()
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		text = b.String()
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readAll(t *testing.T, o Options) *Result {
	t.Helper()
	res, err := Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func when(s string) time.Time { return time.Unix(0, at(s)).UTC() }

func TestReadEveryDialect(t *testing.T) {
	dir := t.TempDir()
	lines := []string{
		lineV2Rule, lineV3HTTP, "", lineV3Rule, lineV2HTTP, lineFailed, lineV3HTTP, lineMimir, lineSeries, lineThanos, lineVM, lineVMStat,
		`ts=2026-11-22T18:40:00Z level=info msg="something else"`,
		strings.Replace(lineV3Rule, "up > 0", "count(up) # sentei", 1),
	}
	text := strings.Join(lines, "\n") + "\n"
	put(t, dir, "query.log", text)
	got := readAll(t, Options{Patterns: []string{filepath.Join(dir, "query.log")}})

	rule := func(text, file string, at string) Query {
		return Query{Text: text, Lang: sentei.PromQL, Rule: true, GroupFile: file, Group: "g1", Count: 1, First: when(at), Last: when(at)}
	}
	request := func(text string, lang sentei.Lang, at, path string) Query {
		q := Query{Text: text, Lang: lang, Count: 1, First: when(at), Last: when(at)}
		if path != "" {
			q.Origins = []string{path}
		}
		return q
	}
	twice := request(`sum by (job) (up{job=~"1|2"})`, sentei.PromQL, "2026-11-22T18:38:48.287110947Z", "/api/v1/query_range")
	twice.Count = 2
	want := &Result{
		Queries: []Query{
			request(`count({__name__=~"vm_.*"})`, sentei.MetricsQL, "2026-11-22T18:37:51.299Z", "/api/v1/query_range"),
			request("node_load1", sentei.PromQL, "2026-11-22T18:37:52Z", "/prometheus/api/v1/series"),
			request(`rate(prometheus_http_requests_total{code="200"}[1m])`, sentei.PromQL, "2026-11-22T18:36:53.786Z", "/api/v1/query"),
			rule("sum by (job) (up)", "/etc/prometheus/rules.yml", "2026-11-22T18:36:44.068Z"),
			twice,
			request(`sum(rate(http_requests_total{code=~"5.."}[5m]))`, sentei.PromQL, "2026-11-22T18:37:51.268111222Z", "/prometheus/api/v1/query_range"),
			request(`sum(rate(m{a="b"}))`, sentei.MetricsQL, "2026-11-22T16:37:51.299Z", ""),
			request("up", sentei.PromQL, "2026-11-22T18:37:53Z", "/api/v1/query"),
			rule("up > 0", "/etc/rules.yml", "2026-11-22T18:38:48.287346897Z"),
			request(`up{job="a",instance=~"x,y"}`, sentei.PromQL, "2026-11-22T18:37:52Z", "/prometheus/api/v1/series"),
		},
		First:   when("2026-11-22T16:37:51.299Z"),
		Last:    when("2026-11-22T18:38:48.287346897Z"),
		Gaps:    []sentei.Window{{From: when("2026-11-22T16:37:51.299Z"), To: when("2026-11-22T18:36:44.068Z")}},
		Counts:  Counts{Bytes: int64(len(text)), Lines: 14, Entries: 12, Used: 10, Failed: 1, Own: 1, Other: 2},
		Files:   []File{{Path: filepath.Join(dir, "query.log")}},
		Partial: []string{"victoriametrics"},
	}
	want.Files[0].Counts = want.Counts
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// How the files are cut and who reads which part must not show.
func TestReadIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	if _, err := loggen.Write(&log, loggen.Options{Bytes: 2 << 20, Texts: 3000}); err != nil {
		t.Fatal(err)
	}
	path := put(t, dir, "query.log", log.String())
	want := readAll(t, Options{Patterns: []string{path}, Workers: 1})
	if n := want.Counts; n.Broken != 0 || n.Used != n.Lines || len(want.Queries) < 900 {
		t.Fatalf("%+v, %d queries", want.Counts, len(want.Queries))
	}
	for workers := 2; workers < 5; workers++ {
		if diff := cmp.Diff(want, readAll(t, Options{Patterns: []string{path}, Workers: workers})); diff != "" {
			t.Errorf("%d workers (-one +many):\n%s", workers, diff)
		}
	}
	// Newest line first, spread over files of which some are compressed.
	lines := strings.SplitAfter(log.String(), "\n")
	parts := make([]strings.Builder, 3)
	for i := len(lines) - 1; i >= 0; i-- {
		parts[i%3].WriteString(lines[i])
	}
	parted := t.TempDir()
	put(t, parted, "query.log", parts[0].String())
	put(t, parted, "query.log.1", parts[1].String())
	put(t, parted, "query.log.2.gz", parts[2].String())
	got := readAll(t, Options{Patterns: []string{filepath.Join(parted, "query.log.[0-9]*"), filepath.Join(parted, "*.log")}})
	if len(got.Files) != 3 {
		t.Errorf("%d files were read, want 3", len(got.Files))
	}
	got.Files = want.Files
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("three files (-one +three):\n%s", diff)
	}
}

func TestReadLongLines(t *testing.T) {
	for _, size := range []int{100 << 10, blockSize - 1, blockSize, 3 * blockSize, 10 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			long := strings.Replace(lineV3HTTP, "1|2", strings.Repeat("x|", size/2), 1)
			text := strings.Repeat(lineV3Rule+"\n"+long+"\n"+lineV2Rule+"\n"+lineMimir+"\n", 3)
			res := readAll(t, Options{Patterns: []string{put(t, t.TempDir(), "query.log", text)}})
			if want := (Counts{Bytes: int64(len(text)), Lines: 12, Entries: 12, Used: 12}); res.Counts != want {
				t.Errorf("counts %+v, want %+v", res.Counts, want)
			}
			if len(res.Queries) != 4 || len(res.Queries[1].Text) < size {
				t.Errorf("%d queries, want 4, the second of %d bytes", len(res.Queries), size)
			}
		})
	}
}

func TestBlocksOfTooLongLines(t *testing.T) {
	const limit = 3 * blockSize
	long := strings.Repeat("x", limit+1)
	short := lineV2Rule + "\n"
	tests := map[string]struct {
		text string
		want Counts
	}{
		"longest line":    {text: short + long[1:] + "\n" + short, want: Counts{Lines: 3, Entries: 2, Used: 2, Broken: 1}},
		"in the middle":   {text: short + long + "\n" + short + short, want: Counts{Lines: 4, Entries: 3, Used: 3, Broken: 1}},
		"much too long":   {text: short + strings.Repeat(long, 5) + "\n" + short, want: Counts{Lines: 3, Entries: 2, Used: 2, Broken: 1}},
		"at the end":      {text: short + long + long, want: Counts{Lines: 2, Entries: 1, Used: 1, Broken: 1}},
		"two, one ending": {text: long + "\n" + long, want: Counts{Lines: 2, Broken: 2}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := lineParser("")
			if err != nil {
				t.Fatal(err)
			}
			b := newBlocks(strings.NewReader(tt.text))
			b.maxLine = limit
			w := newWorker(p)
			w.readFile(context.Background(), b)
			got := w.fileCounts
			got.Bytes = 0
			if got != tt.want {
				t.Errorf("counts %+v, want %+v", got, tt.want)
			}
			if b.err != nil || b.offset != int64(len(tt.text)) {
				t.Errorf("error %v, %d bytes of %d", b.err, b.offset, len(tt.text))
			}
			if tt.want.Broken == 1 {
				line := int64(strings.Count(tt.text[:strings.Index(tt.text, "xx")], "\n")) + 1
				want := []BrokenLine{{Line: line, Offset: int64(strings.Index(tt.text, "xx")), Reason: firstBroken([]*worker{w}, b)[0].Reason}}
				if diff := cmp.Diff(want, firstBroken([]*worker{w}, b)); diff != "" {
					t.Errorf("broken (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Line numbers count over blocks that different workers read.
func TestBrokenLinesHaveTheirPlace(t *testing.T) {
	good := strings.Repeat(lineV2Rule+"\n", 3*blockSize/len(lineV2Rule))
	text := good + "broken 1\n" + good + "broken 2\n\nbroken 3\nbroken 4\n" + good
	for workers := 1; workers < 4; workers++ {
		res := readAll(t, Options{Patterns: []string{put(t, t.TempDir(), "query.log", text)}, Workers: workers})
		var want []BrokenLine
		for i := range maxFirstBroken {
			offset := strings.Index(text, fmt.Sprint("broken ", i+1))
			want = append(want, BrokenLine{
				Line: int64(strings.Count(text[:offset], "\n")) + 1, Offset: int64(offset), Reason: "in no known format",
			})
		}
		if diff := cmp.Diff(want, res.Files[0].FirstBroken); diff != "" {
			t.Errorf("%d workers (-want +got):\n%s", workers, diff)
		}
		if res.Counts.Broken != 4 || res.Counts.Other != 1 {
			t.Errorf("counts %+v, want 4 broken and 1 other", res.Counts)
		}
	}
}

func TestReadCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Read(ctx, Options{Patterns: []string{put(t, t.TempDir(), "query.log", lineV2Rule)}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want a cancelled context", err)
	}
}

func TestReadOptions(t *testing.T) {
	if _, err := Read(context.Background(), Options{Patterns: []string{"x"}, Format: "loki"}); err == nil {
		t.Error("an unknown format is accepted")
	}
	if _, err := Read(context.Background(), Options{Patterns: []string{"["}}); !errors.Is(err, filepath.ErrBadPattern) {
		t.Errorf("error %v, want one about the pattern", err)
	}
}

func TestIsOwn(t *testing.T) {
	for query, want := range map[string]bool{
		"up # sentei": true, "up\n# sentei\n": true, "up": false, `up{a="# sentei"}`: false, "up # sentei\n + up": false, "": false,
	} {
		if IsOwn(query) != want {
			t.Errorf("IsOwn(%q) = %v, want %v", query, !want, want)
		}
	}
}

// The logs in testdata were written by real servers.
func TestReadRecordedLogs(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/querylog/*.log*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recorded logs: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			res := readAll(t, Options{Patterns: []string{path}, Format: "prometheus"})
			c := res.Counts
			if res.Files[0].Err != nil || c.Broken != 0 || c.Torn != 0 || c.Other != 0 || c.Used == 0 || c.Used+c.Failed+c.Own != c.Lines {
				t.Errorf("%+v", res.Files[0])
			}
			if !res.First.Before(res.Last) {
				t.Errorf("from %s to %s", res.First, res.Last)
			}
			readers := map[bool]int64{}
			for _, q := range res.Queries {
				readers[q.Rule] += q.Count
				if !q.Rule && len(q.Origins) == 0 {
					t.Errorf("%s: asked by nobody", q.Text)
				}
			}
			if readers[true]+readers[false] != c.Used {
				t.Errorf("%v of %d entries are in the queries", readers, c.Used)
			}
		})
	}
}
