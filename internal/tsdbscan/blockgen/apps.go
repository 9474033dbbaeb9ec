package blockgen

import "fmt"

const (
	secondsBounds = "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 +Inf"
	sizeBounds    = "100.0 1000.0 10000.0 100000.0 1e+06 1e+07 1e+08 +Inf"
)

var goRuntime = concat(
	plain(Gauge, "go_", `goroutines threads gc_duration_seconds_sum gc_duration_seconds_count memstats_alloc_bytes
		memstats_alloc_bytes_total memstats_heap_inuse_bytes memstats_heap_objects memstats_heap_sys_bytes
		memstats_mallocs_total memstats_frees_total memstats_next_gc_bytes memstats_stack_inuse_bytes`),
	plain(Gauge, "process_", "cpu_seconds_total open_fds resident_memory_bytes virtual_memory_bytes"),
	plain(Constant, "process_", "max_fds start_time_seconds"),
	labelled(Constant, "go_", "info", label("version", "go1.26.3")),
	labelled(Gauge, "go_", "gc_duration_seconds", label("quantile", "0.0", "0.25", "0.5", "0.75", "1.0")),
)

// applications are the pods' own metrics, by kind of application.
func (w *workload) applications() []exporter {
	all := make([]exporter, kinds)
	for i := range w.pods {
		p := &w.pods[i]
		if p.kind < 0 {
			continue
		}
		all[p.kind].targets = append(all[p.kind].targets, target{number: i, from: p.from, to: p.to, labels: pairs{
			"container", p.app, "endpoint", "http-metrics", "instance", p.ip + ":8080", "job", p.namespace + "/" + p.app,
			"namespace", p.namespace, "pod", p.name, "service", p.app,
		}})
	}
	for kind := range all {
		families := concat(goRuntime, scrapeMetrics)
		switch {
		case kind < 4:
			families = append(families, httpServer(4+2*kind)...)
		case kind < 7:
			families = append(families, w.grpcServer()...)
		case kind == 7:
			families = append(families, unbounded()...)
		default:
			families = append(families, w.consumer()...)
		}
		if kind%3 == 0 {
			families = append(families, w.mesh(kind)...)
		}
		all[kind].families = families
	}
	return all
}

func httpServer(paths int) []family {
	words := []string{"orders", "users", "items", "cart", "checkout", "search", "login", "health", "profile", "invoices"}
	var points, routes []pairs
	for n := range paths {
		path := fmt.Sprintf("/api/v%d/%s", n%3+1, words[n])
		routes = append(routes, pairs{"path", path})
		points = append(points, pairs{"method", "GET", "path", path, "status", "200"})
		if n%3 != 0 {
			points = append(points, pairs{"method", "POST", "path", path, "status", "200"})
			points = append(points, pairs{"method", "POST", "path", path, "status", "400"})
		}
		if n%3 == 1 {
			points = append(points, pairs{"method", "GET", "path", path, "status", "500"})
		}
	}
	return concat(
		histogram("http_request_duration_seconds", secondsBounds, points),
		labelled(Counter, "http_", "requests_total", points),
		histogram("http_response_size_bytes", sizeBounds, routes),
	)
}

func (w *workload) grpcServer() []family {
	methods := func(t *target) []pairs {
		var all []pairs
		for n := range 12 {
			all = append(all, pairs{"grpc_method", fmt.Sprintf("Method%d", n%4),
				"grpc_service", fmt.Sprintf("%s.v1.Service%d", w.pods[t.number].app, n/4), "grpc_type", "unary"})
		}
		return all
	}
	codes := label("grpc_code", "OK", "Internal", "Unavailable", "NotFound", "Canceled", "DeadlineExceeded")
	return append(histogramOf("grpc_server_handling_seconds", secondsBounds, methods),
		family{name: "grpc_server_started_total", values: Counter, of: methods},
		family{name: "grpc_server_handled_total", values: Counter, of: func(t *target) []pairs { return cross(methods(t), codes) }},
	)
}

// histogramOf is a histogram that has other labels at every target.
func histogramOf(name, bounds string, points func(*target) []pairs) []family {
	all := histogram(name, bounds, nil)
	le := all[0].points
	all[0].of = func(t *target) []pairs { return cross(points(t), le) }
	all[1].of, all[2].of = points, points
	return all
}

// unbounded is what nobody should have: labels of which every user and every
// request brings a new value.
func unbounded() []family {
	users := func(t *target) []pairs {
		var all []pairs
		for u := range 200 + t.number%200 {
			all = append(all, pairs{"result", []string{"ok", "error"}[u%2], "tenant", fmt.Sprintf("tenant-%d", u%7),
				"user_id", fmt.Sprint(1_000_000 + u*7919 + t.number*31%100_000)})
		}
		return all
	}
	urls := func(t *target) []pairs {
		var all []pairs
		for u := range 150 {
			all = append(all, pairs{"method", "GET", "status", "200", "url", "/v1/object/" + hexID(24, "url", u, t.number)})
		}
		return all
	}
	return []family{
		{name: "app_user_requests_total", values: Counter, of: users},
		{name: "app_url_hits_total", values: Counter, of: urls},
	}
}

// consumer reads queues, on a Java virtual machine.
func (w *workload) consumer() []family {
	pools := []pairs{
		{"area", "heap", "id", "G1 Eden Space"}, {"area", "heap", "id", "G1 Old Gen"}, {"area", "heap", "id", "G1 Survivor Space"},
		{"area", "nonheap", "id", "Metaspace"}, {"area", "nonheap", "id", "CodeHeap 'profiled nmethods'"},
	}
	return append(labelled(Gauge, "jvm_memory_", "used_bytes committed_bytes max_bytes", pools),
		family{name: "kafka_consumer_records_lag", values: Counter, of: func(t *target) []pairs {
			p := &w.pods[t.number]
			return cross(cross(label("client_id", "consumer-"+p.name), numbered("topic", "topic-"+p.namespace+"-%d", 8)),
				numbered("partition", "%d", 12))
		}})
}

// mesh is what the sidecar tells of calls to three services.
func (w *workload) mesh(kind int) []family {
	calls := func(t *target) []pairs {
		p := &w.pods[t.number]
		var all []pairs
		for n := range 3 {
			service := fmt.Sprintf("svc-%d", kind*3+n)
			all = append(all, pairs{"connection_security_policy", "mutual_tls", "destination_service", service + ".default.svc.cluster.local",
				"destination_workload", service, "reporter", "source", "response_code", "200", "source_workload", p.app,
				"source_workload_namespace", p.namespace})
		}
		return all
	}
	return append(histogramOf("istio_request_duration_milliseconds", "0.5 1.0 5.0 10.0 25.0 50.0 100.0 250.0 500.0 1000.0 +Inf", calls),
		family{name: "istio_requests_total", values: Counter, of: calls})
}
