package main

import (
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pod is one instance of a service: an address, a registry and the name an orchestrator would give it.
type pod struct {
	name    string
	service string
	node    string
	address string
	metrics *metrics
	server  *http.Server
}

// startPod starts a pod that serves /metrics on address.
func startPod(service, hash string, release int, address string) (*pod, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	p := &pod{
		name:    fmt.Sprintf("%s-%s-%s", service, hash, randomName(5)),
		service: service,
		node:    fmt.Sprintf("worker-%d", 1+rand.IntN(3)),
		address: address,
		metrics: newMetrics(registry, service),
	}
	p.metrics.describePod(release, hash, p.node, p.address)

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("pod %s: %w", p.name, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Println("pod", p.name, err)
		}
	}()
	return p, nil
}

// stop ends the pod at once, as a killed container would.
func (p *pod) stop() {
	if err := p.server.Close(); err != nil {
		log.Println("pod", p.name, err)
	}
}

// randomName returns n letters and digits.
func randomName(n int) string {
	const alphabet = "bcdfghjklmnpqrstvwxz2456789"
	name := make([]byte, n)
	for i := range name {
		name[i] = alphabet[rand.IntN(len(alphabet))]
	}
	return string(name)
}
