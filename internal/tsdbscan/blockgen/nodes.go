package blockgen

import (
	"fmt"
	"strings"
)

// machines is what node_exporter and the kubelet tell of every node.
func (w *workload) machines() []exporter {
	var nodes, kubelets []target
	for n := range w.nodes {
		nodes = append(nodes, target{number: n, to: w.minutes, labels: pairs{
			"container", "node-exporter", "endpoint", "http-metrics", "instance", nodeAddress(n, 9100), "job", "node-exporter",
			"namespace", "monitoring", "pod", "node-exporter-" + hexID(5, "node", n),
			"service", "kube-prometheus-stack-prometheus-node-exporter",
		}})
		kubelets = append(kubelets, target{number: n, to: w.minutes, labels: pairs{
			"endpoint", "https-metrics", "instance", nodeAddress(n, 10250), "job", "kubelet", "metrics_path", "/metrics",
			"namespace", "kube-system", "node", nodeName(n), "service", "kube-prometheus-stack-kubelet",
		}})
	}
	return []exporter{
		{targets: nodes, families: concat(nodeExporter(), scrapeMetrics)},
		{targets: kubelets, families: concat(kubelet(), goRuntime, scrapeMetrics)},
	}
}

func nodeExporter() []family {
	cpus := numbered("cpu", "%d", 32)
	disks := numbered("device", "nvme%dn1", 6)
	var mounts []pairs
	for n := range 6 {
		mounts = append(mounts, pairs{"device", fmt.Sprintf("/dev/nvme%dn1p1", n), "fstype", "xfs", "mountpoint", fmt.Sprintf("/var/lib/data%d", n)})
	}
	network := `receive_bytes_total receive_packets_total receive_errs_total receive_drop_total transmit_bytes_total
		transmit_packets_total transmit_errs_total transmit_drop_total mtu_bytes up carrier speed_bytes`
	all := concat(
		labelled(Gauge, "node_cpu_", "seconds_total",
			cross(cpus, label("mode", "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"))),
		labelled(Gauge, "node_cpu_", "guest_seconds_total", cross(cpus, label("mode", "nice", "user"))),
		labelled(Counter, "node_", "schedstat_running_seconds_total schedstat_waiting_seconds_total softnet_processed_total", cpus),
		labelled(Constant, "node_", "softnet_dropped_total", cpus),
		labelled(Counter, "node_disk_", `reads_completed_total writes_completed_total read_bytes_total written_bytes_total
			io_time_seconds_total io_now io_time_weighted_seconds_total read_time_seconds_total write_time_seconds_total`, disks),
		labelled(Constant, "node_filesystem_", "avail_bytes size_bytes free_bytes files files_free readonly device_error", mounts),
		labelled(Constant, "node_", "systemd_unit_state", cross(cross(numbered("name", "unit-%d.service", 60), label("type", "simple")),
			label("state", "activating", "active", "deactivating", "failed", "inactive"))),
		plain(Gauge, "node_memory_", `MemTotal_bytes MemFree_bytes MemAvailable_bytes Buffers_bytes Cached_bytes SwapCached_bytes
			Active_bytes Inactive_bytes Active_anon_bytes Inactive_anon_bytes Active_file_bytes Inactive_file_bytes
			Unevictable_bytes Mlocked_bytes SwapTotal_bytes SwapFree_bytes Dirty_bytes Writeback_bytes AnonPages_bytes
			Mapped_bytes Shmem_bytes KReclaimable_bytes Slab_bytes SReclaimable_bytes SUnreclaim_bytes KernelStack_bytes
			PageTables_bytes CommitLimit_bytes Committed_AS_bytes VmallocTotal_bytes VmallocUsed_bytes Percpu_bytes`),
	)
	// A network interface for every pod, with a name of its own.
	for _, f := range labelled(Counter, "node_network_", network, nil) {
		f.of = func(t *target) []pairs {
			var names []string
			for n := range 40 {
				names = append(names, "eni"+hexID(11, "interface", t.number, n))
			}
			return label("device", names...)
		}
		all = append(all, f)
	}
	for protocol := range strings.FieldsSeq("Tcp TcpExt Udp Udp6 UdpLite Icmp Icmp6 Ip Ip6 IpExt") {
		all = append(all, plain(Counter, "node_netstat_"+protocol+"_", "InErrors InMsgs OutMsgs InOctets OutOctets NoPorts InCsumErrors RcvbufErrors SndbufErrors")...)
	}
	return all
}

func kubelet() []family {
	operations := label("operation_type", strings.Fields(`container_status create_container exec_sync image_status
		list_containers list_images list_podsandbox podsandbox_status remove_container run_podsandbox start_container
		status stop_container stop_podsandbox version`)...)
	volumes := cross(cross(label("volume_plugin", "kubernetes.io/configmap", "kubernetes.io/csi", "kubernetes.io/empty-dir",
		"kubernetes.io/host-path", "kubernetes.io/projected", "kubernetes.io/secret"),
		label("operation_name", "volume_mount", "volume_unmount", "verify_controller_attached_volume")),
		[]pairs{{"migrated", "false", "status", "success"}})
	requests := cross(label("host", "api.k8s.local:443"), label("verb", "GET", "PUT", "POST", "PATCH"))
	return concat(
		histogram("kubelet_runtime_operations_duration_seconds", secondsBounds, operations),
		labelled(Counter, "kubelet_", "runtime_operations_total", operations),
		histogram("storage_operation_duration_seconds", secondsBounds, volumes),
		histogram("rest_client_request_duration_seconds", secondsBounds, requests),
	)
}
