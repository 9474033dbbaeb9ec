package reporttest

import "github.com/sentei/sentei"

// clusterMetrics are what exporters tell about prod.
func clusterMetrics() []spec {
	unused := func(name, typ, unit, help string, jobs ...sentei.JobMetric) spec {
		return spec{backend: "prod", name: name, typ: typ, unit: unit, help: help, jobs: jobs, verdict: sentei.Unused}
	}
	used := func(use float64, name, typ, unit, help string, readers []string, jobs ...sentei.JobMetric) spec {
		return spec{backend: "prod", name: name, typ: typ, unit: unit, help: help, jobs: jobs,
			verdict: sentei.Used, use: use, readers: readers}
	}
	return []spec{
		unused("container_network_tcp_usage_total", "gauge", "", "TCP connection usage statistic for container.",
			job("cadvisor", 210_100, 655_000, label("interface", 655_000, 3, 70_033), label("pod", 655_000, 19_400, 2_640), label("tcp_state", 655_000, 11, 19_100))),
		unused("container_tasks_state", "gauge", "", "Number of tasks in given state.",
			fixing(job("cadvisor", 95_500, 298_000, label("id", 298_000, 59_600, 95_500), label("name", 298_000, 59_600, 95_500),
				label("pod", 298_000, 19_400, 95_500), label("state", 298_000, 5, 19_100)), 6_400, "id", "name")),
		unused("container_memory_failures_total", "counter", "", "Cumulative count of memory allocation failures.",
			job("cadvisor", 76_400, 238_000, label("pod", 238_000, 19_400, 960))),
		unused("container_fs_reads_bytes_total", "counter", "bytes", "Cumulative count of bytes read.",
			job("cadvisor", 30_400, 94_800, label("device", 94_800, 42, 9_550), label("pod", 94_800, 19_400, 1_310))),
		used(1, "container_cpu_usage_seconds_total", "counter", "seconds", "Cumulative cpu time consumed in seconds.",
			[]string{"alert cpu", "panel pods", "query cpu"},
			job("cadvisor", 38_200, 119_000, label("cpu", 119_000, 1, 38_200, "total"), label("pod", 119_000, 19_400, 480))),
		used(1, "container_memory_working_set_bytes", "gauge", "bytes", "Current working set in bytes.",
			[]string{"panel pods", "panel memory"},
			job("cadvisor", 19_100, 59_500, label("pod", 59_500, 19_400, 240))),
		used(1, "kube_pod_status_phase", "gauge", "", "The pods current phase.",
			[]string{"alert phase", "panel phase"},
			job("kube-state-metrics", 46_000, 97_000, label("phase", 97_000, 5, 9_200, "Failed", "Pending", "Running", "Succeeded", "Unknown"), label("pod", 97_000, 19_400, 210))),
		used(0.6, "kube_pod_labels", "gauge", "", "Kubernetes labels converted to Prometheus labels.",
			[]string{"panel pods"},
			job("kube-state-metrics", 9_200, 19_400, label("pod", 19_400, 19_400, 84))),
		unused("kube_pod_tolerations", "gauge", "", "Information about the pod tolerations",
			job("kube-state-metrics", 27_600, 58_200, label("pod", 58_200, 19_400, 126), label("key", 58_200, 6, 9_200))),
		unused("kube_replicaset_owner", "gauge", "", "Information about the ReplicaSet's owner.",
			job("kube-state-metrics", 22_000, 22_900, label("replicaset", 22_900, 22_900, 1_040))),
		{
			backend: "prod", name: "nginx_ingress_controller_request_duration_seconds_bucket", typ: "histogram", unit: "seconds",
			help: "The request processing time in seconds.",
			jobs: []sentei.JobMetric{
				job("ingress", 99_000, 122_000, label("path", 122_000, 640, 5_500), label("status", 122_000, 14, 33_000)),
				job("ingress-canary", 33_000, 33_400, label("path", 33_400, 640, 2_750), label("status", 33_400, 14, 11_000)),
			},
			verdict: sentei.PartlyUsed, jobVerdicts: []sentei.Verdict{sentei.Used, sentei.Unused},
			use: 0.7, readers: []string{"panel ingress"},
		},
		used(1, "node_cpu_seconds_total", "counter", "seconds", "Seconds the CPUs spent in each mode.",
			[]string{"record cpu", "panel node cpu"},
			job("node", 9_216, 9_216, label("cpu", 9_216, 16, 1_152), label("instance", 9_216, 144, 64), label("mode", 9_216, 8, 2_304))),
		used(1, "node_filesystem_avail_bytes", "gauge", "bytes", "Filesystem space available to non-root users in bytes.",
			[]string{"alert disk", "panel disk"},
			job("node", 3_456, 3_520, label("instance", 3_520, 144, 24), label("mountpoint", 3_520, 24, 432))),
		{
			backend: "prod", name: "node_systemd_unit_state", typ: "gauge", help: "Systemd unit state.",
			jobs: []sentei.JobMetric{
				job("node", 72_000, 74_300, label("name", 74_300, 212, 2_880), label("state", 74_300, 5, 14_400, "activating", "active", "deactivating", "failed", "inactive")),
				job("node-batch", 11_500, 11_500, label("name", 11_500, 180, 460), label("state", 11_500, 5, 2_300, "activating", "active", "deactivating", "failed", "inactive")),
			},
			verdict: sentei.PartlyUsed, jobVerdicts: []sentei.Verdict{sentei.Used, sentei.Unused},
			use: 0.2, readers: []string{"alert unit"},
		},
		{
			backend: "prod", name: "node_memory_Active_bytes", typ: "gauge", unit: "bytes", help: "Memory information field Active_bytes.",
			jobs:    []sentei.JobMetric{job("node", 144, 144, label("instance", 144, 144, 1))},
			verdict: sentei.Unused, deadFor: []string{"record heap"},
		},
		used(0.7, "pg_stat_user_tables_seq_scan", "counter", "", "Number of sequential scans initiated on this table",
			[]string{"query scans"},
			job("postgres", 8_800, 8_950, label("relname", 8_950, 1_100, 8))),
		used(1, "pg_settings_max_connections", "gauge", "", "Server Parameter: max_connections",
			[]string{"alert connections"}, job("postgres", 8, 8)),
		used(1, "up", "gauge", "", "",
			[]string{"alert down", "panel targets", "variable instance"},
			job("cadvisor", 144, 160, label("instance", 160, 160, 1)),
			job("node", 144, 144, label("instance", 144, 144, 1)),
			job("shop-api", 138, 1_220, label("instance", 1_220, 138, 1))),
	}
}

// edgeMetrics are the few metrics of the branch offices, where unused cannot
// be told.
func edgeMetrics() []spec {
	reasons := []string{
		`grafana#2: get https://grafana.edge.example.com/api/search: context deadline exceeded`,
		`grafana: dashboard "Branch offices", panel Lines: 1:18: parse error: unclosed left parenthesis`,
		`query_log: the query log covers less time than analysis.min_window`,
	}
	unknown := func(name, typ, unit string, jobs ...sentei.JobMetric) spec {
		return spec{backend: "edge", name: name, typ: typ, unit: unit, jobs: jobs, verdict: sentei.Unknown, use: 1, reasons: reasons}
	}
	return []spec{
		unknown("node_systemd_unit_state", "gauge", "", job("node", 4_940, 4_940, label("name", 4_940, 130, 190))),
		unknown("node_schedstat_running_seconds_total", "counter", "seconds", job("node", 608, 608)),
		unknown("probe_http_duration_seconds", "gauge", "seconds", job("blackbox", 380, 380, label("phase", 380, 5, 76))),
		unknown("go_memstats_alloc_bytes", "gauge", "bytes", sentei.JobMetric{Job: "node", Cost: job("node", 38, 38).Cost}),
		{
			backend: "edge", name: "probe_success", typ: "gauge", jobs: []sentei.JobMetric{job("blackbox", 76, 76)},
			verdict: sentei.Used, use: 1, readers: []string{"alert probe"},
		},
		{
			backend: "edge", name: "up", typ: "gauge", jobs: []sentei.JobMetric{job("blackbox", 76, 76), job("node", 38, 38)},
			verdict: sentei.Used, use: 1, readers: []string{"alert probe"},
		},
	}
}
