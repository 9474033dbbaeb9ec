// Package remotetest serves stored series in tests as a running Prometheus
// does: with its own handler of remote read, and the parts of the HTTP API that
// package remoteread asks.
package remotetest

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"go.yaml.in/yaml/v2"
)

// Server is a server with a block in place of its head.
type Server struct {
	URL string
	// Reads and Lists count the requests for samples and for lists of series.
	Reads, Lists atomic.Int64
}

// Options say how the server differs from the usual.
type Options struct {
	ExternalLabels labels.Labels
	FrameBytes     int // of a part of a streamed answer
	SampleLimit    int // of an answer that is not streamed
	// Sampled says that it cannot stream.
	Sampled bool
}

// Start serves a block until the test ends.
func Start(t testing.TB, dir string, o Options) *Server {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	b, err := tsdb.OpenBlock(logger, dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	cfg := config.Config{GlobalConfig: config.GlobalConfig{ExternalLabels: o.ExternalLabels}}
	handler := remote.NewReadHandler(logger, nil, block{b}, func() config.Config { return cfg }, o.SampleLimit, 2, max(o.FrameBytes, 1000))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/read", func(w http.ResponseWriter, r *http.Request) {
		s.Reads.Add(1)
		if o.Sampled {
			sampled(w, r, handler)
			return
		}
		handler.ServeHTTP(w, r)
	})
	mux.HandleFunc("/api/v1/series", func(w http.ResponseWriter, r *http.Request) {
		s.Lists.Add(1)
		answer(w, series(t, b, r))
	})
	mux.HandleFunc("/api/v1/query", func(w http.ResponseWriter, _ *http.Request) {
		now := float64(b.MaxTime()) / 1000
		answer(w, map[string]any{"resultType": "scalar", "result": []any{now, strconv.FormatFloat(now, 'f', -1, 64)}})
	})
	mux.HandleFunc("/api/v1/status/tsdb", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"headStats": map[string]any{"numSeries": 1, "minTime": b.MinTime(), "maxTime": b.MaxTime() - 1}})
	})
	mux.HandleFunc("/api/v1/status/config", func(w http.ResponseWriter, _ *http.Request) {
		text, err := yaml.Marshal(map[string]any{"global": map[string]any{"external_labels": o.ExternalLabels.Map()}})
		if err != nil {
			t.Error(err)
		}
		answer(w, map[string]any{"yaml": string(text)})
	})
	server := httptest.NewServer(mux)
	s.URL = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data}) // the client may be gone
}

// series answers /api/v1/series.
func series(t testing.TB, b *tsdb.Block, r *http.Request) []labels.Labels {
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(r.FormValue("match[]"))
	if err != nil {
		t.Error(err)
		return nil
	}
	millis := func(name string) int64 {
		f, err := strconv.ParseFloat(r.FormValue(name), 64)
		if err != nil {
			t.Error(err)
		}
		return int64(f * 1000)
	}
	q, err := tsdb.NewBlockQuerier(b, millis("start"), millis("end"))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer q.Close()
	out := []labels.Labels{}
	set := q.Select(r.Context(), true, &storage.SelectHints{Start: millis("start"), End: millis("end"), Func: "series"}, matchers...)
	for set.Next() {
		out = append(out, set.At().Labels())
	}
	return out
}

// block is a block as a storage.
type block struct{ *tsdb.Block }

// Querier implements storage.Queryable.
func (b block) Querier(mint, maxt int64) (storage.Querier, error) {
	return tsdb.NewBlockQuerier(b, mint, maxt)
}

// ChunkQuerier implements storage.ChunkQueryable.
func (b block) ChunkQuerier(mint, maxt int64) (storage.ChunkQuerier, error) {
	return tsdb.NewBlockChunkQuerier(b, mint, maxt)
}
