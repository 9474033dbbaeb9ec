// Package metrics is sentei's own Prometheus metrics. In go the last
// sentei.Report and how scans went; out comes a collector whose page is made
// when a report arrives, so that a scrape only copies it.
//
// Its series are bounded. With B backends, S sources, R rules, F output
// files and N = Options.Top there are at most
//
//	4·B·(N+4) + 5·B·N     per metric: four families, and the consumers of each kind
//	+ 6·B·N               three labels of each metric: what they leave, and their values
//	+ 24·B·(G+1)          jobs, namespaces and owners by verdict; G is N, but 30 at most
//	+ 33·B                totals by verdict, consumers by kind and state, budgets
//	+ B·R·4·T             proposals by rule, grade and state; T states
//	+ 2·B·(N + R·4·T)     what they would save, by scrape job
//	+ 8·B                 proposals that were carried out
//	+ 8·S + 2·B           sources and problems
//	+ F                   files in the output directory
//	+ 6·D                 reports that are delivered, by channel; D is how many
//	+ 10                  scans, configuration and the report's time
//
// series: at most 3750 for one backend with N = 100 and a dozen rules, and 770
// on the sample data. What is beyond the top N is summed up under
// metric="__other__" (or stored_job, stored_namespace, owner, scrape_job), so that sums
// stay true.
package metrics

import (
	"cmp"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sentei/sentei"
)

// Options are what a user may choose.
type Options struct {
	// Top is how many metrics, and places of proposals, of each backend have
	// series of their own, the most expensive first. 0 means DefaultTop.
	Top int
	// Progress tells how far the scan that runs has come, 0 to 1, and 1 when none
	// runs. It is always 1 when nil. It may be called at any time from
	// any goroutine.
	Progress func() float64
}

// DefaultTop is the default of Options.Top.
const DefaultTop = 100

// Other stands for all metrics, or scrape jobs, that have no series of their
// own.
const Other = "__other__"

// Result is how a scan ended.
type Result string

// The results.
const (
	Success Result = "success"
	Failure Result = "failure" // no report was made
)

// Metrics is the collector. Its methods may be called at any time from any
// goroutine.
type Metrics struct {
	top  int
	page atomic.Pointer[[]prometheus.Metric]

	scans         *prometheus.CounterVec
	scanDuration  prometheus.Gauge
	scanOK        prometheus.Gauge
	scanSuccess   prometheus.Gauge
	reloadOK      prometheus.Gauge
	reloadSuccess prometheus.Gauge
	outputs       *prometheus.GaugeVec
	deliveries    *deliveryMetrics
}

// New returns the metrics, registered. It fails when the registerer has
// metrics of these names already.
func New(reg prometheus.Registerer, o Options) (*Metrics, error) {
	m := &Metrics{
		top:           cmp.Or(o.Top, DefaultTop),
		scans:         prometheus.NewCounterVec(prometheus.CounterOpts(scansTotal.opts()), scansTotal.labels),
		scanDuration:  prometheus.NewGauge(scanDurationSeconds.opts().gauge()),
		scanOK:        prometheus.NewGauge(lastScanOK.opts().gauge()),
		scanSuccess:   prometheus.NewGauge(lastScanSuccess.opts().gauge()),
		reloadOK:      prometheus.NewGauge(configReloadOK.opts().gauge()),
		reloadSuccess: prometheus.NewGauge(configReloadSuccess.opts().gauge()),
		outputs:       prometheus.NewGaugeVec(outputOK.opts().gauge(), outputOK.labels),
		deliveries:    newDeliveryMetrics(),
	}
	for _, r := range []Result{Success, Failure} {
		m.scans.WithLabelValues(string(r)) // be there before the first scan
	}
	if o.Progress == nil {
		o.Progress = func() float64 { return 1 }
	}
	progress := prometheus.NewGaugeFunc(scanProgressRatio.opts().gauge(), o.Progress)
	collectors := []prometheus.Collector{m, progress, m.scans, m.scanDuration, m.scanOK, m.scanSuccess, m.reloadOK, m.reloadSuccess, m.outputs}
	for _, c := range append(collectors, m.deliveries.collectors()...) {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register own metrics: %w", err)
		}
	}
	return m, nil
}

// SetReport replaces the report that the metrics tell about. It does not keep
// the report.
func (m *Metrics) SetReport(r *sentei.Report) {
	page := newPage(r, m.top).metrics()
	m.page.Store(&page)
}

// ScanDone counts a scan that ended at an instant after it took some time.
func (m *Metrics) ScanDone(result Result, took time.Duration, at time.Time) {
	m.scans.WithLabelValues(string(result)).Inc()
	m.scanDuration.Set(took.Seconds())
	if result != Success {
		m.scanOK.Set(0)
		return
	}
	m.scanOK.Set(1)
	m.scanSuccess.Set(seconds(at))
}

// ConfigLoaded notes that the configuration was read, at the start or by a
// reload, and whether it was taken.
func (m *Metrics) ConfigLoaded(ok bool, at time.Time) {
	if !ok {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadSuccess.Set(seconds(at))
}

// OutputWritten notes whether a file, given by its base name, could be written.
func (m *Metrics) OutputWritten(file string, ok bool) {
	value := 0.0
	if ok {
		value = 1
	}
	m.outputs.WithLabelValues(valid(file)).Set(value)
}

// ForgetOutputs forgets all files, as another configuration may name others.
func (m *Metrics) ForgetOutputs() { m.outputs.Reset() }

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range reportFamilies() {
		ch <- f.desc()
	}
}

// Collect implements prometheus.Collector. Before the first report there is
// nothing to collect.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	if page := m.page.Load(); page != nil {
		for _, metric := range *page {
			ch <- metric
		}
	}
}

// valid makes a label value of any text.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
