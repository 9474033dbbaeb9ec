package remoteread

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"

	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/remoteread/remotetest"
)

// start and length of the data: a sample a second.
const start, length = 1_700_000_000_000, 2000

// write writes a block with a few counters and a native histogram.
func write(t testing.TB) string {
	t.Helper()
	var series []storage.Series
	for i := range 3 {
		var samples []chunks.Sample
		for k := range length {
			samples = append(samples, sample{t: start + int64(k)*1000, f: float64(i * k)})
		}
		series = append(series, storage.NewListSeries(labels.FromStrings("__name__", "m_total", "job", "api", "pod", fmt.Sprint(i)), samples))
	}
	var samples []chunks.Sample
	for k := range 100 {
		samples = append(samples, sample{t: start + int64(k)*1000, histogram: int64(k + 1)})
	}
	series = append(series, storage.NewListSeries(labels.FromStrings("__name__", "n_seconds", "job", "api"), samples))
	dir, err := tsdb.CreateBlock(series, t.TempDir(), (4 * time.Hour).Milliseconds(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func client(t testing.TB, url string, timeout time.Duration) *promapi.Client {
	t.Helper()
	c := promapi.DefaultConfig()
	c.URL, c.Timeout = url, model.Duration(timeout)
	client, err := promapi.New(c, "", slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func open(t testing.TB, url string) *Reader {
	t.Helper()
	r, err := Open(t.Context(), client(t, url, time.Minute), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// content writes all samples of a selection as text.
func content(t testing.TB, q storage.Queryable, from, to int64, hints *storage.SelectHints, matchers ...*labels.Matcher) []string {
	t.Helper()
	querier, err := q.Querier(from, to)
	if err != nil {
		t.Fatal(err)
	}
	defer querier.Close()
	var out []string
	set := querier.Select(t.Context(), true, hints, matchers...)
	for set.Next() {
		var line strings.Builder
		line.WriteString(set.At().Labels().String())
		it := set.At().Iterator(nil)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if kind == chunkenc.ValFloat {
				at, f := it.At()
				fmt.Fprintf(&line, " %d:%g", at, f)
			} else {
				at, h := it.AtFloatHistogram(nil)
				fmt.Fprintf(&line, " %d:%g", at, h.Sum)
			}
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		out = append(out, line.String())
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return out
}

type blockQueryable struct{ *tsdb.Block }

func (b blockQueryable) Querier(mint, maxt int64) (storage.Querier, error) {
	return tsdb.NewBlockQuerier(b, mint, maxt)
}

func equal(name, value string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, name, value)
}

// TestSelect wants what a look at the block itself gives: streamed in small
// parts, streamed at once, and as samples; with external labels that readers of
// the server itself do not see.
func TestSelect(t *testing.T) {
	dir := write(t)
	b, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	external := labels.FromStrings("cluster", "c1", "a", "first", "zone", "z")
	for name, o := range map[string]remotetest.Options{
		"small parts":     {FrameBytes: 200},
		"large parts":     {FrameBytes: 1 << 20, ExternalLabels: external},
		"samples":         {Sampled: true, ExternalLabels: external},
		"external labels": {ExternalLabels: external, FrameBytes: 500},
	} {
		t.Run(name, func(t *testing.T) {
			s := remotetest.Start(t, dir, o)
			r := open(t, s.URL)
			for _, tt := range []struct {
				from, to int64
				matchers []*labels.Matcher
				series   int
			}{
				{start, start + length*1000, []*labels.Matcher{equal("__name__", "m_total")}, 3},
				{start + 500_000, start + 700_123, []*labels.Matcher{equal("__name__", "m_total"), equal("pod", "2")}, 1},
				{start, start + length*1000, []*labels.Matcher{equal("job", "api")}, 4},
				{start, start + length*1000, []*labels.Matcher{equal("job", "none")}, 0},
				{start, start + length*1000, []*labels.Matcher{equal("job", "api"), equal("cluster", "c1")}, 0},
				{start, start + length*1000, []*labels.Matcher{equal("job", "api"), equal("cluster", "")}, 4},
			} {
				want := content(t, blockQueryable{b}, tt.from, tt.to, nil, tt.matchers...)
				if len(want) != tt.series {
					t.Fatalf("%d series by %s", len(want), tt.matchers)
				}
				if diff := cmp.Diff(want, content(t, r, tt.from, tt.to, nil, tt.matchers...)); diff != "" {
					t.Errorf("%s: -want +got\n%.2000s", tt.matchers, diff)
				}
				hints := &storage.SelectHints{Start: tt.from, End: tt.to, Func: "series"}
				for i := range want {
					want[i], _, _ = strings.Cut(want[i], "} ")
				}
				listed := content(t, r, 0, 0, hints, tt.matchers...)
				for i := range listed {
					listed[i] = strings.TrimSuffix(listed[i], "}")
				}
				if diff := cmp.Diff(want, listed); diff != "" {
					t.Errorf("list %s: -want +got\n%s", tt.matchers, diff)
				}
			}
		})
	}
}

// TestCache asks for the same again, which must not reach the server, and for
// more than is kept.
func TestCache(t *testing.T) {
	s := remotetest.Start(t, write(t), remotetest.Options{})
	r := open(t, s.URL)
	first := content(t, r, start, start+9_000, nil, equal("__name__", "m_total"))
	if again := content(t, r, start, start+9_000, nil, equal("__name__", "m_total")); !cmp.Equal(first, again) || s.Reads.Load() != 2 { // one to find out whether it can
		t.Errorf("%d reads", s.Reads.Load())
	}
	c := &cache{most: 1000}
	for i := range 10 {
		c.put(fmt.Sprint(i), nil, 300)
		c.get("0")
	}
	if _, ok := c.get("0"); !ok || len(c.answers) != 2 || c.bytes > c.most {
		t.Errorf("%d answers of %d bytes", len(c.answers), c.bytes)
	}
	c.put("large", nil, 1000)
	if _, ok := c.get("large"); ok {
		t.Error("an answer larger than the cache is kept")
	}
}

func TestNewest(t *testing.T) {
	s := remotetest.Start(t, write(t), remotetest.Options{})
	at, err := open(t, s.URL).Newest(t.Context())
	if want := time.UnixMilli(start + (length-1)*1000).UTC(); err != nil || !at.Equal(want) {
		t.Errorf("%s, %v, want %s", at, err, want)
	}
}

// TestOwnExternalLabel refuses data of which remote read hides a part.
func TestOwnExternalLabel(t *testing.T) {
	s := remotetest.Start(t, write(t), remotetest.Options{ExternalLabels: labels.FromStrings("pod", "1")})
	_, err := Open(t.Context(), client(t, s.URL, time.Minute), 0)
	if err == nil || !strings.Contains(err.Error(), `have the external label pod="1" themselves`) {
		t.Errorf("error %v", err)
	}
}

// TestErrors wants what a server says to be told, and what to do about it.
func TestErrors(t *testing.T) {
	limited := remotetest.Start(t, write(t), remotetest.Options{Sampled: true, SampleLimit: 10})
	serve := func(handler http.HandlerFunc) string {
		mux := http.NewServeMux()
		mux.HandleFunc("/api/v1/status/config", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"status":"success","data":{"yaml":"global: {}"}}`)
		})
		mux.HandleFunc("/", handler)
		s := httptest.NewServer(mux)
		t.Cleanup(s.Close)
		return s.URL
	}
	status := func(code int, kind, text string) string {
		return serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			fmt.Fprint(w, text)
		})
	}
	const streamed = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
	for name, tt := range map[string]struct{ url, want string }{
		"too many samples": {limited.URL, "shorten its range"},
		"not there":        {status(404, "text/plain", "404 page not found"), "remote read is not served there"},
		"other server":     {status(400, "text/plain", "unsupported path"), "remote read is not served there"},
		"no access":        {status(401, "text/plain", "Unauthorized"), "check basic_auth"},
		"too heavy":        {status(422, "text/plain", "too many samples"), "shorten its range"},
		"a proxy":          {status(504, "text/html", "<html>"), "504"},
		"a login page":     {status(200, "text/html", "<html>"), "HTML"},
		"something else":   {status(200, "application/json", "{}"), "this is no remote read"},
		"an error halfway": {status(200, streamed, "querying failed: a long story of what went wrong inside\n"), "ended early"},
		"no snappy":        {status(200, "application/x-protobuf", "{}"), "decompress"},
		"slow":             {serve(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() }), "no answer within the timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, tt.url, 200*time.Millisecond)
			if name == "too many samples" {
				c = client(t, tt.url, time.Minute)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r, err := Open(ctx, c, 0)
			if (err == nil) != (name == "too many samples") {
				t.Fatalf("open: %v", err)
			}
			if err == nil {
				_, err = r.read(ctx, start, start+length*1000, []*labels.Matcher{equal("job", "api")})
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "remote read") {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// sample implements chunks.Sample.
type sample struct {
	t         int64
	f         float64
	histogram int64
}

func (s sample) T() int64            { return s.t }
func (sample) ST() int64             { return 0 }
func (s sample) F() float64          { return s.f }
func (s sample) Copy() chunks.Sample { return s }

func (s sample) H() *histogram.Histogram {
	if s.histogram == 0 {
		return nil
	}
	return tsdbutil.GenerateTestHistogram(s.histogram)
}

func (sample) FH() *histogram.FloatHistogram { return nil }

func (s sample) Type() chunkenc.ValueType {
	if s.histogram == 0 {
		return chunkenc.ValFloat
	}
	return chunkenc.ValHistogram
}
