package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What became of reports that are delivered on a schedule.
var (
	deliveriesTotal = &family{"sentei_deliveries_total", "counter", []string{"report", "channel", "result"},
		"Number of tries to deliver a report since the start, by result: delivered, failed (it is tried again) or given_up (the receiver refuses it, or it was tried for too long)."}
	deliveriesWaiting = &family{"sentei_deliveries_waiting", "gauge", []string{"report", "channel"},
		"Number of messages of the report that wait to be delivered."}
	deliveriesFailing = &family{"sentei_deliveries_failing", "gauge", []string{"report", "channel"},
		"Number of messages of the report that wait after a try that failed, or that were given up when the report was made last. It should be 0."}
	deliverySuccess = &family{"sentei_delivery_last_success_timestamp_seconds", "gauge", []string{"report", "channel"},
		"When a message of the report was last delivered, as seconds since 1970; 0 before the first."}
)

// DeliveryResult is what came of a try to deliver.
type DeliveryResult string

// The results of deliveries.
const (
	DeliveryDone    DeliveryResult = "delivered"
	DeliveryFailed  DeliveryResult = "failed"
	DeliveryGivenUp DeliveryResult = "given_up"
)

// DeliverySum tells how the deliveries of a report to a channel stand.
type DeliverySum struct {
	Report, Channel  string
	Waiting, Failing int
	LastSuccess      time.Time // zero when none has succeeded
}

// deliveryMetrics are the collectors of deliveries.
type deliveryMetrics struct {
	total   *prometheus.CounterVec
	waiting *prometheus.GaugeVec
	failing *prometheus.GaugeVec
	success *prometheus.GaugeVec

	mu   sync.Mutex
	told map[[2]string]bool // reports and channels with values
}

func newDeliveryMetrics() *deliveryMetrics {
	return &deliveryMetrics{
		total:   prometheus.NewCounterVec(prometheus.CounterOpts(deliveriesTotal.opts()), deliveriesTotal.labels),
		waiting: prometheus.NewGaugeVec(deliveriesWaiting.opts().gauge(), deliveriesWaiting.labels),
		failing: prometheus.NewGaugeVec(deliveriesFailing.opts().gauge(), deliveriesFailing.labels),
		success: prometheus.NewGaugeVec(deliverySuccess.opts().gauge(), deliverySuccess.labels),
	}
}

func (d *deliveryMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{d.total, d.waiting, d.failing, d.success}
}

// DeliveryTried counts a try to deliver a report.
func (m *Metrics) DeliveryTried(report, channel string, result DeliveryResult) {
	m.deliveries.total.WithLabelValues(valid(report), valid(channel), string(result)).Inc()
}

// SetDeliveries replaces how the deliveries stand. It is given every report and
// channel of the configuration.
func (m *Metrics) SetDeliveries(sums []DeliverySum) {
	d := m.deliveries
	d.mu.Lock()
	defer d.mu.Unlock()
	told := map[[2]string]bool{}
	for _, s := range sums {
		report, channel := valid(s.Report), valid(s.Channel)
		told[[2]string{report, channel}] = true
		for _, r := range []DeliveryResult{DeliveryDone, DeliveryFailed, DeliveryGivenUp} {
			d.total.WithLabelValues(report, channel, string(r)) // be there before the first try
		}
		d.waiting.WithLabelValues(report, channel).Set(float64(s.Waiting))
		d.failing.WithLabelValues(report, channel).Set(float64(s.Failing))
		at := 0.0
		if !s.LastSuccess.IsZero() {
			at = seconds(s.LastSuccess)
		}
		d.success.WithLabelValues(report, channel).Set(at)
	}
	for old := range d.told {
		if !told[old] {
			for _, vec := range []*prometheus.GaugeVec{d.waiting, d.failing, d.success} {
				vec.DeleteLabelValues(old[:]...)
			}
		}
	}
	d.told = told
}
