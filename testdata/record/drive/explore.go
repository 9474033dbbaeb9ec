package main

import (
	"context"
	"log"
	"time"
)

// explored are queries that people type by hand. Each names something that is in no rule and no
// dashboard, so the query log is the only trace of its use. The last two fail when they are evaluated.
var explored = []struct {
	expr    string
	instant bool
}{
	{expr: `max by (warehouse) (shop_inventory_sync_lag_seconds{job="shop"})`},
	{expr: `{__name__=~"shop_search_index_.+", index="products"}`, instant: true},
	{expr: `sum by (upstream) (rate(shop_upstream_retries_total{service="shop-checkout"}[5m]))`},
	{expr: `rate(node_netstat_Tcp_RetransSegs[5m]) / rate(node_netstat_Tcp_OutSegs[5m])`},
	{expr: `sum by (job) (promhttp_metric_handler_requests_total{code!="200"})`, instant: true},
	{expr: `alertmanager_nflog_snapshot_size_bytes`, instant: true},
	{expr: `rate(http_requests_total{job="shop"}[5m]) / on (service) rate(shop_orders_total{job="shop"}[5m])`},
	{expr: `shop_cache_entries * on (service) group_left (version) shop_build_info`, instant: true},
}

// explore asks one of the explored queries; the number of the visit chooses it.
func explore(ctx context.Context, api *api, visit int, now time.Time) {
	q := explored[visit%len(explored)]
	var err error
	if q.instant {
		_, err = api.query(ctx, q.expr, now)
	} else {
		_, err = api.queryRange(ctx, q.expr, now.Add(-10*time.Minute), now, step)
	}
	if err != nil {
		log.Printf("explore %s: %v", q.expr, err)
	}
}
