package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/sentei/sentei"
)

// datasource is the one that the variable of the same name chooses.
var datasource = common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}

// chosen matches the backends that the user has chosen.
const chosen = `backend=~"$backend"`

// Every grid line is 24 columns wide; what stands in one line is equally high.
const (
	statHeight  = 4
	graphHeight = 9
	tableHeight = 11
)

// What a panel says that has nothing to show.
const (
	noPrices = "no prices are configured"
	noOwners = "no owners are configured"
	nobody   = "nobody"
)

// Amounts of money have no unit of Grafana's: the currency is configured. It
// stands in the titles.
const money = units.Short

// now is a query for the latest values, over one for the time range.
func now(expr, legend string) *prometheus.DataqueryBuilder {
	return query(expr, legend).Instant()
}

func over(expr, legend string) *prometheus.DataqueryBuilder {
	return query(expr, legend).Range()
}

func query(expr, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Expr(expr).LegendFormat(legend).
		EditorMode(prometheus.QueryEditorModeCode).Datasource(datasource)
}

// refs names the queries of a panel.
var refs = []string{"A", "B", "C", "D", "E", "F", "G", "H"}

// figure shows one number, and how it came about.
func figure(title, description, unit, expr string) *stat.PanelBuilder {
	return stat.NewPanelBuilder().
		Title(title).Description(description).Unit(unit).
		Height(statHeight).Span(4).
		Datasource(datasource).
		WithTarget(over(expr, "").RefId("A")).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		ColorMode(common.BigValueColorModeNone).
		GraphMode(common.BigValueGraphModeArea)
}

// shaded colours a figure by its value: from each limit on by its colour.
func shaded(p *stat.PanelBuilder, first string, steps ...dashboard.Threshold) *stat.PanelBuilder {
	return p.ColorMode(common.BigValueColorModeValue).Thresholds(limits(first, steps...))
}

func limits(first string, steps ...dashboard.Threshold) *dashboard.ThresholdsConfigBuilder {
	all := append([]dashboard.Threshold{{Color: first}}, steps...)
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(all)
}

func from(value float64, color string) dashboard.Threshold {
	return dashboard.Threshold{Value: &value, Color: color}
}

// graph shows values over time, as lines from zero.
func graph(title, description, unit string, span uint32, queries ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	p := timeseries.NewPanelBuilder().
		Title(title).Description(description).Unit(unit).
		Height(graphHeight).Span(span).
		Datasource(datasource).
		Min(0).
		LineWidth(1).FillOpacity(10).
		ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().
			Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for i, q := range queries {
		p.WithTarget(q.RefId(refs[i]))
	}
	return p
}

// stacked lets the lines of a graph add up.
func stacked(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return p.FillOpacity(60).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
}

// byVerdict gives each verdict its colour; the legend must be the verdict.
func byVerdict(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	for _, v := range sentei.Verdicts() {
		p.OverrideByName(string(v), []dashboard.DynamicConfigValue{fixed(verdictColor(v))})
	}
	return p
}

func verdictColor(v sentei.Verdict) string {
	switch v {
	case sentei.Used:
		return "green"
	case sentei.PartlyUsed:
		return "yellow"
	case sentei.Unused:
		return "red"
	default:
		return "text" // grey: it says nothing
	}
}

func fixed(color string) dashboard.DynamicConfigValue {
	return property("color", map[string]any{"mode": "fixed", "fixedColor": color})
}

func property(id string, value any) dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: id, Value: value}
}

// dashed draws a line that is a limit: on top of what is stacked, not part of it.
func dashed(p *timeseries.PanelBuilder, name string) *timeseries.PanelBuilder {
	return p.OverrideByName(name, []dashboard.DynamicConfigValue{
		fixed("purple"),
		property("custom.fillOpacity", 0),
		property("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{10, 10}}),
		property("custom.stacking", map[string]any{"mode": "none", "group": "limit"}),
	})
}

// bars compares the latest values.
func bars(title, description, unit string, span uint32, q *prometheus.DataqueryBuilder) *bargauge.PanelBuilder {
	return bargauge.NewPanelBuilder().
		Title(title).Description(description).Unit(unit).
		Height(graphHeight).Span(span).
		Datasource(datasource).
		Min(0).
		WithTarget(q.RefId("A")).
		Orientation(common.VizOrientationHorizontal).
		DisplayMode(common.BarGaugeDisplayModeBasic).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdFixed).FixedColor("blue")).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
}

// A column is one query of a table: its values get the name and the unit.
type column struct {
	name, unit, expr string
}

// rows shows the latest values of several queries side by side: rows that have
// the same labels are one. It is sorted by the named column, the highest first.
func rows(title, description string, span uint32, sortBy string, columns ...column) *table.PanelBuilder {
	p := table.NewPanelBuilder().
		Title(title).Description(description).
		Height(tableHeight).Span(span).
		Datasource(datasource).
		Filterable(true).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{"sum"})).
		SortBy([]cog.Builder[common.TableSortByFieldState]{
			common.NewTableSortByFieldStateBuilder().DisplayName(sortBy).Desc(true),
		}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}})
	names := map[string]any{}
	for i, c := range columns {
		p.WithTarget(now(c.expr, "").Format(prometheus.PromQueryFormatTable).RefId(refs[i]))
		field := "Value #" + refs[i]
		if len(columns) == 1 {
			field = "Value"
		}
		names[field] = c.name
		p.OverrideByName(c.name, []dashboard.DynamicConfigValue{property("unit", c.unit)})
	}
	p.OverrideByName("verdict", coloured())
	return p.WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
		"excludeByName": map[string]any{"Time": true},
		"renameByName":  names,
	}})
}

// coloured gives the verdicts in a column their colours.
func coloured() []dashboard.DynamicConfigValue {
	colors := map[string]any{}
	for _, v := range sentei.Verdicts() {
		colors[string(v)] = map[string]any{"color": verdictColor(v)}
	}
	return []dashboard.DynamicConfigValue{
		property("mappings", []map[string]any{{"type": "value", "options": colors}}),
		property("custom.cellOptions", map[string]any{"type": "color-text"}),
	}
}

// linked makes the values of the column metric lead to the metric's dashboard.
func linked(p *table.PanelBuilder) *table.PanelBuilder {
	return p.OverrideByName("metric", []dashboard.DynamicConfigValue{property("links", []map[string]any{{
		"title": "Details of ${__value.text}",
		"url":   "/d/" + metricUID + "?var-backend=${__data.fields.backend}&var-metric=${__value.text}&${datasource:queryparam}&${__url_time_range}",
	}})})
}
