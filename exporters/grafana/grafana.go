// Package grafana makes the dashboards on sentei's own metrics. Nothing comes
// in; out come dashboards in Grafana's JSON, made with Grafana's foundation SDK.
// They are committed under deploy/mixin/dashboards, from where package mixin
// embeds them: "go test ./exporters/grafana -update" writes them again.
//
// Reading order: panels.go (the few sorts of panels and how they look), then
// one file a dashboard.
package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Dashboard is one dashboard and the name of its file.
type Dashboard struct {
	File string
	JSON []byte
}

// Dashboards returns all dashboards. Every call returns the same bytes.
func Dashboards() ([]Dashboard, error) {
	var out []Dashboard
	for _, d := range []struct {
		file  string
		board *dashboard.DashboardBuilder
	}{
		{"sentei-cost.json", cost()},
		{"sentei-metric.json", metric()},
		{"sentei-savings.json", savings()},
	} {
		built, err := d.board.Build()
		if err != nil {
			return nil, fmt.Errorf("make dashboard %s: %w", d.file, err)
		}
		number(built.Panels)
		for i := range built.Links {
			built.Links[i].Placement = nil // the top of the page, not a menu
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(built); err != nil {
			return nil, fmt.Errorf("make dashboard %s: %w", d.file, err)
		}
		out = append(out, Dashboard{d.file, text.Bytes()})
	}
	return out, nil
}

// number gives every panel an identifier, in the order of the page.
func number(panels []dashboard.PanelOrRowPanel) {
	for i, p := range panels {
		id := uint32(i + 1)
		if p.Panel != nil {
			p.Panel.Id = &id
		} else {
			p.RowPanel.Id = id
		}
	}
}

// What the dashboards link to each other by.
const (
	costUID    = "sentei-cost"
	metricUID  = "sentei-metric"
	savingsUID = "sentei-savings"
	tag        = "sentei"
)

// board returns an empty dashboard with what all have: the variables for the
// data source and the backend, and links to the others and to the daemon.
func board(uid, title, description string) *dashboard.DashboardBuilder {
	return dashboard.NewDashboardBuilder("sentei / "+title).
		Uid(uid).
		Description(description).
		Tags([]string{tag}).
		Editable().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Time("now-7d", "now").
		Refresh("5m").
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").
			Label("Data source").
			Description("The Prometheus that scrapes sentei.").
			Type("prometheus")).
		WithVariable(dashboard.NewQueryVariableBuilder("backend").
			Label("Backend").
			Description("The stores that sentei looks at.").
			Datasource(datasource).
			Query(labelValues("sentei_series", "backend")).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
			Sort(dashboard.VariableSortNaturalAsc).
			Multi(true).IncludeAll(true).Current(option("All", "$__all"))).
		WithVariable(dashboard.NewQueryVariableBuilder("currency").
			Label("Currency").
			Description("The currency of the configured prices.").
			Datasource(datasource).
			Query(labelValues("sentei_cost_per_month", "currency")).
			Refresh(dashboard.VariableRefreshOnDashboardLoad).
			Hide(dashboard.VariableHideHideVariable)).
		WithVariable(dashboard.NewTextBoxVariableBuilder("sentei").
			Label("Address of sentei").
			Description("Where your browser reaches the daemon, for the links to its report: web.external_url of its configuration.").
			DefaultValue(text("http://127.0.0.1:9817"))).
		Link(dashboard.NewDashboardLinkBuilder("sentei dashboards").
			Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).
			IncludeVars(true).KeepTime(true)).
		Link(dashboard.NewDashboardLinkBuilder("Report").
			Type(dashboard.DashboardLinkTypeLink).
			Icon("external link").
			Tooltip("The last report, with the evidence for every verdict").
			Url("${sentei}/report/html").
			TargetBlank(true))
}

// labelValues is the query of a variable: the values of a label of a selector.
func labelValues(selector, label string) dashboard.StringOrMap {
	return dashboard.StringOrMap{Map: map[string]any{
		"query": "label_values(" + selector + ", " + label + ")",
		"refId": "PrometheusVariableQueryEditor-VariableQuery",
	}}
}

func text(s string) dashboard.StringOrMap { return dashboard.StringOrMap{String: &s} }

func option(text, value string) dashboard.VariableOption {
	return dashboard.VariableOption{
		Selected: new(true),
		Text:     dashboard.StringOrArrayOfString{String: &text},
		Value:    dashboard.StringOrArrayOfString{String: &value},
	}
}
