package blockgen

import (
	"fmt"
	"strings"
)

// apiServers are three, with the requests for every kind of object; the more
// pods, the more kinds.
func (w *workload) apiServers(pods int) exporter {
	const bounds = `0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1.0 1.25 1.5 2.0 3.0 4.0 5.0 6.0 8.0 10.0 15.0 20.0 30.0 45.0 60.0 +Inf`
	var e exporter
	for n := range 3 {
		e.targets = append(e.targets, target{to: w.minutes, labels: pairs{
			"component", "apiserver", "endpoint", "https", "instance", fmt.Sprintf("10.0.255.%d:6443", n), "job", "apiserver",
			"namespace", "default", "service", "kubernetes",
		}})
	}
	var requests, stored []pairs
	for n := range max(3, min(240, pods/40)) {
		resource := fmt.Sprintf("resource%ds", n)
		for v, verb := range []string{"GET", "LIST", "WATCH", "PUT", "PATCH", "POST", "DELETE"} {
			if (n+v)%3 == 2 {
				continue
			}
			scope := []string{"cluster", "namespace", "resource"}[(n+v)%3]
			requests = append(requests, pairs{"group", fmt.Sprintf("group%d.k8s.io", n%12), "resource", resource, "scope", scope, "verb", verb, "version", "v1"})
		}
		for _, operation := range []string{"get", "list", "update", "create", "delete", "listWithCount"} {
			stored = append(stored, pairs{"operation", operation, "type", "/registry/" + resource})
		}
	}
	e.families = concat(
		histogram("apiserver_request_duration_seconds", bounds, requests),
		histogram("apiserver_request_sli_duration_seconds", bounds, requests),
		labelled(Counter, "apiserver_", "request_total", cross(requests, label("code", "200", "404", "409"))),
		histogram("apiserver_response_sizes", sizeBounds, requests),
		histogram("etcd_request_duration_seconds", bounds, stored),
		goRuntime, scrapeMetrics,
	)
	return e
}

// services are exporters of which a cluster has few: they make most of the
// metric names and few of the series.
func (w *workload) services(pods int) []exporter {
	names := strings.Fields(`mysql pg redis elasticsearch kafka rabbitmq nginx haproxy envoy coredns mongodb memcached
		aws_rds aws_elb blackbox snmp ceph consul vault argocd certmanager flux cilium calico traefik minio clickhouse
		cassandra zookeeper keycloak gitlab jenkins harbor velero loki tempo mimir alertmanager prometheus thanos
		pushgateway statsd windows ipmi smartctl dcgm libvirt openstack postfix bind`)
	objects := strings.Fields("requests connections queries cache queue storage replication memory cpu network locks threads")
	var all []exporter
	for n, name := range names {
		var e exporter
		for i := range max(1, pods/400) {
			e.targets = append(e.targets, target{to: w.minutes, labels: pairs{
				"container", name, "endpoint", "metrics", "instance", fmt.Sprintf("10.1.%d.%d:9%03d", n, i, n), "job", name,
				"namespace", "services", "pod", fmt.Sprintf("%s-%d", name, i), "service", name,
			}})
		}
		for o, object := range objects {
			points := []pairs{{}}
			if (n+o)%3 == 0 {
				points = numbered([]string{"database", "queue", "shard", "pool"}[(n+o)/3%4], "part-%d", 3+(n+o)%6)
			}
			e.families = append(e.families, labelled(Counter, name+"_"+object+"_", "total errors_total bytes_total", points)...)
			e.families = append(e.families, labelled(Gauge, name+"_"+object+"_", "seconds_total active", points)...)
		}
		e.families = append(e.families, scrapeMetrics...)
		all = append(all, e)
	}
	return all
}
