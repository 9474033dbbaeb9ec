package rehearsal

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

// BenchmarkReplay replays three expressions over 1500 series each: as they
// are twice, and under a change that clears a label of every series.
func BenchmarkReplay(b *testing.B) {
	var g generator
	for pod := range 50 {
		for path := range 30 {
			g.whole(counter(float64(pod+path)), "__name__", "http_requests_total", "job", "api", "pod", fmt.Sprintf("api-%d", pod), "uid", fmt.Sprintf("u-%d", pod), "path", fmt.Sprintf("/p%d", path))
		}
	}
	d := g.block(b)
	r := report(
		consumer(sentei.Dashboard, "rate", `sum by (path) (rate(http_requests_total[5m]))`),
		consumer(sentei.Dashboard, "max", `max by (pod) (http_requests_total)`),
		consumer(sentei.AlertingRule, "high", `sum(rate(http_requests_total{path="/p1"}[1m])) > 1`),
	)
	changes := changesOf(b, r, "api", `[{target_label: uid, replacement: ''}]`)
	o := DefaultOptions()
	var queries, samples int64
	started := time.Now()
	for b.Loop() {
		res, err := Run(context.Background(), Input{Report: r, Backend: "b", Changes: changes, Data: d}, o)
		if err != nil {
			b.Fatal(err)
		}
		if !res.Clean() {
			b.Fatalf("%+v", res.Differences)
		}
		queries += res.Figures.Queries
		samples += res.Figures.Samples
	}
	b.ReportMetric(float64(queries)/time.Since(started).Seconds(), "queries/s")
	b.ReportMetric(float64(samples)/time.Since(started).Seconds(), "samples/s")
}

// BenchmarkView selects 1500 series as they are and through a view.
func BenchmarkView(b *testing.B) {
	var g generator
	for i := range 1500 {
		g.whole(constant(1), "__name__", "m", "job", "api", "pod", fmt.Sprintf("api-%d", i), "uid", fmt.Sprintf("u-%d", i))
	}
	d := g.block(b)
	r := report()
	for name, rules := range map[string]string{"as is": `[]`, "untouched": `[{source_labels: [__name__], regex: other, action: drop}]`, "cleared": `[{target_label: uid, replacement: ''}]`} {
		b.Run(name, func(b *testing.B) {
			v := NewView(d.Queryable, changesOf(b, r, "api", rules), nil)
			e := &sentei.Selector{Matchers: (&Change{Metric: "m"}).matchers()[1:]}
			for b.Loop() {
				q, err := v.Querier(d.From.UnixMilli(), d.To.UnixMilli())
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for set := q.Select(context.Background(), true, nil, e.Matchers...); set.Next(); n++ {
					set.At()
				}
				if n != 1500 {
					b.Fatal(n)
				}
				q.Close()
			}
		})
	}
}
