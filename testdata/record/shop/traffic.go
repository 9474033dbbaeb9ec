package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// route is one kind of request of a service.
type route struct {
	path, method string
	weight       float64 // requests per second on average
	median       float64 // seconds
	errors       map[string]float64
}

// routes holds the traffic of each service.
var routes = map[string][]route{
	"shop-frontend": {
		{"/", "GET", 4, 0.012, nil},
		{"/product/:id", "GET", 6, 0.028, map[string]float64{"404": 0.02}},
		{"/search", "GET", 3, 0.09, map[string]float64{"503": 0.01}},
		{"/cart", "GET", 2, 0.02, nil},
		{"/cart", "POST", 1, 0.06, map[string]float64{"500": 0.005}},
		{"/healthz", "GET", 0.2, 0.001, nil},
	},
	"shop-checkout": {
		{"/checkout", "POST", 1.2, 0.18, map[string]float64{"409": 0.02, "500": 0.012}},
		{"/payment", "POST", 1, 0.4, map[string]float64{"502": 0.015}},
		{"/order/:id", "GET", 1.5, 0.03, nil},
		{"/healthz", "GET", 0.2, 0.001, nil},
	},
}

// simulate adds the traffic of one tick.
func (m *metrics) simulate(service string, now time.Time) {
	load := dayLoad(now)
	total := 0
	for _, r := range routes[service] {
		n := poisson(r.weight * load * tick.Seconds())
		total += n
		for range n {
			m.request(r, load)
		}
	}
	m.inFlight.Set(float64(poisson(float64(total) * 0.3)))
	m.backends(load)
	if service == "shop-frontend" {
		m.frontend(load)
	} else {
		m.checkout(load)
	}
}

// dayLoad is a wave with a period of ten minutes: a day in fast motion.
func dayLoad(now time.Time) float64 {
	return 1 + 0.5*math.Sin(2*math.Pi*float64(now.Unix()%600)/600)
}

func (m *metrics) request(r route, load float64) {
	code, seconds := "200", logNormal(r.median*math.Sqrt(load))
	dice := rand.Float64()
	for failure, share := range r.errors {
		if dice < share {
			code, seconds = failure, seconds*3
			break
		}
		dice -= share
	}
	m.requests.WithLabelValues(r.path, r.method, code).Inc()
	m.duration.WithLabelValues(r.path, r.method, code).Observe(ticks(seconds))
	m.responseSize.WithLabelValues(r.path).Observe(math.Round(logNormal(8000)))
}

// backends simulates caches, the database and the calls to other services.
func (m *metrics) backends(load float64) {
	for cache, hits := range map[string]float64{"products": 0.9, "prices": 0.7} {
		result := "miss"
		if rand.Float64() < hits {
			result = "hit"
		}
		m.cache.WithLabelValues(cache, result).Add(float64(poisson(3 * load)))
		m.cacheEvicted.WithLabelValues(cache, "size").Add(float64(poisson(0.05)))
		m.cacheEvicted.WithLabelValues(cache, "expired").Add(float64(poisson(0.2)))
		entries := math.Round(2000*hits + 50*rand.Float64())
		m.cacheEntries.WithLabelValues(cache).Set(entries)
		m.cacheBytes.WithLabelValues(cache).Set(entries * 512)
	}
	used := float64(min(20, poisson(6*load)))
	m.dbConns.WithLabelValues("used").Set(used)
	m.dbConns.WithLabelValues("idle").Set(20 - used)
	if used > 15 {
		m.dbWaits.Inc()
		m.dbWaitTime.Add(ticks(logNormal(0.02)))
	}
	for operation, median := range map[string]float64{"select": 0.004, "update": 0.011} {
		for range poisson(2 * load * tick.Seconds()) {
			m.dbQuery.WithLabelValues(operation).Observe(ticks(logNormal(median)))
		}
	}
	m.retries.WithLabelValues("inventory").Add(float64(poisson(0.02 * load)))
	m.retries.WithLabelValues("pricing").Add(float64(poisson(0.01 * load)))
}

func (m *metrics) frontend(load float64) {
	m.indexDocuments.WithLabelValues("products").Set(12000 + float64(rand.IntN(3)))
	m.indexDocuments.WithLabelValues("articles").Set(800)
	m.sessions.Set(math.Round(120 * load))
}

func (m *metrics) checkout(load float64) {
	for range poisson(0.8 * load * tick.Seconds()) {
		currency := pick("EUR", "EUR", "EUR", "USD", "SEK")
		status := pick("paid", "paid", "paid", "paid", "paid", "cancelled", "failed")
		m.orders.WithLabelValues(status, currency).Inc()
		m.orderValue.WithLabelValues(currency).Observe(math.Round(logNormal(45)))
		provider := pick("card", "card", "wallet")
		result := pick("ok", "ok", "ok", "ok", "ok", "ok", "declined", "error")
		m.payments.WithLabelValues(provider, result).Inc()
		m.paymentTime.WithLabelValues(provider).Observe(ticks(logNormal(0.6)))
		m.emails.WithLabelValues(pick("order_confirmation", "invoice", "welcome")).Inc()
	}
	if rand.Float64() < 0.05 {
		m.coupons.WithLabelValues(pick("autumn", "newsletter", "loyalty")).Inc()
	}
	m.cart()
	m.syncLag.WithLabelValues("north").Set(float64(rand.IntN(20)))
	m.syncLag.WithLabelValues("south").Set(float64(5 + rand.IntN(40)))
	for _, queue := range []string{"emails", "invoices"} {
		m.queueDepth.WithLabelValues(queue).Set(float64(poisson(4 * load)))
		m.queueAge.WithLabelValues(queue).Set(float64(poisson(6 * load)))
		m.queueHandled.WithLabelValues(queue, "ok").Add(float64(poisson(0.5 * load)))
		m.queueHandled.WithLabelValues(queue, "failed").Add(float64(poisson(0.01)))
	}
}

// cart opens a new session now and then: the label with ever more values that every fleet has somewhere.
func (m *metrics) cart() {
	if rand.Float64() < 0.045 {
		m.carts = append(m.carts, randomName(12))
	}
	if len(m.carts) == 0 || rand.Float64() > 0.3 {
		return
	}
	recent := m.carts[max(0, len(m.carts)-5):]
	m.cartEvents.WithLabelValues(pick(recent...), pick("add", "add", "remove")).Inc()
}

func pick(values ...string) string { return values[rand.IntN(len(values))] }

// logNormal draws from a log-normal distribution, the usual shape of latencies and sizes.
func logNormal(median float64) float64 { return median * math.Exp(0.6*rand.NormFloat64()) }

// ticks rounds seconds to 1/1024 of a second, as a service that measures with a coarse clock would. Sums
// of them are exact and take little room in the block.
func ticks(seconds float64) float64 { return math.Round(seconds*1024) / 1024 }

// poisson draws the number of events when mean are expected.
func poisson(mean float64) int {
	limit, product, n := math.Exp(-mean), rand.Float64(), 0
	for ; product > limit; n++ {
		product *= rand.Float64()
	}
	return n
}
