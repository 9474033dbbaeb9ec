package web

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/metrics"
	"github.com/sentei/sentei/internal/store"
)

var (
	loadMetrics   = flag.Int("load.metrics", 2_000, "how many metrics the report of the load benchmark has")
	loadProposals = flag.Int("load.proposals", 200, "how many proposals it has")
)

// loadReport makes a report of a big installation.
func loadReport(metrics, proposals int) *sentei.Report {
	r := rand.New(rand.NewPCG(1, 2))
	out := &sentei.Report{
		Version: sentei.ReportVersion, At: testNow, Settings: sentei.Settings{Prices: sentei.Prices{Currency: "EUR", PerThousandSeries: 6.5}},
		Backends: []sentei.Backend{{Name: "prod", Isolated: true}},
	}
	for i := range 200 {
		out.Backends[0].ScrapeJobs = append(out.Backends[0].ScrapeJobs, sentei.ScrapeJob{Name: fmt.Sprint("job-", i), JobLabels: []string{fmt.Sprint("job-", i)}})
	}
	for i := range 20_000 {
		out.Consumers = append(out.Consumers, sentei.Consumer{
			ID: fmt.Sprintf("%012x", i), Kind: sentei.Dashboard, Backend: "prod", Name: fmt.Sprint("Dashboard ", i/20),
			Location:   sentei.Location{Dashboard: fmt.Sprint("Dashboard ", i/20), DashboardUID: fmt.Sprint(i / 20), Panel: fmt.Sprint("panel ", i%20), URL: "https://grafana.example/d/x"},
			Expression: sentei.Expression{Text: fmt.Sprintf("sum by (job) (rate(team_%d_requests_total[5m]))", i)},
		})
	}
	for i := range metrics {
		series := int64(10 + r.ExpFloat64()*300)
		job := fmt.Sprint("job-", i%200)
		m := sentei.MetricReport{Backend: "prod", Metric: sentei.Metric{Name: fmt.Sprintf("team_%d_component_%06d_requests_total", i%97, i), Type: "counter", Help: "How many requests were served."}}
		j := sentei.JobMetric{Job: job, Cost: sentei.Cost{Series: series, SeriesInSpan: series * 2, SamplesPerSecond: float64(series) / 15}}
		for _, name := range []string{"code", "instance", "method", "namespace", "path", "pod"} {
			j.Labels = append(j.Labels, sentei.LabelStats{
				Name: name, Series: series * 2, Distinct: 12, SeriesWithout: series, SeriesWithoutLive: series / 2,
				Values: []sentei.LabelValue{{Value: "some-value", Series: series}, {Value: "another-value", Series: series / 2}},
			})
		}
		m.Jobs, m.Cost = []sentei.JobMetric{j}, j.Cost
		m.PerMonth = out.Settings.Prices.PerMonth(m.Cost)
		m.Verdict = sentei.Verdicts()[r.IntN(4)]
		if m.Verdict == sentei.Used {
			for range 1 + r.IntN(8) {
				m.Readers = append(m.Readers, out.Consumers[r.IntN(len(out.Consumers))].ID)
			}
		}
		u := sentei.JobUsage{Usage: m.Usage}
		if m.Verdict == sentei.Used {
			for _, l := range j.Labels {
				u.Labels = append(u.Labels, sentei.LabelUsage{Name: l.Name, Verdict: sentei.Verdicts()[2*r.IntN(2)], Readers: m.Readers[:1]})
			}
		}
		m.JobUsage = []sentei.JobUsage{u}
		out.Metrics = append(out.Metrics, m)
		if m.Verdict == sentei.Unused && len(out.Proposals) < proposals {
			out.Proposals = append(out.Proposals, sentei.Proposal{
				ID: sentei.HashID(m.Name), Rule: "drop_unused_metric", Grade: sentei.GradeA, State: sentei.Pending,
				Place: sentei.Place{Backend: "prod", ScrapeJob: job, Job: job}, Action: sentei.Action{Kind: sentei.DropMetric, Metric: m.Name},
				Saving: m.Cost, SavingPerMonth: m.PerMonth, Evidence: []sentei.Evidence{{Claim: "Nobody reads it.", Query: "count(x)"}},
				Proof: &sentei.Proof{Theorem: "What nobody reads may go.", Consumers: 20_000, Selectors: 30_000},
			})
		}
	}
	slices.SortStableFunc(out.Metrics, func(a, b sentei.MetricReport) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	slices.SortStableFunc(out.Proposals, func(a, b sentei.Proposal) int { return int(b.Saving.Series - a.Saving.Series) })
	return out
}

// BenchmarkPages measures pages and answers of the API with a big report, and
// reports what 99 of 100 do not exceed. For the figures in docs/performance.md:
//
//	go test ./exporters/web -run '^$' -bench Pages -load.metrics 100000 -load.proposals 2000
func BenchmarkPages(b *testing.B) {
	none := heap()
	r := loadReport(*loadMetrics, *loadProposals)
	b.Logf("the report: %d MiB", (heap()-none)>>20)
	b.Logf("/metrics with 100 metrics of their own: %d KiB", ownMetrics(b, r)>>10)
	keeper := &memory{}
	for i := range 140 { // as many as the store keeps, with the default retention
		at := r.At.Add(-time.Duration(i) * 12 * time.Hour)
		info := store.ReportInfo{ID: store.ReportID(at), At: at, Summary: store.Summary{Currency: "EUR", Verdicts: map[sentei.Verdict]store.Sum{}}}
		for k, v := range sentei.Verdicts() {
			info.Verdicts[v] = store.Sum{Series: int64(1_000_000 + 1000*i*k), PerMonth: float64(6500 + 7*i*k)}
		}
		keeper.reports = append(keeper.reports, info)
		keeper.points = append(keeper.points, store.MetricPoint{At: at, Verdict: sentei.Used, Series: int64(300 + i%7), PerMonth: 2, Currency: "EUR"})
	}
	for i := range r.Proposals {
		if i%4 == 0 {
			keeper.all = append(keeper.all, sentei.Decision{Proposal: r.Proposals[i].ID, State: sentei.Accepted, By: "ana", At: testNow})
		}
	}
	empty := newTest(b, &sentei.Report{}, nil)
	get(b, empty, "/")
	before := heap()
	h := newTest(b, r, func(o *Options) { o.Decider = keeper })
	start := time.Now()
	get(b, h, "/")
	b.Logf("first page after a scan: %s", time.Since(start).Round(time.Millisecond))
	m, p := &r.Metrics[len(r.Metrics)/2], &r.Proposals[len(r.Proposals)/2]
	for _, page := range [][2]string{
		{"overview", "/"}, {"metrics", "/ui/metrics"}, {"metrics filtered", "/ui/metrics?q=component_05&verdict=unused&sort=name"},
		{"metrics last part", fmt.Sprintf("/ui/metrics?sort=series&offset=%d", len(r.Metrics)-50)},
		{"metric", "/" + metricPath(m.Backend, m.Name)}, {"proposals", "/ui/proposals"}, {"proposal", "/" + proposalPath(p.ID)},
		{"relabel", "/ui/relabel?dialect=prometheus"}, {"api trend", "/api/v1/metrics/" + m.Backend + "/" + m.Name + "/trend"}, {"api inventory", "/api/v1/inventory?limit=1000"},
		{"api proposals", "/api/v1/proposals?limit=1000"}, {"api metrics", "/api/v1/metrics"},
	} {
		name, path := page[0], page[1]
		get(b, h, path) // sorting is done once a report
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			size := 0
			for b.Loop() {
				w := httptest.NewRecorder()
				start := time.Now()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
				took = append(took, time.Since(start))
				if w.Code != http.StatusOK {
					b.Fatalf("%s: %d %.300s", path, w.Code, w.Body)
				}
				size = w.Body.Len()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(size)/1024, "KiB")
		})
	}
	b.Logf("what pages keep beside the report: %d MiB", (int64(heap())-int64(before))>>20)
	runtime.KeepAlive(h)
	runtime.KeepAlive(r)
}

// ownMetrics returns the size of /metrics.
func ownMetrics(b *testing.B, r *sentei.Report) int {
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry, metrics.Options{Top: 100})
	if err != nil {
		b.Fatal(err)
	}
	m.SetReport(r)
	return get(b, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), "/metrics").Body.Len()
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
