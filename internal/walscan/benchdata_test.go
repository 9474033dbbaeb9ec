//go:build unix

package walscan_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

var (
	benchDir     = flag.String("bench-dir", "", "keep the head that benchmarks read in this folder, and read it if it is there")
	benchSeries  = flag.Int("bench-series", 50_000, "series in the head that benchmarks read, at any time")
	benchScrapes = flag.Int("bench-scrapes", 40, "samples of each, one in 30 seconds")
	benchZstd    = flag.Bool("bench-zstd", false, "compress the head that benchmarks read with zstd")
)

// benchStart is when the head begins, in Unix milliseconds.
const benchStart = 1_700_000_400_000

// benchTarget is one target: its series are scraped together.
type benchTarget struct {
	first  int // reference of the first series
	series []labels.Labels
	values []float64
	known  bool // its series are in the log
}

// benchHead returns a folder with the log of a cluster: targets with counters,
// histograms and the metrics of their containers. Some are replaced each time.
func benchHead(b *testing.B) string {
	b.Helper()
	dir := *benchDir
	if dir == "" {
		dir = b.TempDir()
	} else if _, err := os.Stat(filepath.Join(dir, "wal")); !errors.Is(err, fs.ErrNotExist) {
		return dir
	}
	kind := compression.Snappy
	if *benchZstd {
		kind = compression.Zstd
	}
	w, err := wlog.New(slog.New(slog.DiscardHandler), nil, filepath.Join(dir, "wal"), kind)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	ref, pods := 1, 0
	start := func() *benchTarget {
		pods++
		t := &benchTarget{first: ref, series: podSeries(r, pods)}
		t.values = make([]float64, len(t.series))
		for i := range t.values {
			t.values[i] = float64(r.IntN(1_000_000))
		}
		ref += len(t.series)
		return t
	}
	var targets []*benchTarget
	for ref <= *benchSeries {
		targets = append(targets, start())
	}
	var enc record.Encoder
	for i := range *benchScrapes {
		for k, t := range targets {
			if r.IntN(1000) == 0 {
				t = start()
				targets[k] = t
			}
			if err := t.scrape(w, &enc, r, benchStart+int64(i)*30_000+int64(k)*29_000/int64(len(targets))); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

func (t *benchTarget) scrape(w *wlog.WL, enc *record.Encoder, r *rand.Rand, at int64) error {
	var samples []record.RefSample
	var series []record.RefSeries
	for i, l := range t.series {
		ref := chunks.HeadSeriesRef(t.first + i)
		if !t.known {
			series = append(series, record.RefSeries{Ref: ref, Labels: l})
		}
		switch i % 4 {
		case 0:
			t.values[i] += float64(r.IntN(50))
		case 1:
			t.values[i] += float64(r.IntN(6) / 5)
		case 2:
			t.values[i] += r.Float64()
		}
		samples = append(samples, record.RefSample{Ref: ref, T: at, V: t.values[i]})
	}
	t.known = true
	records := [][]byte{enc.Samples(samples, nil)}
	if series != nil {
		records = slices.Insert(records, 0, enc.Series(series, nil))
	}
	return w.Log(records...)
}

// podSeries are the series that one pod and its containers make.
func podSeries(r *rand.Rand, n int) []labels.Labels {
	app := fmt.Sprintf("app-%d", n%97)
	hash := func() string { return fmt.Sprintf("%016x", r.Uint64()) }
	pod := app + "-" + hash()[:10]
	base := []string{"cluster", "prod-eu-1", "instance", fmt.Sprintf("10.%d.%d.%d:8080", n>>14&127, n>>7&127, n&127), "job", "kubernetes-pods",
		"namespace", fmt.Sprintf("team-%d", n%31), "node", fmt.Sprintf("ip-10-0-%d-%d.internal", n%7, n%41), "pod", pod}
	var out []labels.Labels
	add := func(name string, more ...string) {
		out = append(out, labels.FromStrings(slices.Concat([]string{model.MetricNameLabel, name}, base, more)...))
	}
	for i := range 60 {
		add(fmt.Sprintf("go_process_metric_%d", i), "app", app)
	}
	for _, path := range []string{"/", "/api/v1/cart", "/api/v1/items", "/api/v1/orders", "/healthz"} {
		for _, code := range []string{"200", "404", "500"} {
			add("http_requests_total", "app", app, "code", code, "method", "GET", "path", path)
			for i := range 13 {
				add("http_request_duration_seconds_bucket", "app", app, "code", code, "le", strconv.Itoa(1<<i), "method", "GET", "path", path)
			}
			add("http_request_duration_seconds_sum", "app", app, "code", code, "method", "GET", "path", path)
			add("http_request_duration_seconds_count", "app", app, "code", code, "method", "GET", "path", path)
		}
	}
	uid := hash() + hash()
	for _, c := range []string{app, "proxy"} {
		id := "/kubepods/burstable/pod" + uid + "/" + hash() + hash()
		for i := range 70 {
			add(fmt.Sprintf("container_metric_%d", i), "container", c, "id", id, "image", "registry.example.com/"+app+"@sha256:"+app, "name", "k8s_"+c+"_"+pod)
		}
		for i := range 20 {
			add(fmt.Sprintf("kube_pod_container_metric_%d", i), "container", c, "uid", uid)
		}
	}
	return out
}
