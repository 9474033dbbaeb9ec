package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/spf13/cobra"
	yamlv2 "go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/daemon"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/rules/rehearsal"
)

func newRehearse() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rehearse",
		Short: "Replay all consumers over stored data with and without relabel rules",
		Long: `rehearse scans once, then replays every consumer that reads a series which a
proposal would change, by Prometheus's own engine over the blocks on this
machine, or over a running Prometheus through remote read: once as the data is,
once as it would look. It says who would see a difference, when, and because of
which proposal, and what shows for a while after a deployment.

With --relabel it rehearses rules of your own instead: a prometheus.yml, whose
new metric_relabel_configs are compared with those of the backend's
prometheus_config; with --append a file that holds only what is to be appended,
as sentei propose prints it; or, with --job, a bare list of rules.

No difference on past data is no proof: see docs/rehearsal.md. Exit code 3
means that something differs.`,
		Args: noArgs,
		RunE: runRehearse,
	}
	d := config.Default().Rehearsal
	cmd.Flags().StringP("output", "o", "table", "format: table, json")
	addOutputFile(cmd)
	cmd.Flags().String("backend", "", "backend to rehearse (default: the only one)")
	cmd.Flags().String("data", "", "TSDB directory, or address of a Prometheus, to replay over (default: the backend's block source, or its prometheus source)")
	cmd.Flags().Duration("window", time.Duration(d.Window), "newest span to replay (default: of blocks the window of the block source, of a server a day)")
	cmd.Flags().String("relabel", "", "rehearse the rules in this file instead of the proposals")
	cmd.Flags().Bool("append", false, "the rules in the file of --relabel come after the current ones")
	cmd.Flags().String("job", "", "the file of --relabel is a list of rules to append to those of this scrape job")
	cmd.Flags().Int("instants", d.Instants, "number of instants at which each expression is replayed")
	cmd.Flags().Bool("cutover", d.Cutover, "also look at the time right after a change is deployed")
	cmd.Flags().Int("max-samples", d.MaxSamples, "number of samples that a query may hold in memory, about 16 bytes each")
	cmd.Flags().Duration("query-timeout", time.Duration(d.QueryTimeout), "time for one query")
	cmd.Flags().Duration("timeout", 0, "time for all; what is not reached counts as not rehearsed (default: none)")
	cmd.Flags().Duration("lookback-delta", time.Duration(d.LookbackDelta), "how long instant selectors look back, as Prometheus's --query.lookback-delta")
	return cmd
}

func runRehearse(cmd *cobra.Command, _ []string) error {
	output, _ := cmd.Flags().GetString("output")
	if output != "table" && output != "json" {
		return usageError{fmt.Errorf("--output is %q: want table or json", output)}
	}
	flags := config.Default()
	if err := overlayRehearsal(cmd, &flags); err != nil { // before a long scan
		return err
	}
	r, c, err := scan(cmd, nil, func(c *config.Config) { c.Rehearsal.Enabled = false }) // not twice
	if err != nil {
		return err
	}
	b, err := chosenBackend(cmd, r)
	if err != nil {
		return err
	}
	if err := overlayRehearsal(cmd, c); err != nil {
		return err
	}
	in := rehearsal.Input{Report: r, Backend: b.Name}
	if err := addChanges(cmd, c, b, &in); err != nil {
		return usageError{err}
	}
	logger, line, err := newProgressLogger(cmd, c.Log)
	if err != nil {
		return err
	}
	in.Data, err = daemon.RehearsalData(cmd.Context(), c, b.Name, logger, time.Now)
	if errors.Is(err, daemon.ErrNoData) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer in.Data.Close() //nolint:errcheck // nothing was written
	ctx := cmd.Context()
	if timeout, _ := cmd.Flags().GetDuration("timeout"); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	o := daemon.RehearsalOptions(c, logger)
	o.Concurrency = runtime.GOMAXPROCS(0)
	meter := source.NewMeter(b.Name, "rehearsal")
	meter.Begin(time.Now())
	o.Progress = func(done, total int) { meter.Set(int64(done), int64(total), "expressions") }
	stop := line.watch(func() []source.Progress { return []source.Progress{meter.Progress()} })
	res, err := rehearsal.Run(ctx, in, o)
	stop()
	if err != nil {
		return err
	}
	if err := toOutput(cmd, func(w io.Writer) error { return writeRehearsal(w, res, output) }); err != nil {
		return err
	}
	if !res.Clean() {
		return foundError{fmt.Errorf("the rehearsal differs: %d differences, %d ambiguous collisions", len(res.Differences), res.Figures.Ambiguous)}
	}
	return nil
}

func writeRehearsal(w io.Writer, res *rehearsal.Result, output string) error {
	if output == "table" {
		return writeRehearsalTable(w, res)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(res)
}

// chosenBackend returns the backend that --backend names.
func chosenBackend(cmd *cobra.Command, r *sentei.Report) (*sentei.Backend, error) {
	name, _ := cmd.Flags().GetString("backend")
	for i := range r.Backends {
		if r.Backends[i].Name == name || name == "" && len(r.Backends) == 1 {
			return &r.Backends[i], nil
		}
	}
	if name == "" {
		return nil, usageError{fmt.Errorf("there are %d backends: name one with --backend", len(r.Backends))}
	}
	return nil, usageError{fmt.Errorf("no backend is called %q", name)}
}

// addChanges fills in what to rehearse.
func addChanges(cmd *cobra.Command, c *config.Config, b *sentei.Backend, in *rehearsal.Input) error {
	path, _ := cmd.Flags().GetString("relabel")
	job, _ := cmd.Flags().GetString("job")
	appended, _ := cmd.Flags().GetBool("append")
	if path == "" {
		if job != "" || appended {
			return errors.New("--job and --append need --relabel")
		}
		in.AddProposals(b)
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read relabel rules: %w", err)
	}
	if job != "" {
		rules, err := readRules(text)
		if err != nil {
			return fmt.Errorf("read relabel rules %s: %w", path, err)
		}
		var note string
		if in.Changes, note = rehearsal.Added(b, job, 0, rules); note != "" {
			return errors.New(note)
		}
		return nil
	}
	included, err := promconfig.ScrapeConfigFiles(text, "", path)
	var wanted map[string][]*relabel.Config
	if err == nil {
		wanted, err = promconfig.MetricRelabelConfigs(text, included...)
	}
	if err != nil {
		return fmt.Errorf("read relabel rules %s: %w (for a list of rules, give --job)", path, err)
	}
	current := map[string][]*relabel.Config{}
	switch {
	case appended:
		for name := range wanted {
			current[name] = nil
		}
	default:
		old, oldIncluded, err := currentConfig(c, b.Name)
		if err != nil {
			return err
		}
		if current, err = promconfig.MetricRelabelConfigs(old, oldIncluded...); err != nil {
			return fmt.Errorf("backend %s: read prometheus_config: %w", b.Name, err)
		}
		others, err := promconfig.OtherChanges(old, oldIncluded, text, included)
		if err != nil {
			return fmt.Errorf("compare %s with prometheus_config: %w", path, err)
		}
		for _, o := range others {
			in.Notes = append(in.Notes, "changed, but not rehearsed: "+o)
		}
	}
	var notes []string
	in.Changes, notes, err = rehearsal.FromConfig(b, current, wanted)
	in.Notes = append(in.Notes, notes...)
	if err != nil {
		return fmt.Errorf("%w (or give --append for a file that holds new rules only)", err)
	}
	return nil
}

// readRules reads a list of relabel rules as Prometheus does.
func readRules(text []byte) ([]*relabel.Config, error) {
	var rules []*relabel.Config
	if err := yamlv2.UnmarshalStrict(text, &rules); err != nil {
		return nil, err
	}
	for i, rule := range rules {
		if rule == nil {
			return nil, fmt.Errorf("rule %d is empty", i+1)
		}
		if err := rule.Validate(model.UTF8Validation); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	return rules, nil
}

// currentConfig reads the prometheus.yml whose rules the stored data has
// passed, and the files of its scrape_config_files.
func currentConfig(c *config.Config, backend string) ([]byte, []promconfig.File, error) {
	for i := range c.Backends {
		b := &c.Backends[i]
		if b.Name != backend || b.PrometheusConfig == "" {
			continue
		}
		text, included, err := promconfig.Load(c.Dir, b.PrometheusConfig)
		if err != nil {
			return nil, nil, fmt.Errorf("backend %s: read prometheus_config: %w", b.Name, err)
		}
		return text, included, nil
	}
	return nil, nil, fmt.Errorf("backend %s has no prometheus_config, so it is not known which rules are new: set it, or give --append", backend)
}

// blockPath returns the path and the window of the backend's first block
// source.
func blockPath(c *config.Config, backend string) (string, time.Duration, error) {
	path, window, err := daemon.BlockSource(c, backend)
	if err == nil && path == "" {
		err = fmt.Errorf("backend %s has no block source: give the data with --data DIR", backend)
	}
	if err != nil {
		return "", 0, usageError{err}
	}
	return path, window, nil
}
