package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// tick is how often every pod simulates the traffic since the last one.
	tick = 500 * time.Millisecond
	// overlap is how long old and new pods run side by side in a rollout.
	overlap = 20 * time.Second
	// replicas is the number of pods of one service outside of a rollout.
	replicas = 2
)

// services lists what is rolled out, in turns.
var services = []string{"shop-frontend", "shop-checkout"}

// fleet is all pods that are alive.
type fleet struct {
	mu       sync.Mutex
	pods     []*pod
	nextPort int
	release  map[string]int // service -> number of its current release
}

// target is one entry of an HTTP service discovery answer.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

func newFleet(firstPort int) *fleet {
	return &fleet{nextPort: firstPort, release: map[string]int{}}
}

// start brings up the first pods of every service.
func (f *fleet) start() error {
	for _, service := range services {
		if err := f.deploy(service); err != nil {
			return err
		}
	}
	return nil
}

// live simulates traffic and rolls out one service after the other until ctx ends.
func (f *fleet) live(ctx context.Context, every time.Duration) error {
	traffic, rollout := time.NewTicker(tick), time.NewTicker(every)
	defer traffic.Stop()
	defer rollout.Stop()
	var retire <-chan time.Time
	var old []*pod
	for turn := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case now := <-traffic.C:
			f.serveTraffic(now)
		case <-rollout.C:
			service := services[turn%len(services)]
			turn++
			old = f.podsOf(service)
			if err := f.deploy(service); err != nil {
				return err
			}
			retire = time.After(overlap)
		case <-retire:
			f.remove(old)
		}
	}
}

// deploy starts the pods of the next release of service.
func (f *fleet) deploy(service string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.release[service]++
	hash := fmt.Sprintf("%08x", rand.Uint32())
	for range replicas {
		p, err := startPod(service, hash, f.release[service], fmt.Sprintf("127.0.0.1:%d", f.nextPort))
		if err != nil {
			return err
		}
		f.nextPort++
		f.pods = append(f.pods, p)
	}
	return nil
}

// remove stops the pods in old.
func (f *fleet) remove(old []*pod) {
	gone := map[*pod]bool{}
	for _, p := range old {
		p.stop()
		gone[p] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var alive []*pod
	for _, p := range f.pods {
		if !gone[p] {
			alive = append(alive, p)
		}
	}
	f.pods = alive
}

func (f *fleet) podsOf(service string) []*pod {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []*pod
	for _, p := range f.pods {
		if p.service == service {
			found = append(found, p)
		}
	}
	return found
}

func (f *fleet) serveTraffic(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.pods {
		p.metrics.simulate(p.service, now)
	}
}

// targets lists the pods as Prometheus' HTTP service discovery wants them.
func (f *fleet) targets() []target {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []target
	for _, p := range f.pods {
		found = append(found, target{
			Targets: []string{p.address},
			Labels: map[string]string{
				"__meta_shop_pod":     p.name,
				"__meta_shop_service": p.service,
				"__meta_shop_node":    p.node,
			},
		})
	}
	return found
}
