package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/analyzer"
	"github.com/sentei/sentei/analyzer/inventory"
	"github.com/sentei/sentei/analyzer/usage"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/rules"
)

// builder makes sources and rules from the configuration and keeps every
// mistake, so that all of them are shown at once.
type builder struct {
	config *config.Config
	logger *slog.Logger
	now    func() time.Time
	meters []*source.Meter // of all sources, in configuration order
	// configs are the prometheus.yml of the backends, by their names.
	configs map[string]rules.Config
	errs    []error
}

func (b *builder) fail(err error) { b.errs = append(b.errs, err) }

func (b *builder) backends() []analyzer.Backend {
	backends := make([]analyzer.Backend, len(b.config.Backends))
	for i := range b.config.Backends {
		c := &b.config.Backends[i]
		backends[i] = analyzer.Backend{
			Name:      c.Name,
			Isolated:  c.Isolated,
			Budget:    c.Budget,
			Inventory: b.inventories(c),
			Usage:     b.usages(c),
		}
		b.prometheusConfig(c, &backends[i])
	}
	return backends
}

// prometheusConfig reads what matters of the user's prometheus.yml, if there
// is one.
func (b *builder) prometheusConfig(c *config.Backend, into *analyzer.Backend) {
	if c.PrometheusConfig == "" {
		return
	}
	text, included, err := promconfig.Load(b.config.Dir, c.PrometheusConfig)
	if err != nil {
		b.fail(fmt.Errorf("backend %s: read prometheus_config: %w", c.Name, err))
		return
	}
	read, err := promconfig.Read(text, included...)
	if err != nil {
		b.fail(fmt.Errorf("backend %s: read prometheus_config %s: %w", c.Name, c.PrometheusConfig, err))
		return
	}
	b.configs[c.Name] = rules.Config{Path: c.PrometheusConfig, Content: text, Included: included}
	into.ScrapeJobs, into.ExternalLabels, into.RemoteWrite = read.ScrapeJobs, read.ExternalLabels, read.RemoteWrite
	into.DuplicateTargets = promconfig.Duplicates(read.Targets)
}

func (b *builder) inventories(c *config.Backend) []analyzer.InventorySource {
	var out []analyzer.InventorySource
	count := map[string]int{}
	for i := range c.Inventory {
		info, node, ok := member(b, c.Name, "inventory", &c.Inventory[i], inventory.All(), kindOf)
		if !ok {
			continue
		}
		env := b.env(c.Name, info.Kind, count)
		if count[info.Kind] == 2 { // they can only be of two servers, of which one would count
			b.fail(fmt.Errorf("backend %s: line %d: there are two inventory sources %s, but a backend is one server: make each shard, replica and tenant a backend of its own",
				c.Name, c.Inventory[i].Line, info.Kind))
		}
		s, err := info.Build(node, env)
		if err != nil {
			b.fail(fmt.Errorf("backend %s: inventory: %w", c.Name, err))
			continue
		}
		s = &guardedInventory{source: s, meter: env.Meter, now: b.now}
		out = append(out, analyzer.InventorySource{Name: env.Name, Kind: info.Kind, Source: s})
	}
	return out
}

func (b *builder) usages(c *config.Backend) []analyzer.UsageSource {
	var out []analyzer.UsageSource
	count := map[string]int{}
	kind := func(i usage.Info) string { return i.Kind }
	for i := range c.Usage {
		info, node, ok := member(b, c.Name, "usage", &c.Usage[i], usage.All(), kind)
		if !ok {
			continue
		}
		env := b.env(c.Name, info.Kind, count)
		s, err := info.Build(node, env)
		if err != nil {
			b.fail(fmt.Errorf("backend %s: usage: %w", c.Name, err))
			continue
		}
		s = &guardedUsage{source: s, meter: env.Meter, now: b.now}
		out = append(out, analyzer.UsageSource{Name: env.Name, Kind: info.Kind, Class: info.Class, Source: s})
	}
	return out
}

// env returns what a source gets; the second source of a kind is called
// "block#2", and so on.
func (b *builder) env(backend, kind string, count map[string]int) source.Env {
	count[kind]++
	name := kind
	if n := count[kind]; n > 1 {
		name = fmt.Sprintf("%s#%d", kind, n)
	}
	meter := source.NewMeter(backend, name)
	b.meters = append(b.meters, meter)
	return source.Env{
		Backend: backend, Name: name, Dir: b.config.Dir, Now: b.now, Meter: meter,
		CacheDir: b.config.Path(b.config.Scan.CacheDirectory),
		Logger:   b.logger.With("backend", backend, "component", name),
	}
}

// rules returns the rules to run, in the order of rules.All.
func (b *builder) rules() []rules.Rule {
	var out []rules.Rule
	known := map[string]bool{}
	for _, info := range rules.All() {
		known[info.Kind] = true
		var node *yaml.Node
		if n, set := b.config.Rules[info.Kind]; set {
			node = &n
		}
		r, err := info.Build(node, source.Env{Name: info.Kind, Dir: b.config.Dir, Now: b.now, Logger: b.logger})
		if err != nil {
			b.fail(fmt.Errorf("rules: %w", err))
			continue
		}
		out = append(out, r)
	}
	for kind, node := range b.config.Rules {
		if !known[kind] {
			b.fail(fmt.Errorf("rules: line %d: no rule is called %q: there are %s", node.Line, kind, names(rules.All(), kindOf)))
		}
	}
	return out
}

func kindOf[S any](i source.Info[S]) string { return i.Kind }

// member finds the member of a family that a list item configures. The item
// is a mapping with one key, the kind: "block: {path: data}".
func member[I any](b *builder, backend, family string, item *yaml.Node, all []I, kind func(I) string) (info I, options *yaml.Node, ok bool) {
	if item.Kind == yaml.AliasNode {
		item = item.Alias
	}
	if item.Kind != yaml.MappingNode || len(item.Content) != 2 {
		b.fail(fmt.Errorf("backend %s: line %d: an item of %s must be one kind with its options, such as %q", backend, item.Line, family, kind(all[0])+": {…}"))
		return info, nil, false
	}
	name := item.Content[0].Value
	i := slices.IndexFunc(all, func(i I) bool { return kind(i) == name })
	if i < 0 {
		b.fail(fmt.Errorf("backend %s: line %d: no %s source is called %q: there are %s", backend, item.Line, family, name, names(all, kind)))
		return info, nil, false
	}
	return all[i], item.Content[1], true
}

func names[I any](all []I, kind func(I) string) string {
	s := make([]string, len(all))
	for i := range all {
		s[i] = kind(all[i])
	}
	return strings.Join(s, ", ")
}

func (b *builder) err() error {
	slices.SortFunc(b.errs, func(x, y error) int { return strings.Compare(x.Error(), y.Error()) })
	return errors.Join(b.errs...)
}
