package analyzer

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

// BenchmarkScan analyzes 20 000 metrics against 10 000 logged queries, 200
// rules of which half read another one, and 100 selectors without a full name.
func BenchmarkScan(b *testing.B) {
	inv := sentei.Inventory{From: now.Add(-time.Hour), To: now}
	for i := range 20_000 {
		inv.Metrics = append(inv.Metrics, sentei.Metric{Name: fmt.Sprintf("service%d_metric_%d_total", i%100, i), Jobs: []sentei.JobMetric{{
			Job:    fmt.Sprintf("job%d", i%50),
			Cost:   sentei.Cost{Series: 100, SeriesInSpan: 120},
			Labels: []sentei.LabelStats{{Name: "instance"}, {Name: "path", Values: []sentei.LabelValue{{Value: "/"}}, Complete: true}},
		}}})
	}
	var consumers []sentei.Consumer
	for i := range 10_000 {
		consumers = append(consumers, query(fmt.Sprintf("sum by (instance) (rate(service%d_metric_%d_total{path=\"/\"}[5m]))", i%100, i), now))
	}
	for i := range 100 {
		consumers = append(consumers,
			record(fmt.Sprintf("r%d:a", i), fmt.Sprintf("sum by (instance) (rate(service%d_metric_%d_total[5m]))", i, 19_900+i)),
			record(fmt.Sprintf("r%d:b", i), fmt.Sprintf("sum(r%d:a)", i)),
			alert(fmt.Sprintf("r%d:b > 1", i)),
			dashboard(fmt.Sprintf("sum({__name__=~\"service%d_metric_1.*_total\", path=\"/\"})", i)),
		)
	}
	backends := []Backend{{
		Name:      "main",
		Inventory: []InventorySource{{"block", "block", fakeInventory{inventory: inv}}},
		Usage: []UsageSource{{"query_log", "query_log", sentei.ClassQueries, fakeUsage{data: sentei.UsageData{
			Consumers: consumers, Window: sentei.Window{From: now.Add(-40 * 24 * time.Hour), To: now},
		}}}},
	}}
	o := Options{Window: 30 * 24 * time.Hour, MinWindow: 30 * 24 * time.Hour, MaxLag: time.Hour, Prices: sentei.Prices{PerThousandSeries: 1}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(context.Background(), backends, o, slog.New(slog.DiscardHandler)); err != nil {
			b.Fatal(err)
		}
	}
}
