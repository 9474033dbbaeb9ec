package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics is everything that one pod exposes beside the collectors of the Go client. Some of it is read
// by the rules and dashboards of the sample data and some by nobody: testdata/README.md says which.
type metrics struct {
	// Both services.
	requests     *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	responseSize *prometheus.HistogramVec
	inFlight     prometheus.Gauge
	podInfo      *prometheus.GaugeVec
	buildInfo    *prometheus.GaugeVec
	configLoaded prometheus.Gauge
	features     *prometheus.GaugeVec
	retries      *prometheus.CounterVec
	breaker      *prometheus.GaugeVec
	cache        *prometheus.CounterVec
	cacheEvicted *prometheus.CounterVec
	cacheEntries *prometheus.GaugeVec
	cacheBytes   *prometheus.GaugeVec
	dbConns      *prometheus.GaugeVec
	dbMaxConns   prometheus.Gauge
	dbWaits      prometheus.Counter
	dbWaitTime   prometheus.Counter
	dbQuery      *prometheus.HistogramVec
	// Frontend only; nil in a checkout pod.
	indexDocuments *prometheus.GaugeVec
	sessions       prometheus.Gauge
	// Checkout only; nil in a frontend pod.
	orders       *prometheus.CounterVec
	orderValue   *prometheus.HistogramVec
	payments     *prometheus.CounterVec
	paymentTime  *prometheus.HistogramVec
	cartEvents   *prometheus.CounterVec
	coupons      *prometheus.CounterVec
	emails       *prometheus.CounterVec
	syncLag      *prometheus.GaugeVec
	queueDepth   *prometheus.GaugeVec
	queueAge     *prometheus.GaugeVec
	queueHandled *prometheus.CounterVec

	carts []string // sessions seen so far
}

// newMetrics registers the metrics of a pod of service.
func newMetrics(registry prometheus.Registerer, service string) *metrics {
	f := promauto.With(registry)
	m := &metrics{}
	m.registerHTTP(f)
	m.registerCommon(f)
	if service == "shop-frontend" {
		m.indexDocuments = gaugeVec(f, "shop_search_index_documents", "Documents in the search index.", "index")
		m.sessions = gauge(f, "shop_sessions_active", "Sessions that were active within the last 15 minutes.")
		return m
	}
	m.registerCheckout(f)
	return m
}

func (m *metrics) registerHTTP(f promauto.Factory) {
	m.requests = counterVec(f, "http_requests_total", "HTTP requests by route, method and status code.", "path", "method", "code")
	m.duration = histogramVec(f, "http_request_duration_seconds", "Time to serve an HTTP request.",
		[]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, "path", "method", "code")
	m.responseSize = histogramVec(f, "http_response_size_bytes", "Size of HTTP answers.",
		[]float64{1000, 10000, 100000}, "path")
	m.inFlight = gauge(f, "http_requests_in_flight", "HTTP requests being served.")
}

func (m *metrics) registerCommon(f promauto.Factory) {
	m.podInfo = gaugeVec(f, "shop_pod_info", "Where the pod runs; always 1.", "node", "pod_ip", "uid", "zone")
	m.buildInfo = gaugeVec(f, "shop_build_info", "Build of the service; always 1.", "version", "revision", "branch", "goversion")
	m.configLoaded = gauge(f, "shop_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded.")
	m.features = gaugeVec(f, "shop_feature_flag_enabled", "1 if the feature is on.", "flag")
	m.retries = counterVec(f, "shop_upstream_retries_total", "Calls to other services that were repeated.", "upstream")
	m.breaker = gaugeVec(f, "shop_circuit_breaker_open", "1 if calls to the other service are suspended.", "upstream")
	m.cache = counterVec(f, "shop_cache_requests_total", "Cache look-ups by result.", "cache", "result")
	m.cacheEvicted = counterVec(f, "shop_cache_evictions_total", "Entries thrown out of the cache.", "cache", "reason")
	m.cacheEntries = gaugeVec(f, "shop_cache_entries", "Entries in the cache.", "cache")
	m.cacheBytes = gaugeVec(f, "shop_cache_size_bytes", "Memory of the cache.", "cache")
	m.dbConns = gaugeVec(f, "shop_db_pool_connections", "Connections of the database pool by state.", "state")
	m.dbMaxConns = gauge(f, "shop_db_pool_max_connections", "Most connections that the pool may open.")
	m.dbWaits = counter(f, "shop_db_pool_waits_total", "Requests that waited for a connection.")
	m.dbWaitTime = counter(f, "shop_db_pool_wait_seconds_total", "Time spent waiting for a connection.")
	m.dbQuery = histogramVec(f, "shop_db_query_duration_seconds", "Time of a database query.",
		[]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1}, "operation")
}

func (m *metrics) registerCheckout(f promauto.Factory) {
	m.orders = counterVec(f, "shop_orders_total", "Orders by outcome.", "status", "currency")
	m.orderValue = histogramVec(f, "shop_order_value_euros", "Value of an order.", []float64{10, 25, 50, 100, 250, 1000}, "currency")
	m.payments = counterVec(f, "shop_payment_attempts_total", "Payment attempts by provider and result.", "provider", "result")
	m.paymentTime = histogramVec(f, "shop_payment_duration_seconds", "Time of a payment.", []float64{0.1, 0.25, 0.5, 1, 2.5, 5}, "provider")
	m.cartEvents = counterVec(f, "shop_cart_events_total", "What happens in carts, by session.", "session", "event")
	m.coupons = counterVec(f, "shop_coupon_redemptions_total", "Coupons redeemed by campaign.", "campaign")
	m.emails = counterVec(f, "shop_emails_sent_total", "Mails sent by template.", "template")
	m.syncLag = gaugeVec(f, "shop_inventory_sync_lag_seconds", "How far the inventory is behind the warehouse.", "warehouse")
	m.queueDepth = gaugeVec(f, "shop_queue_depth", "Items waiting in the queue.", "queue")
	m.queueAge = gaugeVec(f, "shop_queue_oldest_item_age_seconds", "Age of the oldest item in the queue.", "queue")
	m.queueHandled = counterVec(f, "shop_queue_items_processed_total", "Items taken from the queue by result.", "queue", "result")
}

// describePod sets what stays the same for the life of the pod. hash names its release.
func (m *metrics) describePod(release int, hash, node, address string) {
	zones := []string{"zone-a", "zone-b"}
	ip := fmt.Sprintf("10.20.%d.%d", rand.IntN(4), 2+rand.IntN(250))
	uid := fmt.Sprintf("%08x-%04x-4%03x", rand.Uint32(), rand.IntN(1<<16), rand.IntN(1<<12))
	m.podInfo.WithLabelValues(node, ip, uid, zones[len(address)%2]).Set(1)
	m.buildInfo.WithLabelValues(fmt.Sprintf("2.%d.0", 13+release), hash[:7], "main", "go1.26.0").Set(1)
	m.configLoaded.SetToCurrentTime()
	m.dbMaxConns.Set(20)
	for i, flag := range []string{"new_search", "one_click_checkout", "gift_cards", "dark_mode"} {
		m.features.WithLabelValues(flag).Set(float64(i % 2))
	}
	for _, upstream := range []string{"inventory", "pricing"} {
		m.breaker.WithLabelValues(upstream).Set(0)
	}
}

func counter(f promauto.Factory, name, help string) prometheus.Counter {
	return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counterVec(f promauto.Factory, name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(f promauto.Factory, name, help string) prometheus.Gauge {
	return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func gaugeVec(f promauto.Factory, name, help string, labels ...string) *prometheus.GaugeVec {
	return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func histogramVec(f promauto.Factory, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return f.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}
