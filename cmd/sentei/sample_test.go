package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/sentei/sentei"
)

// TestSampleData holds the report on the sample data against what is known of
// it: the tables of testdata/README.md.
func TestSampleData(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := Run(t.Context(), []string{"report", "-o", "json", "--config.file=../../config.yaml"}, nil, &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var r sentei.Report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for title, tt := range map[string]struct {
		metrics []string
		want    sentei.Verdict
		kinds   []sentei.ConsumerKind // the only kinds that read it; nil: not looked at
	}{
		"an alert only": {
			[]string{"node_timex_sync_status", "node_filefd_allocated", "node_filesystem_files_free", "shop_config_last_reload_success_timestamp_seconds", "shop_queue_oldest_item_age_seconds", "prometheus_rule_evaluation_failures_total"},
			sentei.Used, []sentei.ConsumerKind{sentei.AlertingRule},
		},
		"a dashboard and the log": {
			[]string{"http_requests_in_flight", "node_boot_time_seconds", "prometheus_tsdb_head_series", "alertmanager_alerts", "shop_cache_requests_total"},
			sentei.Used, []sentei.ConsumerKind{sentei.Dashboard, sentei.Query},
		},
		"a dashboard that nobody opened": {
			[]string{"node_pressure_cpu_waiting_seconds_total", "node_memory_Slab_bytes", "prometheus_tsdb_wal_segment_current", "alertmanager_marked_alerts"},
			sentei.Used, []sentei.ConsumerKind{sentei.Dashboard},
		},
		"a dashboard, by a regular expression of names": {
			[]string{"node_sockstat_TCP_alloc", "node_sockstat_TCP_inuse", "node_sockstat_TCP_tw", "node_memory_Active_anon_bytes"}, sentei.Used, nil,
		},
		"a library panel":  {[]string{"node_context_switches_total", "node_intr_total"}, sentei.Used, nil},
		"a hidden target":  {[]string{"node_load15"}, sentei.Used, nil},
		"an annotation":    {[]string{"shop_build_info"}, sentei.Used, nil},
		"an alert's query": {[]string{"shop_queue_depth"}, sentei.Used, nil},
		"a recording rule that lives": {
			[]string{"shop_db_query_duration_seconds_bucket", "shop_coupon_redemptions_total"}, sentei.Used, []sentei.ConsumerKind{sentei.RecordingRule},
		},
		"the query log": {
			[]string{"shop_inventory_sync_lag_seconds", "shop_upstream_retries_total", "node_netstat_Tcp_RetransSegs", "alertmanager_nflog_snapshot_size_bytes", "promhttp_metric_handler_requests_total", "shop_search_index_documents"},
			sentei.Used, []sentei.ConsumerKind{sentei.Query},
		},
		"a declared consumer":             {[]string{"probe_success", "probe_duration_seconds"}, sentei.Used, nil},
		"a query that failed":             {[]string{"shop_cache_entries"}, sentei.Unused, nil},
		"recording rules that are dead":   {[]string{"shop_emails_sent_total", "node_vmstat_pgmajfault"}, sentei.Unused, nil},
		"somebody, but of one job only":   {[]string{"go_goroutines", "go_memstats_heap_alloc_bytes", "go_memstats_heap_inuse_bytes"}, sentei.PartlyUsed, nil},
		"recorded, and read by something": {[]string{"instance:node_num_cpu:sum", "checkout:error_budget_remaining:ratio", "service:http_errors:ratio_rate5m"}, sentei.Used, nil},
		"nobody": {
			[]string{"shop_cart_events_total", "http_response_size_bytes_bucket", "shop_order_value_euros_sum", "shop_cache_evictions_total", "shop_feature_flag_enabled", "node_scrape_collector_duration_seconds", "go_sched_latencies_seconds_bucket", "alertmanager_nflog_query_duration_seconds_count"},
			sentei.Unused, nil,
		},
	} {
		t.Run(title, func(t *testing.T) {
			for _, name := range tt.metrics {
				m := r.Metric("demo", name)
				if m == nil {
					t.Errorf("%s is not in the inventory", name)
					continue
				}
				if m.Verdict != tt.want {
					t.Errorf("%s is %s %q, want %s", name, m.Verdict, m.Reasons, tt.want)
				}
				wantKinds(t, &r, m, tt.kinds)
			}
		})
	}
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Action.Metric == "up" || p.Action.Kind == sentei.DropMetric && len(r.Metric("demo", p.Action.Metric).Readers) > 0 && !p.Place.Shared {
			t.Errorf("proposal %s drops %s, which somebody reads", p.ID, p.Action.Metric)
		}
	}
	if len(r.Proposals) < 100 {
		t.Errorf("%d proposals", len(r.Proposals))
	}
}

func wantKinds(t *testing.T, r *sentei.Report, m *sentei.MetricReport, kinds []sentei.ConsumerKind) {
	t.Helper()
	if kinds == nil {
		return
	}
	allowed := map[sentei.ConsumerKind]bool{}
	for _, k := range kinds {
		allowed[k] = true
	}
	for _, id := range m.Readers {
		if c := r.Consumer(id); !allowed[c.Kind] {
			t.Errorf("%s is read by %s %s too", m.Name, c.Kind, c.Name)
		}
	}
}
