package reporttest

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// A consumer is a sentei.Consumer with the key that metrics name it by.
type consumer struct {
	key string
	sentei.Consumer
}

func consumers() []consumer {
	out := []consumer{
		alert("prod", "alert errors", "HighErrorRate", 8, `sum by (job) (rate(http_requests_total{status=~"5.."}[5m])) / ignoring(status) job:http_requests:rate5m > 0.05`),
		alert("prod", "alert latency", "HighLatency", 17, `histogram_quantile(0.99, sum by (le, job) (rate(http_request_duration_seconds_bucket[5m]))) > 1`),
		alert("prod", "alert absent", "CheckoutAbsent", 26, `absent(http_requests_total{job="shop-checkout"})`),
		alert("prod", "alert cpu", "PodThrottled", 35, `sum by (namespace) (rate(container_cpu_usage_seconds_total{image!=""}[5m])) > 100`),
		alert("prod", "alert phase", "PodPending", 44, `sum by (namespace) (kube_pod_status_phase{phase=~"Pending|Failed"}) > 0`),
		alert("prod", "alert disk", "DiskFull", 53, `predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0`),
		alert("prod", "alert unit", "UnitFailed", 62, `node_systemd_unit_state{job="node",state="failed"} == 1`),
		alert("prod", "alert connections", "ConnectionsNearLimit", 71, `pg_settings_max_connections < 200`),
		alert("prod", "alert down", "TargetDown", 80, `up == 0`),
		alert("edge", "alert probe", "BranchDown", 8, `probe_success == 0 and on (instance) up == 1`),

		record("record rate", "job:http_requests:rate5m", 8, false, `sum by (job) (rate(http_requests_total[5m]))`),
		record("record cpu", "instance:node_cpu:rate5m", 14, false, `sum by (instance) (rate(node_cpu_seconds_total{mode!="idle"}[5m]))`),
		record("record heap", "instance:go_heap:avg1h", 20, true, `avg_over_time(node_memory_Active_bytes[1h])`),

		panel("panel requests", "Shop", "shop", "panel Requests", `sum by (path) (rate(http_requests_total{job="$service"}[$__rate_interval]))`),
		panel("panel latency", "Shop", "shop", "panel Latency", `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{job="$service"}[$__rate_interval])))`),
		panel("panel average", "Shop", "shop", "panel Average latency", `sum(rate(http_request_duration_seconds_sum[5m])) / sum(rate(http_request_duration_seconds_count[5m]))`),
		panel("variable service", "Shop", "shop", "variable service", `label_values(http_requests_total, job)`),
		panel("panel pods", "Kubernetes", "k8s", "panel Pods", `sum by (pod) (rate(container_cpu_usage_seconds_total[5m])) * on (pod) group_left (label_team) kube_pod_labels`),
		panel("panel memory", "Kubernetes", "k8s", "panel Memory", `sum by (pod) (container_memory_working_set_bytes{container!=""})`),
		panel("panel phase", "Kubernetes", "k8s", "panel Phases", `sum by (phase) (kube_pod_status_phase)`),
		panel("panel ingress", "Ingress", "ingress", "panel p99", `histogram_quantile(0.99, sum by (le) (rate(nginx_ingress_controller_request_duration_seconds_bucket{job="ingress"}[5m])))`),
		panel("panel gc", "Go processes", "go", "panel Garbage collection", `go_gc_duration_seconds{job="shop-api",quantile="1"} and on (instance) go_goroutines`),
		panel("panel goroutines", "Go processes", "go", "panel Goroutines", `sum by (job) (go_goroutines)`),
		panel("panel node cpu", "Nodes", "nodes", "panel CPU", `instance:node_cpu:rate5m`),
		panel("panel disk", "Nodes", "nodes", "panel Disk", `node_filesystem_avail_bytes{instance="$instance"}`),
		panel("panel targets", "Nodes", "nodes", "panel Targets", `sum by (job) (up)`),
		panel("variable instance", "Nodes", "nodes", "variable instance", `label_values(up{job="node"}, instance)`),

		query("query path", 412, 3*time.Hour, `topk(10, sum by (path) (rate(http_request_duration_seconds_bucket{le="+Inf"}[5m])))`),
		query("query cpu", 38, 50*time.Hour, `sum(rate(container_cpu_usage_seconds_total{pod=~"shop-.*|cart-.*"}[1h])) by (pod)`),
		query("query scans", 3, 12*day, `rate(pg_stat_user_tables_seq_scan{relname="orders"}[1d])`),

		{key: "declared invoices", Consumer: sentei.Consumer{
			Kind: sentei.Declared, Backend: "prod", Source: "declared", Name: "invoices",
			Location:   sentei.Location{File: "sentei.yaml", Line: 31},
			Expression: sentei.Expression{Text: `shop_cart_items`},
			Reason:     "The invoice run reads it over remote read, once a month.",
		}},
		{key: "opaque", Consumer: sentei.Consumer{
			Kind: sentei.Dashboard, Backend: "edge", Source: "grafana", Name: "Branch offices",
			Location: sentei.Location{
				Dashboard: "Branch offices", DashboardUID: "branch", Panel: "panel Lines",
				URL: "https://grafana.example.com/d/branch?viewPanel=4",
			},
			Expression: sentei.Expression{Text: `sum($metric) by (`, Template: true},
			Opaque:     "1:18: parse error: unclosed left parenthesis",
		}},
	}
	for i := range out {
		c := &out[i].Consumer
		c.ID = sentei.HashID(string(c.Kind), c.Backend, c.Location.String(), c.Name, c.Text)
	}
	return out
}

func alert(backend, key, name string, line int, expr string) consumer {
	return consumer{key, sentei.Consumer{
		Kind: sentei.AlertingRule, Backend: backend, Source: "prometheus_rules", Name: name,
		Location:   sentei.Location{File: "rules/" + backend + "-alerts.yml", Line: line, Group: backend + ".alerts"},
		Expression: sentei.Expression{Text: expr},
		Selectors: []sentei.Selector{{
			Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "severity", "page|ticket")},
			Live:     sentei.Labels("job"), Range: 5 * time.Minute, Path: []string{"rate", "sum"},
		}},
	}}
}

func record(key, name string, line int, dead bool, expr string) consumer {
	return consumer{key, sentei.Consumer{
		Kind: sentei.RecordingRule, Backend: "prod", Source: "prometheus_rules", Name: name, Records: name, Dead: dead,
		Location:   sentei.Location{File: "rules/prod-recording.yml", Line: line, Group: "prod.recording"},
		Expression: sentei.Expression{Text: expr},
	}}
}

func panel(key, dashboard, uid, panel, expr string) consumer {
	return consumer{key, sentei.Consumer{
		Kind: sentei.Dashboard, Backend: "prod", Source: "grafana", Name: dashboard,
		Location: sentei.Location{
			Dashboard: dashboard, DashboardUID: uid, Panel: panel,
			URL: "https://grafana.example.com/d/" + uid,
		},
		Expression: sentei.Expression{Text: expr, Template: true},
	}}
}

func query(key string, count int64, ago time.Duration, expr string) consumer {
	return consumer{key, sentei.Consumer{
		Kind: sentei.Query, Backend: "prod", Source: "query_log", Name: expr,
		Location:   sentei.Location{File: "/var/log/prometheus/query.log"},
		Expression: sentei.Expression{Text: expr},
		Count:      count, FirstSeen: at.Add(-29 * day), LastSeen: at.Add(-ago),
		Origins: []string{"/api/v1/query_range"},
	}}
}
