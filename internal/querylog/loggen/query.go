package loggen

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

var (
	counters = []string{
		"http_requests_total", "grpc_server_handled_total", "container_cpu_usage_seconds_total",
		"container_network_receive_bytes_total", "node_cpu_seconds_total", "apiserver_request_total",
		"kubelet_runtime_operations_total", "istio_requests_total", "node_disk_io_time_seconds_total",
	}
	gauges = []string{
		"container_memory_working_set_bytes", "kube_deployment_status_replicas_available",
		"node_memory_MemAvailable_bytes", "go_goroutines", "process_resident_memory_bytes", "kube_pod_status_phase",
		"node_filesystem_avail_bytes", "up", "kafka_consumer_records_lag", "jvm_memory_used_bytes",
	}
	histograms = []string{
		"http_request_duration_seconds_bucket", "grpc_server_handling_seconds_bucket",
		"etcd_request_duration_seconds_bucket", "istio_request_duration_milliseconds_bucket",
	}
	labelNames = []string{
		"namespace", "pod", "container", "job", "instance", "cluster", "node", "service", "path", "status", "device",
	}
	ranges = []string{"1m", "2m", "5m", "10m", "1h"}
)

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// selector returns a metric of the list with one to four matchers.
func selector(r *rand.Rand, metrics []string, k int) string {
	var out []string
	for range 1 + r.IntN(4) {
		l := pick(r, labelNames)
		switch r.IntN(4) {
		case 0:
			out = append(out, fmt.Sprintf(`%s="%s-%d"`, l, l, k))
		case 1:
			out = append(out, fmt.Sprintf(`%s=~"%s-%d\\.[0-9]+"`, l, l, k))
		case 2:
			out = append(out, l+`!=""`)
		default:
			var values []string
			for range 2 + r.IntN(6) {
				values = append(values, fmt.Sprintf("%s-%x", l, r.IntN(1<<24)))
			}
			out = append(out, fmt.Sprintf(`%s=~"%s"`, l, strings.Join(values, "|")))
		}
	}
	return pick(r, metrics) + "{" + strings.Join(out, ", ") + "}"
}

// query returns a query like those of dashboards and alerts.
func query(r *rand.Rand, k int) string {
	by, window := pick(r, labelNames), pick(r, ranges)
	counter := func() string { return selector(r, counters, k) }
	gauge := func() string { return selector(r, gauges, k) }
	switch r.IntN(8) {
	case 0:
		return fmt.Sprintf("sum by (%s) (rate(%s[%s]))", by, counter(), window)
	case 1:
		return fmt.Sprintf("histogram_quantile(0.%d, sum by (%s, le) (rate(%s[%s])))",
			50+r.IntN(49), by, selector(r, histograms, k), window)
	case 2:
		return fmt.Sprintf("sum(rate(%s[%s])) by (%s) / sum(rate(%s[%s])) by (%s) > %.3f",
			counter(), window, by, counter(), window, by, r.Float64())
	case 3:
		return fmt.Sprintf("topk(%d, max by (%s) (%s))", 1+r.IntN(20), by, gauge())
	case 4:
		return fmt.Sprintf("(\n  max_over_time(%s[10m:30s])\n  * on (%s) group_left (node)\n  %s\n) or vector(0)", gauge(), by, gauge())
	case 5:
		return fmt.Sprintf("avg without (instance, pod) (%s) - avg without (instance, pod) (%s offset 1h)", gauge(), gauge())
	case 6:
		return fmt.Sprintf(`label_replace(sum by (%s) (irate(%s[%s])), "dst", "$1", "%s", "(.*)-[0-9a-f]+")`, by, counter(), window, by)
	default:
		return fmt.Sprintf("count(%s) by (%s) unless on(%s) absent(%s)", gauge(), by, by, gauge())
	}
}
