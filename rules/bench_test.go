package rules

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tsdbscan"
	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

var (
	benchPods = flag.Int("bench.pods", 70, "pods of the cluster that proposals are made for: some 700 series each")
	benchDir  = flag.String("bench.dir", "", "read the block in this directory instead")
)

// blockReader lists the series of blocks, as the block source does.
type blockReader struct {
	blocks []tsdbscan.Block
	to     time.Time
}

func (b blockReader) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	return tsdbscan.ReadSeries(ctx, b.blocks, tsdbscan.Options{}, b.to, metrics, f)
}

// BenchmarkPropose makes, proves and executes some 200 proposals for the
// biggest metrics of a cluster with 1000 consumers: a third of the metrics is
// unused, of another third one value of a label is, and of the last a label.
func BenchmarkPropose(b *testing.B) {
	in, series := benchInput(b)
	rules := []Rule{
		dropUnusedMetricOptions{MinSeries: 1}, dropUnusedValuesOptions{MinSeries: 1, MaxValues: 50},
		stripUnusedLabelOptions{MinSeries: 1, Observed: true},
	}
	b.ResetTimer()
	for b.Loop() {
		made, err := Propose(b.Context(), in, rules)
		if err != nil {
			b.Fatal(err)
		}
		executed := int64(0)
		for _, p := range made.Proposals {
			executed += p.Proof.Executed.Series
		}
		b.ReportMetric(float64(len(made.Proposals)), "proposals")
		b.ReportMetric(float64(executed), "series-executed")
	}
	b.ReportMetric(float64(series), "series")
}

func benchInput(b *testing.B) (*Input, int64) {
	b.Helper()
	dir := *benchDir
	if dir == "" {
		dir = b.TempDir()
		if err := blockgen.WriteCluster(dir, blockgen.Cluster{Pods: *benchPods, Blocks: 1, Start: 1_700_000_000_000 / 7_200_000 * 7_200_000}); err != nil {
			b.Fatal(err)
		}
	}
	l, err := tsdbscan.List(dir)
	if err != nil {
		b.Fatal(err)
	}
	scanned, err := tsdbscan.Scan(b.Context(), l.Blocks, tsdbscan.Options{TopValues: 1000})
	if err != nil {
		b.Fatal(err)
	}
	r := &sentei.Report{At: scanned.To, Settings: sentei.Settings{Window: 24 * time.Hour}}
	backend := sentei.Backend{Name: "b", From: scanned.From, To: scanned.To, Listed: sentei.Window{From: scanned.From, To: scanned.To}}
	jobs := map[string]bool{}
	var total int64
	for _, m := range scanned.Metrics {
		report := sentei.MetricReport{Backend: "b", Metric: m, Cost: m.Cost()}
		total += report.Cost.SeriesInSpan
		for _, j := range m.Jobs {
			report.JobUsage = append(report.JobUsage, sentei.JobUsage{Usage: sentei.Usage{Verdict: sentei.Unknown}})
			if !jobs[j.Job] {
				jobs[j.Job] = true
				backend.ScrapeJobs = append(backend.ScrapeJobs, scrapeJob(j.Job, j.Job))
			}
		}
		r.Metrics = append(r.Metrics, report)
	}
	r.Backends = []sentei.Backend{backend}
	order := make([]int, len(r.Metrics))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(r.Metrics[y].Cost.SeriesInSpan, r.Metrics[x].Cost.SeriesInSpan), cmp.Compare(x, y))
	})
	for n := range 1000 {
		m := &r.Metrics[order[n%len(order)]]
		c := sentei.Consumer{ID: fmt.Sprint(n), Kind: sentei.AlertingRule, Backend: "b", Name: fmt.Sprint("r", n)}
		s := sentei.Selector{Matchers: []*labels.Matcher{eq("__name__", m.Name)}, Live: sentei.Labels("job", "instance")}
		u := &m.JobUsage[0]
		switch label := busiest(&m.Jobs[0]); {
		case n%3 == 0 && n < 200: // nobody reads it
			u.Verdict = sentei.Unused
			continue
		case n < 200 && label == nil:
		case n%3 == 1 && n < 200:
			v := label.Values[0].Value
			s.Matchers = append(s.Matchers, labels.MustNewMatcher(labels.MatchNotEqual, label.Name, v))
			s.Live = s.Live.Plus(label.Name)
			u.Verdict, u.Labels = sentei.Used, []sentei.LabelUsage{{Name: label.Name, Verdict: sentei.Used, UnusedValues: []string{v}, UnusedValueSeries: label.Values[0].Series}}
		case n < 200:
			u.Verdict, u.Labels = sentei.Used, []sentei.LabelUsage{{Name: label.Name, Verdict: sentei.Unused}}
		case n%len(order) < 200:
			s.Matchers[0] = eq("__name__", "not stored")
		}
		c.Selectors = []sentei.Selector{s}
		r.Consumers = append(r.Consumers, c)
	}
	return &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": blockReader{l.Blocks, scanned.To}}}, total
}

// busiest returns the label with most values that are listed and that a rule
// may be about.
func busiest(j *sentei.JobMetric) *sentei.LabelStats {
	var best *sentei.LabelStats
	for i := range j.Labels {
		l := &j.Labels[i]
		if l.Name == "instance" || l.Name == "le" || len(l.Values) == 0 || best != nil && l.Distinct <= best.Distinct {
			continue
		}
		best = l
	}
	return best
}

// BenchmarkDuplicateSeries compares all jobs of a cluster: with an inventory
// that has counted their labels, and with one that has not, so that all series
// of the metrics in common are listed.
func BenchmarkDuplicateSeries(b *testing.B) {
	in, series := benchInput(b)
	o := duplicateSeriesOptions{MinMetrics: 20, MinSeries: 100, MinShare: 0.9}
	for _, labels := range []string{"counted", "unknown"} {
		if labels == "unknown" {
			for i := range in.Report.Metrics {
				for k := range in.Report.Metrics[i].Jobs {
					in.Report.Metrics[i].Jobs[k].Labels = nil
				}
			}
		}
		b.Run("labels="+labels, func(b *testing.B) {
			for b.Loop() {
				if _, err := o.Propose(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(o.pairs(in.index(), "b"))), "pairs-listed")
			b.ReportMetric(float64(series), "series")
		})
	}
}
