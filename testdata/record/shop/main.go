// Command shop simulates a small fleet of HTTP services for the recording of sentei's sample data.
//
// One process plays every pod of two services, shop-frontend and shop-checkout. Each pod has its own
// address, its own metrics registry and its own life: every few minutes one service is rolled out, its
// pods are replaced by new ones on new addresses. The list of pods is served in the format of
// Prometheus' HTTP service discovery at /targets of the control address.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"
)

func main() {
	control := flag.String("control", "127.0.0.1:21200", "address of the control server: /targets, /healthy, /flaky")
	firstPort := flag.Int("first-port", 21201, "port of the first pod; every further pod takes the next one")
	rollout := flag.Duration("rollout", 7*time.Minute, "time between two rollouts; the services take turns")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *control, *firstPort, *rollout); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

// run serves the control address and drives the fleet until ctx ends.
func run(ctx context.Context, control string, firstPort int, rollout time.Duration) error {
	fleet := newFleet(firstPort)
	if err := fleet.start(); err != nil {
		return err
	}
	server := &http.Server{Addr: control, Handler: controlHandler(fleet), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	go func() {
		if err := fleet.live(ctx, rollout); err != nil {
			failed <- err
		}
	}()

	select {
	case <-ctx.Done():
		return server.Close()
	case err := <-failed:
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}
}

// controlHandler serves service discovery and two addresses for the blackbox exporter to probe.
func controlHandler(fleet *fleet) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/targets", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(fleet.targets()); err != nil {
			log.Println("targets:", err)
		}
	})
	mux.HandleFunc("/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, _ *http.Request) {
		if time.Now().Minute()%8 < 4 {
			http.Error(w, "down for a while", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
