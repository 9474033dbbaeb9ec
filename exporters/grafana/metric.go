package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/sentei/sentei"
)

// metric is the dashboard of one metric: what it costs, which labels make it
// expensive and who reads it.
func metric() *dashboard.DashboardBuilder {
	const m = `backend=~"$backend",metric="$metric"`
	return board(metricUID, "Metric detail", "One metric: what it costs, which of its labels make it expensive, and who reads it.").
		WithVariable(dashboard.NewQueryVariableBuilder("metric").
			Label("Metric").
			Description("The most expensive metrics; all others are summed up as __other__.").
			Datasource(datasource).
			Query(labelValues(`sentei_metric_series{backend=~"$backend"}`, "metric")).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
			Sort(dashboard.VariableSortNaturalAsc)).
		WithPanel(verdict("Verdict", "Whether a known consumer reads the metric. Unknown means that a source that could tell was not read.",
			`sum by (verdict) (sentei_metric_series{`+m+`})`)).
		WithPanel(figure("Active series", "Series that still received samples when sentei last looked.", units.Short,
			`sum(sentei_metric_series{`+m+`})`)).
		WithPanel(figure("Samples per second", "Samples of the metric that are ingested per second.", units.Short,
			`sum(sentei_metric_samples_per_second{`+m+`})`)).
		WithPanel(figure("Cost per month ($currency)", "What the metric costs in a month of 30 days at the configured prices.", money,
			`sum(sentei_metric_cost_per_month{`+m+`})`).NoValue(noPrices)).
		WithPanel(figure("Part of all series", "Part of the active series of the chosen backends that are of this metric.", units.PercentUnit,
			`sum(sentei_metric_series{`+m+`}) / sum(sentei_series{backend=~"$backend"})`)).
		WithPanel(shaded(figure("Score", "Part of the bill that the metric takes without being of use.", units.PercentUnit,
			`max(sentei_metric_score_ratio{`+m+`})`), "green", from(0.01, "yellow"), from(0.05, "red"))).
		WithPanel(graph("Active series", "Series of the metric by backend. A gap means that the metric was not among the most expensive ones.", units.Short, 12,
			over(`sum by (backend) (sentei_metric_series{`+m+`})`, "{{backend}}"))).
		WithPanel(graph("Cost per month ($currency)", "What the metric costs by backend.", money, 12,
			over(`sum by (backend) (sentei_metric_cost_per_month{`+m+`})`, "{{backend}}")).NoValue(noPrices)).
		WithPanel(labelBars("Series left without a label", "How many active series would remain if the label were removed, with the verdict for the label. The bar to beat is all series of the metric. Labels that would save nothing are left out.",
			`sort(sum by (backend, label, verdict) (sentei_metric_label_series_without{`+m+`}))`)).
		WithPanel(graph("Values of these labels", "Number of distinct values of the labels that would save most. What rises here makes the metric grow.", units.Short, 12,
			over(`max by (backend, label) (sentei_metric_label_values{`+m+`})`, "{{backend}} {{label}}")).NoValue("no label would save anything")).
		WithPanel(bars("Consumers", "How many consumers read the metric now, by kind. The report says which.", units.Short, 12,
			now(`sum by (kind) (sentei_metric_consumers{`+m+`})`, "{{kind}}")).NoValue(nobody)).
		WithPanel(stacked(graph("Consumers over time", "How many consumers read the metric, by kind.", units.Short, 12,
			over(`sum by (kind) (sentei_metric_consumers{`+m+`})`, "{{kind}}"))).NoValue(nobody))
}

func labelBars(title, description, expr string) *bargauge.PanelBuilder {
	return bars(title, description, units.Short, 12, now(expr, "{{backend}} {{label}} ({{verdict}})")).NoValue("no label would save anything")
}

// verdict shows the name of the series that there are, in its colour.
func verdict(title, description, expr string) *stat.PanelBuilder {
	p := stat.NewPanelBuilder().
		Title(title).Description(description).
		Height(statHeight).Span(4).
		Datasource(datasource).
		WithTarget(now(expr, "{{verdict}}").RefId("A")).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		TextMode(common.BigValueTextModeName).
		ColorMode(common.BigValueColorModeBackground).
		GraphMode(common.BigValueGraphModeNone)
	for _, v := range sentei.Verdicts() {
		p.OverrideByName(string(v), []dashboard.DynamicConfigValue{fixed(verdictColor(v))})
	}
	return p
}
