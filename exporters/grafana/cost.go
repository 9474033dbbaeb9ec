package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// cost is the dashboard to begin with: what is stored, what it costs, how much
// of it is of use, and where it comes from.
func cost() *dashboard.DashboardBuilder {
	return board(costUID, "Cost overview", "What the metrics of your stores cost, how much of that is of use, and where it comes from.").
		WithPanel(figure("Cost per month ($currency)", "What all metrics cost in a month of 30 days at the configured prices.", money,
			`sum(sentei_cost_per_month{`+chosen+`})`).NoValue(noPrices)).
		WithPanel(figure("Active series", "Series that still received samples when sentei last looked.", units.Short,
			`sum(sentei_series{`+chosen+`})`)).
		WithPanel(figure("Samples per second", "Samples that are ingested per second.", units.Short,
			`sum(sentei_samples_per_second{`+chosen+`})`)).
		WithPanel(shaded(figure("Unused", "Part of the active series that belongs to metrics that no known consumer reads.", units.PercentUnit,
			`sum(sentei_series{`+chosen+`,verdict="unused"}) / sum(sentei_series{`+chosen+`})`), "green", from(0.1, "yellow"), from(0.3, "red"))).
		WithPanel(shaded(figure("Unknown", "Part of the active series of which nothing can be said, because a source could not be read or covers too little. Unknown is not unused: see the sources on the dashboard Savings.", units.PercentUnit,
			`sum(sentei_series{`+chosen+`,verdict="unknown"}) / sum(sentei_series{`+chosen+`})`), "green", from(0.05, "yellow"), from(0.5, "red"))).
		WithPanel(figure("Last scan", "When the last successful scan ended. All figures here are as old.", units.DateTimeFromNow,
			`max(sentei_last_scan_success_timestamp_seconds) * 1000`).GraphMode("none")).
		WithPanel(dashed(byVerdict(stacked(graph("Cost per month ($currency)", "What the metrics cost, by verdict: used, partly used (in some jobs), unused, or unknown. The dashed line is the configured budget.", money, 12,
			over(`sum by (verdict) (sentei_cost_per_month{`+chosen+`})`, "{{verdict}}"),
			over(`sum(sentei_budget_per_month{`+chosen+`})`, "budget")))), "budget").NoValue(noPrices)).
		WithPanel(dashed(byVerdict(stacked(graph("Active series", "Active series by the verdict for their metric. The dashed line is the configured budget.", units.Short, 12,
			over(`sum by (verdict) (sentei_series{`+chosen+`})`, "{{verdict}}"),
			over(`sum(sentei_budget_series{`+chosen+`})`, "budget")))), "budget")).
		WithPanel(linked(rows("Most expensive metrics", "The metrics that have series of their own on /metrics; __other__ is the sum of all others. The score is the part of the bill that a metric takes without being of use: look at the highest first. Click on a metric for its details.", 24, "cost per month",
			column{"cost per month", money, `sum by (backend, metric, verdict) (sentei_metric_cost_per_month{` + chosen + `})`},
			column{"series", units.Short, `sum by (backend, metric, verdict) (sentei_metric_series{` + chosen + `})`},
			column{"samples per second", units.Short, `sum by (backend, metric, verdict) (sentei_metric_samples_per_second{` + chosen + `})`},
			column{"score", units.PercentUnit, `sum by (backend, metric, verdict) (sentei_metric_score_ratio{` + chosen + `})`}))).
		WithPanel(rows("By job", "What the series of each stored job label take, and how many of them nobody reads. __other__ is the sum of all smaller ones.", 12, "series",
			column{"cost per month", money, `sum by (stored_job) (sentei_job_cost_per_month{` + chosen + `})`},
			column{"series", units.Short, `sum by (stored_job) (sentei_job_series{` + chosen + `})`},
			column{"unused series", units.Short, `sum by (stored_job) (sentei_job_series{` + chosen + `,verdict="unused"})`})).
		WithPanel(rows("By namespace", "What the series of each value of the label namespace take, estimated, and how many of them nobody reads. __other__ is the sum of all smaller ones.", 12, "series",
			column{"cost per month", money, `sum by (stored_namespace) (sentei_namespace_cost_per_month{` + chosen + `})`},
			column{"series", units.Short, `sum by (stored_namespace) (sentei_namespace_series{` + chosen + `})`},
			column{"unused series", units.Short, `sum by (stored_namespace) (sentei_namespace_series{` + chosen + `,verdict="unused"})`})).
		WithPanel(stacked(graph("Active series by job", "How the jobs grow.", units.Short, 12,
			over(`sum by (stored_job) (sentei_job_series{`+chosen+`})`, "{{stored_job}}")))).
		WithPanel(stacked(graph("Active series by namespace", "How the namespaces grow.", units.Short, 12,
			over(`sum by (stored_namespace) (sentei_namespace_series{`+chosen+`})`, "{{stored_namespace}}")))).
		WithPanel(rows("By owner", "What the series of each owner take, and how many of them nobody reads; estimated where labels tell the owners apart. __other__ is the sum of all smaller ones. Owners are configured.", 24, "series",
			column{"cost per month", money, `sum by (owner) (sentei_owner_cost_per_month{` + chosen + `})`},
			column{"series", units.Short, `sum by (owner) (sentei_owner_series{` + chosen + `})`},
			column{"unused series", units.Short, `sum by (owner) (sentei_owner_series{` + chosen + `,verdict="unused"})`}).NoValue(noOwners)).
		WithPanel(stacked(graph("Active series by owner", "How the owners' series grow.", units.Short, 24,
			over(`sum by (owner) (sentei_owner_series{`+chosen+`})`, "{{owner}}"))).NoValue(noOwners)).
		WithPanel(linked(rows("Worst labels", "Labels of the most expensive metrics, and how many series would be saved if one were removed. The verdict is that for the label: an unused one changes the result of no known consumer. Effects of several labels do not add up.", 16, "series saved",
			column{"series", units.Short, `sum by (backend, metric, label, verdict) (sentei_metric_label_series_without{` + chosen + `} * 0 + on (backend, metric) group_left () sum by (backend, metric) (sentei_metric_series{` + chosen + `}))`},
			column{"series without it", units.Short, `sum by (backend, metric, label, verdict) (sentei_metric_label_series_without{` + chosen + `})`},
			column{"series saved", units.Short, `sum by (backend, metric, label, verdict) (sentei_metric_label_series_without{` + chosen + `} * -1 + on (backend, metric) group_left () sum by (backend, metric) (sentei_metric_series{` + chosen + `}))`},
			column{"values", units.Short, `sum by (backend, metric, label) (sentei_metric_label_values{` + chosen + `})`}))).
		WithPanel(linked(rows("What grew most", "By how many active series metrics have changed in the time range that is shown.", 8, "growth",
			column{"growth", units.Short, `topk(20, delta(sum by (backend, metric) (sentei_metric_series{` + chosen + `,metric!="__other__"})[$__range:$__interval]))`})))
}
