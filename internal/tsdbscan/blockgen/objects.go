package blockgen

import (
	"fmt"
	"slices"
)

// scrapeMetrics are what Prometheus itself adds for every target.
var scrapeMetrics = concat(
	plain(Constant, "", "up scrape_samples_scraped scrape_series_added"),
	plain(Gauge, "", "scrape_duration_seconds scrape_samples_post_metric_relabeling"),
)

// objects is what kube-state-metrics tells of pods, containers, deployments and
// replica sets: one target for each of them.
func (w *workload) objects() []exporter {
	scrape := pairs{
		"endpoint", "http", "instance", "10.0.3.7:8080", "job", "kube-state-metrics",
		"service", "kube-prometheus-stack-kube-state-metrics",
	}
	object := func(from, to int64, more ...string) target {
		return target{labels: slices.Concat(scrape, more), from: from, to: to}
	}
	var pods, containers, deployments, sets []target
	for i := range w.pods {
		p := &w.pods[i]
		pods = append(pods, object(p.from, p.to, "container", "kube-state-metrics", "namespace", p.namespace, "pod", p.name, "uid", p.uid))
		pods[i].number = i
		for _, c := range p.containers() {
			if c.name == "" || c.to != p.to {
				continue
			}
			containers = append(containers, object(c.from, c.to, "container", "kube-state-metrics", "exported_container", c.name,
				"namespace", p.namespace, "pod", p.name, "uid", p.uid))
			last := &containers[len(containers)-1]
			last.number = i
		}
	}
	for _, d := range w.deployments {
		deployments = append(deployments, object(0, w.minutes, "container", "kube-state-metrics", "deployment", d.name, "namespace", d.namespace))
		for _, s := range d.sets { // they stay, with no pods
			sets = append(sets, object(s.from, w.minutes, "container", "kube-state-metrics", "namespace", d.namespace, "replicaset", s.name))
		}
	}
	return []exporter{
		{targets: []target{object(0, w.minutes, "container", "kube-state-metrics", "namespace", "monitoring")}, families: scrapeMetrics},
		{targets: pods, families: w.podFamilies()},
		{targets: containers, families: w.containerFamilies()},
		{targets: deployments, families: plain(Constant, "kube_deployment_", `created status_replicas status_replicas_available
			status_replicas_ready status_replicas_unavailable status_replicas_updated status_observed_generation
			metadata_generation spec_replicas spec_paused spec_strategy_rollingupdate_max_surge
			spec_strategy_rollingupdate_max_unavailable`)},
		{targets: sets, families: plain(Constant, "kube_replicaset_", `created status_replicas status_ready_replicas
			status_observed_generation spec_replicas metadata_generation`)},
	}
}

func (w *workload) podFamilies() []family {
	of := func(name string, labels func(*pod) pairs) family {
		return family{name: name, values: Constant, of: func(t *target) []pairs { return []pairs{labels(&w.pods[t.number])} }}
	}
	conditions := label("condition", "true", "false", "unknown")
	return concat(
		plain(Constant, "kube_pod_", `created start_time restart_policy status_container_ready_time status_ready_time
			status_initialized_time status_scheduled_time completion_time tolerations service_account`),
		labelled(Constant, "kube_pod_", "status_phase", label("phase", "Pending", "Running", "Succeeded", "Failed", "Unknown")),
		labelled(Constant, "kube_pod_", "status_reason",
			label("reason", "Evicted", "NodeAffinity", "NodeLost", "Shutdown", "UnexpectedAdmissionError")),
		labelled(Constant, "kube_pod_", "status_ready status_scheduled", conditions),
		[]family{
			of("kube_pod_info", func(p *pod) pairs {
				return pairs{"host_ip", nodeIP(p.node), "pod_ip", p.ip, "node", nodeName(p.node), "created_by_kind", "ReplicaSet",
					"created_by_name", p.set, "priority_class", "default", "host_network", "false"}
			}),
			of("kube_pod_owner", func(p *pod) pairs {
				return pairs{"owner_kind", "ReplicaSet", "owner_name", p.set, "owner_is_controller", "true"}
			}),
			of("kube_pod_labels", func(p *pod) pairs {
				return pairs{"label_app", p.app, "label_pod_template_hash", hexID(10, p.set), "label_version", "v" + hexID(3, p.set)}
			}),
			{name: "kube_pod_spec_volumes_persistentvolumeclaims_info", values: Constant, of: func(t *target) []pairs {
				var all []pairs
				for v := range 3 {
					all = append(all, pairs{"volume", fmt.Sprintf("vol-%d", v), "persistentvolumeclaim",
						fmt.Sprintf("%s-pvc-%d", w.pods[t.number].app, v)})
				}
				return all
			}},
		},
	)
}

func (w *workload) containerFamilies() []family {
	resources := []pairs{{"resource", "cpu", "unit", "core"}, {"resource", "memory", "unit", "byte"}}
	onNode := func(t *target) []pairs {
		return cross(resources, label("node", nodeName(w.pods[t.number].node)))
	}
	return append(
		plain(Constant, "kube_pod_container_", `state_started status_ready status_restarts_total status_running
			status_terminated status_waiting`),
		family{name: "kube_pod_container_info", values: Constant, of: func(t *target) []pairs {
			p := &w.pods[t.number]
			image := fmt.Sprintf("registry.example.com/%s/%s@sha256:%s", p.namespace, p.app, hexID(64, p.set))
			return []pairs{{"container_id", "containerd://" + hexID(64, p.uid, p.app, p.from), "image", image, "image_id", image, "image_spec", image}}
		}},
		family{name: "kube_pod_container_resource_requests", values: Constant, of: onNode},
		family{name: "kube_pod_container_resource_limits", values: Constant, of: onNode},
	)
}
