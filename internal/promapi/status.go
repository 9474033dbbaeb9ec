package promapi

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// BuildInfo says what the server is.
type BuildInfo struct {
	Version string `json:"version"`
}

// BuildInfo asks what the server is.
func (c *Client) BuildInfo(ctx context.Context) (BuildInfo, error) {
	info, _, err := get[BuildInfo](ctx, c, "/api/v1/status/buildinfo", nil)
	return info, wrap("read build information", err)
}

// RuntimeInfo is what a process says about itself.
type RuntimeInfo struct {
	Start time.Time `json:"startTime"`
	// Retention is for how long, or up to which size, it keeps samples. It is
	// empty for what is not a Prometheus with a storage of its own.
	Retention string `json:"storageRetention"`
}

// RuntimeInfo asks a server about its process.
func (c *Client) RuntimeInfo(ctx context.Context) (RuntimeInfo, error) {
	info, _, err := get[RuntimeInfo](ctx, c, "/api/v1/status/runtimeinfo", nil)
	return info, wrap("read runtime information", err)
}

// TSDBStatus describes the head block.
type TSDBStatus struct {
	Head struct {
		Series  int64 `json:"numSeries"`
		MinTime int64 `json:"minTime"` // Unix milliseconds
		MaxTime int64 `json:"maxTime"`
	} `json:"headStats"`
	SeriesByMetric []NameCount `json:"seriesCountByMetricName"`
	// ValueBytesByLabel is the length of the label's values, summed up over
	// all series.
	ValueBytesByLabel []NameCount `json:"memoryInBytesByLabelName"`
}

// NameCount is one entry of a top list.
type NameCount struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// TSDBStatus reads the statistics of the head block, each list with at most
// limit entries. Servers before 2.45 do not know the limit and give ten.
func (c *Client) TSDBStatus(ctx context.Context, limit int) (TSDBStatus, error) {
	status, _, err := get[TSDBStatus](ctx, c, "/api/v1/status/tsdb", url.Values{"limit": {strconv.Itoa(limit)}})
	return status, wrap("read head statistics", err)
}

// Metadata is what targets say about a metric family.
type Metadata struct {
	Type string `json:"type"`
	Unit string `json:"unit"`
	Help string `json:"help"`
}

// Metadata reads what active targets say about their metric families. One
// family may have several entries when targets differ.
func (c *Client) Metadata(ctx context.Context) (map[string][]Metadata, error) {
	families, _, err := get[map[string][]Metadata](ctx, c, "/api/v1/metadata", nil)
	return families, wrap("read metadata", err)
}

// Target is an active target.
type Target struct {
	Labels         map[string]string `json:"labels"`
	ScrapePool     string            `json:"scrapePool"`
	ScrapeInterval string            `json:"scrapeInterval"`
	ScrapeURL      string            `json:"scrapeUrl"`
}

type activeTargets struct {
	Active data[[]Target] `json:"activeTargets"`
}

func (t *activeTargets) check() error { return t.Active.check("activeTargets") }

// Targets reads the active targets.
func (c *Client) Targets(ctx context.Context) ([]Target, error) {
	found, _, err := get[activeTargets](ctx, c, "/api/v1/targets", url.Values{"state": {"active"}})
	return found.Active.value, wrap("read targets", err)
}

// ScrapePools reads the names of all scrape pools, those without targets
// included. Servers before 2.42 do not have it.
func (c *Client) ScrapePools(ctx context.Context) ([]string, error) {
	found, _, err := get[struct {
		Pools []string `json:"scrapePools"`
	}](ctx, c, "/api/v1/scrape_pools", nil)
	return found.Pools, wrap("read scrape pools", err)
}

type loadedConfig struct {
	YAML data[string] `json:"yaml"`
}

func (c *loadedConfig) check() error { return c.YAML.check("yaml") }

// ConfigYAML reads the configuration of the server, secrets masked. Files that
// it includes are not in it.
func (c *Client) ConfigYAML(ctx context.Context) (string, error) {
	found, _, err := get[loadedConfig](ctx, c, "/api/v1/status/config", nil)
	return found.YAML.value, wrap("read configuration", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
