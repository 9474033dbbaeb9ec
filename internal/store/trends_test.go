package store

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

func TestMetricTrend(t *testing.T) {
	s := openStore(t)
	r := reporttest.Report()
	want := map[int][]MetricPoint{}
	for day := range 4 {
		r.At = at.Add(time.Duration(day) * 24 * time.Hour)
		for i := range r.Metrics {
			m := &r.Metrics[i]
			m.Cost.Series, m.PerMonth = m.Cost.Series+int64(day*i), m.PerMonth+float64(day)
			m.Verdict = sentei.Verdicts()[(i+day)%4]
			want[i] = append([]MetricPoint{{r.At, m.Verdict, m.Cost.Series, m.PerMonth, "EUR"}}, want[i]...)
		}
		for range 2 { // the second takes the place of the first
			if _, err := s.SaveReport(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		got, err := s.MetricTrend(t.Context(), m.Backend, m.Name)
		if diff := cmp.Diff(want[i], got, cmpopts.EquateApprox(0, 0.00006)); err != nil || diff != "" {
			t.Fatal(m.Name, err, diff)
		}
	}
	m := &r.Metrics[0]
	if got, err := s.MetricTrend(t.Context(), "other", m.Name); err != nil || got != nil {
		t.Error(got, err)
	}
	if _, err := s.Prune(t.Context(), r.At, 47*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := s.MetricTrend(t.Context(), m.Backend, m.Name); err != nil || len(got) != 2 {
		t.Error(got, err)
	}
	var rows int
	if err := s.read.QueryRowContext(t.Context(), "SELECT count(DISTINCT at) FROM trends").Scan(&rows); err != nil || rows != 2 {
		t.Errorf("trends of %d reports are left: %v", rows, err)
	}
}

// TestOlderStore brings a file up to date that has reports without trends.
func TestOlderStore(t *testing.T) {
	s := openStore(t)
	if _, err := s.SaveReport(t.Context(), reporttest.Report()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.ExecContext(t.Context(), "DROP TABLE trends; DROP TABLE deliveries; DROP TABLE schedules; PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	m := &reporttest.Report().Metrics[0]
	if got, err := again.MetricTrend(t.Context(), m.Backend, m.Name); err != nil || got != nil {
		t.Error(got, err)
	}
}

func TestCutRow(t *testing.T) {
	_, key := metricKey("b", "m")
	for _, row := range [][]byte{{1, 2}, {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 0x80}, {1, 2, 3, 4, 5, 1}, {1, 2, 3, 4, 5, 1, 0x80}} {
		if _, found, err := findPoint(row, key); err == nil || found {
			t.Errorf("%v: %v, %v", row, found, err)
		}
	}
}

func TestSumsOfBackends(t *testing.T) {
	s := openStore(t)
	r := reporttest.Report()
	if _, err := s.SaveReport(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	list, err := s.Reports(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old := list[0]
	old.Backends = nil
	of := OfBackends(append(list, old), "edge")
	if len(of) != 1 {
		t.Fatalf("%d reports", len(of))
	}
	edge := r.OfBackends("edge")
	for _, v := range sentei.Verdicts() {
		n, cost, money := edge.Total(v)
		if diff := cmp.Diff(Sum{n, cost.Series, cost.SamplesPerSecond, money}, of[0].Verdicts[v], cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Error(v, diff)
		}
	}
}

var trendMetrics = flag.Int("trend.metrics", 2_000, "how many metrics the reports of BenchmarkTrends have")

// BenchmarkTrends measures what the trends of 140 kept reports take. For the
// figures in docs/performance.md:
//
//	go test ./internal/store -v -run '^$' -bench Trends -trend.metrics 100000
func BenchmarkTrends(b *testing.B) {
	path := b.TempDir() + "/sentei.db"
	s, err := Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	r := &sentei.Report{Version: sentei.ReportVersion, Backends: []sentei.Backend{{Name: "prod"}}}
	for i := range *trendMetrics {
		m := sentei.MetricReport{Backend: "prod", Metric: sentei.Metric{Name: fmt.Sprintf("team_%d_component_%06d_requests_total", i%97, i)}}
		m.Cost.Series = int64(10 + random.ExpFloat64()*300)
		m.PerMonth, m.Verdict = float64(m.Cost.Series)*0.0065, sentei.Verdicts()[random.IntN(4)]
		r.Metrics = append(r.Metrics, m)
	}
	size := func() int64 {
		if _, err := s.write.ExecContext(b.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		return info.Size()
	}
	const reports = 140
	empty := size()
	var took time.Duration
	for i := range reports {
		r.At = at.Add(time.Duration(i) * time.Hour)
		tx, err := s.write.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if _, err := tx.ExecContext(b.Context(), "INSERT INTO reports VALUES (?, '{}', x'')", millis(r.At)); err != nil {
			b.Fatal(err)
		}
		if err := saveTrends(b.Context(), tx, r); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
	}
	b.Logf("%d reports of %d metrics: %.1f MiB, %s to write one", reports, len(r.Metrics), float64(size()-empty)/(1<<20), took/reports)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			got, err := s.MetricTrend(b.Context(), "prod", r.Metrics[len(r.Metrics)/2].Name)
			if err != nil || len(got) != reports {
				b.Fatal(len(got), err)
			}
		}
	})
}
