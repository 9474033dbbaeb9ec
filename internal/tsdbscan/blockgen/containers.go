package blockgen

import (
	"fmt"
	"slices"
)

// container is one container of a pod, or the pod's own control group when it
// has no name.
type container struct {
	*pod
	name, id, image string
	from, to        int64
}

// containers returns the containers of a pod in the order of time, without the
// one that a pod's network belongs to.
func (p *pod) containers() []container {
	slice := fmt.Sprintf("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod%s.slice", p.uid)
	all := []container{{pod: p, id: slice, from: p.from, to: p.to}}
	add := func(name, image string, from, to int64) {
		id := slice + "/cri-containerd-" + hexID(64, p.uid, name, from) + ".scope"
		all = append(all, container{p, name, id, image, from, to})
	}
	image := fmt.Sprintf("registry.example.com/%s/%s@sha256:%s", p.namespace, p.app, hexID(64, p.set))
	if p.from < p.restart && p.restart < p.to {
		add(p.app, image, p.from, p.restart)
		add(p.app, image, p.restart, p.to)
	} else {
		add(p.app, image, p.from, p.to)
	}
	if p.kind >= 0 {
		add("istio-proxy", "docker.io/istio/proxyv2:1.21.0", p.from, p.to)
	}
	return all
}

// runtimeName is what the container runtime calls the container.
func (c *container) runtimeName() string {
	if c.name == "" {
		return ""
	}
	return c.id[len(c.id)-70 : len(c.id)-6]
}

// cadvisor is what the kubelet tells of containers: the metrics with most
// labels.
func (w *workload) cadvisor() []exporter {
	var containers, networks []target
	for i := range w.pods {
		p := &w.pods[i]
		scrape := pairs{
			"endpoint", "https-metrics", "instance", nodeAddress(p.node, 10250), "job", "kubelet",
			"metrics_path", "/metrics/cadvisor", "namespace", p.namespace, "node", nodeName(p.node), "pod", p.name,
			"service", "kube-prometheus-stack-kubelet",
		}
		for _, c := range p.containers() {
			containers = append(containers, target{from: c.from, to: c.to, labels: append(slices.Clip(scrape),
				"container", c.name, "id", c.id, "image", c.image, "name", c.runtimeName())})
		}
		pause := hexID(64, p.uid, "pause")
		networks = append(networks, target{from: p.from, to: p.to, labels: append(slices.Clip(scrape),
			"id", "/kubepods.slice/kubepods-burstable.slice/cri-containerd-"+pause+".scope",
			"image", "registry.k8s.io/pause:3.9", "name", pause)})
	}
	disk := label("device", "/dev/nvme0n1")
	families := concat(
		plain(Gauge, "container_memory_", "usage_bytes working_set_bytes rss cache mapped_file"),
		plain(Constant, "container_memory_", "swap max_usage_bytes failcnt"),
		plain(Constant, "container_spec_", "cpu_period cpu_shares cpu_quota memory_limit_bytes memory_reservation_limit_bytes memory_swap_limit_bytes"),
		plain(Constant, "container_", "start_time_seconds oom_events_total ulimits_soft threads_max"),
		plain(Counter, "container_", "cpu_cfs_periods_total cpu_cfs_throttled_periods_total processes threads sockets file_descriptors last_seen"),
		plain(Gauge, "container_cpu_", "user_seconds_total system_seconds_total cfs_throttled_seconds_total"),
		labelled(Gauge, "container_cpu_", "usage_seconds_total", label("cpu", "total")),
		labelled(Counter, "container_memory_", "failures_total",
			cross(label("failure_type", "pgfault", "pgmajfault"), label("scope", "container", "hierarchy"))),
		labelled(Constant, "container_", "tasks_state", label("state", "iowaiting", "running", "sleeping", "stopped", "uninterruptible")),
		labelled(Counter, "container_fs_", "reads_total writes_total reads_bytes_total writes_bytes_total", disk),
		plain(Slow, "container_pressure_", `cpu_waiting_seconds_total cpu_stalled_seconds_total memory_waiting_seconds_total
			memory_stalled_seconds_total io_waiting_seconds_total io_stalled_seconds_total`),
	)
	return []exporter{
		{targets: containers, families: families},
		{targets: networks, families: labelled(Counter, "container_network_", `receive_bytes_total receive_errors_total
			receive_packets_total receive_packets_dropped_total transmit_bytes_total transmit_errors_total
			transmit_packets_total transmit_packets_dropped_total`, label("interface", "eth0"))},
	}
}
