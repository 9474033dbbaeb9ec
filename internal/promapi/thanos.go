package promapi

import (
	"context"
	"slices"
)

// ReceiveTenants reads the tenants of a Thanos Receive, sorted. Receive tells
// the statistics of the head as a list with an entry for each tenant; an answer
// of another make is an error.
func (c *Client) ReceiveTenants(ctx context.Context) ([]string, error) {
	found, _, err := get[[]struct {
		Tenant string `json:"tenant"`
	}](ctx, c, "/api/v1/status/tsdb", nil)
	if err != nil {
		return nil, wrap("read the tenants of a Thanos Receive", err)
	}
	tenants := make([]string, len(found))
	for i, f := range found {
		tenants[i] = f.Tenant
	}
	slices.Sort(tenants)
	return tenants, nil
}
