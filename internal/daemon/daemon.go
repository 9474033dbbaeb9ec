// Package daemon runs sentei for a long time. In go a configuration and its
// reloads; out come reports on a schedule, kept in memory for the HTTP
// endpoints and written to a folder. It knows nothing of signals or of the
// command line.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/robfig/cron/v3"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/metrics"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/files"
	"github.com/sentei/sentei/internal/store"
)

// Options are what a Daemon works with.
type Options struct {
	// Load reads the configuration, at the start and at every reload.
	Load     func() (*config.Config, error)
	Logger   *slog.Logger
	Registry *prometheus.Registry
	Now      func() time.Time
}

// Daemon scans on schedule and serves the last good report.
type Daemon struct {
	options  Options
	metrics  *metrics.Metrics
	listener net.Listener
	webFile  string
	review   http.Handler
	reloads  chan chan error
	store    *store.Store // nil when nothing is kept
	box      *store.Store // what is to be delivered: the store, or one in memory

	scheduler *scheduler
	outbox    *outbox

	current atomic.Pointer[setup]
	report  atomic.Pointer[sentei.Report]
	changed atomic.Pointer[changes.Changes] // since the report before; nil without one
	running atomic.Pointer[Scanner]         // whose scan runs, nil between scans
	tried   atomic.Bool                     // a scan has been tried
}

// setup is what one configuration amounts to. A reload swaps it as a whole.
type setup struct {
	config   *config.Config
	scanner  *Scanner
	schedule cron.Schedule
	outputs  []output
	reports  []*Scheduled
}

// New loads the configuration and opens store and listener. Listening address,
// web configuration file, store and number of top metrics are fixed from here
// on; a reload changes everything else.
func New(o Options) (*Daemon, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, err
	}
	webFile := s.config.Path(s.config.Web.ConfigFile)
	if webFile != "" { // a pipe would keep the server from starting and from ending
		f, err := files.Open(webFile)
		if err != nil {
			return nil, fmt.Errorf("read web.config_file: %w", err)
		}
		f.Close()
	}
	listener, err := net.Listen("tcp", s.config.Web.ListenAddress)
	if err != nil {
		return nil, fmt.Errorf("listen on web.listen_address: %w", err)
	}
	kept, err := OpenStore(context.Background(), s.config, false)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.scanner.UseStore(kept)
	d := &Daemon{
		options:  o,
		listener: listener,
		webFile:  webFile,
		reloads:  make(chan chan error),
		store:    kept,
	}
	d.metrics, err = metrics.New(o.Registry, metrics.Options{Top: s.config.Output.TopMetrics, Progress: d.progress})
	if err != nil {
		return nil, errors.Join(err, d.closeStore(), listener.Close())
	}
	d.review, err = d.newReview(s.config)
	if err != nil {
		return nil, errors.Join(err, d.closeStore(), listener.Close())
	}
	d.current.Store(s)
	if err := d.newDeliveries(); err != nil {
		return nil, errors.Join(err, d.closeStore(), listener.Close())
	}
	d.metrics.ConfigLoaded(true, o.Now())
	return d, nil
}

func prepare(o Options) (*setup, error) {
	c, err := o.Load()
	if err != nil {
		return nil, err
	}
	scanner, err := NewScanner(c, o.Logger, o.Now)
	if err != nil {
		return nil, err
	}
	schedule, err := config.ParseSchedule(c.Scan.Schedule)
	if err != nil {
		return nil, fmt.Errorf("scan.schedule: %w", err)
	}
	outputs, err := newOutputs(c)
	if err != nil {
		return nil, err
	}
	reports, err := NewReports(c, o.Logger, o.Now)
	if err != nil {
		return nil, err
	}
	return &setup{c, scanner, schedule, outputs, reports}, nil
}

// Addr is the address that the daemon listens on.
func (d *Daemon) Addr() net.Addr { return d.listener.Addr() }

// Report returns the last good report, or nil before the first one.
func (d *Daemon) Report() *sentei.Report { return d.report.Load() }

// Run scans and serves until ctx ends, then shuts down in order. It returns
// nil when it was stopped by ctx.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: d.guardHost(d.handler()), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- web.Serve(d.listener, server, &web.FlagConfig{WebConfigFile: &d.webFile}, d.options.Logger)
		cancel() // without a server there is no daemon
	}()
	var deliveries sync.WaitGroup
	deliveries.Go(func() { d.scheduler.run(ctx) })
	deliveries.Go(func() { d.outbox.run(ctx) })
	d.loop(ctx)
	deliveries.Wait()

	stopping, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	err := server.Shutdown(stopping)
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = fmt.Errorf("serve: %w", serveErr)
	}
	return errors.Join(err, d.closeStore())
}

func (d *Daemon) closeStore() error {
	var errs []error
	for _, s := range []*store.Store{d.store, d.box} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
