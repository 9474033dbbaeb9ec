package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
)

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Scan on schedule; serve the review page, the API and metrics over HTTP",
		Args:  noArgs,
		RunE:  runServe,
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

func runServe(cmd *cobra.Command, _ []string) error {
	c, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	logger, err := newLogger(cmd, c.Log)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		versioncollector.NewCollector("sentei"),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	d, err := daemon.New(daemon.Options{
		Load:     func() (*config.Config, error) { return loadConfig(cmd) },
		Logger:   logger,
		Registry: registry,
		Now:      time.Now,
	})
	if _, network := errors.AsType[*net.OpError](err); network {
		return err
	}
	if err != nil {
		return usageError{err}
	}
	logger.Info("listening", "url", fmt.Sprintf("http://%s/", d.Addr()))
	go reloadOnHangup(cmd.Context(), d)
	return d.Run(cmd.Context())
}

// reloadOnHangup reloads at every SIGHUP. The daemon logs what comes of it.
func reloadOnHangup(ctx context.Context, d *daemon.Daemon) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			_ = d.Reload(ctx) // logged and counted by the daemon
		}
	}
}
