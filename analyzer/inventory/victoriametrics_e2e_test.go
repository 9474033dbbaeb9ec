//go:build e2e

package inventory

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/source"
)

// fillVictoriaMetrics writes metrics of several jobs: one job with more metrics
// than the server lists at once, one metric with many series, some without a
// job.
func fillVictoriaMetrics(t *testing.T, url string) {
	t.Helper()
	var text strings.Builder
	for m := range 1100 {
		for n := range m%3 + 1 {
			fmt.Fprintf(&text, "wide_%04d{job=\"wide\",pod=\"p%d\"} 1\n", m, n)
		}
	}
	for n := range 120 {
		fmt.Fprintf(&text, "tall{job=\"tall\",instance=\"i%d\",path=\"/a b/%d\"} 1\n", n%4, n)
		fmt.Fprintf(&text, "tall{job=\"a|b\",instance=\"i%d\",path=\"%d\"} 1\n", n%4, n)
	}
	text.WriteString("nobody 1\nnobody{x=\"1\"} 1\nup{job=\"wide\"} 1\n")
	past := time.Now().Add(-10 * time.Second).UnixMilli() // queries do not see samples of this second
	resp, err := http.Post(fmt.Sprintf("%s/api/v1/import/prometheus?timestamp=%d", url, past), "text/plain", strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp.Status)
	}
	flush(t, url)
}

func flush(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url + "/internal/force_flush")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// requested returns how many metrics the tracker has seen requests for.
func requested(t *testing.T, url string) (n int) {
	t.Helper()
	resp, err := http.Get(url + "/api/v1/status/metric_names_stats?limit=100000")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var stats struct {
		Records []struct{ QueryRequestsCount int }
	}
	if err := json.Unmarshal(body, &stats); err != nil {
		t.Fatal(err)
	}
	for _, r := range stats.Records {
		if r.QueryRequestsCount > 0 {
			n++
		}
	}
	return n
}

// TestVictoriaMetricsServer compares the inventory, counted in either way and
// with several limits, with what queries answer.
func TestVictoriaMetricsServer(t *testing.T) {
	url := promtest.StartVictoriaMetrics(t)
	fillVictoriaMetrics(t, url)
	narrow := promtest.StartVictoriaMetrics(t, "-search.maxTSDBStatusTopNSeries=7", "-search.maxSeries=100")
	fillVictoriaMetrics(t, narrow)
	tests := map[string]struct {
		url, count string
		perQuery   int
		queried    bool
	}{
		"index":                         {url: url, count: countIndex, perQuery: 30_000},
		"index, labels in parts":        {url: url, count: countIndex, perQuery: 50},
		"index, a server with limits":   {url: narrow, count: countIndex, perQuery: 30_000},
		"queries":                       {url: url, count: countQueries, perQuery: 30_000, queried: true},
		"queries, in shards":            {url: url, count: countQueries, perQuery: 50, queried: true},
		"queries, a server with limits": {url: narrow, count: countQueries, perQuery: 50, queried: true},
	}
	for _, name := range []string{
		"index", "index, labels in parts", "index, a server with limits", // before anything is queried
		"queries", "queries, in shards", "queries, a server with limits",
	} {
		tt := tests[name]
		t.Run(name, func(t *testing.T) {
			o := victoriaMetricsOptions{Count: tt.count, ScrapeInterval: 60_000_000_000, prometheusOptions: prometheusOptions{
				Config: promapi.DefaultConfig(), Lookback: 3_600_000_000_000, LabelMetrics: 30, MaxSeriesPerQuery: tt.perQuery, MaxSeriesPerScan: maxSeriesPerScan,
			}}
			o.URL = tt.url
			src, err := newVictoriaMetrics(o, source.Env{Backend: "b", Name: "victoriametrics", Logger: slog.New(slog.DiscardHandler), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			inv, problems, err := src.Inventory(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(problems) > 0 {
				t.Errorf("problems: %+v", problems)
			}
			if n := requested(t, tt.url); n > 0 != tt.queried {
				t.Errorf("the tracker has seen requests of %d metrics", n)
			}
			compareVictoriaMetrics(t, tt.url, inv)
		})
	}
}

// compareVictoriaMetrics compares every count with what the server exports,
// which the tracker does not notice.
func compareVictoriaMetrics(t *testing.T, url string, inv *sentei.Inventory) {
	t.Helper()
	resp, err := http.Get(url + `/api/v1/series/count`)
	if err != nil {
		t.Fatal(err)
	}
	var total struct{ Data []int64 }
	if err := json.NewDecoder(resp.Body).Decode(&total); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var got, want []string
	var sum int64
	for _, m := range inv.Metrics {
		for _, j := range m.Jobs {
			sum += j.Cost.Series
			got = append(got, fmt.Sprintf("%s %s %d %d", m.Name, j.Job, j.Cost.Series, j.Cost.SeriesInSpan))
			for _, l := range j.Labels {
				if !l.Complete || int64(len(l.Values)) != l.Distinct || l.Series > j.Cost.Series {
					t.Errorf("%s of %q: label %+v", m.Name, j.Job, l)
				}
			}
			if m.Name == "tall" && len(j.Labels) != 2 {
				t.Errorf("tall of %q has the labels %+v", j.Job, j.Labels)
			}
		}
	}
	for m := range 1100 {
		want = append(want, fmt.Sprintf("wide_%04d wide %d %d", m, m%3+1, m%3+1))
	}
	want = append(want, "tall tall 120 120", "tall a|b 120 120", "nobody  2 2", "up wide 1 1")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-written +inventory):\n%s", diff)
	}
	if sum != total.Data[0] {
		t.Errorf("%d series, the server says %v", sum, total.Data)
	}
}
