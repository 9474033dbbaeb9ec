package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// open chooses the proposals that nobody has decided against.
const open = `,state=~"pending|accepted"`

// savings is the dashboard of what is proposed, what came of what was carried
// out, and of the sources that all of it rests on.
func savings() *dashboard.DashboardBuilder {
	d := board(savingsUID, "Savings", "What is proposed, what came of what was carried out, and whether the sources that all of it rests on can be read.").
		WithPanel(figure("Proposals to review", "Proposals that wait for a decision.", units.Short,
			`sum(sentei_proposals{`+chosen+`,state="pending"}) or sum(sentei_series{`+chosen+`}) * 0`)).
		WithPanel(figure("Series they would save", "Active series that the open proposals of the last scan would save: those that are pending or accepted. They do not overlap.", units.Short,
			`sum(sentei_proposal_saving_series{`+chosen+open+`}) or sum(sentei_series{`+chosen+`}) * 0`)).
		WithPanel(figure("Would save per month ($currency)", "What the open proposals of the last scan would save in a month of 30 days.", money,
			`sum(sentei_proposal_saving_per_month{`+chosen+open+`})`).NoValue(noPrices)).
		WithPanel(figure("Promised per month ($currency)", "What the proposals that were carried out promised to save in a month of 30 days.", money,
			`sum(sentei_promised_saving_per_month{`+chosen+`})`).NoValue(noPrices)).
		WithPanel(figure("Realised per month ($currency)", "What of it is not stored any more.", money,
			`sum(sentei_realised_saving_per_month{`+chosen+`})`).NoValue(noPrices)).
		WithPanel(shaded(figure("Regrets", "Consumers that ask for something that a carried out proposal took away. It should be 0.", units.Short,
			`sum(sentei_regrets{`+chosen+`})`), "green", from(1, "red"))).
		WithPanel(stacked(graph("Proposals by state", "Proposals of the last scan by the state of their review, and those that were carried out: applied, then verified when the saving is seen, or regretted when somebody asks for what is gone.", units.Short, 12,
			over(`sum by (state) (sentei_proposals{`+chosen+`})`, "{{state}}"),
			over(`sum by (state) (sentei_tracked_proposals{`+chosen+`})`, "{{state}}"))).
			OverrideByName("regretted", []dashboard.DynamicConfigValue{fixed("red")})).
		WithPanel(graph("Promised and realised", "Active series that carried out proposals promised to save, and those that are not stored any more. The lines should meet.", units.Short, 12,
			over(`sum(sentei_promised_saving_series{`+chosen+`})`, "promised"),
			over(`sum(sentei_realised_saving_series{`+chosen+`})`, "realised"))).
		WithPanel(rows("Open proposals by rule and grade", "Those that are pending or accepted. Grade A keeps every result of every known consumer the same, A' after a short transient; B looks the same to the eye, C stays within a tolerance.", 12, "series",
			column{"proposals", units.Short, `sum by (rule, grade) (sentei_proposals{` + chosen + open + `})`},
			column{"series", units.Short, `sum by (rule, grade) (sentei_proposal_saving_series{` + chosen + open + `})`},
			column{"saved per month", money, `sum by (rule, grade) (sentei_proposal_saving_per_month{` + chosen + open + `})`})).
		WithPanel(bars("Series to save by scrape job", "Where the open proposals are made. Those of recording rules have no scrape job.", units.Short, 12,
			now(`topk(15, sum by (scrape_job) (sentei_proposal_saving_series{`+chosen+open+`}))`, "{{scrape_job}}")).
			Height(tableHeight).NoValue("nothing is proposed")).
		WithPanel(graph("Regrets over time", "Consumers that ask for something that is gone. Anything above 0 wants a look at the report.", units.Short, 12,
			over(`sum by (backend) (sentei_regrets{`+chosen+`})`, "{{backend}}"))).
		WithPanel(graph("Scan duration", "How long scans take, and how long each source took in the last one.", units.Seconds, 12,
			over(`max(sentei_scan_duration_seconds)`, "scan"),
			over(`sum by (backend, source) (sentei_source_collect_duration_seconds{`+chosen+`})`, "{{backend}} {{source}}")))
	return sources(d)
}

// sources adds the health of the sources to the dashboard.
func sources(d *dashboard.DashboardBuilder) *dashboard.DashboardBuilder {
	return d.
		WithRow(dashboard.NewRowBuilder("Sources")).
		WithPanel(up("Sources over time", "Whether each source could be read. While one is down, what it could have told is unknown, and nothing is called unused.",
			`min by (backend, source) (sentei_source_up{`+chosen+`})`)).
		WithPanel(stacked(graph("Problems", "What could not be read or understood. Blocking problems keep verdicts unknown; the report says how to mend each of them, or accept it.", units.Short, 12,
			over(`sum by (blocking) (sentei_problems{`+chosen+`})`, "blocking: {{blocking}}"))).
			OverrideByName("blocking: true", []dashboard.DynamicConfigValue{fixed("red")}).
			OverrideByName("blocking: false", []dashboard.DynamicConfigValue{fixed("yellow")})).
		WithPanel(rows("Sources", "What each source found in the last scan. For sources whose data has an age: the time that it covers, the gaps in it, and how long before the inventory it ends.", 24, "items",
			column{"up", units.Short, `min by (backend, source, class) (sentei_source_up{` + chosen + `})`},
			column{"items", units.Short, `sum by (backend, source, class) (sentei_source_items{` + chosen + `})`},
			column{"covers", units.Seconds, `min by (backend, source, class) (sentei_source_window_seconds{` + chosen + `})`},
			column{"gaps", units.Seconds, `max by (backend, source, class) (sentei_source_gap_seconds{` + chosen + `})`},
			column{"lag", units.Seconds, `max by (backend, source, class) (sentei_source_lag_seconds{` + chosen + `})`},
			column{"took", units.Seconds, `max by (backend, source, class) (sentei_source_collect_duration_seconds{` + chosen + `})`})).
		WithPanel(dashed(graph("Coverage of query logs", "How much time each query log covers, less its gaps. Below the dashed line, analysis.min_window, what nobody is seen to ask for is unknown.", units.Seconds, 12,
			over(`sum by (backend, source) (sentei_source_window_seconds{`+chosen+`,class="queries"} - sentei_source_gap_seconds{`+chosen+`,class="queries"})`, "{{backend}} {{source}}"),
			over(`max(sentei_min_window_seconds)`, "needed")), "needed").NoValue("no query log is read")).
		WithPanel(graph("Lag of query logs", "How long before the inventory each query log ends. A log that rises here has stalled.", units.Seconds, 12,
			over(`max by (backend, source) (sentei_source_lag_seconds{`+chosen+`,class="queries"})`, "{{backend}} {{source}}")).NoValue("no query log is read"))
}

// up shows as coloured bands when values were 1 and when 0.
func up(title, description, expr string) *statetimeline.PanelBuilder {
	return statetimeline.NewPanelBuilder().
		Title(title).Description(description).
		Height(graphHeight).Span(12).
		Datasource(datasource).
		WithTarget(over(expr, "{{backend}} {{source}}").RefId("A")).
		ShowValue(common.VisibilityModeNever).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		Thresholds(limits("red", from(1, "green"))).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(false))
}
