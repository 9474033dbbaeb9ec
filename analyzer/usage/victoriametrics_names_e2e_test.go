//go:build e2e

package usage

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/source"
)

// TestVictoriaMetricsNamesServer sees a metric requested after a query of it,
// and no other, however often the index is asked.
func TestVictoriaMetricsNamesServer(t *testing.T) {
	server := promtest.StartVictoriaMetrics(t)
	get := func(path string, params url.Values) {
		t.Helper()
		resp, err := http.Get(server + path + "?" + params.Encode())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, resp.Status)
		}
	}
	past := time.Now().Add(-10 * time.Second).UnixMilli() // queries do not see samples of this second
	resp, err := http.Post(fmt.Sprintf("%s/api/v1/import/prometheus?timestamp=%d", server, past), "text/plain",
		strings.NewReader("asked{n=\"1\"} 1\nasked{n=\"2\"} 1\nlooked_up 1\nfiltered{code=\"200\"} 1\nnot_asked 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	get("/internal/force_flush", nil)

	o := victoriaMetricsNamesOptions{Config: promapi.DefaultConfig(), Lookback: 86_400_000_000_000}
	o.URL = server
	src, err := newVictoriaMetricsNames(o, source.Env{Backend: "b", Name: "victoriametrics_names", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	read := func(want ...string) {
		t.Helper()
		data, err := src.Consumers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range data.Consumers {
			got = append(got, strings.Fields(c.Name)[2])
			if age := data.Window.To.Sub(c.LastSeen); age < -5*time.Second || age > time.Minute {
				t.Errorf("%s was last seen %s before the end of the window", c.Name, age)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") || len(data.Problems) > 0 {
			t.Errorf("requested: %v, want %v; problems %+v", got, want, data.Problems)
		}
		if d := data.Window.Duration(); d < 0 || d > time.Minute {
			t.Errorf("window %+v", data.Window)
		}
	}
	read()
	get("/api/v1/query", url.Values{"query": {"sum(asked)"}})
	get("/api/v1/query", url.Values{"query": {`filtered{code="503"}`}})
	get("/api/v1/series", url.Values{"match[]": {"looked_up"}})
	get("/api/v1/label/code/values", url.Values{"match[]": {"looked_up"}})
	read("asked")
}
