package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/relabeling"
	"github.com/sentei/sentei/internal/source"
)

const cutRemoteWriteKind = "cut_remote_write"

type cutRemoteWriteOptions struct {
	Links     []remoteLink `yaml:"links"`
	MinSeries int64        `yaml:"min_series"`
	MaxValues int          `yaml:"max_values"`
}

// remoteLink says that a backend sends to another.
type remoteLink struct {
	From        string `yaml:"from"`
	RemoteWrite string `yaml:"remote_write"` // name or URL of the entry
	To          string `yaml:"to"`
}

func cutRemoteWrite() Info {
	return source.New(cutRemoteWriteKind, sentei.Doc{
		Title: "Send to a remote store only what is read there",
		Text: `Where a local Prometheus sends to another backend of the report by remote_write, proposes write_relabel_configs for what
nobody reads there: metrics whose verdict in the receiver is *unused*, in all jobs or in one, and values of labels that every
reader there refuses. The local Prometheus keeps storing all of it, so its own alerts, rules and dashboards see no difference;
only consumers of the receiver count, and those of backends that may be fed from it in turn (set ` + "`isolated: true`" + ` at the receiver
when there are none). Results stay the same to the bit (grade A), also while the rule is deployed.

Everything passes there, so what no scrape job's rules reach may be cut here: up, scrape_*, ALERTS and recorded series.

sentei does not guess who feeds whom: name each pair under links. The sender needs prometheus_config. Nothing is proposed

- for an entry of remote_write that cannot be told from another: give it a name;
- for an entry whose rules change metric names or job labels, since then the names differ at both ends;
- for what drop_unused_metric or delete_dead_rule propose to drop at the source, as nobody reads it in the sender either;
- for single jobs, when job is an external label.

The saving is what the receiver no longer stores: the series of the sender, or those of the receiver where they are fewer.`,
		Example: `cut_remote_write:
  # Who sends to whom: names of backends, and the name or URL of the entry of
  # remote_write. It may be left out when there is only one.
  links:
    - {from: local, remote_write: long-term, to: mimir}
  # Propose nothing that saves fewer series.
  min_series: 10
  # Propose no rule that names more values.
  max_values: 50
`,
	}, cutRemoteWriteOptions{MinSeries: 10, MaxValues: 50}, newCutRemoteWrite)
}

func newCutRemoteWrite(o cutRemoteWriteOptions, _ source.Env) (Rule, error) {
	if o.MinSeries < 1 || o.MaxValues < 1 {
		return nil, errors.New("min_series and max_values must be 1 or more")
	}
	for i, l := range o.Links {
		if l.From == "" || l.To == "" || l.From == l.To {
			return nil, fmt.Errorf("links[%d] needs the names of two backends, from and to", i)
		}
		if slices.ContainsFunc(o.Links[:i], func(k remoteLink) bool { return k.From == l.From && k.RemoteWrite == l.RemoteWrite }) {
			return nil, fmt.Errorf("links[%d] is about the same entry of remote_write as one before", i)
		}
	}
	return o, nil
}

// Propose implements Rule.
func (o cutRemoteWriteOptions) Propose(_ context.Context, in *Input) (Made, error) {
	var all Made
	x := in.index()
	for _, l := range o.Links {
		c, reason, hint := o.cutter(in, l)
		if reason != "" {
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: l.From, Source: cutRemoteWriteKind, Where: fmt.Sprintf("remote_write %q to backend %s", l.RemoteWrite, l.To),
				Message: "nothing is proposed: " + reason, Hint: hint,
			}))
			continue
		}
		for i := range x.report.Metrics {
			if m := &x.report.Metrics[i]; m.Backend == l.To {
				all.Proposals = append(all.Proposals, c.metric(m)...)
			}
		}
	}
	return all, nil
}

// cutter proposes what to cut at one entry of remote_write.
type cutter struct {
	cutRemoteWriteOptions
	x        *index
	from, to *sentei.Backend
	entry    string // its name, or its URL
	jobs     bool   // rules may ask for the stored job label
	senders  []string
	read     []sentei.Evidence // what was read of the receiver
}

// cutter returns nil and a reason with a hint when the link cannot be used.
func (o cutRemoteWriteOptions) cutter(in *Input, l remoteLink) (c *cutter, reason, hint string) {
	c = &cutter{cutRemoteWriteOptions: o, x: in.index()}
	for i := range c.x.report.Backends {
		switch b := &c.x.report.Backends[i]; b.Name {
		case l.From:
			c.from = b
		case l.To:
			c.to = b
		}
	}
	for _, k := range o.Links {
		if k.To == l.To {
			c.senders = append(c.senders, k.From)
		}
	}
	if c.from == nil || c.to == nil {
		return nil, "there is no such backend", "write from and to as the backends are named"
	}
	file, ok := in.Configs[l.From]
	if !ok {
		return nil, "the prometheus.yml of the sender is not known", "set prometheus_config of backend " + l.From
	}
	read, err := promconfig.ReadRelabeling(file.Content, file.Included...)
	if err != nil {
		return nil, err.Error(), ""
	}
	entry, reason := remoteEntry(read.RemoteWrites, l.RemoteWrite)
	if reason != "" {
		return nil, reason, "give the entries of remote_write in " + file.Path + " names of their own"
	}
	for _, r := range entry.Rules {
		if relabeling.MayChange(r.Config, model.MetricNameLabel) || relabeling.MayChange(r.Config, model.JobLabel) {
			return nil, "its write_relabel_configs may change metric names or job labels", "see line " + fmt.Sprint(r.Line) + " of " + file.Path
		}
	}
	c.entry = entry.Name
	if c.entry == "" {
		c.entry = entry.URL
	}
	c.jobs = read.ExternalLabels[model.JobLabel] == ""
	c.read = readSoFar(c.x.report, l.To)
	return c, "", ""
}

// remoteEntry finds the entry with the name or URL, or the only one.
func remoteEntry(entries []promconfig.Rules, name string) (*promconfig.Rules, string) {
	var found []*promconfig.Rules
	for i := range entries {
		if e := &entries[i]; name == "" || e.Name == name || e.URL == name {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0:
		return nil, "prometheus.yml has no such entry of remote_write"
	case len(found) > 1:
		return nil, fmt.Sprintf("prometheus.yml has %d such entries of remote_write, which cannot be told apart", len(found))
	case found[0].Name == "" && found[0].URL == "":
		return nil, "the entry of remote_write has neither name nor URL"
	}
	// The place of a proposal names the entry, so nothing else may be called so.
	for i := range entries {
		if e := &entries[i]; e != found[0] && found[0].Name == "" && e.URL == found[0].URL {
			return nil, "another entry of remote_write has the same URL"
		}
	}
	return found[0], ""
}
