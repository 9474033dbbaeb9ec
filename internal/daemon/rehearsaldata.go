package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/rules/rehearsal"
)

// serverWindow is how much of a running server is replayed when nobody says
// otherwise.
const serverWindow = 24 * time.Hour

// RehearsalOptions returns the bounds that the configuration sets.
func RehearsalOptions(c *config.Config, logger *slog.Logger) rehearsal.Options {
	o, r := rehearsal.DefaultOptions(), &c.Rehearsal
	o.Instants, o.MaxSamples, o.Logger = r.Instants, r.MaxSamples, logger
	o.QueryTimeout, o.Lookback = time.Duration(r.QueryTimeout), time.Duration(r.LookbackDelta)
	if !r.Cutover {
		o.Cutover = 0
	}
	return o
}

// RehearsalData opens what consumers of a backend are replayed over: what
// the configuration names, or the backend's block source, or its prometheus
// source if it has none.
func RehearsalData(ctx context.Context, c *config.Config, backend string, logger *slog.Logger, now func() time.Time) (*rehearsal.Data, error) {
	where, window := c.Rehearsal.Data, time.Duration(c.Rehearsal.Window)
	known, err := dataSources(c, backend)
	if err != nil {
		return nil, err
	}
	isURL := strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://")
	switch {
	case where == "" && known.block == nil && known.server == nil:
		return nil, fmt.Errorf("backend %s: %w", backend, ErrNoData)
	case isURL || where == "" && known.block == nil:
		server := promapi.DefaultConfig()
		// Credentials of the source go to its own server only.
		if known.server != nil && (where == "" || strings.TrimRight(where, "/") == strings.TrimRight(known.server.URL, "/")) {
			server = *known.server
		} else {
			server.URL = where
		}
		server.Concurrency = min(server.Concurrency, 2)
		if window == 0 {
			window = serverWindow
		}
		client, err := promapi.New(server, c.Dir, logger, now)
		if err != nil {
			return nil, fmt.Errorf("open data: %w", err)
		}
		return rehearsal.OpenServer(ctx, client, window)
	case where == "":
		where = known.block.Path
		if window == 0 {
			window = time.Duration(known.block.Window)
		}
	}
	return rehearsal.OpenBlocks(c.Path(where), window, logger)
}

// ErrNoData says that nothing tells which data to replay.
var ErrNoData = errors.New("it has neither a block source nor a prometheus source: name the data to replay with --data or rehearsal.data")

// BlockSource returns the path and the window of the backend's first block
// source. The path is empty when there is none.
func BlockSource(c *config.Config, backend string) (path string, window time.Duration, err error) {
	known, err := dataSources(c, backend)
	if err != nil || known.block == nil {
		return "", 0, err
	}
	return c.Path(known.block.Path), time.Duration(known.block.Window), nil
}

type blockOptions struct {
	Path   string         `yaml:"path"`
	Window model.Duration `yaml:"window"`
}

type sources struct {
	block  *blockOptions
	server *promapi.Config
}

// dataSources returns the first inventory source of each kind that data can be
// replayed from.
func dataSources(c *config.Config, backend string) (sources, error) {
	var out sources
	for i := range c.Backends {
		if c.Backends[i].Name != backend {
			continue
		}
		for k := range c.Backends[i].Inventory {
			var item map[string]yaml.Node
			if err := c.Backends[i].Inventory[k].Decode(&item); err != nil {
				return out, fmt.Errorf("backend %s: inventory: %w", backend, err)
			}
			if node, ok := item["block"]; ok && out.block == nil {
				out.block = &blockOptions{}
				if err := node.Decode(out.block); err != nil {
					return out, fmt.Errorf("backend %s: inventory: block: %w", backend, err)
				}
			}
			if node, ok := item["prometheus"]; ok && out.server == nil {
				server := promapi.DefaultConfig()
				if err := node.Decode(&server); err != nil {
					return out, fmt.Errorf("backend %s: inventory: prometheus: %w", backend, err)
				}
				out.server = &server
			}
		}
	}
	return out, nil
}
