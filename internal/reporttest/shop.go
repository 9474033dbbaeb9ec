package reporttest

import "github.com/sentei/sentei"

// shopMetrics are what the company's own software exposes on prod.
func shopMetrics() []spec {
	return []spec{
		{
			backend: "prod", name: "http_request_duration_seconds_bucket", typ: "histogram", unit: "seconds",
			help: "Time to serve a request, by path | method | status.",
			jobs: []sentei.JobMetric{job("shop-api", 248_400, 391_300,
				label("instance", 391_300, 138, 1_800),
				label("le", 391_300, 12, 20_700, "+Inf", "0.05", "0.1"),
				label("method", 391_300, 4, 124_200, "GET", "POST", "PUT", "DELETE"),
				label("path", 391_300, 1_842, 16_560, "/cart", "/checkout", "/p/1873"),
				label("status", 391_300, 9, 110_400, "200", "404", "500"))},
			verdict: sentei.Used, use: 0.8,
			readers: []string{"alert latency", "panel latency", "query path"},
		},
		{
			backend: "prod", name: "http_request_duration_seconds_count", typ: "histogram", unit: "seconds",
			help:    "Time to serve a request, by path | method | status.",
			jobs:    []sentei.JobMetric{job("shop-api", 20_700, 32_600, label("path", 32_600, 1_842, 1_380))},
			verdict: sentei.Used, use: 0.8, readers: []string{"panel average"},
		},
		{
			backend: "prod", name: "http_request_duration_seconds_sum", typ: "histogram", unit: "seconds",
			help:    "Time to serve a request, by path | method | status.",
			jobs:    []sentei.JobMetric{job("shop-api", 20_700, 32_600, label("path", 32_600, 1_842, 1_380))},
			verdict: sentei.Used, use: 0.8, readers: []string{"panel average"},
		},
		{
			backend: "prod", name: "http_requests_total", typ: "counter",
			help: "Requests served.",
			jobs: []sentei.JobMetric{
				job("shop-api", 41_400, 60_100, label("instance", 60_100, 138, 300), label("path", 60_100, 1_842, 2_760)),
				job("shop-checkout", 9_600, 11_200, label("instance", 11_200, 24, 400), label("path", 11_200, 12, 1_920)),
			},
			verdict: sentei.Used, use: 1,
			readers: []string{"alert errors", "alert absent", "record rate", "panel requests", "variable service"},
		},
		{
			backend: "prod", name: "http_response_size_bytes_bucket", typ: "histogram", unit: "bytes",
			help: "Size of a response.",
			jobs: []sentei.JobMetric{{
				Job: "shop-api", Cost: job("shop-api", 165_600, 260_900).Cost,
				Labels:    []sentei.LabelStats{label("le", 260_900, 8, 20_700), label("path", 260_900, 1_842, 11_040)},
				Histogram: &sentei.Histogram{Bounds: []string{"100", "1000", "10000", "100000", "1e+06", "1e+07", "1e+08", "+Inf"}},
				Reductions: []sentei.Reduction{
					{Labels: []string{"path"}, SeriesWithout: 22_080, SeriesWithoutLive: 11_040},
					{Labels: []string{"le"}, SeriesWithout: 2_760, SeriesWithoutLive: 1_380},
				},
			}},
			verdict: sentei.Unused,
		},
		{
			backend: "prod", name: "http_response_size_bytes_count", typ: "histogram", unit: "bytes",
			help: "Size of a response.", jobs: []sentei.JobMetric{job("shop-api", 20_700, 32_600)},
			verdict: sentei.Unused,
		},
		{
			backend: "prod", name: "http_response_size_bytes_sum", typ: "histogram", unit: "bytes",
			help: "Size of a response.", jobs: []sentei.JobMetric{job("shop-api", 20_700, 32_600)},
			verdict: sentei.Unused,
		},
		{
			backend: "prod", name: "shop_cart_items", typ: "gauge", help: "Items in open carts, by warehouse.",
			jobs:    []sentei.JobMetric{job("shop-checkout", 3_200, 3_260, label("warehouse", 3_260, 160, 20))},
			verdict: sentei.Used, use: 0.9, readers: []string{"declared invoices"},
		},
		{
			backend: "prod", name: "go_gc_duration_seconds", typ: "summary", unit: "seconds",
			help: "A summary of the wall-time pause duration in garbage collection cycles.",
			jobs: []sentei.JobMetric{
				job("node", 720, 720, label("instance", 720, 144, 5)),
				job("shop-api", 690, 6_100, label("instance", 6_100, 138, 5)),
				job("shop-checkout", 120, 480, label("instance", 480, 24, 5)),
			},
			verdict:     sentei.PartlyUsed,
			jobVerdicts: []sentei.Verdict{sentei.Unused, sentei.Used, sentei.Unused},
			use:         0.45, readers: []string{"panel gc"},
		},
		{
			backend: "prod", name: "go_goroutines", typ: "gauge", help: "Number of goroutines that currently exist.",
			jobs: []sentei.JobMetric{
				job("node", 144, 144, label("instance", 144, 144, 1)),
				job("shop-api", 138, 1_220, label("instance", 1_220, 138, 1)),
				job("shop-checkout", 24, 96, label("instance", 96, 24, 1)),
			},
			verdict: sentei.Used, use: 1, readers: []string{"panel gc", "panel goroutines"},
		},
		{
			backend: "prod", name: "job:http_requests:rate5m", typ: "",
			jobs:    []sentei.JobMetric{job("shop-api", 9, 9), job("shop-checkout", 7, 7)},
			verdict: sentei.Used, use: 1, readers: []string{"alert errors"}, recordedBy: "record rate",
		},
		{
			backend: "prod", name: "instance:go_heap:avg1h", typ: "",
			jobs:    []sentei.JobMetric{job("node", 144, 144)},
			verdict: sentei.Unused, recordedBy: "record heap",
		},
	}
}
